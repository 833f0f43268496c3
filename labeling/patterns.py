"""Distinct rows of votes and how many records show each: records that agree in all votes agree in all that follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .counted import Counted
from .schema import LabelSchema
from .votes import FunctionInfo, VoteMatrix


@dataclass(frozen=True, eq=False)
class Patterns(Counted):
    """The distinct rows of a vote matrix, in lexicographic order, with their counts; they add up across parts.

    Parameters
    ----------
    schema : LabelSchema
        The classes.
    names : tuple of str
        Names of the functions.
    values : ndarray of int8 of shape (n_patterns, n_functions)
        Distinct rows of votes, sorted, so that no order of records or parts can show.
    counts : ndarray of int64 of shape (n_patterns,)
        Records that show each row.

    Examples
    --------
    >>> from sidelight.labeling import as_votes
    >>> patterns = Patterns.of(as_votes([[1, 0], [0, -1], [1, 0]]))
    >>> patterns.values.tolist(), patterns.counts.tolist()
    ([[0, -1], [1, 0]], [1, 2])
    """

    schema: LabelSchema
    names: tuple[str, ...]
    values: NDArray[np.int8]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, votes: VoteMatrix) -> Self:
        """Collect the distinct rows of a matrix."""
        values = votes.dense()
        keep, counts = _distinct(values, np.ones(len(values), dtype=np.int64))
        return cls(votes.schema, votes.names, np.ascontiguousarray(values[keep]), counts)

    def __add__(self, other: Self) -> Self:
        """Merge with the rows of other records of the same functions."""
        self.check_alike(other)
        values = np.concatenate([self.values, other.values])
        keep, counts = _distinct(values, np.concatenate([self.counts, other.counts]))
        return type(self)(self.schema, self.names, np.ascontiguousarray(values[keep]), counts)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n_records(self) -> int:
        """Number of records counted."""
        return int(self.counts.sum())

    def as_votes(self) -> VoteMatrix:
        """Return the distinct rows as votes of records without ids."""
        return VoteMatrix(self.values, self.schema, tuple(FunctionInfo(name) for name in self.names))


def _distinct(
    values: NDArray[np.int8], weights: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return where each distinct row first stands, in lexicographic order of the rows, and the weight of each."""
    n, m = values.shape
    if n == 0:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int64)
    n_words = max(1, -(-m // 8))
    padded = np.zeros((n, n_words * 8), dtype=np.uint8)
    padded[:, :m] = (values + np.int8(1)).view(np.uint8)
    words = padded.view(">u8").astype(np.uint64)
    multipliers = np.random.default_rng(7).integers(1, 2**63, n_words, dtype=np.uint64) * 2 + 1
    mixed = words[:, 0].copy() if n_words == 1 else np.zeros(n, dtype=np.uint64)
    if n_words > 1:
        for column in range(n_words):
            mixed += words[:, column] * multipliers[column]
            mixed ^= mixed >> np.uint64(29)
    _, first, place = np.unique(mixed, return_index=True, return_inverse=True)
    if n_words > 1 and not (words == words[first[place]]).all():
        rows = np.ascontiguousarray(padded).view(np.dtype((np.void, padded.shape[1]))).ravel()
        _, first, place = np.unique(rows, return_index=True, return_inverse=True)
    totals = np.zeros(len(first), dtype=np.int64)
    np.add.at(totals, place, weights)
    order = np.lexsort(words[first].T[::-1])
    return np.asarray(first[order], dtype=np.intp), totals[order]
