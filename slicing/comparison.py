"""What changed between two audits, slice by slice and how sure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidelight.labeling.statistics import (
    Interval,
    benjamini_hochberg,
    interval_difference,
    normal_quantile,
    two_sided_p,
)

from .metrics import METRICS
from .paired_change import paired_change
from .power import detectable_gap
from .record_table import RecordTable
from .report import Audit, AuditRow, plain_value
from .withholding import without_small_figures

WHOLE = "all records"
"""Stands in the place of a slice's name for the whole audit."""

MOST_TURNED = 8
"""Verdicts told that are not what they were."""


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
        return {name: plain_value(value) for name, value in self.__dict__.items()}


@dataclass(frozen=True)
class Comparison:
    """All changes, the whole first, then slices in the order of the newer audit.

    Parameters
    ----------
    rows : tuple of Change
    paired : bool
        Whether records that both audits hold were compared in pairs.
    n_shared : int
        How many records that were; 0 where the two were taken as independent.
    notes : tuple of str
        What else differs between the audits, in sentences.
    """

    rows: tuple[Change, ...]
    paired: bool
    n_shared: int = 0
    notes: tuple[str, ...] = ()

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
                verb = "is" if len(names) == 1 and names[0] != WHOLE else "are"
                more = f" and {len(names) - MOST_TURNED} more" if len(names) > MOST_TURNED else ""
                told.append(f"{', '.join(names[:MOST_TURNED])}{more} {verb} {way}")
        n_tested = sum(not math.isnan(row.q) for row in self.rows)
        head = "; ".join(told) if told else "nothing is shown to have changed"
        return f"{head[0].upper()}{head[1:]} ({n_tested} comparison{'' if n_tested == 1 else 's'})."

    @property
    def changed(self) -> tuple[Change, ...]:
        """Return what surely changed, what became worse first."""
        return tuple(row for way in ("worse", "better") for row in self.rows if row.verdict == way)

    @property
    def in_both(self) -> tuple[Change, ...]:
        """Return the rows of slices that both audits have."""
        return tuple(row for row in self.rows if row.verdict not in ("only before", "only after"))

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        return {
            "paired": self.paired,
            "n_shared": self.n_shared,
            "notes": list(self.notes),
            "verdict": self.verdict,
            "rows": [row.to_json() for row in self.rows],
        }

    def __str__(self) -> str:
        rows = [
            f"  {row.slice:<24} {row.metric:<12} {row.before.estimate:.3f} -> {row.after.estimate:.3f}  "
            f"change {row.change}  {row.verdict}"
            for row in self.rows
        ]
        return "\n".join([self.verdict, *self.notes, *rows])


def compare_audits(
    old: Audit,
    new: Audit,
    *,
    records: tuple[RecordTable | None, RecordTable | None] | None = None,
    q: float = 0.05,
) -> Comparison:
    """Compare two audits' numbers, of the same slices and metrics.

    With the records of both, those they share are compared in pairs, and all others, patients in common included, as
    what they are. Without, the two are taken as independent, and the intervals are wider than they need be.

    From a newer audit that withholds small cells nothing is compared in pairs, which would tell how few records changed,
    and the earlier one's figures that rest on so few are withheld too.

    Parameters
    ----------
    old, new : Audit
        For instance before and after a retraining, read with `Audit.from_json`.
    records : tuple of RecordTable, optional
        The records of either audit, as lie in its folder.
    q : float, default 0.05
        Share of false alarms that is tolerated among the changes called better or worse.

    Examples
    --------
    >>> from sidelight.slicing import audit
    >>> y = np.arange(400) % 2
    >>> old = audit(y, np.where(np.arange(400) % 5 == 0, 1 - y, y), {"late": y == 2}, metrics=["accuracy"])
    >>> new = audit(y, y, {"late": y == 2}, metrics=["accuracy"])
    >>> compare_audits(old, new).verdict
    'All records are better (1 comparison).'
    """
    shared = [metric for metric in new.metrics if metric in old.metrics]
    smallest = int(new.settings.get("smallest_cell", 0))
    pairs = None if smallest else _Pairs.of(records)
    if smallest > int(old.settings.get("smallest_cell", 0)):
        old = without_small_figures(old, smallest, {row.slice for row in new.rows})
    drafts: list[Change] = []
    up: list[bool] = []
    for metric in shared:
        whole = [next(item for item in audit.overall if item.metric == metric) for audit in (old, new)]
        drafts.append(_change(WHOLE, metric, whole[0].value, whole[1].value, pairs=pairs))
        rows = [{row.slice: row for row in audit.of(metric)} for audit in (old, new)]
        names = [*rows[1], *(name for name in rows[0] if name not in rows[1])]
        drafts += [_slice_change(name, metric, rows[0].get(name), rows[1].get(name), pairs) for name in names]
        up += [whole[1].higher_is_better] * (len(drafts) - len(up))
    rows_judged = judged_changes(drafts, up, q)
    n_shared = 0 if pairs is None else pairs.n_shared
    return Comparison(rows_judged, pairs is not None, n_shared, _notes(old, new, rows_judged, pairs))


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The records of both audits."""

    tables: tuple[RecordTable, RecordTable]
    n_shared: int

    @classmethod
    def of(cls, records: tuple[RecordTable | None, RecordTable | None] | None) -> "_Pairs | None":
        """Return the pairs, or None where there is nothing in common to pair."""
        if records is None or records[0] is None or records[1] is None:
            return None
        old, new = records[0], records[1]
        n_shared = int(np.isin(old.keys, new.keys).sum())
        owners = [set(table.patients.tolist()) - {""} for table in (old, new)]
        return cls((old, new), n_shared) if n_shared or owners[0] & owners[1] else None

    def change(self, name: str, metric: str, level: float) -> Interval | None:
        """Return the paired change; None for what cannot be computed from the records."""
        if metric not in METRICS:
            return None
        insides = []
        for table in self.tables:
            if name == WHOLE:
                insides.append(np.ones(len(table), dtype=bool))
            elif name in table.names:
                insides.append(table.inside(name))
            else:
                return None
        return paired_change(metric, self.tables, (insides[0], insides[1]), level=level)


def _notes(old: Audit, new: Audit, rows: tuple[Change, ...], pairs: _Pairs | None) -> tuple[str, ...]:
    """Say what differs besides the numbers."""
    found = []
    if "smallest_cell" in new.settings:
        found.append(
            "The two audits were compared as independent: pairs would tell how few records changed, and small cells are "
            "withheld."
        )
    elif pairs is None:
        found.append("The two audits were compared as independent: no records of theirs could be paired.")
    if pairs is not None:
        before, after = (len(table) for table in pairs.tables)
        found.append(
            f"{pairs.n_shared} records are in both audits and were compared in pairs; {before - pairs.n_shared} are in "
            f"the earlier one alone, {after - pairs.n_shared} in the later one alone."
        )
        if pairs.n_shared:
            both = np.intersect1d(pairs.tables[0].keys, pairs.tables[1].keys, return_indices=True)
            changed = int((pairs.tables[0].gold[both[1]] != pairs.tables[1].gold[both[2]]).sum())
            if changed:
                found.append(f"Gold changed on {changed} of the shared records.")
    for told, one, other in (("only before", old, new), ("only now", new, old)):
        names = [item.title for item in one.overall if item.metric not in other.metrics]
        if names:
            found.append(f"Measured {told}: {', '.join(names)}.")
    for name in ("threshold", "positive", "margin", "q", "level", "correction", "support"):
        was, now = old.settings.get(name), new.settings.get(name)
        if was != now:
            found.append(f"{name} was {was}, and is {now} now.")
    for way in ("only before", "only after"):
        names = list(dict.fromkeys(row.slice for row in rows if row.verdict == way))
        if names:
            found.append(f"{'Gone' if way == 'only before' else 'New'}: {', '.join(names)}.")
    told = _could_show(rows, float(new.settings.get("q", 0.05)))
    if told:
        found.append(told)
    turned = [
        f"{row.slice} ({row.metric}) was {row.was}, is {row.now}"
        for row in rows
        if row.was != row.now and {row.was, row.now} & {"worse", "slightly worse", "better"}
    ]
    if turned:
        more = f"; and {len(turned) - MOST_TURNED} more" if len(turned) > MOST_TURNED else ""
        found.append(f"Verdicts that turned: {'; '.join(turned[:MOST_TURNED])}{more}.")
    return tuple(found)


def _could_show(rows: tuple[Change, ...], q: float) -> str:
    """Say how large a change over all records would have had to be, if it was the only one; empty when all were found."""
    n_tests = sum(not math.isnan(row.q) for row in rows)
    parts = []
    for row in rows:
        if row.slice == WHOLE and row.verdict == "no evidence":
            error = (row.change.high - row.change.low) / 2 / normal_quantile(row.change.level)
            least = detectable_gap(0.0, lambda _: 0.0, error**2, alpha=q / n_tests, room=1e6)
            parts.append(f"{row.metric} {least:.2f}")
    if not parts:
        return ""
    return f"Over all records, changes of {', '.join(parts)} would be found with 80 % probability at the corrected level."


def _change(
    name: str,
    metric: str,
    before: Interval,
    after: Interval,
    was: str = "",
    now: str = "",
    pairs: _Pairs | None = None,
) -> Change:
    told = not (math.isnan(before.estimate) or math.isnan(after.estimate))
    change = pairs.change(name, metric, after.level) if pairs is not None and told else None
    if change is not None:
        return Change(name, metric, before, after, change, math.nan, "", was, now)
    change = interval_difference(after, before)
    if not math.isnan(change.estimate) and math.isnan(change.p):
        # the bound nearest to zero tells how many standard errors the change is away from it
        side = change.estimate - change.low if change.estimate > 0 else change.high - change.estimate
        error = side / normal_quantile(change.level)
        p = two_sided_p(change.estimate / error) if error > 0 else (1.0 if change.estimate == 0 else math.nan)
        change = Interval(change.estimate, change.low, change.high, change.level, change.n, p, change.reason)
    return Change(name, metric, before, after, change, math.nan, "", was, now)


def _slice_change(
    name: str, metric: str, before: AuditRow | None, after: AuditRow | None, pairs: _Pairs | None
) -> Change:
    nothing = Interval.missing("no such slice")
    if before is None or after is None:
        there = after if before is None else before
        if there is None:
            raise ValueError("a slice is in one of the audits at least")
        verdict = "only after" if before is None else "only before"
        values = (nothing, there.value) if before is None else (there.value, nothing)
        return Change(name, metric, *values, nothing, math.nan, verdict)
    if not (before.assessable and after.assessable) or before.withheld or after.withheld:
        reason = after.reason or before.reason or after.withheld or before.withheld
        missing = Interval.missing(reason)
        return Change(
            name,
            metric,
            after.value if after.withheld else before.value,
            after.value,
            missing,
            math.nan,
            "not assessable",
            before.verdict,
            after.verdict,
        )
    return _change(name, metric, before.value, after.value, before.verdict, after.verdict, pairs)


def judged_changes(drafts: list[Change], up: list[bool], q: float) -> tuple[Change, ...]:
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


def read_audit(data: Mapping[str, Any]) -> Audit:
    """Return the audit in what `Audit.to_json`, or ``sidelight audit --json``, wrote."""
    return Audit.from_json({name: value for name, value in data.items() if name != "comparison"})
