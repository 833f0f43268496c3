"""One metric inside and outside of slices: estimate, interval, gap to the rest and what could have been seen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from sidelight.labeling.statistics import (
    Interval,
    effective_size,
    fisher_mid_p,
    interval_difference,
    one_class_reason,
    two_sided_p,
    wilson_interval,
)
from sidelight.labeling.statistics.roc import score_bounds

from .metrics import Metric, Task
from .power import Variance, area_variance, share_variance

SMALL_CLASS = 25
"""Below this many records of a class an area's interval is the score interval."""

TESTED_CLASS = 10
"""Down to this many the test of a gap between areas keeps its level on the logit scale (simulated: 0.9 to 1.0 of it)."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A metric on some records, with all that comparing it to other records needs.

    Parameters
    ----------
    interval : Interval
        The estimate and its bounds.
    counted : tuple of int
        Records each part of the metric rests on: (denominator,) of a share or mean, (positives, negatives) of an area.
    sums : ndarray of shape (n_patients,)
        Each patient's influence on the estimate, to first order.
    design : float
        How much repeats of patients widen the variance, at least 1.
    n_patients : int
        Patients with a record that counts.
    hits : float
        Sum over the denominator, for shares.
    n_effective : float
        Patients that would carry as much if all had equally many records; what the tails of a test depend on.
    """

    interval: Interval
    counted: tuple[int, ...]
    sums: NDArray[np.float64]
    design: float
    n_patients: int
    hits: float = math.nan
    n_effective: float = 0.0

    @cached_property
    def variance(self) -> float:
        """Variance between patients."""
        if self.n_patients < 2:
            return math.nan
        n = self.n_effective if self.n_effective > 1 else float(self.n_patients)
        return float(np.dot(self.sums, self.sums)) * n / (n - 1)


class Shares:
    """Proportions, by Wilson's interval; the patients' repeats enter as an effective number of records."""

    method = "Wilson"

    def __init__(
        self, metric: Metric, task: Task, codes: NDArray[np.intp], n_patients: int, level: float
    ) -> None:
        self.inside, self.values = task.parts(metric)
        self.codes, self.n_patients, self.level = codes, n_patients, level
        self.repeated = n_patients < len(codes)
        if self.repeated:
            self.method = "Wilson, effective size by patient"

    def estimate(self, members: NDArray[np.bool_]) -> Estimate:
        """Return the share among `members`."""
        rows = np.flatnonzero(members & self.inside)
        n = len(rows)
        if n == 0:
            nothing = Interval.missing("no record that counts", level=self.level)
            return Estimate(nothing, (0,), np.zeros(self.n_patients), 1.0, 0, 0.0)
        values, codes = self.values[rows], self.codes[rows]
        share = float(values.mean())
        size = effective_size(values, codes if self.repeated else None, level=self.level)
        low, high = wilson_interval(min(share * size, size), size, self.level)
        interval = Interval(share, min(float(low), share), max(float(high), share), level=self.level, n=n)
        sums = np.bincount(codes, weights=(values - share) / n, minlength=self.n_patients).astype(float)
        n_patients = n_distinct(codes) if self.repeated else n
        effective = effective_patients(codes) if self.repeated else n
        return Estimate(interval, (n,), sums, n / size, n_patients, float(values.sum()), effective)

    def gap(self, inside: Estimate, rest: Estimate) -> Interval:
        """Return slice minus rest: Newcombe's interval, and Fisher's mid-p (a score test when patients repeat)."""
        gap = interval_difference(inside.interval, rest.interval, _correlation(inside, rest))
        if math.isnan(gap.estimate):
            return gap
        (n, other_n) = inside.counted[0], rest.counted[0]
        if not self.repeated:
            p = fisher_mid_p(round(inside.hits), n, round(rest.hits), other_n)
        else:
            pooled = (inside.hits + rest.hits) / (n + other_n)
            spread = pooled * (1 - pooled) * (inside.design / n + rest.design / other_n)
            spread -= 2 * float(np.dot(inside.sums, rest.sums))
            p = _p(gap.estimate, spread, min(inside.n_effective, rest.n_effective))
        return _with_p(gap, p)

    def power(self, design: float, share_counted: tuple[float, ...], n: float) -> Variance:
        """Return the variance of a slice of `n` records as a function of the truth."""
        return share_variance(max(n * share_counted[0] / design, 1e-9))


class Areas:
    """Areas under the ROC curve, by DeLong's interval, between patients when they repeat."""

    method = "DeLong"

    def __init__(
        self, metric: Metric, task: Task, codes: NDArray[np.intp], n_patients: int, level: float
    ) -> None:
        self.order = np.argsort(task.score, kind="stable")
        ranked = task.score[self.order]
        self.ties = (
            np.cumsum(np.r_[False, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, np.intp)
        )
        self.positive = task.positive[self.order]
        self.codes = codes[self.order]
        self.n_patients, self.level = n_patients, level
        self.repeated = n_patients < len(codes)
        if self.repeated:
            self.method = "DeLong between patients"

    def estimate(self, members: NDArray[np.bool_]) -> Estimate:
        """Return the area among `members`, without sorting them again."""
        rows = np.flatnonzero(members[self.order])
        positive, codes = self.positive[rows], self.codes[rows]
        m = int(positive.sum())
        k = len(rows) - m
        if not m or not k:
            nothing = Interval.missing(one_class_reason(m, k), level=self.level, n=len(rows))
            return Estimate(nothing, (m, k), np.zeros(self.n_patients), 1.0, n_distinct(codes))
        ties = self.ties[rows]
        ties = np.cumsum(np.r_[0, np.diff(ties) > 0])
        ups = np.bincount(ties, weights=positive)
        downs = np.bincount(ties, weights=~positive)
        below = (np.cumsum(downs) - downs / 2) / k
        above = (m - np.cumsum(ups) + ups / 2) / m
        area = float(np.dot(ups, below) / m)
        influence = np.where(positive, (below[ties] - area) / m, (above[ties] - area) / k)
        sums = np.bincount(codes, weights=influence, minlength=self.n_patients).astype(float)
        plain = 0.0
        for part in (influence[positive], influence[~positive]):
            plain += float(np.dot(part, part)) * (len(part) / max(len(part) - 1, 1))
        n_patients = n_distinct(codes) if self.repeated else len(rows)
        effective = max(effective_patients(codes), 1.0) if self.repeated else float(n_patients)
        clustered = float(np.dot(sums, sums)) * effective / max(effective - 1, 1.0)
        if not self.repeated:
            design = 1.0
        elif plain > 0:
            design = max(clustered / plain, 1.0)
        else:
            design = len(rows) / n_patients
        interval = self._interval(
            area, clustered if self.repeated else plain, m / design, k / design, effective, m + k
        )
        return Estimate(interval, (m, k), sums, design, n_patients, n_effective=effective)

    def _interval(
        self, area: float, variance: float, m: float, k: float, n_effective: float, n: int
    ) -> Interval:
        if min(m, k) < SMALL_CLASS or variance <= 0 or area in (0.0, 1.0):
            low, high = score_bounds(area, max(m, 1.0), max(k, 1.0), self.level)
        else:
            quantile = float(stats.t.ppf((1 + self.level) / 2, n_effective - 1) if self.repeated else 0)
            quantile = quantile or float(special.ndtri((1 + self.level) / 2))
            half = quantile * math.sqrt(variance) / (area * (1 - area))
            low, high = special.expit(special.logit(area) + np.array([-half, half]))
        return Interval(area, float(low), float(high), level=self.level, n=n)

    def gap(self, inside: Estimate, rest: Estimate) -> Interval:
        """Return slice minus rest, tested on the logit scale, or against a common area where a class is small."""
        gap = interval_difference(inside.interval, rest.interval, _correlation(inside, rest))
        if math.isnan(gap.estimate):
            return gap
        n_patients = min(inside.n_effective, rest.n_effective) if self.repeated else 0.0
        areas = np.array([inside.interval.estimate, rest.interval.estimate])
        covariance = float(np.dot(inside.sums, rest.sums))
        small = any(
            min(part.counted) / part.design < TESTED_CLASS or not part.variance > 0 for part in (inside, rest)
        )
        if not small and np.all((areas > 0) & (areas < 1)):
            # on the logit scale the tails hold to the small levels that a correction for many tests asks about
            a, b = areas * (1 - areas)
            spread = inside.variance / a**2 + rest.variance / b**2 - 2 * covariance / (a * b)
            return _with_p(gap, _p(float(np.diff(special.logit(areas))[0]), spread, n_patients))
        spread = -2 * covariance
        pooled = min(
            max(float(np.average(areas, weights=[inside.interval.n, rest.interval.n])), 1e-3), 1 - 1e-3
        )
        for part in (
            inside,
            rest,
        ):  # too few to know their own variance: that of Hanley and McNeil if all were alike
            m, k = (max(count / part.design, 1.0) for count in part.counted)
            spread += max(area_variance(m, k)(pooled), 0.0 if math.isnan(part.variance) else part.variance)
        return _with_p(gap, _p(gap.estimate, spread, n_patients))

    def power(self, design: float, share_counted: tuple[float, ...], n: float) -> Variance:
        """Return the variance of a slice of `n` records as a function of the truth."""
        m, k = (max(n * share / design, 1.0) for share in share_counted)
        return area_variance(m, k)


class Means:
    """Means of what is never negative, such as squared errors, on the log scale; between patients when they repeat."""

    method = "log scale"

    def __init__(
        self, metric: Metric, task: Task, codes: NDArray[np.intp], n_patients: int, level: float
    ) -> None:
        self.inside, self.values = task.parts(metric)
        self.codes, self.n_patients, self.level = codes, n_patients, level
        self.most = (1.0 if task.proba.shape[1] == 2 else 2.0) if metric.name == "brier" else math.inf
        self.repeated = n_patients < len(codes)
        if self.repeated:
            self.method = "log scale, between patients"

    def estimate(self, members: NDArray[np.bool_]) -> Estimate:
        """Return the mean among `members`."""
        rows = np.flatnonzero(members & self.inside)
        n = len(rows)
        if n == 0:
            nothing = Interval.missing("no record that counts", level=self.level)
            return Estimate(nothing, (0,), np.zeros(self.n_patients), 1.0, 0)
        values, codes = self.values[rows], self.codes[rows]
        mean = float(values.mean())
        sums = np.bincount(codes, weights=(values - mean) / n, minlength=self.n_patients).astype(float)
        effective = effective_patients(codes)
        plain = float(values.var()) / n
        design = max(float(np.dot(sums, sums)) / plain, 1.0) if plain > 0 else 1.0
        found = Estimate(
            Interval(mean, math.nan, math.nan, self.level, n), (n,), sums, design, n_distinct(codes),
            float(values.sum()), effective,
        )  # fmt: skip
        if effective < 2 or not found.variance > 0:
            reason = "too few patients, or no spread, to bound a mean"
            return replace(found, interval=replace(found.interval, reason=reason))
        quantile = float(stats.t.ppf((1 + self.level) / 2, effective - 1))
        factor = math.exp(quantile * math.sqrt(found.variance) / mean)
        return replace(
            found, interval=Interval(mean, mean / factor, min(mean * factor, self.most), self.level, n)
        )

    def power(self, design: float, share_counted: tuple[float, ...], n: float) -> Variance:
        """Return the variance of a slice of `n` records: unknown before its values are seen."""
        return lambda value: math.nan

    def gap(self, inside: Estimate, rest: Estimate) -> Interval:
        """Return slice minus rest; their ratio is what is tested."""
        gap = interval_difference(inside.interval, rest.interval, _correlation(inside, rest))
        if math.isnan(gap.estimate):
            return gap
        a, b = inside.interval.estimate, rest.interval.estimate
        if not (a > 0 and b > 0):
            return _with_p(gap, 1.0 if a == b else math.nan)
        covariance = float(np.dot(inside.sums, rest.sums))
        spread = inside.variance / a**2 + rest.variance / b**2 - 2 * covariance / (a * b)
        return _with_p(gap, _p(math.log(a / b), spread, min(inside.n_effective, rest.n_effective)))


ESTIMATORS: dict[str, type[Shares] | type[Means] | type[Areas]] = {
    "share": Shares, "mean": Means, "area": Areas
}  # fmt: skip
"""What estimates a metric of each kind by a formula."""


def n_distinct(codes: NDArray[np.intp]) -> int:
    """Return how many different codes there are, of codes that count from 0; a single pass, unlike `np.unique`."""
    return int(np.count_nonzero(np.bincount(codes)))


def effective_patients(codes: NDArray[np.intp]) -> float:
    """Return how many patients of equally many records carry as much as these.

    Examples
    --------
    >>> effective_patients(np.array([0, 1, 2, 2])), round(effective_patients(np.array([0, 1, 1, 1, 1, 1])), 2)
    (2.6666666666666665, 1.38)
    """
    counts = np.bincount(codes).astype(np.float64)
    return float(counts.sum() ** 2 / max(np.dot(counts, counts), 1.0))


def _correlation(inside: Estimate, rest: Estimate) -> float:
    """Correlation between slice and rest through patients that have records in both."""
    spread = math.sqrt(float(np.dot(inside.sums, inside.sums)) * float(np.dot(rest.sums, rest.sums)))
    if not spread > 0:
        return 0.0
    return float(np.clip(np.dot(inside.sums, rest.sums) / spread, -1.0, 1.0))


def _p(gap: float, variance: float, n_patients: float) -> float:
    if not variance > 0:
        return 1.0 if gap == 0 else math.nan
    z = gap / math.sqrt(variance)
    return float(2 * stats.t.sf(abs(z), n_patients - 1)) if n_patients > 1 else two_sided_p(z)


def _with_p(gap: Interval, p: float) -> Interval:
    return Interval(gap.estimate, gap.low, gap.high, gap.level, gap.n, p, gap.reason)
