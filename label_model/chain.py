"""Records in order: windows of a signal or sentences of a note, whose labels last."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import ABSTAIN, VoteMatrix

from .matrix_completion import LabelModel
from .ties import break_ties

Array = NDArray[np.float64]


class ChainLabelModel:
    """A label model whose records follow each other: neighbours tell of each other as far as labels last.

    Votes are weighed record by record by `LabelModel`; how long labels last is learned from the votes too, and each
    record gets its probabilities from all votes of its sequence (a hidden Markov model). A record without votes is
    labeled from its neighbours; one in a sequence without any vote stays unlabeled.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    stay : float, default 0.8
        Expected share of steps at which the label stays; the votes override it soon.
    pull : float, default 10
        Steps that this expectation is worth.

    Attributes
    ----------
    model_ : LabelModel
        What weighs the votes of one record.
    transition_ : ndarray of shape (cardinality, cardinality)
        P(next class | class).
    start_ : ndarray of shape (cardinality,)
        P(class of the first record).
    iterations_ : int
        Rounds of expectation and maximisation.
    objective_ : list of float
        Log likelihood of the sequences (with the pull) before each round; it never falls.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rhythm = np.repeat(rng.integers(0, 2, 60), 20)            # 60 stretches of 20 windows
    >>> right = rng.random((1200, 3)) < 0.7
    >>> votes = np.where(right, rhythm[:, None], 1 - rhythm[:, None]).astype(np.int8)
    >>> model = ChainLabelModel().fit(votes, sequences=np.repeat(np.arange(6), 200))
    >>> labels = model.predict(votes, sequences=np.repeat(np.arange(6), 200))
    >>> bool((labels == rhythm).mean() > 0.93)
    True
    """

    model_: LabelModel
    transition_: Array
    start_: Array
    iterations_: int
    objective_: list[float]

    def __init__(self, cardinality: int = 2, stay: float = 0.8, pull: float = 10.0) -> None:
        if not 0 < stay < 1 or not pull > 0:
            raise ValueError("stay lies between 0 and 1, and pull is above 0")
        self.cardinality = cardinality
        self.stay = float(stay)
        self.pull = float(pull)

    def fit(self, L: VoteMatrix | ArrayLike, sequences: ArrayLike, **known: Any) -> Self:
        """Learn accuracies and how long labels last.

        Parameters
        ----------
        L : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains; the records of a sequence stand in order of time.
        sequences : array-like of shape (n_records,)
            Which sequence each record belongs to: a recording, a note, a stay.
        **known
            Passed on to `LabelModel.fit`: class_balance, Y_dev, gold, accuracies.
        """
        k = self.cardinality
        self.model_ = LabelModel(k).fit(L, **known)
        votes = self.model_.check_votes(L)
        layout = _Layout(sequences, votes.n_records)
        likelihood = self._likelihood(votes)
        expected = np.full((k, k), (1 - self.stay) / (k - 1))
        np.fill_diagonal(expected, self.stay)
        self.transition_ = expected.copy()
        self.start_ = self.model_.prior_.copy()
        self.objective_ = []
        for _ in range(200):
            smoothed, steps, total = layout.smooth(likelihood, self.start_, self.transition_)
            penalty = self.pull * float((expected * np.log(self.transition_)).sum())
            penalty += self.pull * float((self.model_.prior_ * np.log(self.start_)).sum())
            self.objective_.append(total + penalty)
            if len(self.objective_) > 1 and self.objective_[-1] - self.objective_[-2] < 1e-7 * max(
                1, len(likelihood)
            ):
                break
            counts = steps + self.pull * expected
            self.transition_ = counts / counts.sum(axis=1, keepdims=True)
            first = smoothed[layout.first].sum(axis=0) + self.pull * self.model_.prior_
            self.start_ = first / first.sum()
        self.iterations_ = len(self.objective_)
        return self

    def predict_proba(self, L: VoteMatrix | ArrayLike, sequences: ArrayLike) -> Array:
        """Return P(class | all votes of the sequence), shape (n_records, cardinality)."""
        votes = self.model_.check_votes(L)
        layout = _Layout(sequences, votes.n_records)
        smoothed, _, _ = layout.smooth(self._likelihood(votes), self.start_, self.transition_)
        smoothed[~layout.spread(self.model_.covered(votes))] = self.model_.prior_
        return smoothed

    def predict(
        self, L: VoteMatrix | ArrayLike, sequences: ArrayLike, tie_break_policy: str = "abstain"
    ) -> NDArray[np.int64]:
        """Return the likeliest class of each record, -1 in sequences without any vote and where classes tie."""
        votes = self.model_.check_votes(L)
        labels = break_ties(self.predict_proba(L, sequences), tie_break_policy, ids=votes.ids)
        covered = _Layout(sequences, votes.n_records).spread(self.model_.covered(votes))
        labels[~covered] = ABSTAIN
        return labels

    def _likelihood(self, votes: VoteMatrix) -> Array:
        """Return what the votes of each record say of its class, up to a factor, shape (n_records, cardinality)."""
        with warnings.catch_warnings():
            proba = self.model_.predict_proba(votes)
        odds = np.maximum(proba, 1e-12) / self.model_.prior_
        return np.asarray(odds / odds.max(axis=1, keepdims=True), dtype=np.float64)


class _Layout:
    """Which records stand at which step of their sequences, so that all sequences advance together.

    Parameters
    ----------
    sequences : array-like of shape (n_records,)
        Name of each record's sequence.
    n_records : int
        Records that there should be.
    """

    def __init__(self, sequences: ArrayLike, n_records: int) -> None:
        names = np.asarray(sequences)
        if names.shape != (n_records,):
            raise ValueError(
                f"sequences has shape {names.shape}; there is one entry for each of {n_records} records"
            )
        _, number = np.unique(names, return_inverse=True)
        order = np.argsort(number, kind="stable")
        lengths = np.bincount(number) if n_records else np.zeros(0, dtype=np.int64)
        begin = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.intp)
        longest_first = np.argsort(-lengths, kind="stable")
        self.number = number
        self.steps: list[NDArray[np.intp]] = []
        for step in range(int(lengths.max()) if len(lengths) else 0):
            active = longest_first[lengths[longest_first] > step]
            self.steps.append(order[begin[active] + step])
        self.first = self.steps[0] if self.steps else np.zeros(0, dtype=np.intp)

    def spread(self, covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which records belong to a sequence in which any record is covered."""
        if not len(covered):
            return covered
        return np.asarray(np.bincount(self.number, weights=covered)[self.number] > 0, dtype=np.bool_)

    def smooth(self, likelihood: Array, start: Array, transition: Array) -> tuple[Array, Array, float]:
        """Return smoothed probabilities, expected counts of transitions, and the log likelihood."""
        k = len(start)
        forward = np.zeros_like(likelihood)
        total = 0.0
        for step, rows in enumerate(self.steps):
            before = start if step == 0 else forward[self.steps[step - 1][: len(rows)]] @ transition
            here = before * likelihood[rows]
            scale = here.sum(axis=1, keepdims=True)
            forward[rows] = here / scale
            total += float(np.log(scale).sum())
        smoothed = forward.copy()
        counts = np.zeros((k, k))
        for step in range(len(self.steps) - 1, 0, -1):
            rows = self.steps[step]
            earlier = self.steps[step - 1][: len(rows)]
            predicted = forward[earlier] @ transition
            ratio = smoothed[rows] / np.maximum(predicted, 1e-300)
            counts += transition * (forward[earlier].T @ ratio)
            smoothed[earlier] = forward[earlier] * (ratio @ transition.T)
            smoothed[earlier] /= smoothed[earlier].sum(axis=1, keepdims=True)
        return smoothed, counts, total
