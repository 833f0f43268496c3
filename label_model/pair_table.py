"""Pairs of votes: how often they fall on one record compared with chance, and how far such a number can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.moments import Moments

Array = NDArray[np.float64]

MOST_VOTES = 4000
"""Different votes whose pairs are weighed; a table of more would take gigabytes."""


@dataclass(frozen=True, eq=False)
class PairTable:
    """Observed lifts of pairs of votes.

    The lift of votes a and b is P(a, b) / (P(a) P(b)). When the functions that cast them are independent given the
    class, lift(a, b) = sum over classes y of P(y | a) P(y | b) / P(y): a low-rank matrix whose diagonal blocks (votes
    of one function, and of functions known to depend on each other) are missing.

    Parameters
    ----------
    votes : ndarray of int of shape (n_votes,)
        The votes that were ever cast, ``function * n_classes + class``.
    lift : ndarray of shape (n_votes, n_votes)
        Observed lifts, 1 where missing.
    variance : ndarray of shape (n_votes, n_votes)
        Sampling variance of each lift, infinite where missing.
    human : ndarray of bool of shape (n_votes, n_votes)
        Pairs in which a one-sided function takes part; see `one_sided`.
    meaning : ndarray of shape (n_votes, n_votes) or None
        What each vote, as it was counted, is made of: shares of sure votes of its function, and noise for what is left
        to 1. None where all votes are sure; see `SoftMoments`.
    """

    votes: NDArray[np.intp]
    lift: Array
    variance: Array
    human: NDArray[np.bool_]
    meaning: Array | None = None

    @classmethod
    def of(
        cls,
        moments: Moments,
        sided: NDArray[np.bool_],
        *,
        ignore_abstentions: bool = False,
        groups: NDArray[np.intp] | None = None,
    ) -> Self:
        """Read the lifts off counted moments.

        Parameters
        ----------
        moments : Moments
            Counts of votes and pairs.
        sided : ndarray of bool of shape (n_functions,)
            Which functions are one-sided.
        ignore_abstentions : bool, default False
            Compare a pair with chance among the records on which both functions vote, as is right when who votes
            on what was assigned. One-sided functions among themselves are always compared over all records: that
            such a function votes is all that it says.
        groups : ndarray of int of shape (n_functions,), optional
            Functions with the same number depend on each other; their pairs are missing. Default: all different.
        """
        m, k = moments.singles.shape
        n = max(1, moments.n_records)
        votes = np.flatnonzero(moments.singles.ravel() > 0)
        if len(votes) > MOST_VOTES:
            raise ValueError(
                f"{len(votes)} different votes (functions times the classes they vote for); pairs of at most "
                f"{MOST_VOTES} are weighed: leave out functions, or use MajorityLabelVoter or OneCoin"
            )
        owner = votes // k
        joint = moments.between(votes).astype(np.float64)
        single = moments.singles.ravel()[votes].astype(np.float64)
        expected = np.outer(single, single) / n
        human = sided[owner][:, None] | sided[owner][None, :]
        if ignore_abstentions:
            total = moments.singles.sum(axis=1).astype(np.float64)
            both = covotes(moments)
            chance = np.outer(total, total) / n
            ratio = np.where(chance > 0, both / np.where(chance > 0, chance, 1.0), 0.0)
            only_sided = sided[owner][:, None] & sided[owner][None, :]
            expected = expected * np.where(only_sided, 1.0, ratio[np.ix_(owner, owner)])
        group = np.arange(m) if groups is None else groups
        present = (expected > 0) & (group[owner][:, None] != group[owner][None, :])
        safe = np.where(present, expected, 1.0)
        lift = np.where(present, joint / safe, 1.0)
        variance = np.where(present, (0.5 * (joint + expected) + 1) / safe**2, np.inf)
        return cls(votes, lift, variance, human, moments.meanings(votes))

    def seen(self, q: Array, prior: Array) -> Array:
        """Return P(class | vote as it was counted) from P(class | sure vote), both of shape (n_votes, n_classes)."""
        if self.meaning is None:
            return q
        noise = np.maximum(1 - self.meaning.sum(axis=1, keepdims=True), 0.0)
        return np.asarray(self.meaning @ q + noise * prior, dtype=np.float64)

    def weight(self, model: Array, spread: Array) -> Array:
        """Return the inverse of each lift's variance when the model itself errs by a share `spread` of the lift.

        Parameters
        ----------
        model : ndarray of shape (n_votes, n_votes)
            Lifts that a model expects.
        spread : ndarray of shape (n_votes, n_votes)
            Share of the lift by which dependence between functions throws it off.
        """
        size = (1 + 0.5 * (self.lift + model)) / 2
        return np.asarray(1 / (self.variance + (spread * size) ** 2), dtype=np.float64)

    def misfit(self, model: Array) -> float:
        """Return the mean squared residual in units of its sampling variance; about 1 or below where a model fits."""
        present = np.triu(np.isfinite(self.variance), 1)
        if not present.any():
            return 0.0
        return float(((model - self.lift)[present] ** 2 / self.variance[present]).mean())

    def spread_of(self, model: Array) -> float:
        """Return the share of the lift by which a model errs beyond sampling (method of moments, as in meta-analysis)."""
        present = np.triu(np.isfinite(self.variance), 1)
        squared = (model - self.lift)[present] ** 2
        sampling = self.variance[present]
        size = ((1 + 0.5 * (self.lift + model)) / 2)[present] ** 2

        def excess(spread: float) -> float:
            return float((squared / (sampling + spread**2 * size)).mean()) - 1

        if not present.any() or excess(0.0) <= 0:
            return 0.0
        low, high = 0.0, 1.0
        while excess(high) > 0 and high < 1e3:
            high *= 2
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        return high

    def without(self, pairs: NDArray[np.bool_]) -> Self:
        """Return the same table with some more pairs missing."""
        return replace(self, variance=np.where(pairs, np.inf, self.variance))


def covotes(moments: Moments) -> Array:
    """Return on how many records two functions both vote, shape (n_functions, n_functions)."""
    return moments.both_voted().astype(np.float64)


def covote_misfit(moments: Moments, emitted: Array, prior: Array) -> tuple[float, float]:
    """Return how far counts of common votes stray from what the classes explain, and how far chance would take them.

    Parameters
    ----------
    moments : Moments
        Counts of votes and pairs.
    emitted : ndarray of shape (n_functions, n_classes)
        P(function votes | class).
    prior : ndarray of shape (n_classes,)
        Class balance.

    Returns
    -------
    tuple of float
        Squared deviations over their binomial variance, 1 on average when abstaining depends on the class alone;
        and the value that chance passes in one of a thousand such tables.
    """
    n = max(1, moments.n_records)
    share = np.minimum((emitted * prior) @ emitted.T, 1.0)
    total = moments.singles.sum(axis=1)
    open_to_chance = (total > 0) & (total < 0.98 * n)
    open_pairs = np.triu(open_to_chance[:, None] & open_to_chance[None, :], 1)
    variance = (n * share * (1 - share))[open_pairs]
    if variance.sum() <= 0:
        return 1.0, 2.0
    deviation = ((covotes(moments) - n * share)[open_pairs] ** 2).sum() / variance.sum()
    return float(deviation), float(1 + 3 * np.sqrt(2 / open_pairs.sum()))


def one_sided(moments: Moments, polarity: tuple[tuple[int, ...], ...] = ()) -> NDArray[np.bool_]:
    """Return which functions vote for one class only, by what they are, shape (n_functions,).

    Functions that people write mostly say one thing or nothing; annotators choose between classes. Which of the two
    a function is decides how its abstentions are read and how far agreement with it is trusted. A declared polarity
    settles it; an annotator who happened to choose one class alone is told apart by how likely that was.

    Parameters
    ----------
    moments : Moments
        Counts of votes.
    polarity : tuple of tuples of int, optional
        Classes that each function declared; empty where it declared none.
    """
    singles = moments.singles
    total = singles.sum(axis=1)
    sided = (singles > 0).sum(axis=1) <= 1
    if total[sided].sum() < 0.5 * total.sum():
        by_class = singles[~sided].sum(axis=0) + 1
        chance = (by_class / by_class.sum())[singles.argmax(axis=1)]
        sided = sided & (total * np.log(chance) < np.log(0.01))
    for j, classes in enumerate(polarity):
        if classes:
            sided[j] = len(set(classes)) == 1
    return np.asarray(sided, dtype=np.bool_)
