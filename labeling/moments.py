"""What label models need to know of votes, in whole numbers: how often functions vote, and vote together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .cast_votes import CastVotes, spans
from .counted import Counted
from .schema import LabelSchema
from .votes import VoteMatrix

CHUNK = 1 << 14
"""Records whose votes are counted at once; sums stay far below 2**24, so float32 products are exact."""

SPARSE_CHUNK = 1 << 18
"""The same in a table of very many votes."""

DENSE_UP_TO = 5000
"""Votes (functions times classes) up to which pairs are kept in a dense table of 200 MB at most."""

DENSE_COST = 2.5e-11
SPARSE_COST = 2.5e-9
"""Seconds that a multiplication takes in a product of dense blocks, and a square of votes on one record when pairs are
counted one by one; only their ratio matters, and only for speed: both ways count the same."""

PAIRS_AT_ONCE = 1 << 18
"""Votes whose pairs are counted at once."""


@dataclass(frozen=True, eq=False)
class Moments(Counted):
    """Counts of single votes and of pairs of votes over a set of records; they add up across parts and sites.

    Counts are int64, so that any order of merging gives the same bits.

    Parameters
    ----------
    schema : LabelSchema
        The classes.
    names : tuple of str
        Names of the functions.
    n_records : int
        Records counted.
    n_covered : int
        Records with at least one vote.
    singles : ndarray of int64 of shape (n_functions, n_classes)
        How often each function voted for each class.
    pairs : ndarray or sparse CSR array of int64 of shape (n_functions * n_classes, n_functions * n_classes)
        How often two functions voted for two classes on the same record; function i and class v stand at
        ``i * n_classes + v``. The diagonal repeats `singles`. Sparse from `DENSE_UP_TO` votes on.
    noisy : bool, default False
        Whether noise was added to the counts to protect patients: then they show no structure that small.

    Examples
    --------
    >>> from sidelight.labeling import as_votes
    >>> moments = Moments.of(as_votes([[0, -1], [1, 1], [1, 0]]))
    >>> moments.singles.tolist()
    [[1, 2], [1, 1]]
    >>> moments.pairs[1, 2:].tolist()              # function 0 says 1 while function 1 says 0, and 1
    [1, 1]
    """

    schema: LabelSchema
    names: tuple[str, ...]
    n_records: int
    n_covered: int
    singles: NDArray[np.int64]
    pairs: Any
    noisy: bool = field(default=False, kw_only=True)

    @classmethod
    def of(cls, votes: VoteMatrix) -> Self:
        """Count the votes of a matrix, dense or sparse."""
        return cls.of_cast(votes, CastVotes.of(votes))

    @classmethod
    def of_cast(cls, votes: VoteMatrix, cast: CastVotes) -> Self:
        """Count the votes of a matrix whose `CastVotes` are at hand."""
        m, k = votes.n_functions, votes.schema.cardinality
        per_record = np.diff(cast.pointers).astype(np.float64)
        sparsely = SPARSE_COST * float(per_record @ per_record) < DENSE_COST * votes.n_records * (m * k) ** 2
        pairs: Any
        if m * k > DENSE_UP_TO:
            pairs = _pairs_many(cast)
        elif votes.is_sparse or sparsely:
            pairs = _pairs_sparse(cast)
        else:
            pairs = _pairs_dense(votes.dense(), m, k)
        singles = pairs.diagonal().reshape(m, k).copy()
        covered = int(np.count_nonzero(per_record))
        return cls(votes.schema, votes.names, votes.n_records, covered, singles, pairs)

    def __add__(self, other: Self) -> Self:
        """Merge with the counts of other records of the same functions."""
        self.check_alike(other)
        return type(self)(
            self.schema,
            self.names,
            self.n_records + other.n_records,
            self.n_covered + other.n_covered,
            self.singles + other.singles,
            self.pairs + other.pairs,
            noisy=self.noisy or other.noisy,
        )

    def between(self, votes: NDArray[np.intp]) -> NDArray[Any]:
        """Return the pairs among some votes (``function * n_classes + class``), dense."""
        if sparse.issparse(self.pairs):
            return np.asarray(self.pairs[votes][:, votes].toarray(), dtype=np.int64)
        return np.asarray(self.pairs[np.ix_(votes, votes)], dtype=np.int64)

    def meanings(self, votes: NDArray[np.intp]) -> Any:
        """Return what some votes are made of, shape (n_votes, n_votes), or None: each is sure, and only itself."""
        del votes

    def both_voted(self) -> NDArray[Any]:
        """Return on how many records two functions both voted, shape (n_functions, n_functions)."""
        m, k = self.singles.shape
        if sparse.issparse(self.pairs):
            owner = sparse.csr_array(
                (np.ones(m * k, np.int64), (np.arange(m * k), np.repeat(np.arange(m), k)))
            )
            return np.asarray((owner.T @ self.pairs @ owner).toarray(), dtype=np.int64)
        return np.asarray(self.pairs.reshape(m, k, m, k).sum(axis=(1, 3)), dtype=np.int64)

    def same_vote(self) -> NDArray[Any]:
        """Return on how many records two functions cast the same vote, shape (n_functions, n_functions)."""
        m, k = self.singles.shape
        if sparse.issparse(self.pairs):
            total = np.zeros((m, m), dtype=np.int64)
            for c in range(k):
                cells = np.arange(m) * k + c
                total += self.pairs[cells][:, cells].toarray()
            return total
        return np.asarray(np.einsum("ivjv->ij", self.pairs.reshape(m, k, m, k)), dtype=np.int64)

    def repeats(self) -> int:
        """Return how many times over every record seems to stand in the data: the greatest common divisor of the counts.

        Records that were all read twice double every count and tell nothing new; counts of records that were drawn
        have no common divisor but 1 unless there are very few.
        """
        few = np.concatenate([[self.n_records, self.n_covered], self.singles.ravel()])
        common = int(np.gcd.reduce(few))
        if common > 1:
            pairs = self.pairs.data if sparse.issparse(self.pairs) else self.pairs.ravel()
            common = int(np.gcd(common, np.gcd.reduce(pairs))) if pairs.size else common
        return max(1, common)

    def over(self, repeats: int) -> Self:
        """Return the counts of records that each stand `repeats` times in these."""
        if repeats == 1:
            return self
        return type(self)(
            self.schema, self.names, self.n_records // repeats, self.n_covered // repeats,
            self.singles // repeats, self.pairs // repeats, noisy=self.noisy,
        )  # fmt: skip

    @property
    def n_functions(self) -> int:
        """Number of labeling functions."""
        return len(self.names)

    @property
    def coverage(self) -> NDArray[np.float64]:
        """Share of records on which each function votes, shape (n_functions,)."""
        return np.asarray(self.singles.sum(axis=1) / max(1, self.n_records), dtype=np.float64)


def _pairs_dense(values: NDArray[np.int8], m: int, k: int) -> NDArray[np.int64]:
    """Count pairs by products of one-hot blocks; class-major within a chunk, because that is quickest to fill."""
    total = np.zeros((m * k, m * k), dtype=np.int64)
    for start in range(0, len(values), CHUNK):
        block = np.ascontiguousarray(values[start : start + CHUNK].T)
        hot = np.empty((k, m, block.shape[1]), dtype=np.float32)
        for c in range(k):
            np.equal(block, c, out=hot[c], casting="unsafe")
        flat = hot.reshape(k * m, block.shape[1])
        total += (flat @ flat.T).astype(np.int64)
    by_function = np.arange(m * k).reshape(k, m).T.ravel()
    return np.ascontiguousarray(total[np.ix_(by_function, by_function)])


def _pairs_sparse(cast: CastVotes) -> NDArray[np.int64]:
    """Count pairs from the votes that are no abstention, one by one.

    Records are sorted by how many votes they have, so that the first votes of all of them, the second votes and so on
    stand side by side; each is then paired with all earlier ones at once.
    """
    size = cast.n_columns
    total = np.zeros(size * size, dtype=np.int64)
    for rows in spans(cast.n_records):
        starts = cast.pointers[rows.start : rows.stop]
        counts = cast.pointers[rows.start + 1 : rows.stop + 1] - starts
        order = np.argsort(-counts, kind="stable")
        starts, counts = starts[order], counts[order]
        at = 0
        while at < len(counts) and counts[at] > 0:
            end = at + max(1, PAIRS_AT_ONCE // int(counts[at]))
            _add_pairs(total, cast.columns, starts[at:end], counts[at:end], size)
            at = end
    upper = total.reshape(size, size)
    pairs = upper + upper.T
    pairs[np.diag_indices(size)] = np.bincount(cast.columns, minlength=size)
    return pairs


def _add_pairs(
    total: NDArray[np.int64],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    size: int,
) -> None:
    """Add the pairs of records, those with the most votes first, to a flat table of (earlier vote, later vote)."""
    most = int(counts[0])
    reach = np.searchsorted(-counts, -np.arange(most), side="left")  # records with more than 0, 1, ... votes
    earlier = np.empty((most, len(counts)), dtype=np.int64)
    for position, n in enumerate(reach):
        vote = columns[starts[:n] + position].astype(np.int64)
        if position:
            np.add.at(total, (earlier[:position, :n] + vote).ravel(), 1)
        earlier[position, :n] = vote * size


def _pairs_many(cast: CastVotes) -> Any:
    """Count pairs of very many functions and classes, most of which never meet."""
    total = sparse.csr_array((cast.n_columns, cast.n_columns), dtype=np.int64)
    for start in range(0, cast.n_records, SPARSE_CHUNK):
        rows = np.arange(start, min(start + SPARSE_CHUNK, cast.n_records))
        block = cast.take(rows).astype(np.int64)
        total = total + block.T @ block
    return sparse.csr_array(total)


def one_hot(votes: VoteMatrix, dtype: Any = np.float64) -> Any:
    """Return votes as a sparse CSR array of shape (n_records, n_functions * n_classes) with a 1 for each vote."""
    cast = CastVotes.of(votes)
    ones = np.ones(cast.n_votes, dtype=dtype)
    return sparse.csr_array((ones, cast.columns, cast.pointers), shape=(cast.n_records, cast.n_columns))
