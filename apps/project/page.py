"""The page of a run: what was declared, what came of it, and what to do next; no record is named on it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight.apps.reports.page import INTENDED_USE
from sidelight.label_model.solver import FEWEST_TO_LEARN
from sidelight.labeling.statistics import Interval
from sidelight.slicing import Audit
from sidelight.slicing.forest import forest_plot
from sidelight.slicing.page import page_environment, style_sheet

from .file import Config
from .links import linked_tasks
from .runs import Run

TEMPLATES = Path(__file__).parent / "templates"
FEW_PATIENTS = 50
"""Patients below which a report says that they are few."""


@dataclass(frozen=True, eq=False)
class Quote:
    """A record that a page with text shows.

    Parameters
    ----------
    task, why : str
        The task, and the reason it is shown.
    says : str
        What labels, gold and network say of it.
    text : str
        Its words.
    """

    task: str
    why: str
    says: str
    text: str


@dataclass(frozen=True, eq=False)
class TaskView:
    """What the page says of one task."""

    name: str
    declared: Any
    covered: float
    conflicts: float
    labeled: Mapping[str, int]
    balance: Mapping[str, float]
    accuracy: Sequence[tuple[str, Interval]]
    functions: Sequence[Mapping[str, Any]]
    audit: Audit | None
    plots: Mapping[str, str]
    judged: str
    network: Mapping[str, Any]
    advice: Sequence[str]
    linked: Sequence[str] = ()

    @property
    def nothing_learned(self) -> bool:
        """Whether fewer than three functions vote, so that the label model took classes to be equally frequent."""
        voting = [row for row in self.functions if row["learned"] is not None]
        equal = len(set(self.balance.values())) == 1
        return equal and len(voting) < FEWEST_TO_LEARN and all(row["assumed"] for row in voting)


def run_page(run: Run, quotes: Sequence[Quote] = ()) -> str:
    """Return the page of a run.

    Parameters
    ----------
    run : Run
        The run.
    quotes : sequence of Quote, optional
        Records to show with their text; without them the page names no record and may be passed on.
    """
    config = Config.model_validate(run.manifest["config"])
    metrics = run.metrics()
    template = page_environment(TEMPLATES).get_template("run.html.j2")
    page = template.render(
        config=config,
        run=run,
        about={
            "records": _one(metrics, "records", step="records"),
            "patients": _one(metrics, "patients"),
            "set_aside": _one(metrics, "rows set aside"),
            "parts": {
                part: _one(metrics, "records", step="records", part=part) for part in ("train", "dev", "test")
            },
        },
        slices={m["slice"]: m["value"] for m in metrics if m["step"] == "slices"},
        smallest_cell=config.audit.smallest_cell or 0,
        tasks=[_task(run, config, name, metrics) for name in config.questions],
        quotes=quotes,
        intended_use=INTENDED_USE,
        style=style_sheet(),
    )
    return re.sub(r"\n\s*\n+", "\n", page) + "\n"


def _task(run: Run, config: Config, name: str, metrics: Sequence[Mapping[str, Any]]) -> TaskView:
    task = config.questions[name]
    own = [m for m in metrics if m.get("task") in (name, name.partition(".")[0])]
    functions = json.loads((run.folder / "functions" / f"{name}.json").read_text())
    for row in functions:
        row["precision"] = None if row["precision"] is None else Interval(**row["precision"])
        row.setdefault("assumed", not row["overlaps"])  # in runs of before it was kept
    result, hidden = None, []
    file = run.folder / "audit" / name / "audit.json"
    if file.is_file():
        plain = json.loads(file.read_text())
        result, hidden = Audit.from_json(plain), _hidden(plain, name)
    accuracy = [
        (m["part"], Interval(m["value"], m["low"], m["high"], n=m["n"]))
        for m in own
        if m["metric"] == "label accuracy" and m["n"] and m["low"] is not None
    ]
    linked = linked_tasks(config)
    covered, conflicts = float(_one(own, "covered") or 0), float(_one(own, "records in conflict") or 0)
    return TaskView(
        name=name,
        declared=task,
        covered=covered,
        conflicts=conflicts,
        labeled={m["class"]: m["value"] for m in own if m["metric"] == "labeled"},
        balance={m["class"]: m["value"] for m in own if m["metric"] == "class balance"},
        accuracy=accuracy,
        functions=functions,
        audit=result,
        plots={} if result is None else _plots(result, name),
        judged="the network" if task.target is not None else "the labels made from records that got a vote",
        network={
            m["metric"]: m["value"]
            for m in own
            if m["step"] == f"train:{name.partition('.')[0]}" and "slice" not in m
        },
        advice=advise(
            config,
            name,
            covered,
            conflicts,
            functions,
            accuracy,
            result,
            int(_one(metrics, "patients") or 0),
            hidden,
            [m["said"] for m in own if m["metric"] == "labeled against all votes"],
        ),
        linked=[other for other in linked if other != name] if name in linked else (),
    )


def _hidden(audit: Mapping[str, Any], task: str) -> list[str]:
    """Say which subclasses and which unnamed slices an audit found to be worse."""
    page = f"audit/{task}/audit.html tells more."
    rows = (audit.get("subclasses") or {}).get("rows", [])
    names = [row["subclass"] for row in rows if row["verdict"] == "hidden gap"]
    found = [part for part in (audit.get("discovery") or {}).get("slices", []) if part["confirmed"]]
    said = [f"Hidden within a class, and found less often: {', '.join(names)}; {page}"] if names else []
    if found:
        n = len(found)
        said.append(
            f"A search confirmed {n} slice{'' if n == 1 else 's'} that nobody named and in which errors are more frequent; {page}"
        )
    return said


def _plots(audit: Audit, task: str) -> dict[str, str]:
    margin = float(audit.settings.get("margin", 0.05))
    return {
        item.metric: forest_plot(item, audit.of(item.metric), name=f"forest-{task}-{number}", margin=margin)
        for number, item in enumerate(audit.overall)
    }


def advise(
    config: Config,
    name: str,
    covered: float,
    conflicts: float,
    functions: Sequence[Mapping[str, Any]],
    accuracy: Sequence[tuple[str, Interval]],
    audit: Audit | None,
    patients: int = 0,
    hidden: Sequence[str] = (),
    overruled: Sequence[str] = (),
) -> list[str]:
    """Return what to do next, most useful first, from coverage, conflict, accuracy, slices, what is `hidden` and `overruled`."""
    model = config.questions[name].label_model
    other = (
        'see whether these votes are right, or try label_model = "matrix-completion"'
        if model != "matrix-completion"
        else "see whether these votes are right and the class balance is"
    )
    said = (
        [f"Labels of {model} go against the votes: {'; '.join(overruled)}. Do not use them; {other}."]
        if overruled
        else []
    )
    if 0 < patients < FEW_PATIENTS:
        said.append(
            f"There are {patients} patients: intervals are wide, and a part may hold one or two of them."
        )
    if covered < 0.5:
        said.append(
            f"Only {covered:.0%} of the records got a vote: add functions for the records without one."
        )
    if conflicts > 0.2:
        worst = max(functions, key=lambda row: row["conflicts"])["name"]
        said.append(
            f"{conflicts:.0%} of the records are in conflict, most often {worst}'s: split or mend that function."
        )
    for row in functions:
        precision = row["precision"]
        if precision is not None and precision.high < 0.7 and precision.n >= 10:
            said.append(
                f"{row['name']} is right in {precision.estimate:.0%} of its votes that gold can judge: mend or drop it."
            )
        if row["coverage"] == 0:
            said.append(f"{row['name']} never votes: drop it, or look for a typing error.")
    gold = [n for n, s in config.sources.items() if s.question == name and s.role == "gold"]
    if not gold:
        said.append(
            "No gold labels: have a few hundred test records labeled, or no figure here says how right the labels are."
        )
    elif audit is None:
        least = config.audit.smallest_cell
        said.append(
            "Gold labels are there, but no test record has a gold label and a score"
            + (f", or records of fewer than {least} patients have them" if least else "")
            + ": nothing was audited."
        )
    parts = dict(accuracy)
    if {"dev", "test"} <= set(parts) and parts["dev"].low > parts["test"].high:
        said.append(
            "Labels are right less often on test than on dev patients: functions may have been fitted to dev records."
        )
    if audit is not None:
        worse = sorted({row.slice for row in audit.rows if row.verdict == "worse"})
        if worse:
            said.append(
                f"Worse in {', '.join(worse)}: write functions for these records, or find more of them."
            )
        said += hidden
        unseen = sorted(
            {row.slice for row in audit.rows} - {row.slice for row in audit.rows if row.assessable}
        )
        if unseen:
            said.append(f"Too few gold labels to judge {', '.join(unseen)}.")
    if config.questions[name].target is None and any(p.is_target for p in config.payloads.values()):
        said.append(
            'A signal or image is declared, but no target = "..." on this task: no network is trained.'
        )
    return said or ["Nothing stands out: add gold labels to narrow the intervals, or slices to look closer."]


def _one(metrics: Sequence[Mapping[str, Any]], name: str, **about: Any) -> Any:
    """Return the value of the first metric of that name, and with those properties and no slice."""
    for metric in metrics:
        if metric["metric"] == name and all(metric.get(key) == value for key, value in about.items()):
            if "part" in metric and "part" not in about:
                continue
            return metric["value"]
    return None
