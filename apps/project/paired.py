"""Differences of two sets of scores on the same records, with the same patients in both."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sidelight.labeling.statistics import (
    Interval,
    auroc,
    bootstrap_auroc_difference,
    cluster_variance,
    group_codes,
)


def accuracy_change(
    gold: NDArray[np.int64], before: NDArray[np.float64], after: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[float, float, Interval]:
    """Return the share that is right before and after, and the difference with its interval by patient.

    Parameters
    ----------
    gold : ndarray of int of shape (n_records,)
        The true classes.
    before, after : ndarray of shape (n_records, n_classes)
        Probabilities.
    groups : ndarray of shape (n_records,)
        The patient of each record.

    Examples
    --------
    >>> gold = np.array([0, 1] * 20)
    >>> before, after = np.eye(2)[np.zeros(40, dtype=int)], np.eye(2)[gold]
    >>> then, now, difference = accuracy_change(gold, before, after, np.arange(40).astype(str))
    >>> then, now, difference.low > 0
    (0.5, 1.0, True)
    """
    then = (before.argmax(axis=1) == gold).astype(np.float64)
    now = (after.argmax(axis=1) == gold).astype(np.float64)
    return mean_change(then, now, groups)


def mean_change(
    then: NDArray[np.float64], now: NDArray[np.float64], groups: NDArray[np.str_]
) -> tuple[float, float, Interval]:
    """Return the mean of a score before and after on the same records, and the difference with its interval by patient.

    Examples
    --------
    >>> before, after, difference = mean_change(np.zeros(9), np.ones(9), np.arange(9).astype(str))
    >>> before, after, difference.reason
    (0.0, 1.0, 'all records changed alike, so nothing tells how sure that is')
    """
    change = now - then
    n = len(change)
    means = float(then.mean()), float(now.mean())
    if not np.any(change):
        return *means, Interval(0.0, math.nan, math.nan, n=n, reason="equal on every record")
    mean = float(change.mean())
    codes, n_groups = group_codes(groups, n)
    error = math.sqrt(cluster_variance((change - mean) / n, codes, n_groups))
    if error == 0:
        reason = "all records changed alike, so nothing tells how sure that is"
        return *means, Interval(mean, math.nan, math.nan, n=n, reason=reason)
    half = float(stats.t.ppf(0.975, n_groups - 1)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, n_groups - 1))
    return *means, Interval(mean, mean - half, mean + half, n=n, p=p)


def area_change(
    gold: NDArray[np.bool_],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    groups: NDArray[np.str_],
    *,
    seed: int = 0,
    n_draws: int = 1000,
) -> tuple[float, float, Interval] | None:
    """Return the area under both ROC curves and the difference, None where a class has fewer than 5 records."""
    if min(int(gold.sum()), int((~gold).sum())) < 5:
        return None
    then, now = float(auroc(gold, before)), float(auroc(gold, after))
    first, second = (np.unique(score, return_inverse=True)[1] for score in (before, after))
    if np.array_equal(first, second):
        return (
            then,
            now,
            Interval(0.0, math.nan, math.nan, n=len(gold), reason="the same order of all records"),
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return then, now, bootstrap_auroc_difference(gold, after, before, groups, n_draws=n_draws, seed=seed)
