"""Counts of votes on the way: co-occurrences and patterns of each part, in whole numbers that add up."""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..faults import InputError
from ..folder import write_file
from ..moments import Moments
from ..schema import LabelSchema
from ..votes import VoteMatrix, as_votes
from .job import FunctionKey, digest
from .store import PartStore

MOST_PATTERNS = 200_000
"""Distinct patterns of votes above which they are no longer counted: they would be as many as records."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """Which rows of votes occur, and how often: all that a label model can learn from votes.

    Parameters
    ----------
    values : ndarray of int8 of shape (n_patterns, n_functions)
        Distinct rows in lexical order.
    counts : ndarray of int64 of shape (n_patterns,)
        Records with that row.
    """

    values: NDArray[np.int8]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.int8], counts: NDArray[np.int64] | None = None) -> Self:
        """Count the distinct rows of votes; `counts` says how often each row stands for a record."""
        dense = np.ascontiguousarray(values, dtype=np.int8)
        weights = np.ones(len(dense), dtype=np.int64) if counts is None else counts
        if not len(dense) or not dense.shape[1]:
            return cls(dense[:0], np.zeros(0, dtype=np.int64))
        keys = (dense.astype(np.int16) + 1).astype(np.uint8).view(np.dtype((np.void, dense.shape[1]))).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        total = np.zeros(len(first), dtype=np.int64)
        np.add.at(total, inverse.ravel(), weights)
        keep = total != 0
        return cls(dense[first][keep], total[keep])

    def plus(self, other: Self, sign: int = 1) -> Self:
        """Return the counts of both sets of records together, or of the first without the second."""
        return type(self).of(
            np.concatenate([self.values, other.values]), np.concatenate([self.counts, sign * other.counts])
        )


def write_counts(
    store: PartStore, keys: Sequence[FunctionKey], groups: Sequence[Mapping[str, Any]], schema: LabelSchema
) -> Path:
    """Write the counts of a part's votes by all functions, unless they are there."""
    file = store.path / f"counts-{set_name(keys, schema)}.npz"
    if not file.is_file():
        votes = store.votes(keys, groups, schema, with_ids=False)
        write_file(file, _packed(Moments.of(votes), Patterns.of(votes.dense())))
    return file


def set_name(keys: Sequence[FunctionKey], schema: LabelSchema) -> str:
    """Return the name of the counts of some functions, in their order."""
    return digest([key.key for key in keys], list(schema.classes))[:16]


def add_counts(
    files: Iterable[Path], schema: LabelSchema, names: Sequence[str], dropped: Iterable[NDArray[np.int8]] = ()
) -> tuple[Moments, Patterns | None]:
    """Return the sum of the parts' counts, less those of rows that were dropped afterwards."""
    total = empty_moments(schema, names)
    patterns: Patterns | None = Patterns.of(np.zeros((0, len(names)), dtype=np.int8))
    for file in files:
        moments, found = read_counts(file, schema, names)
        total += moments
        patterns = patterns and found and patterns.plus(found)
        if patterns is not None and len(patterns.counts) > MOST_PATTERNS:
            patterns = None
    for values in dropped:
        votes = as_votes(values, schema=schema)
        votes = VoteMatrix(votes.values, schema, tuple(_infos(names)))
        moments = Moments.of(votes)
        total = Moments(
            schema, total.names, total.n_records - moments.n_records, total.n_covered - moments.n_covered,
            total.singles - moments.singles, total.pairs - moments.pairs,
        )  # fmt: skip
        patterns = patterns and patterns.plus(Patterns.of(values), -1)
    return total, patterns


def empty_moments(schema: LabelSchema, names: Sequence[str]) -> Moments:
    """Return the counts of no record at all."""
    m, k = len(names), schema.cardinality
    singles, pairs = np.zeros((m, k), dtype=np.int64), np.zeros((m * k, m * k), dtype=np.int64)
    return Moments(schema, tuple(names), 0, 0, singles, pairs)


def write_totals(folder: Path, moments: Moments, patterns: Patterns | None) -> str:
    """Write the counts of a whole folder and return their hash."""
    data = _packed(moments, patterns)
    write_file(folder / "counts.npz", data)
    return hashlib.sha256(data).hexdigest()[:32]


def read_counts(file: Path, schema: LabelSchema, names: Sequence[str]) -> tuple[Moments, Patterns | None]:
    """Read what `write_counts` or `write_totals` wrote."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            n_records, n_covered = (int(value) for value in stored["n"])
            moments = Moments(schema, tuple(names), n_records, n_covered, stored["singles"], stored["pairs"])
            patterns = Patterns(stored["patterns"], stored["counts"]) if "patterns" in stored else None
    except (OSError, ValueError, KeyError):
        raise InputError(file, "holds no readable counts; run `sidelight label` again") from None
    return moments, patterns


def _packed(moments: Moments, patterns: Patterns | None) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {
        "n": np.array([moments.n_records, moments.n_covered], dtype=np.int64),
        "singles": moments.singles,
        "pairs": moments.pairs,
    }
    if patterns is not None and len(patterns.counts) <= MOST_PATTERNS:
        arrays |= {"patterns": patterns.values, "counts": patterns.counts}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _infos(names: Sequence[str]) -> Iterable[Any]:
    from ..votes import FunctionInfo

    return (FunctionInfo(name) for name in names)
