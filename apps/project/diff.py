"""What changed between two runs: declarations, functions, labels, slices, and whether the figures got better or worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.label_model import Labels
from sidelight.labeling.statistics import Interval, benjamini_hochberg

from .file import Config
from .paired import accuracy_change, area_change
from .runs import Run
from .shifts import Common, Shift, find_shifts, votes_of
from .supervision import read_slices
from .work import Records, gold_of


@dataclass(frozen=True)
class Change:
    """One figure in both runs, on the same records.

    Parameters
    ----------
    task, of, metric, slice : str
        What was measured, of the labels, the network or a function, and in which slice (empty: all records). Labels and
        network are judged on test records; functions on the others, which their authors may look at.
    before, after : float
        The figure in each run.
    difference : Interval
        After minus before, the same patients in both.
    q : float
        p of "no difference", corrected for all figures of the comparison (Benjamini and Hochberg).
    verdict : str
        "improved", "worse", "no evidence" or "unchanged".
    """

    task: str
    of: str
    metric: str
    slice: str
    before: float
    after: float
    difference: Interval
    q: float = float("nan")
    verdict: str = "no evidence"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        plain = {name: value for name, value in vars(self).items() if name != "difference"}
        plain = {n: None if isinstance(v, float) and v != v else v for n, v in plain.items()}
        return {**plain, "difference": self.difference.to_json()}


@dataclass(frozen=True)
class Diff:
    """All that differs between two runs.

    Parameters
    ----------
    first, second : str
        Numbers of the runs.
    settings : sequence of (key, before, after)
        Keys of the effective configuration that differ.
    data : sequence of str
        Files of the export that changed, appeared or went.
    functions : sequence of mapping
        Functions that are new, gone or changed, and those that vote more or less often.
    labels : mapping from task to mapping
        How many labels turned into what.
    slices : sequence of mapping
        Slices that are new, gone, or have other members.
    changes : sequence of Change
        Figures on the records that both runs scored.
    shifts : sequence of Shift
        What functions, labels and slices do more or less often, on the records that both runs have.
    """

    first: str
    second: str
    settings: list[tuple[str, Any, Any]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    functions: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    slices: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)

    @property
    def improved(self) -> list[Change]:
        """Figures that got better beyond chance."""
        return [change for change in self.changes if change.verdict == "improved"]

    @property
    def worse(self) -> list[Change]:
        """Figures that got worse beyond chance."""
        return [change for change in self.changes if change.verdict == "worse"]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; no record is named in them."""
        return {
            "runs": [self.first, self.second],
            "settings": [{"key": key, "before": then, "after": now} for key, then, now in self.settings],
            "data": self.data,
            "functions": self.functions,
            "labels": self.labels,
            "slices": self.slices,
            "changes": [change.to_json() for change in self.changes],
            "shifts": [shift.to_json() for shift in self.shifts],
            "improved": len(self.improved),
            "worse": len(self.worse),
        }


def diff_runs(first: Run, second: Run, *, q: float = 0.05, seed: int = 0) -> Diff:
    """Compare two runs of a project.

    Parameters
    ----------
    first, second : Run
        The earlier and the later one.
    q : float, default 0.05
        Share of false alarms tolerated among the figures called improved or worse.
    seed : int, default 0
        Of the resampled intervals.

    Returns
    -------
    Diff
        Figures are compared on records that both runs scored and that have gold in the later one; records of one
        patient move together. Figures are one family of tests, shares that shifted another.
    """
    before, after = (Config.model_validate(run.manifest["config"]) for run in (first, second))
    flat = [_flat(run.manifest["config"]) for run in (first, second)]
    settings = [
        (key, flat[0].get(key), flat[1].get(key))
        for key in sorted({*flat[0], *flat[1]})
        if flat[0].get(key) != flat[1].get(key)
    ]
    then, now = before.questions, after.questions
    tasks = [name for name in then if name in now]
    same = [name for name in tasks if then[name].classes == now[name].classes]
    changes = [change for name in same for change in _changes(first, second, after, name, seed)]
    changes += [
        change for name in same for change in _function_changes((first, second), (before, after), name)
    ]
    return Diff(
        first.number,
        second.number,
        settings,
        _data(first, second),
        [row for name in tasks for row in _functions(first, second, name)],
        {name: _labels(first, second, name) for name in same},
        _slices(first, second),
        _judged(changes, q),
        find_shifts((first, second), (before, after), same, q),
    )


def _flat(values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{path}{name}.") if isinstance(value, Mapping) else {f"{path}{name}": value}
    return flat


def _data(first: Run, second: Run) -> list[str]:
    then, now = (
        {entry["file"]: entry["sha256"] for entry in run.manifest["data"]} for run in (first, second)
    )
    told = {
        name: "is new" if name not in then else "is gone" if name not in now else "changed"
        for name in {*then, *now}
    }
    return [f"{name} {told[name]}" for name in sorted(told) if then.get(name) != now.get(name)]


def _functions(first: Run, second: Run, task: str) -> list[dict[str, Any]]:
    """Return functions that are new, gone, changed, or vote on another share of the records."""
    then, now = (
        {row["name"]: row for row in run.read_json(f"analyze:{task}", "functions.json")}
        for run in (first, second)
    )
    rows = []
    for name in sorted({*then, *now}):
        old, new = then.get(name), now.get(name)
        state = "new" if old is None else "gone" if new is None else ""
        if old is not None and new is not None and old["fingerprint"] != new["fingerprint"]:
            state = "changed"
        coverage = [None if row is None else row["coverage"] for row in (old, new)]
        if not state and coverage[0] == coverage[1]:
            continue
        source = (new or old or {})["source"]
        told = {"task": task, "name": name, "source": source, "state": state or "same function"}
        rows.append({**told, "coverage before": coverage[0], "coverage after": coverage[1]})
    return rows


def _labels(first: Run, second: Run, task: str) -> dict[str, Any]:
    """Count which labels turned into which."""
    then, now = (Labels.read(run.step(f"fit:{task}") / "labels.parquet") for run in (first, second))
    common = Common.of(*(Records.read(run.step("records")) for run in (first, second)))
    old, new = common.old, common.new
    names = (*now.schema.classes, "no label")
    turned: dict[str, int] = {}
    for before, after in zip(then.label[old].tolist(), now.label[new].tolist(), strict=True):
        if before != after:
            key = f"{names[before]} -> {names[after]}"
            turned[key] = turned.get(key, 0) + 1
    moved = np.abs(then.proba[old] - now.proba[new]).max(axis=1) if len(old) else np.zeros(1)
    return {
        "records in both": len(old),
        "only before": len(then) - len(old),
        "only after": len(now) - len(new),
        "turned": dict(sorted(turned.items())),
        "probability moved by more than 0.1": int((moved > 0.1).sum()),
    }


def _slices(first: Run, second: Run) -> list[dict[str, Any]]:
    """Return slices whose members differ."""
    members = [read_slices(run.step("slices")) if "slices" in run.keys else {} for run in (first, second)]
    common = Common.of(*(Records.read(run.step("records")) for run in (first, second)))
    old, new = common.old, common.new
    rows = []
    for name in sorted({*members[0], *members[1]}):
        then, now = members[0].get(name), members[1].get(name)
        if then is None or now is None:
            size = int((now if then is None else then).sum())  # type: ignore[union-attr]
            rows.append({"name": name, "state": "new" if then is None else "gone", "records": size})
            continue
        joined, left = int((~then[old] & now[new]).sum()), int((then[old] & ~now[new]).sum())
        if joined or left:
            rows.append(
                {"name": name, "state": "changed", "records": int(now.sum()), "joined": joined, "left": left}
            )
    return rows


def _changes(first: Run, second: Run, config: Config, task: str, seed: int) -> list[Change]:
    """Compare labels and network of both runs with gold, overall and slice by slice."""
    gold_sources = [n for n, s in config.sources.items() if s.question == task and s.role == "gold"]
    if not gold_sources:
        return []
    gold = gold_of([second.step(f"label:{name}") for name in gold_sources])
    records = [Records.read(run.step("records")) for run in (first, second)]
    common = Common.of(*records)
    old, new = common.old, common.new
    test = (records[0].parts[old] == "test") & (records[1].parts[new] == "test") & (gold[new] >= 0)
    old, new, groups = old[test], new[test], common.groups[test]
    scopes = {"": np.ones(len(new), dtype=bool)}
    if "slices" in second.keys:
        scopes |= {name: values[new] for name, values in read_slices(second.step("slices")).items()}
    positive = config.questions[task].positive_class
    found = []
    for of in ("labels", "network"):
        scores = [_scores(run, task, of) for run in (first, second)]
        if scores[0] is None or scores[1] is None:
            continue
        then, now = scores[0][old], scores[1][new]
        scored = ~np.isnan(then[:, 0]) & ~np.isnan(now[:, 0])
        for name, members in scopes.items():
            rows = scored & members
            if len(np.unique(groups[rows])) < 10:
                continue
            truth = gold[new][rows]
            pair = (then[rows], now[rows])
            change = accuracy_change(truth, *pair, groups[rows])
            found.append(Change(task, of, "accuracy", name, *change))
            areas = area_change(
                truth == positive, pair[0][:, positive], pair[1][:, positive], groups[rows], seed=seed
            )
            if areas is not None:
                found.append(Change(task, of, "auroc", name, *areas))
    return found


def _function_changes(runs: Sequence[Run], configs: Sequence[Config], task: str) -> list[Change]:
    """Compare the functions of both runs with gold: a right vote counts 1, a wrong one -1, none 0."""
    gold_sources = [n for n, s in configs[1].sources.items() if s.question == task and s.role == "gold"]
    if not gold_sources:
        return []
    records = [Records.read(run.step("records")) for run in runs]
    common = Common.of(*records)
    gold = gold_of([runs[1].step(f"label:{name}") for name in gold_sources])
    truth = [np.full(len(known.ids), -1, dtype=np.int64) for known in records]
    truth[0][common.old], truth[1] = gold[common.new], gold
    seen = (records[1].parts[common.new] != "test") & (gold[common.new] >= 0)
    tables = [votes_of(r, c, task, known) for r, c, known in zip(runs, configs, records, strict=True)]
    points = [
        dict(zip(v.names, np.where(v.dense().T < 0, 0, np.where(known == v.dense().T, 1, -1)), strict=True))
        for v, known in zip(tables, truth, strict=True)
    ]
    found = []
    for name in (name for name in tables[1].names if name in points[0]):
        compared = common.compare(points[0][name], points[1][name], seen)
        if compared is not None and not compared[2].reason.startswith("equal"):
            found.append(Change(task, f"function {name}", "right minus wrong votes", "", *compared))
    return found


def _scores(run: Run, task: str, of: str) -> NDArray[np.float64] | None:
    """Return probabilities in the order of the run's records, NaN where there are none."""
    from .judgement import scores_of

    step = f"train:{task.partition('.')[0]}" if of == "network" else f"fit:{task}"
    if step not in run.keys:
        return None
    proba, rows, _ = scores_of({step: run.step(step)}, task)
    n = len(Records.read(run.step("records")).ids)
    counts = np.bincount(rows, minlength=n)
    table = np.full((n, proba.shape[1]), np.nan)
    for column in range(proba.shape[1]):
        total = np.bincount(rows, weights=proba[:, column], minlength=n)
        table[:, column] = np.divide(total, counts, out=table[:, column], where=counts > 0)
    return table


def _judged(changes: list[Change], q: float) -> list[Change]:
    """Correct the family of tests and say what improved and what broke."""
    adjusted = benjamini_hochberg([change.difference.p for change in changes])
    judged = []
    for change, corrected in zip(changes, adjusted, strict=True):
        verdict = "unchanged" if change.before == change.after else "no evidence"
        if corrected <= q:
            verdict = "improved" if change.difference.estimate > 0 else "worse"
        judged.append(replace(change, q=float(corrected), verdict=verdict))
    return judged
