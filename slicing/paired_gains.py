"""Two models on the same records, slice by slice: what was gained or lost, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sidelight.labeling.statistics import Interval, clustered_proportion, group_codes

from .comparison import WHOLE, Change, Comparison, judged_changes
from .matrix import as_slices
from .metrics import METRICS
from .paired_change import influence, paired_change
from .record_table import RecordTable


def paired_gains(
    y: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    slices: Any,
    patients: ArrayLike | None = None,
    *,
    metrics: Iterable[str] = ("accuracy",),
    threshold: float = 0.5,
    level: float = 0.95,
    q: float = 0.05,
    least: int = 20,
) -> Comparison:
    """Compare two models on the same records, slice by slice.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        Gold as class numbers; -1 leaves the record out.
    before, after : array-like of shape (n_records,) or (n_records, n_classes)
        Both models' probabilities.
    slices : SliceMatrix, mapping of name to bools, or array of shape (n_records, n_slices)
        Membership.
    patients : array-like of shape (n_records,), optional
        The patient of each record; repeats are not treated as independent.
    metrics : iterable of str, default ("accuracy",)
        Names in `METRICS`.
    threshold : float, default 0.5
        As for `audit`.
    level : float, default 0.95
        Confidence level.
    q : float, default 0.05
        As for `compare_audits`.
    least : int, default 20
        Patients a slice needs.

    Examples
    --------
    >>> y = np.ones(300, dtype=int)
    >>> late = np.arange(300) >= 200
    >>> found = paired_gains(y, np.where(late & (np.arange(300) % 2 == 0), 0.2, 0.9), np.full(300, 0.9), {"late": late})
    >>> [(row.slice, row.verdict) for row in found.rows]
    [('all records', 'better'), ('late', 'better')]
    """
    wanted = tuple(metrics)
    unknown = [name for name in wanted if name not in METRICS]
    if unknown:
        raise ValueError(f"no metric called {unknown[0]!r}; there are {', '.join(METRICS)}")
    gold = np.asarray(y)
    matrix = as_slices(slices, n_records=len(gold))
    ids = [f"row {row}" for row in range(len(gold))]
    owners = (
        None if patients is None else ["" if _unknown(name) else str(name) for name in np.asarray(patients)]
    )
    missing = [
        np.isnan(np.asarray(proba, dtype=np.float64)).reshape(len(gold), -1).any(axis=1)
        for proba in (before, after)
    ]
    if np.any(missing[0] != missing[1]):
        raise ValueError("before and after predict different records")
    tables = [
        RecordTable.of(ids, gold, proba, matrix.values, matrix.names, patients=owners, threshold=threshold)
        for proba in (before, after)
    ]
    drafts, up = [], []
    named = {WHOLE: np.ones(len(gold), dtype=bool)} | {name: matrix[name] for name in matrix.names}
    for metric in wanted:
        for name, inside in named.items():
            values = [_value(metric, table, inside, level) for table in tables]
            change = paired_change(metric, (tables[0], tables[1]), (inside, inside), level=level)
            n_units = len(np.unique(influence(METRICS[metric], tables[1], inside).unit))
            if n_units < least:
                change = Interval.missing(f"fewer than {least} patients", level=level, n=int(inside.sum()))
            drafts.append(Change(name, metric, values[0], values[1], change, math.nan, ""))
            up.append(METRICS[metric].higher_is_better)
    return Comparison(judged_changes(drafts, up, q), paired=True, n_shared=len(gold))


def _value(metric: str, table: RecordTable, inside: Any, level: float) -> Interval:
    """Return a metric of one model; shares with Wilson's interval."""
    found = influence(METRICS[metric], table, inside)
    n = len(found.amount)
    if not n:
        return Interval.missing("no record that counts", level=level)
    if METRICS[metric].kind != "share":
        return Interval(found.value, math.nan, math.nan, level, n)
    hits = found.amount > 0 if 0 < found.value < 1 else np.full(n, found.value == 1)
    return clustered_proportion(hits, group_codes(found.unit, n)[0], level)


def _unknown(name: Any) -> bool:
    return name is None or name != name or name == ""
