"""Matrix completion: how far each vote speaks for each class, from how often pairs of votes meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from .pair_table import PairTable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Convergence:
    """How a fit ended.

    Parameters
    ----------
    converged : bool
        Whether the optimiser reached its tolerance before its last iteration.
    iterations : int
        Iterations used.
    objective : float
        Value of the minimised objective.
    gradient : float
        Largest entry of its gradient there.
    """

    converged: bool
    iterations: int
    objective: float
    gradient: float


def complete(
    table: PairTable,
    weight: Array,
    prior: Array,
    guess: Array,
    pull: Array,
    *,
    start: Array | None = None,
    max_iterations: int = 500,
    tolerance: float = 1e-12,
) -> tuple[Array, Convergence]:
    """Return P(class | vote) for the votes of a table, shape (n_votes, n_classes).

    Minimises, over rows of q that are distributions,

        1/2 sum over present pairs a < b of weight(a, b) (lift(a, b) - sum_y s(a, y) s(b, y) / prior(y))^2
        - sum over votes a of pull(a) sum_y guess(a, y) log q(a, y)

    by L-BFGS on the logits of q in float64, where s is q as it is seen through votes that are less than sure
    (`PairTable.seen`). Given the same input it takes the same steps.

    Parameters
    ----------
    table : PairTable
        Observed lifts.
    weight : ndarray of shape (n_votes, n_votes)
        Weight of each lift, 0 where it is missing; see `PairTable.weight`.
    prior : ndarray of shape (n_classes,)
        Class balance.
    guess : ndarray of shape (n_votes, n_classes)
        What the second term pulls towards.
    pull : ndarray of shape (n_votes,)
        Strength of that pull, in observations.
    start : ndarray of shape (n_votes, n_classes), optional
        Where to begin; default: at `guess`.
    max_iterations : int, default 500
        Iterations after which to stop.
    tolerance : float, default 1e-12
        Relative fall of the objective below which to stop.

    References
    ----------
    Ratner, Hancock, Dunnmon, Sala, Pandey, Re: Training Complex Models with Multi-Task Weak Supervision (2019),
    section 4, with second moments in place of the inverse covariance: q(a, y) P(a) is their mu.
    """
    k = len(prior)
    if len(guess) == 0:
        return guess.copy(), Convergence(True, 0, 0.0, 0.0)
    lift = table.lift
    scale = max(1.0, float(pull.sum()), float(np.sqrt(weight.sum())))

    def objective(flat: Array) -> tuple[float, Array]:
        log_q = _log_softmax(flat.reshape(-1, k))
        q = np.exp(log_q)
        seen = table.seen(q, prior)
        scaled = seen / prior
        residual = seen @ scaled.T - lift
        weighted = weight * residual
        value = 0.25 * float((weighted * residual).sum()) - float((pull[:, None] * guess * log_q).sum())
        slope = weighted @ scaled
        if table.meaning is not None:
            slope = table.meaning.T @ slope
        gradient = q * (slope - (q * slope).sum(axis=1, keepdims=True)) + pull[:, None] * (q - guess)
        return value / scale, gradient.ravel() / scale

    found = minimize(
        objective,
        np.log(np.maximum(guess if start is None else start, 1e-12)).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": max_iterations,
            "maxfun": 2 * max_iterations + 20,
            "ftol": tolerance,
            "gtol": 1e-8,
        },
    )
    steepest = float(np.abs(found.jac).max())
    report = Convergence(
        bool(found.success) or steepest < 1e-5, int(found.nit), float(found.fun * scale), steepest
    )
    return np.exp(_log_softmax(found.x.reshape(-1, k))), report


def balance_that_fits(table: PairTable, weight: Array, q: Array, prior: Array, pull: Array) -> Array:
    """Return the class balance under which given P(class | vote) explain the lifts best.

    The lift of two votes for one class can reach 1 / P(class) and no more, so common votes for a class tell how rare
    it is at most. `pull` is what is expected before, in records of each class.
    """
    k = len(prior)

    def objective(logits: Array) -> tuple[float, Array]:
        log_prior = _log_softmax(logits[None])[0]
        p = np.exp(log_prior)
        residual = (q / p) @ q.T - table.lift
        weighted = weight * residual
        value = 0.25 * float((weighted * residual).sum()) - float(pull @ log_prior)
        slope = -0.5 * ((weighted @ q) * q).sum(axis=0) / p - pull
        return value, slope - p * slope.sum()

    found = minimize(objective, np.log(prior), jac=True, method="L-BFGS-B")
    fitted = np.maximum(np.exp(_log_softmax(found.x[None])[0]), 0.02 / k)
    return np.asarray(fitted / fitted.sum(), dtype=np.float64)


def _log_softmax(logits: Array) -> Array:
    """Return logits shifted so that their exponentials sum to 1 in each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float64)
