"""What to do about what an audit found: the surest and largest first."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidelight.labeling.statistics import Interval

from .forest import signed
from .report import Audit, AuditRow

if TYPE_CHECKING:
    from .discovery import FoundSlice
    from .findings import Findings

MOST_COLLECTED = 8
"""Slices a collection plan names."""

MOST_TOLD = 6
"""Examples that a reason gives."""

OF_PREVALENCE = ("brier", "accuracy", "precision")
"""Metrics that depend on how common the positive class is."""

MUCH = 0.2
"""Difference of that share from which on it is told."""

WITHHELD = "by figures that are withheld"


@dataclass(frozen=True)
class Advice:
    """One thing to do.

    Parameters
    ----------
    what : str
        The action.
    why : str
        The finding it rests on.
    """

    what: str
    why: str

    def to_json(self) -> dict[str, str]:
        """Return plain values."""
        return dict(self.__dict__)


def advise(findings: "Findings") -> tuple[Advice, ...]:
    """Return what follows from the findings, and nothing that does not.

    Examples
    --------
    >>> import numpy as np
    >>> from sidelight.slicing import Findings, audit
    >>> y = np.arange(400) % 2
    >>> few = audit(y, y * 0.8 + 0.1, {"paced": np.arange(400) < 4}, metrics=["accuracy"])
    >>> [item.what.split(":")[0] for item in advise(Findings(few))]
    ['Collect records before judging']
    """
    from .page import group_named, write_number, write_p

    found: list[Advice] = []
    audit = findings.audit
    titles = {item.metric: item.title for item in audit.overall}
    worse: dict[str, AuditRow] = {}
    for row in audit.ranked():
        if row.verdict in ("worse", "slightly worse"):
            worse.setdefault(row.slice, row)
    for name, row in worse.items():
        why = f"{name}: {titles[row.metric]} {_against(row.value, row.rest)}{_mixed(row, audit)}"
        fitting = [part for part in findings.mechanisms.get(name, ()) if part.fits]
        if fitting:
            found += [
                Advice(_sentence(part.remedy), f"{why}; {part.name}: {part.evidence}.") for part in fitting
            ]
        else:
            found.append(
                Advice(
                    f"Look at errors of {name}, and give it to training as a slice",
                    f"{why}; {_missing(findings, name)}.",
                )
            )
    if findings.subclasses is not None:
        found += [
            Advice(
                f"Report {row.subclass} beside {row.within}, and train with it as a slice",
                f"{row.recall.estimate:.0%} of {row.subclass} are called {row.within}, {row.rest.estimate:.0%} of the rest "
                f"(q {write_p(row.q)}); the class's own figure hides it."
                if not math.isnan(row.recall.estimate)
                else f"{row.within} is found less often there, {WITHHELD}; the class's own figure hides it.",
            )
            for row in findings.subclasses.hidden
        ]
    if findings.discovery is not None:
        for part in findings.discovery.confirmed:
            fitting = [item for item in findings.mechanisms.get(part.name, ()) if item.fits]
            what = (
                fitting[0].remedy if fitting else "look at its records, name it, and train with to_function()"
            )
            found.append(
                Advice(
                    f"{part.name}: {what}",
                    f"{_told(part, findings)}; errors {_percents(part)} on patients that had no part in finding it "
                    f"(stability {part.stability:.2f}).",
                )
            )
    if findings.review is not None:
        share = findings.review.label_errors()
        if share.n and share.estimate > 0:
            found.append(
                Advice(
                    "Correct gold where it was found wrong, and audit again",
                    f"{share.estimate:.0%} of {share.n} reviewed errors have wrong gold.",
                )
            )
    off = [row for row in findings.calibration if row.off]
    if off:
        told = "; ".join(
            f"{row.slice}: {' and '.join(row.off)} (observed less predicted {signed(row.difference.estimate)}, "
            f"slope {write_number(row.slope.estimate)})"
            for row in off[:MOST_TOLD]
        )
        more = f"; and {len(off) - MOST_TOLD} more" if len(off) > MOST_TOLD else ""
        found.append(
            Advice("Recalibrate before probabilities are read as such", f"Probabilities in {told}{more}.")
        )
    differing = [(name, row) for name, panel in findings.fairness.items() for row in panel.differing]
    if differing:
        told = "; ".join(
            f"{row.measure} of {group_named(name, row.group)} {_against(row.value, row.rest, 'elsewhere')}"
            for name, row in differing[:MOST_TOLD]
        )
        told += f"; and {len(differing) - MOST_TOLD} more" if len(differing) > MOST_TOLD else ""
        found.append(
            Advice("Decide with clinicians which parity matters, and set the threshold for it", f"{told}.")
        )
    return (*found, *_collect(findings))


def _collect(findings: "Findings") -> tuple[Advice, ...]:
    """Return a collection plan for what could not be judged."""
    from .page import write_about, write_counted

    needs: dict[str, tuple[int, int]] = {}
    for row in findings.audit.rows:
        owed = row.verdict == "not assessable" and not row.reason.startswith("the rest")
        if owed and row.n is not None and row.n_needed is not None and row.n_needed > row.n:
            needs.setdefault(row.slice, (row.n, row.n_needed))
    if not needs:
        return ()
    order = sorted(needs.items(), key=lambda item: item[1][1] - item[1][0])
    told = ", ".join(
        f"{name} ({write_counted(n, 'record')}, about {write_about(needed)} needed)"
        for name, (n, needed) in order[:MOST_COLLECTED]
    )
    rest = f", and {len(order) - MOST_COLLECTED} more" if len(order) > MOST_COLLECTED else ""
    margin = findings.audit.settings.get("margin", 0.05)
    return (Advice(f"Collect records before judging: {told}{rest}", f"too small to show a gap of {margin}."),)


def _against(value: Interval, rest: Interval, where: str = "") -> str:
    """Return two figures, or that they are withheld."""
    from .page import write_number

    if math.isnan(value.estimate):
        return f"differs from the rest, {WITHHELD}"
    if where:
        return f"{write_number(value.estimate)}, {where} {write_number(rest.estimate)}"
    return f"{write_number(value.estimate)} against {write_number(rest.estimate)} in the rest"


def _mixed(row: AuditRow, audit: Audit) -> str:
    """Say that a metric moves with how common the positive class is, where that differs much; empty elsewhere."""
    if row.metric not in OF_PREVALENCE or row.n is None or not 0 < row.n < audit.n_records:
        return ""
    elsewhere = (audit.prevalence - row.share * row.prevalence) / (1 - row.share)
    if not abs(row.prevalence - elsewhere) >= MUCH:
        return ""
    return (
        f" (the positive class makes up {row.prevalence:.0%} there and {elsewhere:.0%} of the rest, which alone moves this "
        "metric)"
    )


def _percents(part: "FoundSlice") -> str:
    if math.isnan(part.error_rate.estimate):
        return f"are more frequent, {WITHHELD},"
    return f"{part.error_rate.estimate:.0%} against {part.rest_rate.estimate:.0%}"


def _missing(findings: "Findings", name: str) -> str:
    parts = findings.mechanisms.get(name, ())
    unknown = [part.name for part in parts if part.fits is None]
    if not parts:
        return "why is not known, for no training records were given"
    told = "none of the four mechanisms fits" if not unknown else "no mechanism that could be looked at fits"
    return told + (f" ({', '.join(unknown)} could not be)" if unknown else "")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _told(part: "FoundSlice", findings: "Findings") -> str:
    from .page import class_named

    return class_named(part.description, part.label, findings.classes)
