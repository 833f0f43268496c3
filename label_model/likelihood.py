"""Refinement by likelihood: expectation and maximisation over the records, for votes that the model fits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST = 1e-9
"""Probabilities are cut off here before their logarithm is taken."""


def refine(
    hot: Any,
    counts: Array,
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
    hot : sparse array of shape (n_patterns, n_functions * n_classes)
        A one for each vote of each record, or of each distinct row of votes.
    counts : ndarray of shape (n_patterns,)
        How many records show each row.
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
    n = float(counts.sum())
    back = hot.T
    emitted = emitted.copy()
    gold = np.zeros(0, dtype=np.intp) if labels is None else np.flatnonzero(labels >= 0)
    other = (
        np.zeros((len(gold), k)) if labels is None else np.where(np.eye(k)[labels[gold]] > 0, 0.0, -np.inf)
    )
    history: list[float] = []
    for _ in range(iterations):
        silent = np.maximum(1 - emitted.sum(axis=1), SMALLEST)
        log_silent = np.log(silent)
        log_emitted = np.log(np.maximum(emitted, SMALLEST))
        gain = (log_emitted - log_silent[:, None, :]).reshape(m * k, k)
        scores = hot @ gain + (np.log(np.maximum(prior, SMALLEST)) + log_silent.sum(axis=0))
        scores[gold] += other
        top = scores.max(axis=1, keepdims=True)
        scores -= top
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1, keepdims=True)
        objective = float(counts @ (np.log(sums) + top)[:, 0])
        objective += float((pseudo[:, 1:] * log_emitted).sum() + (pseudo[:, 0] * log_silent).sum())
        if balance_pull is not None:
            objective += balance_pull / k * float(np.log(np.maximum(prior, SMALLEST)).sum())
        history.append(objective)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * n:
            break
        scores *= (counts[:, None]) / sums
        per_class = scores.sum(axis=0)
        cast = np.asarray(back @ scores).reshape(m, k, k) + pseudo[:, 1:]
        emitted = cast / np.maximum(per_class + pseudo.sum(axis=1), SMALLEST)[:, None, :]
        if balance_pull is not None:
            prior = (per_class + balance_pull / k) / (n + balance_pull)
    return emitted, np.asarray(prior, dtype=np.float64), history
