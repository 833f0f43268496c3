"""Classes in an order: annotators who err mostly by one step, each with a reach, a leaning and a share of guesses."""

from __future__ import annotations

from itertools import product
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import ABSTAIN, VoteMatrix
from sidelight.labeling.cast_votes import CastVotes
from sidelight.labeling.moments import Moments, one_hot

from .balance import ClassBalance, known_balance
from .base import VoteModel
from .likelihood import normalise
from .majority import count_votes
from .overruled import one_class
from .temperature import temperature_by_prediction

Array = NDArray[np.float64]

REACHES = (0.15, 0.25, 0.4, 0.6, 0.9, 1.3, 2.0, 3.0)
"""Steps over which an annotator's errors fall to a third."""

LEANINGS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
"""Steps by which an annotator votes too high on average."""

GUESSES = (0.02, 0.1, 0.25, 0.5, 0.9)
"""Shares of votes that are drawn from all classes alike."""

PRIOR_VOTES = 4.0
"""Votes that pull each annotator towards a usual one."""


class OrdinalLabelModel(VoteModel):
    """Labels for classes in an order, such as grades of severity, from annotators or functions of varying skill.

    An annotator's table P(vote | class) has three numbers, whatever the number of classes: how far errors reach, how
    much the annotator leans upwards or downwards, and how many votes are guesses. They are learned by rounds of
    expectation and maximisation over a grid of such tables, so that few votes are enough. A function that only ever
    votes for one class says that the class is near it.

    Parameters
    ----------
    cardinality : int, default 5
        Number of classes, at least 2; class 0 is the lowest.
    max_iterations : int, default 50
        Most rounds.

    Attributes
    ----------
    confusion_ : ndarray of shape (n_functions, cardinality, cardinality)
        P(function votes v | it votes, class y): function, y, v. Of one-sided functions, how well their vote goes with
        each class, up to a factor.
    reach_, leaning_, guesses_ : ndarray of shape (n_functions,)
        What the tables are made of.
    temperature_ : float
        Share of the votes' evidence that counts.
    objective_ : list of float
        Log likelihood with the pull before each round; it never falls.

    References
    ----------
    Dawid, Skene: Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979), with tables that
    know the order of the classes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> grade = rng.integers(0, 5, 500)
    >>> votes = np.clip(grade[:, None] + rng.integers(-1, 2, (500, 6)), 0, 4).astype(np.int8)
    >>> model = OrdinalLabelModel(cardinality=5).fit(votes)
    >>> bool(np.abs(model.predict_grade(votes) - grade).mean() < 0.5)
    True
    """

    confusion_: Array
    reach_: Array
    leaning_: Array
    guesses_: Array
    temperature_: float
    objective_: list[float]
    _wants_choice: ClassVar[bool] = True
    why_assumed: ClassVar[str] = "this model learns nothing of functions that vote for one class alone"

    def __init__(self, cardinality: int = 5, max_iterations: int = 50) -> None:
        super().__init__(cardinality)
        if max_iterations < 1:
            raise ValueError("max_iterations is at least 1")
        self.max_iterations = int(max_iterations)

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
    ) -> Self:
        """Learn each annotator's table, and the class balance when it is not known."""
        votes = self._start(L_train)
        m, k = votes.n_functions, self.cardinality
        known = known_balance(class_balance, Y_dev, votes.schema)
        prior = np.full(k, 1 / k) if known is None else np.asarray(known.vector)
        hot = one_hot(votes)[np.flatnonzero(votes.covered())]
        counts = count_votes(votes)[votes.covered()].astype(np.float64)
        posterior = _blurred(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
        cast = CastVotes.of(votes)
        repeats = Moments.of_cast(votes, cast).repeats()
        tables, numbers, usual = _grid(k)
        pull = repeats * usual
        sided = (np.asarray(hot.sum(axis=0)).reshape(m, k) > 0).sum(axis=1) <= 1
        back = hot.T.tocsr()
        self.objective_ = []
        chosen = np.zeros(m, dtype=np.intp)
        for _ in range(self.max_iterations):
            said = np.asarray(back @ posterior).reshape(m, k, k)  # function, vote, class
            fits = np.einsum("jvy,gyv->jg", said, np.log(tables)) + pull
            fits[sided] = pull
            chosen = fits.argmax(axis=1)
            if known is None:
                prior = (posterior.sum(axis=0) + repeats) / (len(posterior) + k * repeats)
            scores = hot @ _log_odds(tables[chosen]) + np.log(prior)
            evidence = normalise(scores)
            posterior = scores
            balance = repeats * float(np.log(prior).sum()) if known is None else 0.0
            self.objective_.append(float(evidence.sum() + pull[chosen].sum()) + balance)
            if len(self.objective_) > 1 and self.objective_[-1] - self.objective_[-2] < 1e-7 * max(
                1, len(hot.indptr)
            ):
                break
        self.confusion_ = tables[chosen]
        self.reach_, self.leaning_, self.guesses_ = numbers[chosen].T
        emitted = self.confusion_.transpose(0, 2, 1) * np.where(sided, 0.5, 1.0)[:, None, None]
        self.temperature_ = temperature_by_prediction(
            cast, _log_odds(self.confusion_), np.zeros((m, k)), np.log(prior), emitted, repeats
        )
        self._remember(L_train, votes, known or ClassBalance(tuple(map(float, prior)), "estimated"))
        self.assumed_ = one_class(votes)
        self._watch(votes)
        return self

    def predict_grade(self, L: VoteMatrix | ArrayLike) -> NDArray[np.int64]:
        """Return the middle class of each record's distribution, -1 where no function voted.

        Of all classes it is the one expected to be off by the fewest steps.
        """
        votes = self.check_votes(L)
        proba = self.predict_proba(votes)
        middle = (proba.cumsum(axis=1) < 0.5 - 1e-12).sum(axis=1)
        return np.where(self.covered(votes), np.minimum(middle, self.cardinality - 1), ABSTAIN)

    def get_weights(self) -> Array:
        """Return how often each function's votes are right, shape (n_functions,), for records as frequent as the classes."""
        self._check_fitted()
        return np.asarray(np.einsum("jyy,y->j", self.confusion_, self.prior_), dtype=np.float64)

    def _posterior(self, votes: VoteMatrix) -> Array:
        scores: Array = self.temperature_ * (one_hot(votes) @ _log_odds(self.confusion_)) + np.log(
            self.prior_
        )
        if len(scores):
            normalise(scores)
        return scores


def _grid(k: int) -> tuple[Array, Array, Array]:
    """Return tables P(vote | class) of shape (n, class, vote), their three numbers, and the log of a prior on them."""
    grade = np.arange(k)
    numbers = np.array(list(product(REACHES, LEANINGS, GUESSES)))
    reach, leaning, guesses = (numbers[:, i, None, None] for i in range(3))
    tables = np.exp(-np.abs(grade[None, None, :] - grade[None, :, None] - leaning) / reach)
    tables /= tables.sum(axis=2, keepdims=True)
    tables = (1 - guesses) * tables + guesses / k
    usual = np.abs(np.log(numbers[:, 0] / 0.6)) + 2 * np.abs(numbers[:, 1]) + 2 * np.abs(numbers[:, 2] - 0.1)
    return tables, numbers, -0.5 * PRIOR_VOTES * usual


def _log_odds(tables: Array) -> Array:
    """Return what each vote adds to the log probability of each class, shape (functions * classes, classes)."""
    k = tables.shape[1]
    return np.log(np.maximum(tables, 1e-9)).transpose(0, 2, 1).reshape(-1, k)


def _blurred(shares: Array) -> Array:
    """Return vote shares of which some fall on the neighbouring classes, to begin with."""
    k = shares.shape[1]
    step = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    kernel = np.where(step == 0, 0.7, np.where(step == 1, 0.15, 0.0))
    blurred = shares @ (kernel / kernel.sum(axis=1, keepdims=True))
    return np.asarray(blurred, dtype=np.float64)
