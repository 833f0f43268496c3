"""Matrix completion: class-conditional accuracies from how often functions vote together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sidelight.labeling.moments import Moments

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


@dataclass(frozen=True, eq=False)
class PairTable:
    """Observed lifts of pairs of votes, and how much each is worth.

    The lift of votes a and b is P(a, b) / (P(a) P(b)). Votes a and b belong to two functions that are independent
    given the class, hence lift(a, b) = sum over classes y of P(y | a) P(y | b) / P(y): a low-rank matrix whose
    blocks on the diagonal (votes of one function, and of functions known to depend on each other) are missing.

    Parameters
    ----------
    lift : ndarray of shape (n_votes, n_votes)
        Observed lifts.
    weight : ndarray of shape (n_votes, n_votes)
        Inverse variance of each lift, 0 where it is missing.
    """

    lift: Array
    weight: Array

    @classmethod
    def of(cls, moments: Moments, groups: NDArray[np.intp] | None = None) -> "PairTable":
        """Read the lifts off counted moments.

        Parameters
        ----------
        moments : Moments
            Counts of votes and pairs.
        groups : ndarray of int of shape (n_functions,), optional
            Functions with the same number depend on each other; their pairs are missing. Default: all different.
        """
        m, k = moments.singles.shape
        n = max(1, moments.n_records)
        share = moments.singles.ravel() / n
        expected = np.outer(share, share)
        joint = moments.pairs / n
        variance = (0.5 * (joint + expected) + 1 / n) / n
        of_function = np.repeat(np.arange(m) if groups is None else groups, k)
        present = (expected > 0) & (of_function[:, None] != of_function[None, :])
        lift = np.divide(joint, expected, out=np.ones_like(joint), where=present)
        weight = np.divide(expected**2, variance, out=np.zeros_like(joint), where=present)
        return cls(lift, weight)


def complete(
    table: PairTable,
    prior: Array,
    start: Array,
    pull: Array,
    *,
    max_iterations: int = 500,
) -> tuple[Array, Convergence]:
    """Return P(class | vote) for every vote a function can cast.

    Minimises, over rows of q that are distributions,

        1/2 sum over present pairs a < b of weight(a, b) (lift(a, b) - sum_y q(a, y) q(b, y) / prior(y))^2
        - sum over votes a of pull(a) sum_y start(a, y) log q(a, y)

    by L-BFGS on the logits of q in float64, from `start`. Given the same input it takes the same steps.

    Parameters
    ----------
    table : PairTable
        Observed lifts.
    prior : ndarray of shape (n_classes,)
        Class balance.
    start : ndarray of shape (n_votes, n_classes)
        Where to begin, and what the second term pulls towards.
    pull : ndarray of shape (n_votes,)
        Strength of that pull, in votes.
    max_iterations : int, default 500
        Iterations after which to stop.

    Returns
    -------
    tuple of ndarray of shape (n_votes, n_classes) and Convergence

    References
    ----------
    Ratner, Hancock, Dunnmon, Sala, Pandey, Re: Training Complex Models with Multi-Task Weak Supervision (2019),
    equation 4 with second moments in place of the inverse covariance; q(a, y) prior(a's vote) is their mu.
    """
    k = start.shape[1]
    live = table.weight.any(axis=1)
    lift, weight, base, strength = table.lift, table.weight, start, pull
    if not live.all():
        lift, weight = lift[np.ix_(live, live)], weight[np.ix_(live, live)]
        base, strength = start[live], pull[live]
    if not live.any():
        return start.copy(), Convergence(True, 0, 0.0, 0.0)
    scale = max(1.0, float(strength.sum()), float(np.sqrt(weight.sum())))

    def objective(flat: Array) -> tuple[float, Array]:
        logits = flat.reshape(-1, k)
        logits = logits - logits.max(axis=1, keepdims=True)
        log_q = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        q = np.exp(log_q)
        scaled = q / prior
        residual = q @ scaled.T - lift
        weighted = weight * residual
        value = 0.25 * float((weighted * residual).sum()) - float((strength[:, None] * base * log_q).sum())
        slope = weighted @ scaled
        gradient = q * (slope - (q * slope).sum(axis=1, keepdims=True)) + strength[:, None] * (q - base)
        return value / scale, gradient.ravel() / scale

    found = minimize(
        objective,
        np.log(np.maximum(base, 1e-12)).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iterations, "maxfun": 2 * max_iterations + 20, "ftol": 1e-13, "gtol": 1e-9},
    )
    logits = found.x.reshape(-1, k)
    logits = logits - logits.max(axis=1, keepdims=True)
    q = start.copy()
    q[live] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    steepest = float(np.abs(found.jac).max())
    done = bool(found.success) or steepest < 1e-5
    return q, Convergence(done, int(found.nit), float(found.fun * scale), steepest)
