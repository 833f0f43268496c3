"""Counts of votes that are less than sure, or name several classes: each counts in part, and is known to be diluted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sidelight.labeling import ABSTAIN, VoteMatrix
from sidelight.labeling.moments import Moments

from .evidence import covered_by, named_classes

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SoftMoments(Moments):
    """Weighted counts. A sure vote for one class weighs 1; else the weight is the confidence, or a class's share.

    A vote of confidence c is its function's word with probability c and noise else. A vote for a set of classes is one of
    the votes in it. What is counted under one vote is therefore a mixture of sure votes and noise.

    Parameters
    ----------
    own : ndarray of shape (n_functions, n_classes, n_classes)
        How much of the weight counted under a vote is which sure vote of its function, from 0 to 1: function, counted
        vote, sure vote.
    """

    own: Array

    @classmethod
    def of(cls, votes: VoteMatrix) -> Self:
        """Count the votes of a matrix, its confidences and sets of classes included.

        A vote for a set is shared out by how often its function casts each class among these votes, so that parts
        counted apart differ a little from the whole.
        """
        m, k = votes.n_functions, votes.schema.cardinality
        hot = soft_hot(votes)
        single = np.asarray(hot.sum(axis=0)).ravel()
        pairs = np.asarray((hot.T @ hot).toarray())
        within = np.einsum("ivju->ijvu", pairs.reshape(m, k, m, k))[np.arange(m), np.arange(m)]
        own = within / np.maximum(single.reshape(m, k), 1e-12)[:, :, None]
        pairs[np.diag_indices(m * k)] = single
        n_covered = int(covered_by(votes).sum())
        return cls(votes.schema, votes.names, votes.n_records, n_covered, single.reshape(m, k), pairs, own)

    @classmethod
    def of_sure(cls, moments: Moments) -> Self:
        """Return the counts of votes that were all sure."""
        k = moments.singles.shape[1]
        pairs = moments.pairs.toarray() if sparse.issparse(moments.pairs) else moments.pairs
        own = np.where(moments.singles[:, :, None] > 0, np.eye(k), 0.0)
        return cls(
            moments.schema, moments.names, moments.n_records, moments.n_covered,
            moments.singles.astype(np.float64), pairs.astype(np.float64), own, noisy=moments.noisy,
        )  # fmt: skip

    def __add__(self, other: Moments) -> Self:
        """Merge with the counts of other records of the same functions, sure or not."""
        self.check_alike(other)
        soft = other if isinstance(other, SoftMoments) else SoftMoments.of_sure(other)
        singles = self.singles + soft.singles
        held = self.own * self.singles[:, :, None] + soft.own * soft.singles[:, :, None]
        return type(self)(
            self.schema, self.names, self.n_records + soft.n_records, self.n_covered + soft.n_covered,
            singles, self.pairs + soft.pairs, held / np.maximum(singles, 1e-12)[:, :, None],
            noisy=self.noisy or soft.noisy,
        )  # fmt: skip

    def __radd__(self, other: Moments) -> Self:
        """Merge with counts of sure votes that stand first."""
        return self + other

    def meanings(self, votes: NDArray[np.intp]) -> Array:
        """Return what some votes are made of, shape (n_votes, n_votes): shares of sure votes, the rest to 1 noise."""
        k = self.singles.shape[1]
        owner = votes // k
        same = owner[:, None] == owner[None, :]
        return np.where(same, self.own[owner[:, None], (votes % k)[:, None], (votes % k)[None, :]], 0.0)

    def repeats(self) -> int:
        """Return 1: weights have no common divisor."""
        return 1

    def between(self, votes: NDArray[np.intp]) -> Array:
        """Return the weights of pairs among some votes (``function * n_classes + class``), dense."""
        return np.asarray(self.pairs[np.ix_(votes, votes)], dtype=np.float64)

    def both_voted(self) -> Array:
        """Return the weight of records on which two functions both voted, shape (n_functions, n_functions)."""
        m, k = self.singles.shape
        return np.asarray(self.pairs.reshape(m, k, m, k).sum(axis=(1, 3)), dtype=np.float64)

    def same_vote(self) -> Array:
        """Return the weight of records on which two functions cast the same vote, shape as of `both_voted`."""
        m, k = self.singles.shape
        return np.asarray(np.einsum("ivjv->ij", self.pairs.reshape(m, k, m, k)), dtype=np.float64)


def count_votes_as_meant(votes: VoteMatrix) -> Moments:
    """Count votes in whole numbers where all are sure, else by their weights."""
    return SoftMoments.of(votes) if less_than_sure(votes) else Moments.of(votes)


def less_than_sure(votes: VoteMatrix) -> bool:
    """Return whether any vote has less than full confidence, or names several classes."""
    if votes.class_sets is not None and votes.class_sets.any():
        return True
    return votes.confidence is not None and bool(((votes.dense() != ABSTAIN) & (votes.confidence < 1)).any())


def sure_votes(votes: VoteMatrix) -> VoteMatrix:
    """Return the votes without those of less than full confidence."""
    values = votes.dense()
    if votes.confidence is not None:
        values = np.where(votes.confidence < 1, np.int8(ABSTAIN), values)
    return VoteMatrix(values, votes.schema, votes.functions)


def soft_hot(votes: VoteMatrix) -> sparse.csr_array:
    """Return the weights of votes, a sparse array of shape (n_records, n_functions * n_classes).

    A vote for a set of classes is one of the votes in the set, in proportion to how often its function casts each.
    """
    n, k = votes.n_records, votes.schema.cardinality
    values = votes.dense()
    row, function = np.nonzero(values != ABSTAIN)
    weight = np.ones(len(row))
    if votes.confidence is not None:
        weight = np.clip(votes.confidence[row, function].astype(np.float64), 0.0, 1.0)
    column = function * k + values[row, function]
    usual = np.bincount(column, weights=weight, minlength=votes.n_functions * k).reshape(-1, k) + 1.0
    if votes.class_sets is not None:
        more_row, more_function, named = named_classes(votes)
        share = named * usual[more_function]
        share /= np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        entry, place = np.nonzero(share)
        row = np.concatenate([row, more_row[entry]])
        column = np.concatenate([column, more_function[entry] * k + place])
        weight = np.concatenate([weight, share[entry, place]])
    shape = (n, votes.n_functions * k)
    return sparse.csr_array(sparse.coo_array((weight, (row, column)), shape=shape))
