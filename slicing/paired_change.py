"""How far a metric moved between two audits that share records: the shared ones are compared in pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sidelight.labeling.statistics import Interval, cluster_variance, delong
from sidelight.labeling.statistics.interval import t_quantile

from .metrics import METRICS, Metric, as_task
from .record_table import RecordTable


@dataclass(frozen=True, eq=False)
class Influence:
    """A metric in some records, and how much each of them moves it.

    Parameters
    ----------
    value : float
        The metric; NaN where it cannot be computed.
    unit : ndarray of str of shape (n_counted,)
        The patient of each record that counts, or the record itself where no patient is known.
    amount : ndarray of float of shape (n_counted,)
        What each record adds to the estimate's error, to first order; sums to zero.
    """

    value: float
    unit: NDArray[np.str_]
    amount: NDArray[np.float64]


def influence(metric: Metric, table: RecordTable, inside: NDArray[np.bool_]) -> Influence:
    """Return a metric of the records `inside`, with each one's influence on it."""
    task = as_task(
        np.where(inside, table.gold, -1), table.proba, positive=table.positive, threshold=table.threshold
    )
    keys, owners = table.keys[task.rows], table.patients[task.rows]
    unit = np.where(owners == "", np.char.add("record ", keys), np.char.add("patient ", owners))
    if metric.kind == "area":
        areas = delong(task.positive, task.score)
        if not min(areas.n_positive, areas.n_negative):
            return Influence(math.nan, unit[:0], np.zeros(0))
        return Influence(float(areas.auroc[0]), unit, areas.influence[:, 0])
    counted, values = task.parts(metric)
    if not counted.any():
        return Influence(math.nan, unit[:0], np.zeros(0))
    chosen = values[counted]
    mean = float(chosen.mean())
    return Influence(mean, unit[counted], (chosen - mean) / len(chosen))


def paired_change(
    metric: str,
    tables: tuple[RecordTable, RecordTable],
    insides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    *,
    level: float = 0.95,
) -> Interval:
    """Return the later metric less the earlier one, with the test in `p`.

    Every patient enters once, with all of the patient's records in either audit, so whatever the two have in common
    cancels: records in both audits are compared in pairs, and the others widen the interval as they should.

    Parameters
    ----------
    metric : str
        A name in `METRICS`.
    tables : tuple of RecordTable
        The earlier records and the later ones.
    insides : tuple of ndarray of bool
        Who counts, in each.
    level : float, default 0.95
        Confidence level.

    Notes
    -----
    Shares get half a record in each cell of the table of right and wrong, before and after, so that a few records
    that changed are not taken for certainty.

    References
    ----------
    E. R. DeLong et al., "Comparing the areas under two or more correlated ROC curves", Biometrics 1988: paired areas
    by influences. A. Agresti and Y. Min, "Effects and non-effects of paired identical observations in comparing
    proportions with binary matched-pairs data", Statistics in Medicine 2004: the halves.

    Examples
    --------
    >>> ids, y = [f"r{row}" for row in range(100)], np.arange(100) % 2
    >>> everyone, mask = np.ones((100, 1), dtype=bool), np.ones(100, dtype=bool)
    >>> before = np.where(np.arange(100) < 20, 1 - y, y) * 0.8 + 0.1
    >>> tables = tuple(RecordTable.of(ids, y, p, everyone, ["all"]) for p in (before, y * 0.8 + 0.1))
    >>> change = paired_change("accuracy", tables, (mask, mask))
    >>> round(change.estimate, 2), change.low > 0.1
    (0.2, True)
    """
    kind = METRICS[metric]
    old, new = (influence(kind, table, inside) for table, inside in zip(tables, insides, strict=True))
    n = len(new.amount)
    change = new.value - old.value
    if math.isnan(change):
        return Interval.missing("no record that counts in one of the audits", level=level, n=n)
    amounts = np.concatenate([new.amount, -old.amount])
    codes = np.unique(np.concatenate([new.unit, old.unit]), return_inverse=True)[1].reshape(-1)
    n_units = int(codes.max()) + 1
    variance = cluster_variance(amounts, codes, n_units)
    if kind.kind == "share":
        variance += 1 / min(len(new.amount), len(old.amount)) ** 2
    if math.isnan(variance):
        return Interval(change, math.nan, math.nan, level, n, math.nan, "one patient alone")
    if not variance > 1e-24:
        p = 1.0 if change == 0 else math.nan
        return Interval(
            change, change, change, level, n, p, "" if change == 0 else "every record moved alike"
        )
    half = t_quantile(level, n_units - 1) * math.sqrt(variance)
    p = float(2 * stats.t.sf(abs(change) / math.sqrt(variance), n_units - 1))
    return Interval(change, change - half, change + half, level, n, p)
