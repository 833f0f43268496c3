"""Resampling of patients: intervals for any statistic, and a fast one for the area under the ROC curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .interval import Interval, as_binary, group_codes, t_quantile, two_sided_p
from .roc import auroc, delong, one_class_reason

CHUNK = 4_000_000
"""Weights held in memory at once (draws times records)."""


def clustered_bootstrap(
    statistic: Callable[..., float],
    groups: ArrayLike | None,
    *arrays: ArrayLike,
    n_draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of any statistic by resampling patients with all their records.

    Parameters
    ----------
    statistic : callable
        Takes arrays like `arrays` and returns a number; NaN where it cannot be computed.
    groups : array-like of shape (n_records,) or None
        The patient of each record; None when each record is a patient of its own.
    *arrays : array-like of shape (n_records, ...)
        What `statistic` is computed from.
    n_draws : int, default 2000
        Number of resamples.
    seed : int, default 0
        Equal seeds give equal intervals, in any process.
    level : float, default 0.95
        Confidence level. The percentiles are those of Hesterberg's expanded interval, which undoes the
        narrowness of the plain percentile interval with few patients.

    Returns
    -------
    Interval
        Without bounds, and with the reason, when fewer than nine in ten draws allow the statistic or none differs.

    Examples
    --------
    >>> interval = clustered_bootstrap(np.mean, ["a", "a", "b", "c"], [1.0, 0.0, 1.0, 0.0], n_draws=200)
    >>> interval.estimate, interval.n
    (0.5, 4)
    """
    return _resample(statistic, groups, arrays, n_draws, seed, level)[0]


def _resample(
    statistic: Callable[..., float],
    groups: ArrayLike | None,
    arrays: Sequence[ArrayLike],
    n_draws: int,
    seed: int,
    level: float,
) -> tuple[Interval, float]:
    """Return the interval, and the standard error over the draws (NaN when there are none)."""
    columns = [np.asarray(array) for array in arrays]
    if not columns:
        raise ValueError("no arrays: the statistic has nothing to be computed from")
    n = len(columns[0])
    if any(len(column) != n for column in columns):
        raise ValueError(
            f"arrays have {sorted({len(column) for column in columns})} records; they must agree"
        )
    codes, n_groups = group_codes(groups, n)
    estimate = float(statistic(*columns)) if n else math.nan
    if math.isnan(estimate):
        return Interval.missing("the statistic is not defined on these records", level=level, n=n), math.nan
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(n_groups + 1))
    sizes = np.diff(starts)
    random = np.random.default_rng(seed)
    draws = np.empty(n_draws)
    for draw in range(n_draws):
        chosen = random.integers(n_groups, size=n_groups)
        lengths = sizes[chosen]
        offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = order[np.repeat(starts[chosen], lengths) + offsets]
        draws[draw] = statistic(*(column[rows] for column in columns))
    interval = interval_of_draws(estimate, draws, n_groups, level=level, n=n)
    return interval, math.nan if math.isnan(interval.low) else float(np.nanstd(draws, ddof=1))


def paired_bootstrap(
    statistic: Callable[..., float],
    groups: ArrayLike | None,
    y: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    n_draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Interval of ``statistic(y, first) - statistic(y, second)``, the same patients drawn for both.

    `p` is the two-sided normal p-value of the difference over its bootstrap standard error.
    """

    def gap(gold: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> float:
        return float(statistic(gold, a)) - float(statistic(gold, b))

    interval, spread = _resample(gap, groups, (y, first, second), n_draws, seed, level)
    return replace(interval, p=two_sided_p(interval.estimate / spread) if spread > 0 else math.nan)


def bootstrap_auroc(
    y: ArrayLike,
    score: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Area under the ROC curve with its interval by resampling patients, all draws at once.

    A perfect separation, which no resample can disturb, gets the score interval of `delong` instead. With few
    patients and an area near 1 any percentile interval is too narrow; `delong` is then the one to use.

    Examples
    --------
    >>> interval = bootstrap_auroc([0, 0, 1, 1] * 20, [0.1, 0.6, 0.4, 0.8] * 20)
    >>> interval.estimate
    0.75
    """
    gold = as_binary(y)
    estimate = auroc(gold, score)
    n = len(gold)
    if math.isnan(estimate):
        return Interval.missing(one_class_reason(int(gold.sum()), int((~gold).sum())), level=level, n=n)
    if estimate in (0.0, 1.0):
        return delong(gold, score, groups).interval(level=level)
    codes, n_groups = group_codes(groups, n)
    prepared = PreparedScores(gold, np.asarray(score, dtype=np.float64))
    chunks = patient_weights(n_groups, n_draws, seed=seed, chunk=max(1, CHUNK // max(n, 1)))
    draws = np.concatenate([prepared.auroc(weights[:, codes]) for weights in chunks])
    return interval_of_draws(estimate, draws, n_groups, level=level, n=n)


def bootstrap_auroc_difference(
    y: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Difference of two areas on the same records, the same patients drawn for both; `p` as in `paired_bootstrap`."""
    gold = as_binary(y)
    gap = auroc(gold, first) - auroc(gold, second)
    n = len(gold)
    if math.isnan(gap):
        return Interval.missing(one_class_reason(int(gold.sum()), int((~gold).sum())), level=level, n=n)
    codes, n_groups = group_codes(groups, n)
    one = PreparedScores(gold, np.asarray(first, dtype=np.float64))
    two = PreparedScores(gold, np.asarray(second, dtype=np.float64))
    draws = []
    for weights in patient_weights(n_groups, n_draws, seed=seed, chunk=max(1, CHUNK // max(n, 1))):
        rows = weights[:, codes]
        draws.append(one.auroc(rows) - two.auroc(rows))
    interval = interval_of_draws(gap, np.concatenate(draws), n_groups, level=level, n=n)
    if math.isnan(interval.low):
        return interval
    return replace(interval, p=two_sided_p(gap / float(np.nanstd(np.concatenate(draws), ddof=1))))


class PreparedScores:
    """Scores sorted once, so that the area can be computed for many weightings of the same records."""

    def __init__(self, gold: NDArray[np.bool_], score: NDArray[np.float64]) -> None:
        self._order = np.argsort(score, kind="stable")
        self._gold = gold[self._order].astype(np.float32)
        ranked = score[self._order]
        self._starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        self._tied = len(self._starts) < len(ranked)

    def auroc(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the weighted area for each row of `weights` (n_draws, n_records); NaN where a class is gone."""
        sorted_weights = weights[:, self._order]
        positive = sorted_weights * self._gold
        negative = sorted_weights - positive
        if self._tied:
            positive = np.add.reduceat(positive, self._starts, axis=1)
            negative = np.add.reduceat(negative, self._starts, axis=1)
        below = np.cumsum(negative, axis=1, dtype=np.float64)
        wins = np.einsum("ij,ij->i", positive, below - negative / 2)
        pairs = positive.sum(axis=1, dtype=np.float64) * below[:, -1]
        area: NDArray[np.float64] = np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return area


def patient_weights(
    n_groups: int, n_draws: int, *, seed: int = 0, chunk: int = 256
) -> Iterator[NDArray[np.float32]]:
    """Yield how often each patient is drawn, in pieces of shape (at most chunk, n_groups).

    The stream depends on the seed alone, not on `chunk`.
    """
    random = np.random.default_rng(seed)
    for start in range(0, n_draws, chunk):
        size = min(chunk, n_draws - start)
        chosen = random.integers(n_groups, size=(size, n_groups))
        chosen += np.arange(size)[:, None] * n_groups
        counts = np.bincount(chosen.ravel(), minlength=size * n_groups)
        yield counts.reshape(size, n_groups).astype(np.float32)


def interval_of_draws(
    estimate: float, draws: NDArray[np.float64], n_groups: float, *, level: float = 0.95, n: int = 0
) -> Interval:
    """Turn bootstrap draws, NaN where undefined, into an interval by expanded percentiles."""
    usable = draws[~np.isnan(draws)]
    if len(usable) < 0.9 * len(draws) or n_groups < 2:
        reason = "too few patients to resample: the statistic is undefined in many draws"
        return Interval(estimate, math.nan, math.nan, level=level, n=n, reason=reason)
    spread = float(usable.std(ddof=1))
    if spread <= 1e-12 * max(1.0, abs(estimate)):
        reason = "no resample differs from the data, so they bound nothing"
        return Interval(estimate, math.nan, math.nan, level=level, n=n, reason=reason)
    t = t_quantile(level, n_groups - 1)
    tail = float(special.ndtr(-t * math.sqrt(n_groups / (n_groups - 1))))
    low, high = np.quantile(usable, [tail, 1 - tail])
    return Interval(estimate, float(low), float(high), level=level, n=n)
