"""The audit as a self-contained page, and the pieces of it that larger reports take over."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from sidelight.labeling.statistics import Interval

from .advice import advise
from .fairness import MEASURES
from .forest import digits_for, forest_plot, signed
from .metrics import METRICS
from .report import Audit, AuditRow
from .slice_calibration import CalibrationRow, calibration_by_slice
from .small_cells import LINKED, mark_of
from .volcano import volcano_plot

if TYPE_CHECKING:
    from .findings import Findings

TEMPLATES = Path(__file__).parent / "templates"


MOST_DRAWN = 40
"""Slices a forest plot holds; of more, those that are read first."""

OF_ONE_CLASS = ("auroc", "sensitivity", "specificity", "precision")
"""Metrics of the positive class."""


def audit_page(findings: "Findings") -> str:
    """Return one HTML page without anything loaded from elsewhere."""
    template = page_environment().get_template("audit.html.j2")
    audit = findings.audit
    page = template.render(
        findings=findings,
        audit=audit,
        plots=forest_plots(audit),
        volcano=volcano_plot(audit, name="volcano"),
        meeting=findings.intersections.to_svg() if findings.intersections is not None else "",
        meeting_width=findings.intersections.width if findings.intersections is not None else 0,
        advice=advise(findings),
        power=power_table(audit),
        positive=positive_class(findings),
        of_one_class=OF_ONE_CLASS,
        calibration=calibration_by_slice(
            _calibration_in_order(findings)[: MOST_DRAWN + 1],
            name="calibration",
            positive=positive_class(findings),
        )
        if findings.calibration
        else "",
        calibration_rows=_calibration_in_order(findings),
        confusion=[
            (heading, table.to_svg(name=f"confusion-{number}"), round(1.05 * table.width))
            for number, (heading, table) in enumerate(findings.confusion)
        ],
        measures=MEASURES,
        style=style_sheet(),
    )
    return re.sub(r"\n\s*\n+", "\n", page) + "\n"


def forest_plots(audit: Audit) -> dict[str, str]:
    """Return a forest plot a metric, as inline SVG."""
    margin = float(audit.settings.get("margin", 0.05))
    found = {}
    for number, item in enumerate(audit.overall):
        rows = in_reading_order(audit, item.metric)[:MOST_DRAWN]
        found[item.metric] = forest_plot(item, rows, name=f"forest-{number}", margin=margin)
    return found


def power_table(audit: Audit) -> list[dict[str, Any]]:
    """Return for each slice what it could have shown and what it would need, metric by metric."""
    found: dict[str, dict[str, Any]] = {}
    for row in (row for metric in audit.metrics for row in in_reading_order(audit, metric)):
        entry = found.setdefault(row.slice, {"slice": row.slice, "n": row.n, "cells": {}})
        entry["n"] = None if row.n is None else max(entry["n"], row.n)
        entry["cells"][row.metric] = row
    return list(found.values())


def in_reading_order(audit: Audit, metric: str) -> tuple[AuditRow, ...]:
    """Return the rows of a metric, slices in one order for all metrics.

    First those shown to be worse by any metric, the most records surely worse off first; then the others that some
    metric could assess, then the rest, both as given.
    """
    excess: dict[str, float] = {}
    able: set[str] = set()
    for row in audit.rows:
        if row.verdict in ("worse", "slightly worse"):
            excess[row.slice] = max(excess.get(row.slice, 0.0), row.excess)
        if row.assessable:
            able.add(row.slice)

    def place(row: AuditRow) -> tuple[int, float]:
        if row.slice in excess:
            return 0, -excess[row.slice]
        return (1 if row.slice in able else 2), 0.0

    return tuple(sorted(audit.of(metric), key=place))


def positive_class(findings: "Findings") -> str:
    """Return the name of the class that sensitivity, areas and prevalence are about; "positive" if it has none."""
    place = int(findings.audit.settings.get("positive", 1))
    return findings.classes[place] if 0 <= place < len(findings.classes) else "positive"


def about_positive(findings: "Findings") -> str:
    """Return a sentence that says which metrics are about one class, and which; empty where it has no name."""
    told = [item.title for item in findings.audit.overall if item.metric in OF_ONE_CLASS]
    if not told or not findings.classes:
        return ""
    one = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return f" {one} {'are' if len(told) > 1 else 'is'} about the class “{positive_class(findings)}”."


def about_withheld(audit: Audit) -> str:
    """Return what is withheld from findings that were made fit to be shared; empty from others."""
    smallest = audit.settings.get("smallest_cell")
    if smallest is None:
        return ""
    who = "patients" if audit.patients_known else "records"
    return (
        f"Small cells are withheld: “<{smallest}” stands for a figure that rests on 1 to {smallest - 1} {who}, or from which "
        f"such a count could be reckoned directly (few right or few wrong of many, few in the rest); “{LINKED}”, or × in a "
        "table, for one that would tell another by subtraction. Zero is told. Verdicts stay where their figures are "
        "withheld. Records shown one by one, maps of them, and the figures behind reasons are left out."
    )


def _calibration_in_order(findings: "Findings") -> list[CalibrationRow]:
    """Return all records first, then slices as the other tables have them."""
    metrics = findings.audit.metrics[:1]
    order = [row.slice for metric in metrics for row in in_reading_order(findings.audit, metric)]
    place = {name: number for number, name in enumerate(order)}
    rows = findings.calibration
    return [*rows[:1], *sorted(rows[1:], key=lambda row: place.get(row.slice, len(place)))]


def style_sheet() -> str:
    """Return the style sheet all pages share: light, dark and print."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def page_environment(*more: Path) -> Environment:
    """Return a template environment that escapes everything and knows how numbers are written.

    Parameters
    ----------
    *more : Path
        Folders with further templates.
    """
    loaders: list[BaseLoader] = [FileSystemLoader(str(folder)) for folder in (*more, TEMPLATES)]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        interval=write_interval, number=write_number, percent=write_percent, gap=write_gap, p=write_p,
        thousands=write_thousands, about=write_about, class_named=class_named, in_order=in_reading_order,
        counted=write_counted, about_withheld=about_withheld, mark=write_mark, group_named=group_named, titled=write_metric,
    )  # fmt: skip
    return environment


def class_named(words: str, label: int | None, classes: Sequence[str] = ()) -> str:
    """Return a found slice's words with its class by name.

    Examples
    --------
    >>> class_named("class 1, age > 60", 1, ["normal", "abnormal"])
    'abnormal, age > 60'
    """
    if label is None or label >= len(classes):
        return words
    return words.replace(f"class {label},", f"{classes[label]},", 1)


def group_named(column: str, group: str) -> str:
    """Return a care group with its column, unless its name holds the column already.

    Examples
    --------
    >>> group_named("sex", "F"), group_named("age", "41 < age ≤ 61")
    ('sex F', '41 < age ≤ 61')
    """
    return group if column in group.split() else f"{column} {group}"


def write_number(value: Any, digits: int = 2) -> str:
    """Write a number with two digits, a dash where there is none.

    Examples
    --------
    >>> write_number(-0.001), write_number(0.9944, 3)
    ('0.00', '0.994')
    """
    if _missing(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def write_percent(value: Any) -> str:
    """Write a share as a percentage."""
    return "–" if _missing(value) else f"{100 * value:.0f} %"


def write_interval(value: Interval | None) -> str:
    """Write an estimate with its bounds, and with three digits where two would hide how wide they lie.

    Examples
    --------
    >>> write_interval(Interval(0.9852, 0.984, 0.9864)), write_interval(Interval(0.84, 0.77, 0.89))
    ('0.985 [0.984, 0.986]', '0.84 [0.77, 0.89]')
    """
    if value is None or _missing(value.estimate):
        return write_mark(value)
    digits = digits_for(value)
    text = write_number(value.estimate, digits)
    if _missing(value.low):
        return text
    return f"{text} [{write_number(value.low, digits)}, {write_number(value.high, digits)}]"


def write_mark(value: Interval | None) -> str:
    """Write what stands in the place of a figure: why it is withheld, or a dash where there is none.

    Examples
    --------
    >>> write_mark(Interval.missing("<5")), write_mark(Interval.missing("no record that counts"))
    ('<5', '–')
    """
    return (mark_of(value) if value is not None else "") or "–"


def write_gap(value: Interval) -> str:
    """Write a difference with its sign and bounds."""
    if _missing(value.estimate):
        return "–"
    digits = digits_for(value)
    text = signed(value.estimate, digits)
    return (
        text if _missing(value.low) else f"{text} [{signed(value.low, digits)}, {signed(value.high, digits)}]"
    )


def write_p(value: Any) -> str:
    """Write a p-value; very small ones as a bound."""
    if _missing(value):
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def write_thousands(value: Any) -> str:
    """Write a count with thin spaces between thousands."""
    return "–" if _missing(value) else f"{int(value):,}".replace(",", "\u202f")


def write_metric(name: str) -> str:
    """Return a metric as people call it.

    Examples
    --------
    >>> write_metric("auroc"), write_metric("my metric")
    ('AUROC', 'my metric')
    """
    return METRICS[name].title if name in METRICS else name


def write_counted(n: int, thing: str) -> str:
    """Write a count with what it counts.

    Examples
    --------
    >>> write_counted(1, "record"), write_counted(20, "record")
    ('1 record', '20 records')
    """
    return f"{write_thousands(n)} {thing}{'' if n == 1 else 's'}"


def write_about(value: Any) -> str:
    """Write a count that is an estimate, rounded up to two digits.

    Examples
    --------
    >>> write_about(7941)
    '8\u202f000'
    """
    if _missing(value):
        return "–"
    step = 10 ** max(len(str(int(value))) - 2, 0)
    return write_thousands(-(-int(value) // step) * step)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
