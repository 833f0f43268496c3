"""Counts that may leave a hospital: moments with noise under which no single patient shows."""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import Moments, one_hot

FEWEST_PATIENTS = 50
"""Patients below which nothing is released."""


def private_moments(votes: VoteMatrix, rho: float, *, random: np.random.Generator | None = None) -> Moments:
    """Return moments of votes that are rho-zCDP for adding or removing one patient.

    Each patient counts as one record: the mean over the patient's records of the products of their votes, a positive
    matrix of Frobenius norm at most n_functions, beside whether any function voted. Gaussian noise of standard
    deviation sqrt((n_functions^2 + 1) / (2 rho)) goes to every count. What follows is done to the noisy counts alone:
    impossible pairs are set to 0, counts are clipped to what n patients allow and rounded. The number of patients and
    the names of the functions are taken to be public.

    Several releases add up: their rhos are summed. Moments of several sites are merged by addition, as ever.

    Parameters
    ----------
    votes : VoteMatrix
        Votes with patient ids on every record.
    rho : float
        Privacy loss to spend; see `epsilon_of`.
    random : numpy Generator, optional
        Source of the noise, for tests; otherwise drawn from the system's entropy, and not repeatable on purpose.

    Raises
    ------
    ValueError
        When a record lacks a patient id, or there are fewer than 50 patients.

    References
    ----------
    Bun, Steinke: Concentrated Differential Privacy: Simplifications, Extensions, and Lower Bounds (2016).
    """
    if not rho > 0:
        raise ValueError(f"rho is {rho}; it is above 0")
    if votes.patient_ids is None or (votes.patient_ids == "").any():
        raise ValueError("every record needs a patient id: the noise hides patients, not records")
    m, k = votes.n_functions, votes.schema.cardinality
    _, patient, records = np.unique(votes.patient_ids, return_inverse=True, return_counts=True)
    n = len(records)
    if n < FEWEST_PATIENTS:
        raise ValueError(f"{n} patients; counts of fewer than {FEWEST_PATIENTS} are not released")
    share = 1 / records[patient]
    hot = one_hot(votes)
    weighted = hot.multiply(share[:, None]).tocsr()
    pairs = np.asarray((weighted.T @ hot).toarray(), dtype=np.float64)
    covered = float(share[votes.covered()].sum())
    source = np.random.default_rng(secrets.randbits(128)) if random is None else random
    sigma = noise_of(m, rho)
    upper = np.triu(source.normal(0.0, sigma, pairs.shape))
    noisy = _possible(pairs + upper + np.triu(upper, 1).T, m, k, n)
    n_covered = int(np.clip(np.rint(covered + source.normal(0.0, sigma)), 1, n))
    singles = noisy.diagonal().reshape(m, k).copy()
    return Moments(votes.schema, votes.names, n, n_covered, singles, noisy, noisy=True)


def noise_of(n_functions: int, rho: float) -> float:
    """Return the standard deviation of the noise on each count."""
    return float(np.sqrt((n_functions**2 + 1) / (2 * rho)))


def epsilon_of(rho: float, delta: float) -> float:
    """Return the epsilon of (epsilon, delta)-differential privacy that rho-zCDP implies.

    Examples
    --------
    >>> round(epsilon_of(0.81, 1e-5), 1)
    6.9
    """
    if not rho >= 0 or not 0 < delta < 1:
        raise ValueError("rho is 0 or more, and delta lies between 0 and 1")
    return float(rho + 2 * np.sqrt(rho * np.log(1 / delta)))


def _possible(noisy: NDArray[np.float64], m: int, k: int, n: int) -> NDArray[np.int64]:
    """Return whole counts that n patients could have: symmetric, within bounds, one vote of a function at a time."""
    counts = np.clip(noisy, 0, n)
    single = counts.diagonal().copy()
    total = single.reshape(m, k).sum(axis=1)
    single *= np.repeat(np.minimum(1.0, n / np.maximum(total, 1e-9)), k)
    counts = np.minimum(counts, np.minimum(single[:, None], single[None, :]))
    function = np.repeat(np.arange(m), k)
    counts[function[:, None] == function[None, :]] = 0.0
    np.fill_diagonal(counts, single)
    return np.rint(counts).astype(np.int64)
