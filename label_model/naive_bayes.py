"""What gold labels say of each function, and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import one_hot

from .balance import ClassBalance, known_balance
from .base import VoteModel, check_gold

Array = NDArray[np.float64]


class GoldNaiveBayes(VoteModel):
    """Functions weighted by their record on gold rows: the yardstick for what votes alone can teach.

    Abstaining is an outcome like any vote. Without gold every vote counts as right 70 % of the time.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    smoothing : float, default 1
        Records of each class added to each function, spread as for a function that is right 70 % of the time.
    abstentions : float, default 0.5
        Share of what an abstention says that counts: functions that people write abstain together.

    Attributes
    ----------
    emitted_ : ndarray of shape (n_functions, cardinality + 1, cardinality)
        P(outcome | class), abstaining first.
    n_gold_ : int
        Gold rows learned from.

    Examples
    --------
    >>> votes = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 10, dtype=np.int8)
    >>> model = GoldNaiveBayes().fit(votes, gold=votes[:, 0])
    >>> model.predict(votes[:4]).tolist()
    [1, 1, 0, 0]
    """

    emitted_: Array
    n_gold_: int
    why_assumed: ClassVar[str] = (
        "this model learns from gold labels alone, and none stands beside these votes"
    )

    def __init__(self, cardinality: int = 2, smoothing: float = 1.0, abstentions: float = 0.5) -> None:
        super().__init__(cardinality)
        if not smoothing > 0 or not 0 <= abstentions <= 1:
            raise ValueError("smoothing is above 0 and abstentions from 0 to 1")
        self.smoothing = float(smoothing)
        self.abstentions = float(abstentions)

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
        gold: ArrayLike | None = None,
    ) -> Self:
        """Learn from the rows whose gold label is known.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains.
        Y_dev : array-like of int, optional
            Gold labels of other records; only their class frequencies are used.
        class_balance : optional
            What is known of the class frequencies; see `ClassBalance.given`. Else those of the gold rows.
        gold : array-like of int of shape (n_records,), optional
            Gold labels of these records, -1 where unknown.
        """
        votes = self._start(L_train)
        k = self.cardinality
        labels = np.full(votes.n_records, -1) if gold is None else check_gold(gold, k, votes.n_records, votes)
        known = known_balance(class_balance, Y_dev, votes.schema, None if gold is None else labels)
        if known is None:
            known = ClassBalance.uniform(k) if gold is None else ClassBalance.of_dev(labels, votes.schema)
        rows = np.flatnonzero(labels >= 0)
        hot = one_hot(votes)
        truth = np.eye(k)[labels[rows]]
        cast = np.asarray(hot[rows].T @ truth).reshape(votes.n_functions, k, k)
        per_class = truth.sum(axis=0)
        rates = np.asarray(hot.sum(axis=0)).reshape(votes.n_functions, k) / max(1, votes.n_records)
        right = np.full((k, k), 0.3 / (k - 1)) + (0.7 - 0.3 / (k - 1)) * np.eye(k)
        guess = rates[:, :, None] * right * k
        guess = guess / np.maximum(guess.sum(axis=1, keepdims=True), 1.0)
        emitted = (cast + self.smoothing * guess) / (per_class + self.smoothing)
        silent = np.maximum(1 - emitted.sum(axis=1, keepdims=True), 0.0)
        self.emitted_ = np.concatenate([silent, emitted], axis=1)
        self.n_gold_ = len(rows)
        self._remember(L_train, votes, known)
        self.assumed_ = cast.sum(axis=(1, 2)) == 0
        self._watch(votes)
        return self

    def get_weights(self) -> Array:
        """Return how often each function's votes are right, shape (n_functions,); NaN where it never votes."""
        self._check_fitted()
        joint = self.emitted_[:, 1:] * self.prior_
        cast = joint.sum(axis=(1, 2))
        right = np.einsum("jvv->j", joint)
        return np.asarray(np.where(cast > 0, right / np.where(cast > 0, cast, 1.0), np.nan), dtype=np.float64)

    def _posterior(self, votes: VoteMatrix) -> Array:
        k = self.cardinality
        logs = np.log(np.maximum(self.emitted_, 1e-9))
        ever = (self.emitted_[:, 1:].sum(axis=(1, 2)) > 0)[:, None]
        silence = np.where(ever, self.abstentions * logs[:, 0], 0.0)
        gain = np.where(ever[:, :, None], logs[:, 1:] - silence[:, None, :], 0.0).reshape(-1, k)
        scores: Array = one_hot(votes) @ gain + silence.sum(axis=0) + np.log(self.prior_)
        if len(scores):
            scores -= scores.max(axis=1, keepdims=True)
        proba = np.exp(scores)
        return np.asarray(proba / proba.sum(axis=1, keepdims=True), dtype=np.float64)
