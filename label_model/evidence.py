"""What votes with side channels add: votes that are less than sure, and votes that name several classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, VoteMatrix
from sidelight.labeling.cast_votes import covered_records

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SideEvidence:
    """Corrections to what plain votes add to the log probability of each class.

    Parameters
    ----------
    row, function : ndarray of int of shape (n_corrections,)
        Record and function of each correction.
    added : ndarray of shape (n_corrections, n_classes)
        What is added beyond the plain vote's, or the abstention's, part.
    """

    row: NDArray[np.intp]
    function: NDArray[np.intp]
    added: Array

    def onto(self, scores: Array) -> Array:
        """Add the corrections to scores of shape (n_records, n_classes), in place, and return them."""
        np.add.at(scores, self.row, self.added)
        return scores


def side_evidence(
    votes: VoteMatrix, said: Array, silence: Array, q: Array, rates: Array, prior: Array
) -> SideEvidence:
    """Return what confidences and sets of classes change.

    A vote of confidence c is its function's word with probability c, and noise else: its likelihood ratios are mixed
    with 1. A vote for a set of classes is one of the votes in the set, in proportion to how often each is cast.

    Parameters
    ----------
    votes : VoteMatrix
        Votes whose columns are the model's functions.
    said : ndarray of shape (n_functions, n_classes, n_classes)
        What a sure vote says: log likelihood ratios, function, vote, class.
    silence : ndarray of shape (n_functions, n_classes)
        What an abstention says.
    q : ndarray of shape (n_functions, n_classes, n_classes)
        P(class | vote), of votes never cast the first guess.
    rates : ndarray of shape (n_functions, n_classes)
        P(function votes v).
    prior : ndarray of shape (n_classes,)
        Class balance.
    """
    k = len(prior)
    rows: list[NDArray[np.intp]] = []
    functions: list[NDArray[np.intp]] = []
    pieces: list[Array] = []
    if votes.confidence is not None:
        values = votes.dense()
        row, function = np.nonzero((values != ABSTAIN) & (votes.confidence < 1))
        sure = np.clip(votes.confidence[row, function].astype(np.float64), 0.0, 1.0)[:, None]
        full = said[function, values[row, function]]
        rows.append(row)
        functions.append(function)
        pieces.append(np.log(sure * np.exp(full) + 1 - sure) - full)
    if votes.class_sets is not None:
        row, function, named = named_classes(votes)
        usual = rates[function] + 1e-6 * prior
        share = named * usual
        total = share.sum(axis=1, keepdims=True)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        mixed = np.einsum("ev,evy->ey", share, q[function])
        informative = total[:, 0] > 0
        added = np.log(np.maximum(mixed, 1e-6)) - np.log(prior) - silence[function]
        rows.append(row)
        functions.append(function)
        pieces.append(np.where(informative[:, None], added, 0.0))
    if not rows:
        none = np.zeros(0, dtype=np.intp)
        return SideEvidence(none, none, np.zeros((0, k)))
    return SideEvidence(np.concatenate(rows), np.concatenate(functions), np.concatenate(pieces))


def named_classes(votes: VoteMatrix) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint64]]:
    """Return record and function of each vote for a set of classes, and which classes it names, 0 or 1 each."""
    k = votes.schema.cardinality
    if votes.class_sets is None:
        none = np.zeros(0, dtype=np.intp)
        return none, none, np.zeros((0, k), dtype=np.uint64)
    row, function = np.nonzero(votes.class_sets.any(axis=2))
    words = votes.class_sets[row, function]
    bits = np.arange(k)
    return row, function, (words[:, bits // 64] >> (bits % 64).astype(np.uint64)) & np.uint64(1)


def covered_by(votes: VoteMatrix) -> NDArray[np.bool_]:
    """Return which records have a vote, votes for a set of classes included, shape (n_records,)."""
    covered = covered_records(votes)
    if votes.class_sets is not None:
        covered = covered | votes.class_sets.any(axis=(1, 2))
    return np.asarray(covered, dtype=np.bool_)
