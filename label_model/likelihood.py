"""Refinement by likelihood: expectation and maximisation over the records, for votes that the model fits."""

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.cast_votes import CastVotes

Array = NDArray[np.float64]

SMALLEST = 1e-9
"""Probabilities are cut off here before their logarithm is taken."""


def refine(
    cast: CastVotes,
    counts: Array | None,
    emitted: Array,
    prior: Array,
    pseudo: Array,
    *,
    labels: NDArray[np.int64] | None = None,
    balance_pull: float | None = None,
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
    pseudo : ndarray of shape (n_functions, n_classes + 1, n_classes)
        Records added to each cell in every step, abstaining first.
    labels : ndarray of int of shape (n_patterns,), optional
        Gold labels, -1 where unknown: such a record belongs to its class for certain.
    balance_pull : float, optional
        Records of equally frequent classes added when the balance is learned too; None keeps it as it is.
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
        silent = np.maximum(1 - emitted.sum(axis=1), SMALLEST)
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
        objective += float((pseudo[:, 1:] * log_emitted).sum() + (pseudo[:, 0] * log_silent).sum())
        if balance_pull is not None:
            objective += balance_pull / k * float(np.log(np.maximum(prior, SMALLEST)).sum())
        history.append(objective)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * n:
            break
        emitted = (said.reshape(m, k, k) + pseudo[:, 1:]) / np.maximum(
            per_class + pseudo.sum(axis=1), SMALLEST
        )[:, None, :]
        if balance_pull is not None:
            prior = (per_class + balance_pull / k) / (n + balance_pull)
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
