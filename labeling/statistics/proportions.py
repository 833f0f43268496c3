"""Intervals and tests for proportions and their differences, with records of one patient kept together."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .interval import Interval, as_binary, group_codes, normal_quantile, t_quantile


def wilson_interval(
    successes: ArrayLike, n: ArrayLike, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of the score interval of a proportion; honest at 0 of n and n of n, and at n = 0 it is [0, 1].

    Parameters
    ----------
    successes, n : array-like of equal shape
        Counts; both may be fractional (effective sizes).
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    low, high : ndarray of float64

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.

    Examples
    --------
    >>> low, high = wilson_interval([81, 10], [263, 10])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.2553, 0.7225], [0.3662, 1.0])
    """
    k = np.asarray(successes, dtype=np.float64)
    size = np.asarray(n, dtype=np.float64)
    if np.any(k < 0) or np.any(k > size):
        raise ValueError("successes must lie between 0 and n")
    z2 = normal_quantile(level) ** 2
    safe = np.maximum(size, np.finfo(float).tiny)
    share = k / safe
    centre = (k + z2 / 2) / (size + z2)
    half = np.sqrt(z2) / (size + z2) * np.sqrt(share * (1 - share) * size + z2 / 4)
    low = np.where(k == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(k == size, 1.0, np.minimum(centre + half, 1.0))
    return low, high


def proportion(successes: float, n: float, level: float = 0.95) -> Interval:
    """Return a share with its Wilson interval; missing when `n` is 0."""
    if n == 0:
        return Interval.missing("no records", level=level)
    low, high = wilson_interval(successes, n, level)
    return Interval(successes / n, float(low), float(high), level=level, n=round(n))


def clustered_proportion(values: ArrayLike, groups: ArrayLike | None = None, level: float = 0.95) -> Interval:
    """Share of true values, its Wilson interval widened for records that belong to the same patient.

    The cluster-robust variance gives a design effect, the design effect an effective number of records, and that
    enters Wilson's formula, which stays inside [0, 1] and keeps its width at 0 and 1. At the edges, where no
    design effect can be seen, the number of patients is the effective size.

    Parameters
    ----------
    values : array-like of bool of shape (n_records,)
        Whether each record counts.
    groups : array-like of shape (n_records,), optional
        The patient of each record.
    level : float, default 0.95
        Confidence level.
    """
    hits = as_binary(values)
    n = len(hits)
    if n == 0:
        return Interval.missing("no records", level=level)
    effective = effective_size(hits, groups, level=level)
    share = float(hits.mean())
    low, high = wilson_interval(min(share * effective, effective), effective, level)
    return Interval(share, min(float(low), share), max(float(high), share), level=level, n=n)


def shared_patients(patient_ids: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return whose each record is, one without a patient standing alone; None where no patient has two of them.

    Examples
    --------
    >>> shared_patients(np.array(["a", "a", ""])).tolist(), shared_patients(np.array(["a", "b", ""]))
    ([0, 0, 1], None)
    """
    if patient_ids is None:
        return None
    named = np.asarray(patient_ids).astype(np.str_)
    known = named != ""
    _, codes = np.unique(named[known], return_inverse=True)
    if not known.any() or len(np.unique(codes)) == len(codes):
        return None
    owners = np.empty(len(named), dtype=np.intp)
    owners[known] = codes
    owners[~known] = codes.max() + 1 + np.arange(int((~known).sum()))
    return owners


def effective_size(values: NDArray[Any], groups: ArrayLike | None, *, level: float = 0.95) -> float:
    """Return how many independent records carry as much as these, given who belongs to whom.

    With few patients the normal quantile is too small; the size is shrunk by (z / t)², as survey statisticians do
    (Korn and Graubard 1998).
    """
    n = len(values)
    codes, n_groups = group_codes(groups, n)
    if n_groups == n:
        return float(n)
    share = float(np.mean(values))
    plain = share * (1 - share) / n
    if plain == 0 or n_groups < 2:
        return float(n_groups)
    influence = (np.asarray(values, dtype=np.float64) - share) / n
    variance = cluster_variance(influence, codes, n_groups)
    design = max(variance / plain, 1.0) if variance > 0 else 1.0
    shrink = (normal_quantile(level) / t_quantile(level, n_groups - 1)) ** 2
    return max(n / design * shrink, 1.0)


def cluster_variance(influence: NDArray[np.float64], codes: NDArray[np.intp], n_groups: int) -> float:
    """Variance of an estimate from its records' influences, summed within groups first."""
    if n_groups < 2:
        return math.nan
    sums = np.bincount(codes, weights=influence, minlength=n_groups)
    return float(np.sum((sums - sums.mean()) ** 2) * n_groups / (n_groups - 1))


def interval_difference(first: Interval, second: Interval, correlation: float = 0.0) -> Interval:
    """Interval of `first` minus `second` from their own intervals (Newcombe's hybrid, also known as MOVER).

    For two independent proportions with Wilson intervals this is Newcombe's hybrid score interval (method 10 of
    Newcombe, Statistics in Medicine 1998); `correlation` between the estimates carries it to paired ones.

    Examples
    --------
    >>> gap = interval_difference(proportion(56, 70), proportion(48, 80))
    >>> round(gap.low, 4), round(gap.high, 4)
    (0.0524, 0.3339)
    """
    n = first.n + second.n
    if math.isnan(first.estimate) or math.isnan(second.estimate):
        return Interval.missing(first.reason or second.reason, level=first.level, n=n)
    gap = first.estimate - second.estimate
    down, up = first.estimate - first.low, second.high - second.estimate
    low = gap - math.sqrt(max(down**2 + up**2 - 2 * correlation * down * up, 0.0))
    up, down = first.high - first.estimate, second.estimate - second.low
    high = gap + math.sqrt(max(down**2 + up**2 - 2 * correlation * down * up, 0.0))
    return Interval(gap, low, high, level=first.level, n=n)


def interval_ratio(first: Interval, second: Interval, correlation: float = 0.0) -> Interval:
    """Interval of `first` over `second` from their own intervals: the hybrid of `interval_difference`, of logarithms.

    References
    ----------
    A. Donner, G. Zou, "Closed-form confidence intervals for functions of the normal mean and standard deviation",
    Statistical Methods in Medical Research 2012.

    Examples
    --------
    >>> print(interval_ratio(proportion(24, 30), proportion(50, 200)))
    3.200 [2.290, 4.221]
    """
    n = first.n + second.n
    if math.isnan(first.estimate) or math.isnan(second.estimate):
        return Interval.missing(first.reason or second.reason, level=first.level, n=n)
    if not second.estimate > 0:
        return Interval.missing("nothing to divide by", level=first.level, n=n)
    ratio = first.estimate / second.estimate
    down, up = _log_steps(first)
    other_down, other_up = _log_steps(second)
    if not ratio > 0:  # what could have been, since nothing was seen
        high = first.high / second.estimate * math.exp(other_down)
        return Interval(0.0, 0.0, high, level=first.level, n=n)

    def far(step: float, other: float) -> float:
        if math.isinf(step) or math.isinf(other):
            return math.inf
        return math.sqrt(max(step**2 + other**2 - 2 * correlation * step * other, 0.0))

    low, high = ratio * math.exp(-far(down, other_up)), ratio * math.exp(far(up, other_down))
    return Interval(ratio, low, high, level=first.level, n=n)


def _log_steps(interval: Interval) -> tuple[float, float]:
    """Return how far the bounds lie from the estimate, as logarithms."""
    middle = interval.estimate
    if not middle > 0:
        return math.inf, math.inf
    return math.log(middle / interval.low) if interval.low > 0 else math.inf, math.log(interval.high / middle)


def fisher_mid_p(successes: int, n: int, other_successes: int, other_n: int) -> float:
    """Two-sided mid-p of Fisher's exact test that two independent proportions are equal.

    Twice the smaller tail, the observed table counted half. Less timid than Fisher's own p, which at small counts
    rejects far more rarely than it says.

    Examples
    --------
    >>> round(fisher_mid_p(3, 4, 1, 4), 4)          # tails 17/70, observed table 16/70
    0.2571
    """
    if n == 0 or other_n == 0:
        return math.nan
    from scipy import stats  # slow to import

    table = stats.hypergeom(n + other_n, successes + other_successes, n)
    here = float(table.pmf(successes))
    lower = float(table.cdf(successes)) - here / 2
    upper = float(table.sf(successes)) + here / 2
    return float(min(1.0, 2 * min(lower, upper)))
