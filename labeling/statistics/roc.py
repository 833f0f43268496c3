"""Area under the ROC curve: the estimate, DeLong's variance, intervals and the paired test."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .interval import Interval, as_binary, group_codes, normal_quantile, t_quantile, two_sided_p
from .proportions import cluster_variance

SMALL_CLASS = 25
"""Below this many positives or negatives the normal theory behind DeLong is not trusted."""


def auroc(y: ArrayLike, score: ArrayLike) -> float:
    """Chance that a positive record scores above a negative one, ties counting half; NaN with one class only.

    Parameters
    ----------
    y : array-like of 0/1 of shape (n,)
        Gold.
    score : array-like of float of shape (n,)
        Higher means more likely positive.

    Examples
    --------
    >>> auroc([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    gold, values = _checked(y, score)
    n_positive = int(gold.sum())
    n_negative = len(gold) - n_positive
    if not n_positive or not n_negative:
        return math.nan
    from scipy import stats  # slow to import

    ranks = stats.rankdata(values[:, 0])
    return float((ranks[gold].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


@dataclass(frozen=True, eq=False)
class DeLong:
    """Areas of one or several scores on the same records, and how they vary together.

    Parameters
    ----------
    auroc : ndarray of shape (n_scores,)
        Estimates, NaN with one class only.
    covariance : ndarray of shape (n_scores, n_scores)
        DeLong's, or its cluster-robust form when patients were given.
    influence : ndarray of shape (n_records, n_scores)
        What each record adds to the estimate's error, to first order; sums to zero.
    n_positive, n_negative : int
        Records of each class.
    design_effect : ndarray of shape (n_scores,)
        How much wider the variance is for records that share a patient, at least 1.
    n_groups : int
        Independent units.
    """

    auroc: NDArray[np.float64]
    covariance: NDArray[np.float64]
    influence: NDArray[np.float64]
    n_positive: int
    n_negative: int
    design_effect: NDArray[np.float64]
    n_groups: int

    def interval(self, index: int = 0, level: float = 0.95) -> Interval:
        """Return the interval of one area: on the logit scale, or by score when a class is small.

        Fewer than 25 records (patients, if they repeat) of a class, an area of 0 or 1: Newcombe's score interval
        (method 5 of "Confidence intervals for an effect size measure based on the Mann-Whitney statistic", part
        2, Statistics in Medicine 2006).
        """
        n = self.n_positive + self.n_negative
        area = float(self.auroc[index])
        if math.isnan(area):
            return Interval.missing(one_class_reason(self.n_positive, self.n_negative), level=level, n=n)
        design = float(self.design_effect[index])
        m, k = self.n_positive / design, self.n_negative / design
        variance = float(self.covariance[index, index])
        if min(m, k) < SMALL_CLASS or variance <= 0 or area in (0.0, 1.0):
            low, high = score_bounds(area, max(m, 1.0), max(k, 1.0), level)
        else:
            half = self._quantile(level) * math.sqrt(variance) / (area * (1 - area))
            low, high = special.expit(special.logit(area) + np.array([-half, half]))
        return Interval(area, float(low), float(high), level=level, n=n)

    def difference(self, first: int = 0, second: int = 1, level: float = 0.95) -> Interval:
        """Return the difference of two areas on the same records, with DeLong's paired test in `p`."""
        n = self.n_positive + self.n_negative
        gap = float(self.auroc[first] - self.auroc[second])
        if math.isnan(gap):
            return Interval.missing(one_class_reason(self.n_positive, self.n_negative), level=level, n=n)
        c = self.covariance
        error = math.sqrt(max(float(c[first, first] + c[second, second] - 2 * c[first, second]), 0.0))
        if error == 0:
            reason = "" if gap == 0 else "no variation to judge the difference by"
            same = gap == 0
            return Interval(
                gap,
                0.0 if same else math.nan,
                0.0 if same else math.nan,
                level,
                n,
                1.0 if same else math.nan,
                reason,
            )
        half = self._quantile(level) * error
        return Interval(gap, max(gap - half, -1.0), min(gap + half, 1.0), level, n, two_sided_p(gap / error))

    def _quantile(self, level: float) -> float:
        if self.n_groups == self.n_positive + self.n_negative:
            return normal_quantile(level)
        return t_quantile(level, max(self.n_groups - 1, 1))


def delong(y: ArrayLike, scores: ArrayLike, groups: ArrayLike | None = None) -> DeLong:
    """Areas under the ROC curves of one or several scores on the same records, with their covariance.

    Parameters
    ----------
    y : array-like of 0/1 of shape (n,)
        Gold.
    scores : array-like of float of shape (n,) or (n, n_scores)
        Higher means more likely positive.
    groups : array-like of shape (n,), optional
        The patient of each record; the covariance is then between patients.

    References
    ----------
    E. R. DeLong et al., "Comparing the areas under two or more correlated ROC curves", Biometrics 1988, computed from
    midranks after X. Sun and W. Xu (IEEE Signal Processing Letters 2014); with patients, N. A. Obuchowski,
    "Nonparametric analysis of clustered ROC curve data", Biometrics 1997.

    Examples
    --------
    >>> y = [0, 0, 0, 1, 1, 1]
    >>> result = delong(y, [0.1, 0.3, 0.6, 0.5, 0.8, 0.9])
    >>> round(float(result.auroc[0]), 4), round(float(result.covariance[0, 0]), 4)
    (0.8889, 0.0247)
    """
    gold, values = _checked(y, scores)
    n, n_scores = values.shape
    codes, n_groups = group_codes(groups, n)
    m = int(gold.sum())
    k = n - m
    if not m or not k:
        nothing = np.full(n_scores, np.nan)
        return DeLong(
            nothing, np.full((n_scores, n_scores), np.nan), np.zeros((n, n_scores)), m, k, nothing, n_groups
        )
    areas, influence = _structural(gold, values)
    plain = _delong_covariance(influence, gold)
    if n_groups == n:
        return DeLong(areas, plain, influence, m, k, np.ones(n_scores), n_groups)
    columns = [np.bincount(codes, weights=column, minlength=n_groups) for column in influence.T]
    sums = np.stack(columns, axis=1).astype(np.float64)
    covariance: NDArray[np.float64] = sums.T @ sums * np.float64(n_groups / max(n_groups - 1, 1))
    # where the area is 0 or 1 nothing varies and the patients are all that is known to be independent
    design = np.full(n_scores, n / n_groups)
    varies = np.diag(plain) > 0
    design[varies] = np.maximum(np.diag(covariance)[varies] / np.diag(plain)[varies], 1.0)
    return DeLong(areas, covariance, influence, m, k, design, n_groups)


def one_class_reason(n_positive: int, n_negative: int) -> str:
    """Say why there is no area."""
    if not n_positive and not n_negative:
        return "no records"
    return "no positive record" if not n_positive else "no negative record"


def _checked(y: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    gold = as_binary(y)
    values = np.asarray(scores, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(gold):
        raise ValueError(f"scores has shape {np.shape(scores)}; y has {len(gold)} records")
    if np.isnan(values).any():
        raise ValueError(f"scores[{int(np.argwhere(np.isnan(values))[0, 0])}] is not a number")
    return gold, values


def _structural(
    gold: NDArray[np.bool_], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the areas and each record's influence from midranks within and across the classes."""
    from scipy import stats

    m, k = int(gold.sum()), int((~gold).sum())
    overall = stats.rankdata(values, axis=0)
    below = (overall[gold] - stats.rankdata(values[gold], axis=0)) / k
    above = 1 - (overall[~gold] - stats.rankdata(values[~gold], axis=0)) / m
    areas = below.mean(axis=0)
    influence = np.empty_like(values)
    influence[gold] = (below - areas) / m
    influence[~gold] = (above - areas) / k
    return areas, influence


def _delong_covariance(influence: NDArray[np.float64], gold: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return DeLong's covariance: each class's own, with its degrees of freedom."""
    total = np.zeros((influence.shape[1],) * 2)
    for members in (gold, ~gold):
        part = influence[members]
        if len(part) > 1:
            total += part.T @ part * (len(part) / (len(part) - 1))
    return total


def score_bounds(area: float, m: float, k: float, level: float) -> tuple[float, float]:
    """Solve |area - t| = z sqrt(V(t)) for t, with the variance of Hanley and McNeil at t."""
    z2 = normal_quantile(level) ** 2
    extra = (m + k) / 2 - 1

    def excess(t: float) -> float:
        spread = t * (1 - t) * (1 + extra * (1 - t) / (2 - t) + extra * t / (1 + t)) / (m * k)
        return (area - t) ** 2 - z2 * spread

    # at 0 and 1 the variance vanishes too: step inside, past that trivial solution
    low = 0.0 if area <= 0 else _root(excess, 0.0, min(area, 1 - 1e-12))
    high = 1.0 if area >= 1 else _root(excess, max(area, 1e-12), 1.0)
    return low, high


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize

    return float(optimize.brentq(function, low, high))


def influence_correlation(
    first: NDArray[np.float64], second: NDArray[np.float64], codes: NDArray[np.intp], n_groups: int
) -> float:
    """Correlation of two estimates that share patients, from their records' influences."""
    a, b = cluster_variance(first, codes, n_groups), cluster_variance(second, codes, n_groups)
    both = cluster_variance(first + second, codes, n_groups)
    if not a > 0 or not b > 0:
        return 0.0
    return float(np.clip((both - a - b) / (2 * math.sqrt(a * b)), -1.0, 1.0))
