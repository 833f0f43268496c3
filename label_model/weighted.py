"""Votes counted by how often their function agrees with the rest."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import one_hot

from .balance import ClassBalance, known_balance
from .base import VoteModel
from .majority import count_votes

Array = NDArray[np.float64]


class WeightedMajority(VoteModel):
    """Vote shares in which each function weighs as much as it agrees with the others.

    A function's weight is its agreement with the vote shares of the other functions on records where any other
    voted, in log odds, shrunk towards a shared weight and never negative.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    shrinkage : float, default 1
        Strength of the pull towards the shared agreement, in multiples of a function's own votes: the errors of
        functions that people write are shared, and more votes do not undo that.

    Attributes
    ----------
    agreement_ : ndarray of shape (n_functions,)
        Share of a function's votes that the others support, shrunk; NaN where it never votes.
    weights_ : ndarray of shape (n_functions,)
        What a vote of each function counts.

    Examples
    --------
    >>> votes = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 1]], dtype=np.int8)
    >>> model = WeightedMajority().fit(votes)
    >>> bool(model.weights_[0] > model.weights_[2]), model.predict(votes).tolist()
    (True, [1, 0, 1, 0])
    """

    agreement_: Array
    weights_: Array

    def __init__(self, cardinality: int = 2, shrinkage: float = 1.0) -> None:
        super().__init__(cardinality)
        if not shrinkage >= 0:
            raise ValueError(f"shrinkage is {shrinkage}; it is 0 or more")
        self.shrinkage = float(shrinkage)

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
    ) -> Self:
        """Learn how much each function's votes count."""
        votes = self._start(L_train)
        k = self.cardinality
        hot = one_hot(votes)
        counts = count_votes(votes).astype(np.float64)
        record = np.repeat(np.arange(hot.shape[0]), np.diff(hot.indptr))
        vote, function = hot.indices % k, hot.indices // k
        others = counts[record].sum(axis=1) - 1
        support = (counts[record, vote] - 1) / np.maximum(others, 1)
        seen = others > 0
        m = votes.n_functions
        met = np.bincount(function[seen], minlength=m).astype(np.float64)
        agreed = np.bincount(function[seen], weights=support[seen], minlength=m)
        shared = (agreed.sum() + 0.7) / (met.sum() + 1)
        strength = self.shrinkage * met + 5
        accuracy = (agreed + strength * shared) / (met + strength)
        self.agreement_ = np.where(counts.sum() > 0, accuracy, np.nan) * np.ones(m)
        self.agreement_[np.bincount(function, minlength=m) == 0] = np.nan
        odds = np.clip(accuracy, 1 / k + 1e-3, 0.99)
        self.weights_ = np.log(odds * (k - 1) / (1 - odds))
        balance = known_balance(class_balance, Y_dev, votes.schema)
        if balance is None:
            total = counts.sum(axis=0) + 1
            balance = ClassBalance(tuple(map(float, total / total.sum())), "estimated")
        self._remember(L_train, votes, balance)
        self._watch(votes)
        return self

    def get_weights(self) -> Array:
        """Return how often the others support each function's votes, shape (n_functions,); NaN where it never votes."""
        self._check_fitted()
        return self.agreement_

    def _posterior(self, votes: VoteMatrix) -> Array:
        k = self.cardinality
        table = (self.weights_[:, None, None] * np.eye(k)).reshape(-1, k)
        weighted: Array = one_hot(votes) @ table
        total = weighted.sum(axis=1, keepdims=True)
        return np.asarray(np.where(total > 0, weighted / np.maximum(total, 1e-12), 1 / k), dtype=np.float64)
