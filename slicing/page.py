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
from .forest import forest_plot, signed
from .report import Audit
from .slice_calibration import calibration_by_slice
from .volcano import volcano_plot

if TYPE_CHECKING:
    from .findings import Findings

TEMPLATES = Path(__file__).parent / "templates"


MOST_DRAWN = 40
"""Slices a forest plot holds; of more, those with the most records surely worse off."""


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
        calibration=calibration_by_slice(findings.calibration, name="calibration")
        if findings.calibration
        else "",
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
        rows = audit.of(item.metric)
        if len(rows) > MOST_DRAWN:
            rows = tuple(sorted(rows, key=lambda row: -row.excess)[:MOST_DRAWN])
        found[item.metric] = forest_plot(item, rows, name=f"forest-{number}", margin=margin)
    return found


def power_table(audit: Audit) -> list[dict[str, Any]]:
    """Return for each slice what it could have shown and what it would need, metric by metric."""
    found: dict[str, dict[str, Any]] = {}
    for row in audit.rows:
        entry = found.setdefault(row.slice, {"slice": row.slice, "n": row.n, "cells": {}})
        entry["n"] = max(entry["n"], row.n)
        entry["cells"][row.metric] = row
    return list(found.values())


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
        thousands=write_thousands, about=write_about, class_named=class_named,
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


def write_number(value: Any) -> str:
    """Write a number with two digits, a dash where there is none."""
    return "–" if _missing(value) else f"{value:.2f}".replace("-", "−")


def write_percent(value: Any) -> str:
    """Write a share as a percentage."""
    return "–" if _missing(value) else f"{100 * value:.0f} %"


def write_interval(value: Interval | None) -> str:
    """Write an estimate with its bounds."""
    if value is None or _missing(value.estimate):
        return "–"
    text = write_number(value.estimate)
    return text if _missing(value.low) else f"{text} [{write_number(value.low)}, {write_number(value.high)}]"


def write_gap(value: Interval) -> str:
    """Write a difference with its sign and bounds."""
    if _missing(value.estimate):
        return "–"
    text = signed(value.estimate)
    return text if _missing(value.low) else f"{text} [{signed(value.low)}, {signed(value.high)}]"


def write_p(value: Any) -> str:
    """Write a p-value; very small ones as a bound."""
    if _missing(value):
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def write_thousands(value: Any) -> str:
    """Write a count with thin spaces between thousands."""
    return "–" if _missing(value) else f"{int(value):,}".replace(",", "\u202f")


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
