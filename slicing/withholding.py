"""Findings made fit to be shared: without figures that rest on a few patients, or from which such could be reckoned."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sidelight.labeling.statistics import Interval

from .confusion_table import ConfusionTable
from .fairness import FairnessPanel
from .intersections import Intersections
from .metrics import METRICS
from .report import Audit, AuditRow
from .share_gap import GapRow
from .slice_calibration import WHOLE as ALL_RECORDS
from .slice_calibration import CalibrationRow
from .small_cells import LINKED, mark_of
from .subclasses import SubclassRow, SubclassTable
from .told import WHOLE, AuditedRecords, ledger_of

if TYPE_CHECKING:
    from .discovery import Discovery, FoundSlice
    from .findings import Findings

Marks = Mapping[Hashable, str]
"""What is withheld, and what stands in its place."""

EVIDENCE = "its figures are withheld"


def withhold_small_cells(findings: Findings, records: AuditedRecords, smallest: int) -> Findings:
    """Return findings in which no figure rests on fewer than `smallest` patients, and from which none can be reckoned.

    A count is told if it is zero or of at least `smallest` patients (of records, where patients are not known). A share
    is told if those it counts, those it counts as right and those it counts as wrong are all such; a mean or an area if
    those it is taken over are; a figure of a slice if the rest of the records are such too, for it can be reckoned from
    the whole. Where one that is withheld could be reckoned from others that are told, of these the least useful is
    withheld as well. Verdicts stay: they say which of two figures is higher, and no figure.

    Parameters
    ----------
    findings : Findings
        Left as it is.
    records : AuditedRecords
        What the findings were made of, all parts of it.
    smallest : int
        At least 2.

    Returns
    -------
    Findings
        Without what shows records one by one (strips, map, a filled-in sheet), without the figures behind reasons,
        and without the audit of labels and the comparison: make these with `smallest_cell`, and put them in place.

    Raises
    ------
    ValueError
        When there are fewer patients in all, or `records` lacks what a part of the findings was made of.

    Examples
    --------
    >>> from sidelight.slicing import Findings, audit
    >>> y = np.arange(400) % 2
    >>> p, paced = np.where(np.arange(400) % 5 < 1, 0.5, y * 0.8 + 0.1), np.arange(400) < 4
    >>> known = Findings(audit(y, p, {"paced": paced}, metrics=["accuracy"]))
    >>> row = withhold_small_cells(known, AuditedRecords(y, p, {"paced": paced}), 5).audit.rows[0]
    >>> row.n, row.withheld, str(row.value)
    (None, '<5', 'n/a (<5)')
    """
    if findings.audit.n_patients < smallest:
        raise ValueError(f"there are fewer than {smallest} patients in all: nothing could be told of them")
    _check(findings, records)
    marks = ledger_of(findings, records, smallest).withheld()
    return replace(
        findings,
        audit=_audit(findings.audit, marks, smallest),
        discovery=None if findings.discovery is None else _discovery(findings.discovery, marks, smallest),
        subclasses=None if findings.subclasses is None else _subclasses(findings.subclasses, marks),
        contrast=[row for row in findings.contrast if ("contrast", row.group, row.subject) not in marks],
        mechanisms={
            name: [replace(part, evidence=EVIDENCE) for part in parts]
            for name, parts in findings.mechanisms.items()
            if ("slice", name) not in marks
        },
        intersections=_intersections(findings.intersections, marks),
        calibration=_calibration(findings.calibration, marks),
        fairness={name: _panel(name, panel, marks) for name, panel in findings.fairness.items()},
        confusion=[
            (heading, shown)
            for number, (heading, table) in enumerate(findings.confusion)
            if (shown := _table(number, table, marks)) is not None
        ],
        labels=None,
        review=None,
        comparison=None,
        map="",
        strips=(),
    )


def _check(findings: Findings, records: AuditedRecords) -> None:
    """Refuse findings with a part that nobody could look into."""
    lacking = ""
    if findings.subclasses is not None and records.subclasses is None:
        lacking = "subclasses"
    elif set(findings.fairness) - set(records.groups):
        lacking = "the groups of a fairness panel"
    elif len(findings.confusion) != len(records.confusion):
        lacking = f"the records of {len(findings.confusion)} tables of confusion"
    elif findings.discovery is not None:
        n_searched = len(np.asarray(records.y)) if records.searched is None else len(records.searched)
        if n_searched != findings.discovery.n_records:
            lacking = f"which {findings.discovery.n_records} records were searched"
    if lacking:
        raise ValueError(
            f"records does not hold {lacking}; nobody could say which figures of theirs are small"
        )


def _withheld(mark: str, level: float = 0.95) -> Interval:
    """Return what stands in the place of a figure."""
    return Interval.missing(mark, level=level)


def _without_gap(row: GapRow, mark: str) -> GapRow:
    """Return a row of two figures and their difference without them; what was shown to differ still is."""
    nothing = _withheld(mark, row.value.level)
    return replace(row, value=nothing, rest=nothing, gap=nothing, q=math.nan)


def _is_small_share(value: Interval, smallest: int) -> bool:
    """Return whether a share counts few records in all, few as right, or few as wrong."""
    if math.isnan(value.estimate):
        return 0 < value.n < smallest
    hits = round(value.estimate * value.n)
    return any(0 < count < smallest for count in (value.n, hits, value.n - hits))


def without_small_figures(audit: Audit, smallest: int, slices: Collection[str]) -> Audit:
    """Return an audit without the figures that rest on few patients, judged one by one.

    Unlike `withhold_small_cells` this needs no records, and does not look at what can be reckoned from several figures; so
    only some `slices` are told, those of which another audit, made with all records at hand, says what may be.
    """
    positives = audit.prevalence * audit.n_records
    rows = []
    for row in audit.rows:
        rest = audit.n_records - row.n if row.n is not None else None
        counts = [row.n, row.n_patients, rest]
        if row.n is not None and row.n_positive is not None and not math.isnan(positives):
            others = round(positives) - row.n_positive
            by_class = [row.n_positive, row.n - row.n_positive, others, audit.n_records - row.n - others]
        else:
            by_class = []
        few = [count is not None and 0 < count < smallest for count in counts]
        marks: dict[Hashable, str] = {} if row.slice in slices else {("slice", row.slice): LINKED}
        mark = f"<{smallest}"
        if any(few):
            marks["slice", row.slice] = mark
        if any(0 < count < smallest for count in by_class):
            marks["class", row.slice] = mark
        if ("class", row.slice) in marks and _kind(row.metric) == "area":
            marks["figure", row.slice, row.metric] = mark
        if _kind(row.metric) == "share" and any(
            _is_small_share(part, smallest) for part in (row.value, row.rest)
        ):
            marks["figure", row.slice, row.metric] = mark
        rows.append(row if row.withheld else _row(row, marks, smallest))
    small = {
        item.metric
        for item in audit.overall
        if _kind(item.metric) == "share" and _is_small_share(item.value, smallest)
    }
    overall = tuple(
        replace(item, value=_withheld(f"<{smallest}", item.value.level)) if item.metric in small else item
        for item in audit.overall
    )
    return replace(audit, rows=tuple(rows), overall=overall)


def _kind(metric: str) -> str:
    return METRICS[metric].kind if metric in METRICS else "custom"


def _audit(audit: Audit, marks: Marks, smallest: int) -> Audit:
    whole = {item.metric: marks.get(("figure", WHOLE, item.metric), "") for item in audit.overall}
    return replace(
        audit,
        rows=tuple(_row(row, marks, smallest) for row in audit.rows),
        overall=tuple(
            replace(item, value=_withheld(whole[item.metric], item.value.level))
            if whole[item.metric]
            else item
            for item in audit.overall
        ),
        n_without_gold=None if ("without gold", WHOLE) in marks else audit.n_without_gold,
        prevalence=math.nan if ("class", WHOLE) in marks else audit.prevalence,
        settings={**audit.settings, "smallest_cell": smallest},
    )


def _row(row: AuditRow, marks: Marks, smallest: int) -> AuditRow:
    own = marks.get(("slice", row.slice), "")
    mark = own or marks.get(("figure", row.slice, row.metric), "")
    changes: dict[str, Any] = {}
    if own:
        changes |= {"n": None, "n_patients": None, "share": math.nan}
    few = own.startswith("<")
    if own or ("class", row.slice) in marks:
        changes |= {"n_positive": None, "prevalence": math.nan}
    if own or ("without gold", row.slice) in marks:
        changes["n_without_gold"] = None
    if mark:
        nothing = _withheld(mark, row.value.level)
        changes |= {"value": nothing, "rest": nothing, "gap": nothing, "q": math.nan, "withheld": mark}
        changes |= {"detectable_gap": math.nan, "n_needed": None}
        if few or row.reason:
            changes |= {"verdict": "not assessable", "reason": _why(mark, smallest)}
    return replace(row, **changes)


def _why(mark: str, smallest: int) -> str:
    if mark == LINKED:
        return f"withheld: it would tell a count below {smallest}"
    return f"withheld: a count below {smallest}"


def _subclasses(table: SubclassTable, marks: Marks) -> SubclassTable:
    errors = marks.get(("errors",), "")
    return replace(
        table,
        rows=_unordered([_subclass(row, marks) for row in table.rows]),
        classes={
            name: _withheld(marks["of class", name], value.level) if ("of class", name) in marks else value
            for name, value in table.classes.items()
        },
        n_without=None if ("without subclass",) in marks else table.n_without,
        annotated={
            name: share for name, share in table.annotated.items() if ("annotated", name) not in marks
        },
        errors=_withheld(errors) if errors else table.errors,
        weighted_errors=_withheld(errors) if errors else table.weighted_errors,
    )


def _unordered(rows: Sequence[SubclassRow]) -> tuple[SubclassRow, ...]:
    """Return rows with those of a verdict whose gap is withheld at its end, by name: their order would tell of the gaps."""
    places = {verdict: place for place, verdict in enumerate(dict.fromkeys(row.verdict for row in rows))}
    withheld = [bool(mark_of(row.recall)) for row in rows]
    order = sorted(
        range(len(rows)),
        key=lambda at: (
            places[rows[at].verdict],
            withheld[at],
            rows[at].subclass if withheld[at] else "",
            at,
        ),
    )
    return tuple(rows[at] for at in order)


def _subclass(row: SubclassRow, marks: Marks) -> SubclassRow:
    own = marks.get(("subclass", row.subclass, row.within), "")
    mark = own or marks.get(("recall", row.subclass, row.within), "")
    if not mark:
        return row
    nothing = _withheld(mark, row.recall.level)
    changes: dict[str, Any] = {
        "recall": nothing,
        "rest": nothing,
        "gap": nothing,
        "q": math.nan,
        "n_needed": None,
    }
    if own:
        changes |= {
            "n": None,
            "n_patients": None,
            "share": math.nan,
            "auroc": nothing,
        }
        if own != LINKED:
            changes["verdict"] = "not assessable"
    return replace(row, **changes)


def _calibration(rows: Sequence[CalibrationRow], marks: Marks) -> list[CalibrationRow]:
    """Return the rows that tell nothing withheld; none, where those of all records do."""
    kept = [
        row
        for row in rows
        if ("class", WHOLE if row.slice == ALL_RECORDS else row.slice) not in marks
        and ("slice", row.slice) not in marks
    ]
    return kept if any(row.slice == ALL_RECORDS for row in kept) else []


def _panel(column: str, panel: FairnessPanel, marks: Marks) -> FairnessPanel:
    groups = {group: None if ("group", column, group) in marks else n for group, n in panel.groups.items()}
    rows = [
        _without_gap(row, marks[key]) if (key := ("parity", column, row.group, row.measure)) in marks else row
        for row in panel.rows
    ]
    return replace(panel, rows=tuple(rows), groups=groups)


def _intersections(found: Intersections | None, marks: Marks) -> Intersections | None:
    if found is None or ("errors",) in marks:
        return None
    rows = []
    for row in found.rows:
        mark = marks.get(("errors of", row.slices), "")
        if ("combination", row.slices) not in marks:
            rows.append(replace(row, errors=_withheld(mark), few=True) if mark else row)
    whole = len(rows) == len(found.rows) and ("other combinations",) not in marks
    return replace(found, rows=tuple(rows), n_other=found.n_other if whole else None) if rows else None


def _table(number: int, table: ConfusionTable, marks: Marks) -> ConfusionTable | None:
    """Return a table without withheld cells; None where its rows are all withheld."""
    size = len(table.classes)
    totals = np.array([("row", number, i) in marks for i in range(size)])
    hidden = np.array([[("cell", number, i, j) in marks for j in range(size)] for i in range(size)])
    few = [[marks.get(("cell", number, i, j), "").startswith("<") for j in range(size)] for i in range(size)]
    if totals[table.counts.sum(axis=1) > 0].all():
        return None
    hidden |= totals[:, None] & (table.counts > 0)
    return replace(
        table,
        values=np.where(hidden, np.nan, table.values),
        counts=np.where(hidden, np.nan, table.counts),
        n_patients=np.where(hidden, 0, table.n_patients),
        withheld=tuple(
            tuple(
                "" if not hidden[i, j] else marks["cell", number, i, j] if few[i][j] else LINKED
                for j in range(size)
            )
            for i in range(size)
        ),
        totals=tuple(None if totals[i] else float(table.counts[i].sum()) for i in range(size)),
    )


def _discovery(found: Discovery, marks: Marks, smallest: int) -> Discovery:
    slices = [
        _found(part, smallest)
        for part in found.slices
        if part.n_patients >= smallest and ("found", part.name) not in marks
    ]
    return replace(found, slices=tuple(slices))


def _found(part: FoundSlice, smallest: int) -> FoundSlice:
    """Return a found slice without words of reports, shares of its members, and shares of a few errors."""
    within = "" if part.label is None else f"class {part.label}, "
    traits = tuple(re.sub(r" \(\d+% against \d+%\)$", "", trait) for trait in part.traits)
    words = re.sub(r'text holds "[^"]*"', "text holds some word", part.rule.words())
    near = re.match(r"near (\d+) records", words)
    if near is not None and int(near[1]) < smallest:
        words = words.replace(near[0], f"near fewer than {smallest} records")
    told = within + words
    if part.description.startswith(f"{within}{part.rule.words()}: ") and traits:
        told += f": {', '.join(traits[:2])}"
    part = replace(part, description=told, traits=traits, terms=(), prototypes=())
    if not any(_is_small_share(value, smallest) for value in (part.error_rate, part.rest_rate)):
        return part
    nothing = _withheld(f"<{smallest}", part.error_rate.level)
    return replace(
        part, error_rate=nothing, rest_rate=nothing, gap=nothing, foreseen=math.nan, p=math.nan, q=math.nan
    )
