"""The votes that are no abstention, record after record: what counting and scoring work through, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .patterns import Patterns
from .votes import VoteMatrix

BLOCK = 1 << 14
"""Records worked on at once: few enough that what is made of them stays in the processor's cache."""


MOST_SPREAD = 200_000
"""Records that rows with counts are spread out into at most; more would not change what is learned from them."""


@dataclass(frozen=True, eq=False)
class CastVotes:
    """Votes that are no abstention, in four bytes each.

    Parameters
    ----------
    columns : ndarray of int32 of shape (n_votes,)
        What was voted by whom, ``function * n_classes + class``, ascending within a record.
    pointers : ndarray of int64 of shape (n_records + 1,)
        Where each record's votes begin in `columns`, and where the last one's end.
    n_columns : int
        Functions times classes.
    counts : ndarray of int64 of shape (n_records,), optional
        How many records each of these stands for, where they are distinct rows of votes; one when not given.

    Examples
    --------
    >>> from sidelight.labeling import as_votes
    >>> cast = CastVotes.of(as_votes([[0, -1], [1, 1]]))
    >>> cast.columns.tolist(), cast.pointers.tolist()
    ([0, 1, 3], [0, 1, 3])
    """

    columns: NDArray[np.int32]
    pointers: NDArray[np.int64]
    n_columns: int
    counts: NDArray[np.int64] | None = None

    @classmethod
    def of_patterns(cls, patterns: Patterns) -> Self:
        """Collect the votes of distinct rows, each with its count."""
        return replace(cls.of(patterns.as_votes()), counts=patterns.counts)

    @classmethod
    def of(cls, votes: VoteMatrix) -> Self:
        """Collect the votes of a matrix, dense or sparse."""
        k = votes.schema.cardinality
        n_columns = votes.n_functions * k
        if votes.is_sparse:
            rows = votes.values.tocsr()
            rows.sort_indices()
            columns = rows.indices.astype(np.int32) * np.int32(k) + (rows.data.astype(np.int32) - 1)
            return cls(columns.astype(np.int32), rows.indptr.astype(np.int64), n_columns)
        values = votes.dense()
        pointers = np.zeros(len(values) + 1, dtype=np.int64)
        for rows in spans(len(values)):
            pointers[rows.start + 1 : rows.stop + 1] = np.count_nonzero(values[rows] >= 0, axis=1)
        np.cumsum(pointers, out=pointers)
        columns = np.empty(pointers[-1], dtype=np.int32)
        for rows in spans(len(values)):
            columns[pointers[rows.start] : pointers[rows.stop]] = _columns(values[rows], k)
        return cls(columns, pointers, n_columns)

    @property
    def n_records(self) -> int:
        """Number of records."""
        return len(self.pointers) - 1

    @property
    def n_votes(self) -> int:
        """Number of votes."""
        return len(self.columns)

    def blocks(self) -> Iterator[tuple[slice, Any]]:
        """Yield the rows of each block and its votes, a CSR array with a 1 for each."""
        most = max(
            (int(self.pointers[r.stop] - self.pointers[r.start]) for r in spans(self.n_records)), default=0
        )
        ones = np.ones(most)
        for rows in spans(self.n_records):
            first, last = self.pointers[rows.start], self.pointers[rows.stop]
            starts = self.pointers[rows.start : rows.stop + 1] - first
            yield rows, _csr(ones[: last - first], self.columns[first:last], starts, self.n_columns)

    def spread_out(self, most: int = MOST_SPREAD) -> Self:
        """Return the records that the rows stand for, one by one; of more than `most` every so manieth."""
        if self.counts is None:
            return self
        total = int(self.counts.sum())
        n = min(total, most)
        places = ((np.arange(n) + 0.5) * (total / max(1, n))).astype(np.int64)
        taken = self.take(np.searchsorted(np.cumsum(self.counts), places, side="right"))
        return type(self)(taken.indices.astype(np.int32), taken.indptr.astype(np.int64), self.n_columns)

    def take(self, rows: NDArray[np.intp]) -> Any:
        """Return some records' votes as a CSR array with a 1 for each."""
        counts = self.pointers[rows + 1] - self.pointers[rows]
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(starts[-1]) + np.repeat(self.pointers[rows] - starts[:-1], counts)
        return _csr(np.ones(len(places)), self.columns[places], starts, self.n_columns)


def vote_blocks(votes: VoteMatrix) -> Iterator[tuple[slice, Any]]:
    """Yield what `CastVotes.blocks` does, without keeping more than one block of a dense matrix."""
    if votes.is_sparse:
        yield from CastVotes.of(votes).blocks()
        return
    values, k = votes.dense(), votes.schema.cardinality
    for rows in spans(len(values)):
        block = values[rows]
        columns = _columns(block, k)
        starts = np.concatenate([[0], np.cumsum(np.count_nonzero(block >= 0, axis=1))])
        yield rows, _csr(np.ones(len(columns)), columns, starts, block.shape[1] * k)


def covered_records(votes: VoteMatrix) -> NDArray[np.bool_]:
    """Return whether any function voted on each record, shape (n_records,), without a copy of the votes."""
    if votes.is_sparse:
        return votes.covered()
    values = votes.dense()
    covered = np.zeros(len(values), dtype=np.bool_)
    for rows in spans(len(values)):
        np.any(values[rows] >= 0, axis=1, out=covered[rows])
    return covered


def spans(n_records: int) -> Iterator[slice]:
    """Yield the rows of each block of up to `BLOCK` records."""
    for start in range(0, n_records, BLOCK):
        yield slice(start, min(start + BLOCK, n_records))


def _columns(block: NDArray[np.int8], k: int) -> NDArray[np.int32]:
    """Return ``function * k + class`` for the votes of a dense block, row by row."""
    voted = np.flatnonzero((block >= 0).ravel())
    everywhere = block + np.arange(block.shape[1], dtype=np.int32) * np.int32(k)
    return np.asarray(everywhere.ravel()[voted], dtype=np.int32)


def _csr(ones: NDArray[np.float64], columns: Any, starts: Any, n_columns: int) -> Any:
    """Return a CSR array of votes."""
    shape = (len(starts) - 1, n_columns)
    return sparse.csr_array((ones, columns, starts.astype(np.int32)), shape=shape)
