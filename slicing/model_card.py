"""The audit as a section of a model card, in Markdown."""

from typing import TYPE_CHECKING

from .advice import advise
from .page import class_named, write_gap, write_interval, write_p

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
    who = f"{audit.n_records} records" + (f" of {audit.n_patients} patients" if audit.patients_known else "")
    lines = ["## Performance and limits", "", findings.verdict, "", f"Measured on {who}.", ""]
    lines += ["| metric | all records |", "| --- | --- |"]
    lines += [f"| {item.title} | {write_interval(item.value)} |" for item in audit.overall]
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
            f"| {_cell(row.slice)} | {row.metric} | {row.n} | {write_interval(row.value)} | {write_gap(row.gap)} "
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
            f"| {_cell(row.subclass)} | {_cell(row.within)} | {row.n} | {write_interval(row.recall)} "
            f"| {write_interval(row.rest)} | {write_p(row.q)} |"
            for row in findings.subclasses.hidden
        ]
    if findings.discovery is not None and findings.discovery.confirmed:
        lines += ["", "### Found by searching, and confirmed on other patients", ""]
        lines += [
            f"- {class_named(part.description, part.label, findings.classes)}: errors {write_interval(part.error_rate)} against {part.rest_rate.estimate:.2f}"
            for part in findings.discovery.confirmed
        ]
    silent = list(dict.fromkeys(row.slice for row in audit.rows if row.verdict == "not assessable"))
    able = {row.slice for row in audit.rows if row.verdict != "not assessable"}
    silent = [name for name in silent if name not in able]
    if silent:
        lines += ["", f"Not assessable for want of records: {', '.join(silent)}."]
    todo = advise(findings)
    if todo:
        lines += ["", "### What to do", "", *(f"- {item.what} ({item.why.rstrip('.')})." for item in todo)]
    lines += ["", "Research software, not a medical device. Performance elsewhere is not known.", ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
