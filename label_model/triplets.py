"""Accuracies in closed form from triplets of functions: nothing is iterated."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import Moments, one_hot

from .balance import ClassBalance, known_balance
from .base import VoteModel
from .pair_table import covotes

Array = NDArray[np.float64]

FEWEST = 10
"""Common votes below which a pair of functions takes no part."""


class TripletModel(VoteModel):
    """One accuracy for each function, from the agreements within triplets of functions.

    Where errors are spread evenly, the agreement of two functions beyond chance is the product of their skills:
    c(i, j) = a(i) a(j), hence a(i)^2 = c(i, j) c(i, l) / c(j, l). The median over all triplets is taken, which a few
    dependent groups of functions do not disturb. For annotators; rules that vote for one class agree or disagree by
    construction and teach it nothing.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.

    Attributes
    ----------
    accuracy_ : ndarray of shape (n_functions,)
        Share of right votes; NaN where a function never votes.

    References
    ----------
    Fu, Chen, Sala, Hooper, Fatahalian, Re: Fast and Three-rious (2020), with a median in place of the mean.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 3, 5000)
    >>> wrong = (truth[:, None] + rng.integers(1, 3, (5000, 4))) % 3
    >>> votes = np.where(rng.random((5000, 4)) < [0.9, 0.8, 0.7, 0.6], truth[:, None], wrong).astype(np.int8)
    >>> np.round(TripletModel(cardinality=3).fit(votes).accuracy_, 1).tolist()
    [0.9, 0.8, 0.7, 0.6]
    """

    accuracy_: Array
    _wants_choice: ClassVar[bool] = True

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
    ) -> Self:
        """Learn accuracies from agreements."""
        votes = self._start(L_train)
        k = self.cardinality
        moments = Moments.of(votes)
        skill = np.clip(skills(moments), -1 / (k - 1), 1.0)
        accuracy = np.clip((1 + (k - 1) * skill) / k, 0.02, 0.98)
        self.accuracy_ = np.where(moments.singles.sum(axis=1) > 0, accuracy, np.nan)
        known = known_balance(class_balance, Y_dev, votes.schema)
        self._remember(L_train, votes, known or ClassBalance.uniform(k))
        if known is None:
            covered = votes.covered()
            total = self._posterior(votes)[covered].sum(axis=0) + 1
            self._remember(L_train, votes, ClassBalance(tuple(map(float, total / total.sum())), "estimated"))
        self._watch(votes)
        return self

    def get_weights(self) -> Array:
        """Return how often each function's votes are right, shape (n_functions,); NaN where it never votes."""
        self._check_fitted()
        return self.accuracy_

    def _posterior(self, votes: VoteMatrix) -> Array:
        k = self.cardinality
        accuracy = np.where(np.isnan(self.accuracy_), 1 / k, self.accuracy_)
        weight = np.log(accuracy * (k - 1) / (1 - accuracy))
        scores: Array = one_hot(votes) @ (weight[:, None, None] * np.eye(k)).reshape(-1, k) + np.log(
            self.prior_
        )
        if len(scores):
            scores -= scores.max(axis=1, keepdims=True)
        proba = np.exp(scores)
        return np.asarray(proba / proba.sum(axis=1, keepdims=True), dtype=np.float64)


def skills(moments: Moments) -> Array:
    """Return the skill of each function beyond chance, from -1/(k-1) to 1, shape (n_functions,).

    Skill is 1 for a function that is always right and 0 for one that guesses. Most functions are taken to be better
    than that; where too few triplets are known, a function gets the middle skill of the others.
    """
    m, k = moments.singles.shape
    both = covotes(moments)
    same = moments.same_vote().astype(np.float64)
    beyond = (k * same / np.maximum(both, 1) - 1) / (k - 1)
    usable = (both >= FEWEST) & ~np.eye(m, dtype=bool)
    noise = 1 / np.sqrt(np.maximum(both, 1))
    size = np.full(m, np.nan)
    for i in range(m):
        partners = np.flatnonzero(usable[i])
        base = beyond[np.ix_(partners, partners)]
        known = usable[np.ix_(partners, partners)] & (np.abs(base) > 2 * noise[np.ix_(partners, partners)])
        product = np.outer(beyond[i, partners], beyond[i, partners])
        squares = (product / np.where(known, base, 1.0))[known]
        if len(squares):
            size[i] = np.sqrt(min(max(float(np.median(squares)), 0.0), 1.0))
    middle = float(np.nanmedian(size)) if not np.isnan(size).all() else 0.4
    size = np.where(np.isnan(size), middle, size)
    sign = np.ones(m)
    active = np.flatnonzero(moments.singles.sum(axis=1) > 0)
    if len(active):
        linked = np.where(usable, beyond, 0.0)[np.ix_(active, active)]
        leading = np.sign(np.linalg.eigh(linked)[1][:, -1])
        leading[leading == 0] = 1
        sign[active] = -leading if (leading * size[active]).sum() < 0 else leading
    return np.asarray(sign * size, dtype=np.float64)
