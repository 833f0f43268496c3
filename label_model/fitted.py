"""What a fitted label model tells: probabilities, accuracies, explanations and intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.cast_votes import spans, vote_blocks

from .base import VoteModel
from .completion import Convergence
from .evidence import SideEvidence, covered_by, side_evidence
from .explain import Explanation, explain_record
from .guess import first_guess
from .likelihood import normalise
from .posterior_intervals import PosteriorIntervals, intervals_over, likely_models
from .solver import posterior_of_vote
from .temperature import temperature_by_record
from .uncertainty import ModelIntervals, bootstrap_intervals, bootstrap_refits, fisher_intervals

Array = NDArray[np.float64]

SMALLEST = 1e-6
"""Probabilities are cut off here before their logarithm is taken."""


class FittedLabelModel(VoteModel):
    """The half of `LabelModel` that reads what the other half learned; its attributes are explained there."""

    emitted_: Array
    vote_rates_: Array
    n_fitted_: int
    coverage_pull_: Array
    vote_pull_: Array
    temperature_: float
    per_record_: bool = False  # of models saved before it was so
    discounts_: Array
    one_sided_: NDArray[np.bool_]
    silent_evidence_: bool
    misfit_: float
    refined_: bool
    one_coin_: bool = False  # of models saved before there was one
    convergence_: Convergence
    violators_: tuple[tuple[str, int], ...]
    camps_: tuple[tuple[str, ...], ...]

    _records: ClassVar[dict[str, Any]] = {**VoteModel._records, "convergence_": Convergence}

    guard: bool

    def get_weights(self) -> Array:
        """Return how often each function's votes are right, shape (n_functions,); NaN where it never votes."""
        self._check_fitted()
        joint = self.emitted_ * self.prior_
        cast = joint.sum(axis=(1, 2))
        right = np.einsum("jvv->j", joint)
        voted = self.vote_rates_.sum(axis=1) > 0
        return np.asarray(np.where(voted, right / np.where(voted, cast, 1.0), np.nan), dtype=np.float64)

    def get_conditional_probs(self) -> Array:
        """Return P(vote | class), shape (n_functions, cardinality + 1, cardinality); row 0 is abstaining."""
        self._check_fitted()
        cast = self.emitted_ / np.maximum(self.emitted_.sum(axis=1, keepdims=True), 1.0)
        silent = np.maximum(1 - cast.sum(axis=1, keepdims=True), 0.0)
        return np.asarray(np.concatenate([silent, cast], axis=1), dtype=np.float64)

    def explain(self, L: VoteMatrix | ArrayLike, row: int) -> Explanation:
        """Return what each function added to one record's log probabilities, with the evidence its vote carries."""
        votes = self.check_votes(L)
        one = votes.take_rows([row])
        label, proba = self.predict(one, return_probs=True)
        gain, silence = self._evidence()
        side = self._side_evidence(one, gain, silence)
        temperature = float(self._temperatures(one, gain, side)[0])
        gain, silence = temperature * gain, temperature * silence
        side = replace(side, added=temperature * side.added)
        if not self.covered(one)[0]:
            silence = np.zeros_like(silence)
        row = int(np.arange(votes.n_records)[row])
        return explain_record(votes, row, int(label[0]), proba[0], gain, silence, np.log(self.prior_), side)

    def intervals(
        self,
        L_train: VoteMatrix | ArrayLike,
        *,
        method: str = "auto",
        level: float = 0.95,
        class_balance: Any = None,
        n_draws: int = 200,
        seed: int = 0,
    ) -> ModelIntervals:
        """Return intervals for the accuracies and the class balance.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            The votes the model was fitted on.
        method : {"auto", "fisher", "bootstrap"}, default "auto"
            Curvature of the likelihood, for fits that were refined by it; or refits on resampled patients, which
            show how the fit would change with other patients, not how far its assumptions are off.
        level : float, default 0.95
            Confidence level.
        class_balance : optional
            As it was given to `fit`, for refits.
        n_draws : int, default 200
            Refits of the bootstrap.
        seed : int, default 0
            Of the bootstrap's draws.
        """
        votes, method = self._check_intervals(L_train, method, level, n_draws)
        if method == "fisher":
            return fisher_intervals(self, votes, level)
        return bootstrap_intervals(
            self, votes, class_balance=class_balance, n_draws=n_draws, level=level, seed=seed
        )

    def posterior_intervals(
        self,
        L_train: VoteMatrix | ArrayLike,
        L: VoteMatrix | ArrayLike | None = None,
        *,
        method: str = "auto",
        level: float = 0.95,
        class_balance: Any = None,
        n_draws: int = 100,
        seed: int = 0,
    ) -> PosteriorIntervals:
        """Return intervals for the probabilities of records.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            The votes the model was fitted on.
        L : VoteMatrix or array-like of int, optional
            Votes of the records to judge; default: the same.
        method, level, class_balance, n_draws, seed
            As in `intervals`. Parameters are drawn by the likelihood's curvature, or come from refits on resampled
            patients; the bounds are percentiles over `n_draws` of them.
        """
        votes, method = self._check_intervals(L_train, method, level, n_draws)
        judged = votes if L is None else self.check_votes(L)
        if method == "fisher":
            models = list(likely_models(self, votes, n_draws=n_draws, seed=seed))
        else:
            models = list(
                bootstrap_refits(self, votes, class_balance=class_balance, n_draws=n_draws, seed=seed)
            )
        return intervals_over(models, self, judged, level, method)

    def _check_intervals(
        self, L_train: VoteMatrix | ArrayLike, method: str, level: float, n_draws: int
    ) -> tuple[VoteMatrix, str]:
        """Return the votes of the fit, and "fisher" or "bootstrap"; refuse settings that are none."""
        self._check_fitted()
        if method not in ("auto", "fisher", "bootstrap"):
            raise ValueError(f'method is {method!r}; it is "auto", "fisher" or "bootstrap"')
        if not 0 < level < 1 or n_draws < 2:
            raise ValueError("level lies between 0 and 1, and n_draws is at least 2")
        if method == "fisher" and not self.refined_:
            raise ValueError('these votes are not what the likelihood assumes; use method="bootstrap"')
        votes = self.check_votes(L_train)
        return votes, "fisher" if self.refined_ and method != "bootstrap" else "bootstrap"

    def _posterior(self, votes: VoteMatrix) -> Array:
        gain, silence = self._evidence()
        side = self._side_evidence(votes, gain, silence)
        scores: Array = np.empty((votes.n_records, self.cardinality))
        for rows, part in vote_blocks(votes):
            np.add(part @ gain, silence.sum(axis=0), out=scores[rows])
        side.onto(scores)
        scores *= self._temperatures(votes, gain, side)[:, None]
        scores += np.log(self.prior_)
        for rows in spans(len(scores)):
            normalise(scores[rows])
        return scores

    def covered(self, votes: VoteMatrix) -> NDArray[np.bool_]:
        """Return which records have a vote, votes for a set of classes included, shape (n_records,)."""
        return covered_by(votes)

    def _side_evidence(self, votes: VoteMatrix, gain: Array, silence: Array) -> SideEvidence:
        """Return what confidences and sets of classes change."""
        k = self.cardinality
        if votes.confidence is None and votes.class_sets is None:
            return side_evidence(votes, gain, silence, gain, self.vote_rates_, self.prior_)
        q = posterior_of_vote(self.emitted_, self.prior_)
        q = np.where(self.vote_rates_[:, :, None] > 0, q, first_guess(self.prior_, 0.7))
        said = gain.reshape(-1, k, k) + silence[:, None, :]
        return side_evidence(votes, said, silence, q, self.vote_rates_, self.prior_)

    def _temperatures(self, votes: VoteMatrix, gain: Array, side: SideEvidence) -> Array:
        """Return the share of its evidence that counts on each record, shape (n_records,) or (1,) where all are alike."""
        if not self.per_record_:
            return np.array([self.temperature_])
        k = self.cardinality
        discounts = np.maximum(self.discounts_, SMALLEST)
        size = np.ptp(gain, axis=1)
        both = np.stack([size, size**2 / np.repeat(discounts, k)], axis=1)
        total = np.empty((votes.n_records, 2))
        for rows, part in vote_blocks(votes):
            total[rows] = part @ both
        if len(side.row):
            values = votes.dense()[side.row, side.function]
            cell = side.function * k + np.maximum(values, 0)
            before = np.where((values >= 0)[:, None], gain[cell], 0.0)
            changed = np.ptp(before + side.added, axis=1)
            change = np.stack([changed, changed**2 / discounts[side.function]], axis=1)
            np.add.at(total, side.row, change - np.where((values >= 0)[:, None], both[cell], 0.0))
        return temperature_by_record(total[:, 0], np.maximum(total[:, 1], 0.0))

    def _evidence(self) -> tuple[Array, Array]:
        """Return what votes add to the log probability of each class, and what abstentions add."""
        k = self.cardinality
        q = posterior_of_vote(self.emitted_, self.prior_)
        gain = np.log(np.maximum(q, SMALLEST)) - np.log(self.prior_)
        gain[self.vote_rates_ == 0] = 0.0
        silence = np.zeros((len(gain), k))
        if self.silent_evidence_:
            rates = self.vote_rates_.sum(axis=1)
            silent = np.maximum(1 - self.emitted_.sum(axis=1), SMALLEST)
            spoken = rates < 1 - SMALLEST
            silence[spoken] = (
                np.log(silent[spoken]) - np.log(np.maximum(1 - rates[spoken], SMALLEST))[:, None]
            )
        if self.guard:
            gain = np.where(self._unbelieved(q)[:, :, None], silence[:, None, :], gain)
        gain = (gain - silence[:, None, :]) * self.discounts_[:, None, None]
        return gain.reshape(-1, k), silence * self.discounts_[:, None]

    def _unbelieved(self, q: Array) -> NDArray[np.bool_]:
        """Return which votes speak against their class without proof, shape (n_functions, cardinality)."""
        own = np.einsum("jvv->jv", q)
        cast = np.maximum(self.vote_rates_ * self.n_fitted_, 1.0)
        margin = 3 * np.sqrt(self.prior_ * (1 - self.prior_) / cast)
        proven = ~self.one_sided_[:, None] & (own < self.prior_ - margin)
        return np.asarray((own < self.prior_) & ~proven, dtype=np.bool_)

    def _list_violators(self) -> tuple[tuple[str, int], ...]:
        """Return the votes that make their own class less likely than it is without them."""
        own = np.einsum("jvv->jv", posterior_of_vote(self.emitted_, self.prior_))
        below = (own < self.prior_) & (self.vote_rates_ > 0)
        return tuple((self.names_[j], int(v)) for j, v in np.argwhere(below))
