"""Counts of votes on the way: co-occurrences and patterns of each part, in whole numbers that add up."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..faults import InputError
from ..folder import write_file
from ..moments import DENSE_UP_TO, Moments
from ..patterns import Patterns
from ..schema import LabelSchema
from ..votes import FunctionInfo, VoteMatrix
from .job import FunctionKey, digest
from .store import PartStore

MOST_PATTERNS = 200_000
"""Distinct patterns of votes above which they are no longer counted: they would be as many as records."""


def write_counts(
    store: PartStore, keys: Sequence[FunctionKey], groups: Sequence[Mapping[str, Any]], schema: LabelSchema
) -> Path:
    """Write the counts of a part's votes by all functions, unless they are there."""
    file = store.path / f"counts-{set_name(keys, schema)}.npz"
    if not file.is_file():
        votes = store.votes(keys, groups, schema, with_ids=False)
        write_file(file, pack_counts(Moments.of(votes), Patterns.of(votes)))
    return file


def set_name(keys: Sequence[FunctionKey], schema: LabelSchema) -> str:
    """Return the name of the counts of some functions, in their order."""
    return digest([key.key for key in keys], list(schema.classes))[:16]


def add_counts(
    files: Iterable[Path], schema: LabelSchema, names: Sequence[str], dropped: Iterable[NDArray[np.int8]] = ()
) -> tuple[Moments, Patterns | None]:
    """Return the sum of the parts' counts, less those of rows that were dropped afterwards."""
    moments = empty_moments(schema, names)
    patterns: Patterns | None = Patterns.of(_votes(np.zeros((0, len(names)), dtype=np.int8), schema, names))
    for file in files:
        more, found = read_counts(file, schema, names)
        moments += more
        patterns = None if patterns is None or found is None else _few(patterns + found)
    for values in dropped:
        votes = _votes(values, schema, names)
        moments += _negative(Moments.of(votes))
        if patterns is not None:
            gone = Patterns.of(votes)
            patterns += replace(gone, counts=-gone.counts)
    return moments, None if patterns is None else _few(patterns)


def add_folders(
    counts: Sequence[tuple[Moments, Patterns | None]],
) -> tuple[Moments, Patterns | None]:
    """Return the sum of the counts of several folders, such as those of several sites."""
    moments, patterns = counts[0]
    for more, found in counts[1:]:
        moments += more
        patterns = None if patterns is None or found is None else _few(patterns + found)
    return moments, patterns


def empty_moments(schema: LabelSchema, names: Sequence[str]) -> Moments:
    """Return the counts of no record at all."""
    m, k = len(names), schema.cardinality
    singles = np.zeros((m, k), dtype=np.int64)
    many = m * k > DENSE_UP_TO
    pairs: Any = (
        sparse.csr_array((m * k, m * k), dtype=np.int64) if many else np.zeros((m * k, m * k), dtype=np.int64)
    )
    return Moments(schema, tuple(names), 0, 0, singles, pairs)


def write_totals(folder: Path, moments: Moments, patterns: Patterns | None) -> str:
    """Write the counts of a whole folder and return their hash."""
    data = pack_counts(moments, patterns)
    write_file(folder / "counts.npz", data)
    return hashlib.sha256(data).hexdigest()[:32]


def read_counts(
    file: Path | IO[bytes], schema: LabelSchema, names: Sequence[str]
) -> tuple[Moments, Patterns | None]:
    """Read what `write_counts` or `write_totals` wrote."""
    size = len(names) * schema.cardinality
    try:
        with np.load(file, allow_pickle=False) as stored:
            n_records, n_covered = (int(value) for value in stored["n"])
            pairs: Any
            if "pairs" in stored:
                pairs = stored["pairs"]
            else:
                arrays = (stored["pair_counts"], stored["pair_columns"], stored["pair_starts"])
                pairs = sparse.csr_array(arrays, shape=(size, size))
            moments = Moments(schema, tuple(names), n_records, n_covered, stored["singles"], pairs)
            found = (stored["patterns"], stored["counts"]) if "patterns" in stored else None
    except (OSError, ValueError, KeyError):
        where = file if isinstance(file, Path) else "counts"
        raise InputError(where, "holds no readable counts; run `sidelight label` again") from None
    return moments, None if found is None else Patterns(schema, tuple(names), *found)


def pack_counts(moments: Moments, patterns: Patterns | None) -> bytes:
    """Return counts as the bytes of a file, the same for equal counts."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {
        "n": np.array([moments.n_records, moments.n_covered], dtype=np.int64),
        "singles": moments.singles,
    }
    if sparse.issparse(moments.pairs):
        pairs = sparse.csr_array(moments.pairs, dtype=np.int64, copy=True)
        pairs.sum_duplicates()  # sorts as well
        pairs.eliminate_zeros()
        arrays |= {
            "pair_counts": pairs.data,
            "pair_columns": pairs.indices.astype(np.int64),
            "pair_starts": pairs.indptr.astype(np.int64),
        }
    else:
        arrays["pairs"] = moments.pairs
    if patterns is not None and len(patterns) <= MOST_PATTERNS:
        arrays |= {"patterns": patterns.values, "counts": patterns.counts}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _few(patterns: Patterns) -> Patterns | None:
    """Return patterns without those that no record shows any more; None when they are too many to keep."""
    if (patterns.counts == 0).any():
        keep = patterns.counts != 0
        patterns = replace(patterns, values=patterns.values[keep], counts=patterns.counts[keep])
    return None if len(patterns) > MOST_PATTERNS else patterns


def _negative(moments: Moments) -> Moments:
    return replace(
        moments, n_records=-moments.n_records, n_covered=-moments.n_covered, singles=-moments.singles, pairs=-moments.pairs,
    )  # fmt: skip


def _votes(values: NDArray[np.int8], schema: LabelSchema, names: Sequence[str]) -> VoteMatrix:
    return VoteMatrix(np.ascontiguousarray(values, np.int8), schema, tuple(FunctionInfo(n) for n in names))
