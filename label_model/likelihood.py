"""Refinement by likelihood: expectation and maximisation over the records, for votes that the model fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.cast_votes import CastVotes

Array = NDArray[np.float64]

SMALLEST = 1e-9
"""Probabilities are cut off here before their logarithm is taken."""


@dataclass(frozen=True, eq=False)
class Pseudo:
    """Records that are added to what is counted in every step: a prior on coverage, and one on what is voted.

    Parameters
    ----------
    silent, voted : ndarray of shape (n_functions, n_classes)
        Records of each class on which a function abstains, and votes.
    votes : ndarray of shape (n_functions, n_classes, n_classes)
        Votes for each class on records of each class: function, vote, class. They may weigh more or less than `voted`.
    """

    silent: Array
    voted: Array
    votes: Array

    @classmethod
    def of_records(cls, records: Array) -> Self:
        """Return the prior that added records are, shape (n_functions, n_classes + 1, n_classes), abstaining first."""
        return cls(records[:, 0], records[:, 1:].sum(axis=1), records[:, 1:])

    def times(self, factor: float) -> Self:
        """Return the same records, each `factor` times."""
        return type(self)(factor * self.silent, factor * self.voted, factor * self.votes)

    @property
    def strengths(self) -> tuple[Array, Array]:
        """Records that pull coverage, and votes that pull votes, both of shape (n_functions, n_classes)."""
        return self.silent + self.voted, self.votes.sum(axis=1)

    def of(self, emitted: Array) -> float:
        """Return the log density of the prior at P(vote | class)."""
        covered = emitted.sum(axis=1)
        return self.objective(np.maximum(1 - covered, SMALLEST), covered, emitted)

    def objective(self, silent: Array, covered: Array, emitted: Array) -> float:
        """Return the log density of the prior at P(abstains | class), P(votes | class) and P(vote | class)."""
        log_votes = np.log(np.maximum(emitted, SMALLEST)) - np.log(np.maximum(covered, SMALLEST))[:, None, :]
        coverage = self.silent * np.log(silent) + self.voted * np.log(np.maximum(covered, SMALLEST))
        return float(coverage.sum() + (self.votes * log_votes).sum())

    def step(self, said: Array, per_class: Array) -> Array:
        """Return the P(vote | class) that expected votes and records of each class make likeliest."""
        voted = said.sum(axis=1)
        covered = (voted + self.voted) / np.maximum(per_class + self.voted + self.silent, SMALLEST)
        shares = (said + self.votes) / np.maximum(voted + self.votes.sum(axis=1), SMALLEST)[:, None, :]
        return np.asarray(covered[:, None, :] * shares, dtype=np.float64)


class Expectation(Protocol):
    """What is expected of functions before their votes are seen, a prior or a shape that their tables have."""

    def objective(self, silent: Array, covered: Array, emitted: Array) -> float:
        """Return what it adds to the log likelihood, as `Pseudo.objective` does."""

    def step(self, said: Array, per_class: Array) -> Array:
        """Return the likeliest P(vote | class), as `Pseudo.step` does."""


def refine(
    cast: CastVotes,
    counts: Array | None,
    emitted: Array,
    prior: Array,
    pseudo: Expectation,
    *,
    labels: NDArray[np.int64] | None = None,
    balance_pull: Array | None = None,
    iterations: int = 100,
    tolerance: float = 1e-7,
) -> tuple[Array, Array, list[float]]:
    """Raise the likelihood of the votes from a good start, abstaining being an outcome like any vote.

    Parameters
    ----------
    cast : CastVotes
        Votes of each record, or of each distinct row of votes.
    counts : ndarray of shape (n_patterns,) or None
        How many records show each row; None where each row is one record.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class) to start from: function, vote, class.
    prior : ndarray of shape (n_classes,)
        Class balance to start from.
    pseudo : Pseudo or Coins
        Records added in every step, or the shape that tables have.
    labels : ndarray of int of shape (n_patterns,), optional
        Gold labels, -1 where unknown: such a record belongs to its class for certain.
    balance_pull : ndarray of shape (n_classes,), optional
        Records of each class added when the balance is learned too; None keeps it as it is.
    iterations : int, default 100
        Most steps.
    tolerance : float, default 1e-7
        Stop when the objective per record rises by less.

    Returns
    -------
    tuple
        P(vote | class), the class balance, and the objective before each step, which never falls.

    References
    ----------
    Dawid, Skene: Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979).
    """
    m, k, _ = emitted.shape
    n = float(cast.n_records if counts is None else counts.sum())
    emitted = emitted.copy()
    certain = np.where(np.eye(k) > 0, 0.0, -np.inf)
    if labels is not None and not (labels >= 0).any():
        labels = None
    history: list[float] = []
    for _ in range(iterations):
        covered = emitted.sum(axis=1)
        silent = np.maximum(1 - covered, SMALLEST)
        log_silent = np.log(silent)
        log_emitted = np.log(np.maximum(emitted, SMALLEST))
        gain = (log_emitted - log_silent[:, None, :]).reshape(m * k, k)
        base = np.log(np.maximum(prior, SMALLEST)) + log_silent.sum(axis=0)
        objective, per_class, said = 0.0, np.zeros(k), np.zeros((m * k, k))
        for rows, part in cast.blocks():
            scores = part @ gain
            scores += base
            if labels is not None:
                known = np.flatnonzero(labels[rows] >= 0)
                scores[known] += certain[labels[rows][known]]
            evidence = normalise(scores)
            if counts is None:
                objective += float(evidence.sum())
            else:
                objective += float(counts[rows] @ evidence)
                scores *= counts[rows, None]
            per_class += scores.sum(axis=0)
            said += part.T @ scores
        objective += pseudo.objective(silent, covered, emitted)
        if balance_pull is not None:
            objective += float(balance_pull @ np.log(np.maximum(prior, SMALLEST)))
        history.append(objective)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * n:
            break
        emitted = pseudo.step(said.reshape(m, k, k), per_class)
        if balance_pull is not None:
            prior = (per_class + balance_pull) / (n + balance_pull.sum())
    return emitted, np.asarray(prior, dtype=np.float64), history


def normalise(scores: Array) -> Array:
    """Turn log scores of shape (n_records, n_classes) into probabilities, in place; return the log of each row's sum.

    Class by class, because NumPy is slow at summing short rows.
    """
    top = scores[:, 0].copy()
    for c in range(1, scores.shape[1]):
        np.maximum(top, scores[:, c], out=top)
    scores -= top[:, None]
    np.exp(scores, out=scores)
    sums = scores[:, 0].copy()
    for c in range(1, scores.shape[1]):
        sums += scores[:, c]
    scores /= sums[:, None]
    np.log(sums, out=sums)
    sums += top
    return sums
