"""What changed between two audits, or between two models on the same records, slice by slice and how sure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sidelight.labeling.statistics import (
    Interval,
    benjamini_hochberg,
    cluster_variance,
    clustered_proportion,
    group_codes,
    interval_difference,
    normal_quantile,
    two_sided_p,
)

from .matrix import as_slices
from .metrics import as_task
from .report import Audit, AuditRow

WHOLE = "all records"
"""Stands in the place of a slice's name for the whole audit."""


@dataclass(frozen=True)
class Change:
    """One metric in one slice, before and after.

    Parameters
    ----------
    slice, metric : str
        Which slice ("all records" for the whole), and which metric.
    before, after : Interval
        The metric in each; missing where there is no such slice.
    change : Interval
        After minus before, with its p.
    q : float
        That p after Benjamini and Hochberg, over all changes that could be tested.
    verdict : str
        "better", "worse", "no evidence", "only before", "only after" or "not assessable".
    was, now : str
        The two audits' own verdicts on the slice; empty for the whole.
    """

    slice: str
    metric: str
    before: Interval
    after: Interval
    change: Interval
    q: float
    verdict: str
    was: str = ""
    now: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            name: value.to_json() if isinstance(value, Interval) else _plain(value)
            for name, value in self.__dict__.items()
        }


@dataclass(frozen=True)
class Comparison:
    """All changes, the whole first, then slices in the order of the newer audit.

    Parameters
    ----------
    rows : tuple of Change
    paired : bool
        Whether the same records were predicted twice, so that only the predictions differ.
    """

    rows: tuple[Change, ...]
    paired: bool

    def of(self, metric: str) -> tuple[Change, ...]:
        """Return the changes of one metric."""
        return tuple(row for row in self.rows if row.metric == metric)

    @property
    def verdict(self) -> str:
        """One sentence: what is surely better, what is surely worse."""
        told = []
        for way in ("worse", "better"):
            names = list(dict.fromkeys(row.slice for row in self.rows if row.verdict == way))
            if names:
                told.append(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {way}")
        n_tested = sum(not math.isnan(row.q) for row in self.rows)
        head = "; ".join(told) if told else "nothing is shown to have changed"
        return f"{head[0].upper()}{head[1:]} ({n_tested} comparisons)."

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        return {"paired": self.paired, "verdict": self.verdict, "rows": [row.to_json() for row in self.rows]}

    def __str__(self) -> str:
        rows = [
            f"  {row.slice:<24} {row.metric:<12} {row.before.estimate:.3f} -> {row.after.estimate:.3f}  "
            f"change {row.change}  {row.verdict}"
            for row in self.rows
        ]
        return "\n".join([self.verdict, *rows])


def compare_audits(old: Audit, new: Audit, *, q: float = 0.05) -> Comparison:
    """Compare two audits' numbers, of the same slices and metrics.

    The two are taken as independent. Where they share records, the intervals of the changes are wider than they need
    be; `paired_gains` is for that.

    Parameters
    ----------
    old, new : Audit
        For instance before and after a retraining, read with `Audit.from_json`.
    q : float, default 0.05
        Share of false alarms that is tolerated among the changes called better or worse.

    Examples
    --------
    >>> from sidelight.slicing import audit
    >>> y = np.arange(400) % 2
    >>> old = audit(y, np.where(np.arange(400) % 5 == 0, 1 - y, y), {"late": y == 2}, metrics=["accuracy"])
    >>> new = audit(y, y, {"late": y == 2}, metrics=["accuracy"])
    >>> compare_audits(old, new).verdict
    'All records is better (1 comparisons).'
    """
    shared = [metric for metric in new.metrics if metric in old.metrics]
    drafts: list[Change] = []
    up: list[bool] = []
    for metric in shared:
        whole = [next(item for item in audit.overall if item.metric == metric) for audit in (old, new)]
        drafts.append(_change(WHOLE, metric, whole[0].value, whole[1].value))
        rows = [{row.slice: row for row in audit.of(metric)} for audit in (old, new)]
        names = [*rows[1], *(name for name in rows[0] if name not in rows[1])]
        drafts += [_slice_change(name, metric, rows[0].get(name), rows[1].get(name)) for name in names]
        up += [whole[1].higher_is_better] * (len(drafts) - len(up))
    return Comparison(_judged(drafts, up, q), paired=False)


def paired_gains(
    y: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    slices: Any,
    patients: ArrayLike | None = None,
    *,
    level: float = 0.95,
    q: float = 0.05,
    least: int = 20,
) -> Comparison:
    """Compare two models' accuracy on the same records, slice by slice.

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
    tasks = [as_task(y, proba) for proba in (before, after)]
    if not np.array_equal(tasks[0].rows, tasks[1].rows):
        raise ValueError("before and after predict different records")
    n = len(np.asarray(y))
    matrix = as_slices(slices, n_records=n)
    gold = np.asarray(y)[tasks[0].rows].astype(np.int64)
    right = [(_answers(proba)[tasks[0].rows] == gold).astype(float) for proba in (before, after)]
    known = None if patients is None else np.asarray(patients)[tasks[0].rows]
    codes, _ = group_codes(known, len(gold))
    drafts = []
    named = {WHOLE: np.ones(len(gold), dtype=bool)}
    named |= {name: matrix[name][tasks[0].rows] for name in matrix.names}
    for name, inside in named.items():
        values = [_share(part[inside], codes[inside], level) for part in right]
        change = _mean((right[1] - right[0])[inside], codes[inside], level)
        if len(np.unique(codes[inside])) < least:
            change = Interval.missing(f"fewer than {least} patients", level=level, n=int(inside.sum()))
        drafts.append(Change(name, "accuracy", values[0], values[1], change, math.nan, ""))
    return Comparison(_judged(drafts, [True] * len(drafts), q), paired=True)


def _answers(proba: ArrayLike) -> Any:
    scores = np.asarray(proba, dtype=np.float64)
    return (scores >= 0.5).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)


def _share(values: Any, codes: Any, level: float) -> Interval:
    return (
        clustered_proportion(values, codes, level)
        if len(values)
        else Interval.missing("no record that counts")
    )


def _mean(values: Any, codes: Any, level: float) -> Interval:
    """Return a mean with the interval that patients' repeats allow."""
    if not len(values):
        return Interval.missing("no record that counts", level=level)
    mean = float(values.mean())
    influence = (values - mean) / len(values)
    _, own = np.unique(codes, return_inverse=True)
    n_own = int(own.max()) + 1
    spread = (
        math.sqrt(max(cluster_variance(influence, own.reshape(-1), n_own), 0.0)) if n_own > 1 else math.nan
    )
    half = normal_quantile(level) * spread
    # where every record changed alike there is no spread to test with, but a coin that fell one way each time
    p = two_sided_p(mean / spread) if spread > 0 else (1.0 if mean == 0 else 0.5 ** (n_own - 1))
    return Interval(mean, mean - half, mean + half, level=level, n=len(values), p=p)


def _change(
    name: str, metric: str, before: Interval, after: Interval, was: str = "", now: str = ""
) -> Change:
    change = interval_difference(after, before)
    if not math.isnan(change.estimate) and math.isnan(change.p):
        # the bound nearest to zero tells how many standard errors the change is away from it
        side = change.estimate - change.low if change.estimate > 0 else change.high - change.estimate
        error = side / normal_quantile(change.level)
        p = two_sided_p(change.estimate / error) if error > 0 else (1.0 if change.estimate == 0 else math.nan)
        change = Interval(change.estimate, change.low, change.high, change.level, change.n, p, change.reason)
    return Change(name, metric, before, after, change, math.nan, "", was, now)


def _slice_change(name: str, metric: str, before: AuditRow | None, after: AuditRow | None) -> Change:
    nothing = Interval.missing("no such slice")
    if before is None or after is None:
        there = after if before is None else before
        if there is None:
            raise ValueError("a slice is in one of the audits at least")
        verdict = "only after" if before is None else "only before"
        values = (nothing, there.value) if before is None else (there.value, nothing)
        return Change(name, metric, *values, nothing, math.nan, verdict)
    if not (before.assessable and after.assessable):
        reason = after.reason or before.reason
        missing = Interval.missing(reason)
        return Change(
            name,
            metric,
            before.value,
            after.value,
            missing,
            math.nan,
            "not assessable",
            before.verdict,
            after.verdict,
        )
    return _change(name, metric, before.value, after.value, before.verdict, after.verdict)


def _judged(drafts: list[Change], up: list[bool], q: float) -> tuple[Change, ...]:
    """Correct the family of changes and call each better or worse."""
    adjusted = benjamini_hochberg([draft.change.p for draft in drafts]).tolist()
    rows = []
    for draft, corrected, higher_is_better in zip(drafts, adjusted, up, strict=True):
        verdict = draft.verdict
        if not verdict:
            if math.isnan(corrected):
                verdict = "not assessable"
            elif corrected > q:
                verdict = "no evidence"
            else:
                verdict = "better" if (draft.change.estimate > 0) == higher_is_better else "worse"
        rows.append(Change(**{**draft.__dict__, "q": corrected, "verdict": verdict}))
    return tuple(rows)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_audit(data: Mapping[str, Any]) -> Audit:
    """Return the audit in what `Audit.to_json`, or ``sidelight audit --json``, wrote."""
    return Audit.from_json({name: value for name, value in data.items() if name != "comparison"})
