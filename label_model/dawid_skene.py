"""Annotator models by expectation and maximisation: a confusion table each, or one accuracy each."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import one_hot
from sidelight.labeling.patterns import Patterns

from .balance import ClassBalance, known_balance
from .base import VoteModel
from .majority import count_votes
from .overruled import one_class

Array = NDArray[np.float64]

SMALLEST = 1e-9
"""Probabilities are cut off here before their logarithm is taken."""


class AnnotatorModel(VoteModel):
    """What `DawidSkene` and `OneCoin` share: rounds of expectation and maximisation over the distinct rows of votes.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    smoothing : float, default 0.01
        Votes added to each cell that is learned.
    max_iterations : int, default 200
        Most rounds.
    """

    confusion_: Array
    objective_: list[float]
    _wants_choice: ClassVar[bool] = True
    why_assumed: ClassVar[str] = "this model learns nothing of functions that vote for one class alone"

    def __init__(self, cardinality: int = 2, smoothing: float = 0.01, max_iterations: int = 200) -> None:
        super().__init__(cardinality)
        if not smoothing > 0 or max_iterations < 1:
            raise ValueError("smoothing is above 0 and max_iterations at least 1")
        self.smoothing = float(smoothing)
        self.max_iterations = int(max_iterations)

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
    ) -> Self:
        """Learn confusion tables, and the class balance when it is not known."""
        votes = self._start(L_train)
        k = self.cardinality
        known = known_balance(class_balance, Y_dev, votes.schema)
        prior = np.full(k, 1 / k) if known is None else np.asarray(known.vector)
        patterns = Patterns.of(votes)
        rows = patterns.as_votes()
        covered = np.flatnonzero(rows.covered())
        hot, times = one_hot(rows)[covered], patterns.counts[covered, None].astype(np.float64)
        n = float(times.sum())
        counts = count_votes(rows)[covered].astype(np.float64)
        posterior = times * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        back = hot.T.tocsr()
        self.objective_ = []
        self.confusion_ = np.zeros((votes.n_functions, k, k))
        for _ in range(self.max_iterations):
            self.confusion_ = self._tables(np.asarray(back @ posterior).reshape(-1, k, k))
            if known is None:
                prior = (posterior.sum(axis=0) + self.smoothing) / (n + k * self.smoothing)
            scores = hot @ self._log_odds() + np.log(np.maximum(prior, SMALLEST))
            top = scores.max(axis=1, keepdims=True) if len(scores) else scores
            posterior = np.exp(scores - top)
            sums = posterior.sum(axis=1, keepdims=True)
            posterior *= times / sums
            self.objective_.append(
                float((times * (np.log(sums) + top)).sum()) + self._penalty(prior, known is None)
            )
            if len(self.objective_) > 1 and self.objective_[-1] - self.objective_[-2] < 1e-7 * max(
                1, len(scores)
            ):
                break
        self._remember(L_train, votes, known or ClassBalance(tuple(map(float, prior)), "estimated"))
        self.assumed_ = self._assumed(rows)
        self._watch(rows, patterns.counts)
        return self

    def get_weights(self) -> Array:
        """Return how often each function's votes are right, shape (n_functions,), for records as frequent as the classes."""
        self._check_fitted()
        return np.asarray(np.einsum("jyy,y->j", self.confusion_, self.prior_), dtype=np.float64)

    def _assumed(self, votes: VoteMatrix) -> NDArray[np.bool_]:
        """Return of which voting functions nothing can be learned, shape (n_functions,)."""
        return np.zeros(votes.n_functions, dtype=np.bool_)

    @abstractmethod
    def _tables(self, expected: Array) -> Array:
        """Return P(vote | class) for each function from expected votes of shape (n_functions, vote, class)."""

    @abstractmethod
    def _penalty(self, prior: Array, learned: bool) -> float:
        """Return what the added votes contribute to the objective."""

    def _log_odds(self) -> Array:
        """Return what each vote adds to the log probability of each class, shape (functions * classes, classes)."""
        k = self.cardinality
        return np.log(np.maximum(self.confusion_, SMALLEST)).transpose(0, 2, 1).reshape(-1, k)

    def _posterior(self, votes: VoteMatrix) -> Array:
        scores: Array = one_hot(votes) @ self._log_odds() + np.log(np.maximum(self.prior_, SMALLEST))
        if len(scores):
            scores -= scores.max(axis=1, keepdims=True)
        proba = np.exp(scores)
        return np.asarray(proba / proba.sum(axis=1, keepdims=True), dtype=np.float64)


class DawidSkene(AnnotatorModel):
    """A confusion table for each annotator, learned by expectation and maximisation.

    Abstaining says nothing, so that functions which vote for one class only carry no information here: with rules
    that people wrote this model collapses, which it warns of (`overruled_`), and `LabelModel` is the one to use. It is at
    its best with annotators who each saw many records.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    smoothing : float, default 0.01
        Votes added to each cell of each table.
    max_iterations : int, default 200
        Most rounds.

    Attributes
    ----------
    confusion_ : ndarray of shape (n_functions, cardinality, cardinality)
        P(function votes v | it votes, class y): function, y, v.
    prior_ : ndarray of shape (cardinality,)
        Class balance: given or learned.
    objective_ : list of float
        Log likelihood (with the added votes) before each round; it never falls.

    References
    ----------
    Dawid, Skene: Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 5000)
    >>> right = rng.random((5000, 4)) < [0.9, 0.8, 0.8, 0.7]
    >>> votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    >>> np.round(DawidSkene().fit(votes).get_weights(), 1).tolist()
    [0.9, 0.8, 0.8, 0.7]
    """

    def _tables(self, expected: Array) -> Array:
        """Return P(vote | class) for each function from expected votes of shape (n_functions, vote, class)."""
        counts = expected.transpose(0, 2, 1) + self.smoothing
        return np.asarray(counts / counts.sum(axis=2, keepdims=True), dtype=np.float64)

    def _assumed(self, votes: VoteMatrix) -> NDArray[np.bool_]:
        """Return of which voting functions nothing can be learned, shape (n_functions,)."""
        return one_class(votes)

    def _penalty(self, prior: Array, learned: bool) -> float:
        """Return what the added votes contribute to the objective."""
        tables = self.smoothing * float(np.log(np.maximum(self.confusion_, SMALLEST)).sum())
        return tables + (
            self.smoothing * float(np.log(np.maximum(prior, SMALLEST)).sum()) if learned else 0.0
        )


class OneCoin(AnnotatorModel):
    """One accuracy for each annotator, the same in every class; errors fall evenly on the other classes.

    A steadier `DawidSkene` for annotators who saw few records.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    smoothing : float, default 0.01
        Right and wrong votes added to each annotator.
    max_iterations : int, default 200
        Most rounds.
    """

    def _tables(self, expected: Array) -> Array:
        k = self.cardinality
        right = np.einsum("jvv->j", expected) + self.smoothing
        wrong = expected.sum(axis=(1, 2)) - np.einsum("jvv->j", expected) + self.smoothing
        accuracy = right / (right + wrong)
        tables = np.repeat(((1 - accuracy) / (k - 1))[:, None, None], k, axis=1).repeat(k, axis=2)
        tables[:, np.arange(k), np.arange(k)] = accuracy[:, None]
        return np.asarray(tables, dtype=np.float64)

    def _penalty(self, prior: Array, learned: bool) -> float:
        right = np.maximum(self.confusion_[:, 0, 0], SMALLEST)
        wrong = np.maximum(self.confusion_[:, 0, 1], SMALLEST)
        coins = self.smoothing * float((np.log(right) + np.log(wrong)).sum())
        return coins + (self.smoothing * float(np.log(np.maximum(prior, SMALLEST)).sum()) if learned else 0.0)
