"""The audit as a section of a model card, in Markdown."""

from typing import TYPE_CHECKING

from .advice import advise
from .fairness import MEASURES
from .page import (
    about_positive,
    about_withheld,
    class_named,
    group_named,
    write_gap,
    write_interval,
    write_number,
    write_p,
)

if TYPE_CHECKING:
    from .findings import Findings


def model_card(findings: "Findings") -> str:
    """Return the section: figures overall, slices that are worse, what is hidden, what could not be judged.

    Examples
    --------
    >>> import numpy as np
    >>> from sidelight.slicing import Findings, audit
    >>> y = np.arange(400) % 2
    >>> text = model_card(Findings(audit(y, y * 0.8 + 0.1, {"late": y == 1}, metrics=["accuracy"])))
    >>> text.splitlines()[0]
    '## Performance and limits'
    """
    audit = findings.audit
    titles = {item.metric: item.title for item in audit.overall}
    who = f"{audit.n_records} records" + (f" of {audit.n_patients} patients" if audit.patients_known else "")
    about = about_positive(findings)
    lines = [
        "## Performance and limits",
        "",
        _words(findings.verdict),
        "",
        f"Measured on {who}.{_words(about)}",
        "",
    ]
    lines += ["| metric | all records |", "| --- | --- |"]
    lines += [f"| {item.title} | {_cell(write_interval(item.value))} |" for item in audit.overall]
    worse = [row for row in audit.ranked() if row.verdict in ("worse", "slightly worse")]
    if worse:
        lines += [
            "",
            "### Where it is worse",
            "",
            "| slice | metric | records | value | gap to the rest | q |",
        ]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        lines += [
            f"| {_cell(row.slice)} | {titles[row.metric]} | {row.withheld if row.n is None else row.n} "
            f"| {_cell(write_interval(row.value))} | {write_gap(row.gap)} "
            f"| {write_p(row.q)} |"
            for row in worse
        ]
    if findings.subclasses is not None and findings.subclasses.hidden:
        lines += [
            "",
            "### Hidden within a class",
            "",
            "| subclass | class | records | found | others of the class | q |",
        ]
        lines += ["| --- | --- | --- | --- | --- | --- |"]
        lines += [
            f"| {_cell(row.subclass)} | {_cell(row.within)} | {row.recall.reason if row.n is None else row.n} "
            f"| {_cell(write_interval(row.recall))} "
            f"| {_cell(write_interval(row.rest))} | {write_p(row.q)} |"
            for row in findings.subclasses.hidden
        ]
    if findings.discovery is not None and findings.discovery.confirmed:
        lines += ["", "### Found by searching, and confirmed on other patients", ""]
        lines += [
            f"- {_words(class_named(part.description, part.label, findings.classes))}: errors "
            f"{_words(write_interval(part.error_rate))} against {write_number(part.rest_rate.estimate)} in "
            f"{'all other records' if part.label is None else 'the rest of its class'}"
            for part in findings.discovery.confirmed
        ]
    differing = [(name, row) for name, panel in findings.fairness.items() for row in panel.differing]
    if differing:
        lines += [
            "",
            "### Care groups that differ",
            "",
            "| group | measure | in the group | elsewhere | parity gap | q |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {_cell(group_named(name, row.group))} | {MEASURES[row.measure]} | {_cell(write_interval(row.value))} "
            f"| {write_number(row.rest.estimate)} | {write_gap(row.gap)} | {write_p(row.q)} |"
            for name, row in differing
        ]
    elif findings.fairness:
        names = ", ".join(findings.fairness)
        lines += ["", f"No measure is shown to differ between care groups by {_words(names)}."]
    able = {row.slice for row in audit.rows if row.verdict != "not assessable"}
    silent = {row.slice: row.reason for row in reversed(audit.rows) if row.slice not in able}
    if silent:
        told = [f"{_words(name)} ({_words(reason)})" for name, reason in reversed(silent.items())]
        lines += ["", f"Not assessable: {'; '.join(told)}."]
    if "smallest_cell" in audit.settings:
        lines += ["", _words(about_withheld(audit))]
    todo = advise(findings)
    if todo:
        lines += [
            "",
            "### What to do",
            "",
            *(f"- {_words(item.what)} ({_words(item.why.rstrip('.'))})." for item in todo),
        ]
    lines += ["", "Research software, not a medical device. Performance elsewhere is not known.", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _words(text).replace("|", "\\|")


def _words(text: str) -> str:
    """Return text in which nothing that a slice or a class is called becomes a tag, a link or code."""
    for mark in ("\\", "`", "*"):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace("](", "]\\(").split("\n"))
