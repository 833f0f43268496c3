"""The steps of a project: what each needs, and the key of all that decides what it makes."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidelight import __version__

from .checks import subclass_schema
from .file import Project
from .links import linked_tasks
from .sources import file_identity, functions_of, slices_of, trained_slices
from .store import Store

VERSIONS = {
    "records": 1,
    "label": 2,
    "slices": 1,
    "fit": 2,
    "analyze": 2,
    "train": 4,
    "bundle": 2,
    "audit": 2,
    "profile": 1,
}
"""Raised when a step's own code comes to make something else of the same inputs."""


@dataclass(frozen=True)
class Step:
    """One piece of the work.

    Parameters
    ----------
    name : str
        Such as "records", "label:rules", "fit:abnormal".
    needs : tuple of str
        Steps whose outputs it reads.
    parts : mapping from str to plain values
        All else that decides its output.
    key : str
        SHA-256 over `parts` and the keys of `needs`: equal keys, equal outputs.
    """

    name: str
    needs: tuple[str, ...]
    parts: Mapping[str, Any]
    key: str

    @property
    def kind(self) -> str:
        """What sort of step it is: "label", "fit"."""
        return self.name.partition(":")[0]

    @property
    def subject(self) -> str:
        """The task or source it is about."""
        return self.name.partition(":")[2]


def build_graph(project: Project) -> dict[str, Step]:
    """Return the steps of a project by name, each after those it needs."""
    return _Builder(project).build()


class _Builder:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.config = project.config
        self.steps: dict[str, Step] = {}

    def add(self, name: str, needs: Iterable[str], **parts: Any) -> None:
        chain = tuple(needs)
        code = f"{__version__}/{VERSIONS[name.partition(':')[0]]}"
        content = {"code": code, **parts}
        about = [name, content, [[need, self.steps[need].key] for need in chain]]
        text = json.dumps(about, sort_keys=True, separators=(",", ":"))
        self.steps[name] = Step(name, chain, content, hashlib.sha256(text.encode()).hexdigest())

    def build(self) -> dict[str, Step]:
        config = self.config
        data = file_identity(self.project.path(config.data.export))
        reading = {**config.data.model_dump(exclude={"export"}), "text": self.project.text_column}
        export = {"data": data, "reading": reading}
        self.add("records", (), **export, splits=config.splits.model_dump(), limit=config.limits.set_aside)
        for name in config.sources:
            self._label(name, export)
        slices = slices_of(self.project)
        if slices:
            self.add(
                "slices", (), **export, slices={function.name: function.fingerprint for function in slices}
            )
        for name in parents_first(config.questions):
            self._fit(name)
        for name, task in config.tasks.items():
            for question in task.questions(name):
                self._analyze(question)
            if task.target is not None:
                self._train(name)
            for question in task.questions(name):
                self._audit(question)
            self._bundle(name, data)
        self._profile(export)
        return self.steps

    def _label(self, name: str, export: Mapping[str, Any]) -> None:
        source = self.config.sources[name]
        classes = list(self.config.questions[source.question].classes)
        if source.functions is not None:
            functions = functions_of(self.project, name)
            self._check_names(name, [function.name for function in functions])
            prints = {function.name: function.fingerprint for function in functions}
            self.add(f"label:{name}", (), **export, classes=classes, functions=prints)
            return
        parts: dict[str, Any] = {"column": source.column, "map": dict(source.map), "classes": classes}
        if source.labels is not None:
            parts |= {"labels": file_identity(self.project.path(source.labels)), "id": source.id}
        self.add(f"label:{name}", ("records",), **export, **parts)

    def _check_names(self, source: str, names: Sequence[str]) -> None:
        """Refuse two functions of one name on one task."""
        for other in self.project.sources(self.config.sources[source].question):
            step = self.steps.get(f"label:{other}")
            known = set(step.parts.get("functions", {other: ""})) if step else set()
            twice = sorted(known & set(names))
            if twice:
                self.project.places.refuse(
                    ("sources", source, "functions"),
                    f"{other} has a function called {twice[0]!r} too; rename one",
                )

    def _fit(self, name: str) -> None:
        task = self.config.questions[name]
        needs = ["records", *(f"label:{source}" for source in self.project.sources(name))]
        if task.parent is not None:
            needs.append(f"fit:{task.parent}")
        settings = task.model_dump(include={"classes", "label_model", "class_balance", "parent", "when"})
        linked = linked_tasks(self.config)
        if name in linked:
            others = [f"label:{source}" for other in linked for source in self.project.sources(other)]
            needs += [need for need in others if need not in needs]
            settings["never"] = self.config.never
            settings["linked"] = {
                other: declared.model_dump(include={"classes", "class_balance"})
                for other, declared in linked.items()
            }
        self.add(f"fit:{name}", needs, **settings)

    def _analyze(self, name: str) -> None:
        """Add the step that looks at functions and labels."""
        config = self.config
        votes = [f"label:{source}" for source in self.project.sources(name)]
        gold = [f"label:{source}" for source in self.project.sources(name, "gold")]
        tags = {source: config.sources[source].tags for source in self.project.sources(name)}
        self.add(
            f"analyze:{name}", ["records", *votes, *gold, f"fit:{name}"], tags=tags, seed=config.project.seed
        )

    def _train(self, name: str) -> None:
        """Add the step that trains a task's network."""
        config = self.config
        task = config.tasks[name]
        payload = config.payloads[str(task.target)]
        files = [file_identity(path) for path in self.project.study_paths(payload)]
        target: dict[str, Any] = {
            "kind": payload.kind,
            "files": [entry for found in files for entry in found],
        }
        if payload.study is not None:
            target["study"] = payload.study
        needs = ["records", *(f"fit:{question}" for question in task.questions(name))]
        parts: dict[str, Any] = {"tuning": config.tuning.model_dump(), "seed": config.project.seed}
        trained = trained_slices(self.project)
        if trained:
            needs.append("slices")
            parts["slices"] = trained
        self.add(f"train:{name}", needs, target=target, classes=task.classes, **parts)

    def _audit(self, name: str) -> None:
        """Add the step that compares with gold, where there is any."""
        gold = [f"label:{source}" for source in self.project.sources(name, "gold")]
        if not gold:
            return
        trained = f"train:{name.partition('.')[0]}"
        scored = trained if trained in self.steps else f"fit:{name}"
        slices = ["slices"] if "slices" in self.steps else []
        positive = self.config.questions[name].positive_class
        about = self.config.audit.model_dump()
        if self.config.audit.subclass_schema is not None:
            about["subclass_schema"] = subclass_schema(self.project).to_toml()
        columns = [about["subclass"], *about["groups"], *about["search"]]
        data = file_identity(self.project.path(self.config.data.export)) if any(columns) else None
        self.add(
            f"audit:{name}",
            ["records", *slices, *gold, scored, *([f"fit:{name}"] if scored == trained else [])],
            positive=positive,
            seed=self.config.project.seed,
            data=data,
            about=about,
        )

    def _bundle(self, name: str, data: list[dict[str, Any]]) -> None:
        """Add the step that completes a network's bundle."""
        if f"train:{name}" not in self.steps:
            return
        questions = self.config.tasks[name].questions(name)
        prints = {
            source: dict(self.steps[f"label:{source}"].parts.get("functions", {}))
            for question in questions
            for source in self.project.sources(question)
        }
        audits = [f"audit:{question}" for question in questions if f"audit:{question}" in self.steps]
        about = self.config.project.model_dump(include={"name", "purpose"})
        self.add(f"bundle:{name}", [f"train:{name}", *audits], data=data, sources=prints, about=about)

    def _profile(self, export: Mapping[str, Any]) -> None:
        kinds = ("records", "slices", "fit", "train")
        votes = {f"label:{source}" for task in self.config.questions for source in self.project.sources(task)}
        needs = [name for name, step in self.steps.items() if step.kind in kinds or name in votes]
        self.add("profile", needs, **export, columns=list(self.config.monitors.columns))


def parents_first(tasks: Mapping[str, Any]) -> list[str]:
    """Return the tasks so that each comes after its parent."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order:
            if tasks[name].parent is not None:
                visit(tasks[name].parent)
            order.append(name)

    for name in tasks:
        visit(name)
    return order


def chosen_steps(steps: Mapping[str, Step], patterns: Sequence[str]) -> dict[str, Step]:
    """Return the steps that match a pattern, and all that those need; every step without patterns."""
    import difflib
    import fnmatch

    from sidelight.labeling import UsageError

    if not patterns:
        return dict(steps)
    wanted: set[str] = set()
    for pattern in patterns:
        found = [
            name for name in steps if fnmatch.fnmatchcase(name, pattern) or name.partition(":")[0] == pattern
        ]
        if not found:
            near = difflib.get_close_matches(
                pattern, {*steps, *(name.partition(":")[0] for name in steps)}, n=1
            )
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"--select {pattern!r} matches no step; there are {', '.join(steps)}{hint}")
        wanted.update(found)
    for name in reversed(list(steps)):
        if name in wanted:
            wanted.update(steps[name].needs)
    return {name: step for name, step in steps.items() if name in wanted}


@dataclass(frozen=True)
class Planned:
    """A step and whether it has to be done.

    Parameters
    ----------
    step : Step
        The step.
    done : bool
        Whether its output is there.
    reason : str
        Why it is not, or since when it is.
    """

    step: Step
    done: bool
    reason: str


def plan(steps: Mapping[str, Step], store: Store, before: Mapping[str, str]) -> list[Planned]:
    """Say of each step whether it has to be done and why.

    Parameters
    ----------
    steps : mapping from name to Step
        From `build_graph`.
    store : Store
        Where outputs are kept.
    before : mapping from step to key
        Steps of the run before; empty when there is none.
    """
    planned = []
    for name, step in steps.items():
        done = store.receipt(name, step.key) is not None
        if done:
            known = before.get(name) == step.key
            reason = "unchanged" if known or not before else "done before with the same inputs"
        else:
            reason = _why(step, steps, store, before)
        planned.append(Planned(step, done, reason))
    return planned


def _why(step: Step, steps: Mapping[str, Step], store: Store, before: Mapping[str, str]) -> str:
    """Return what changed since the run before."""
    if step.name not in before:
        return "not done yet" if not before else "new in the project"
    if before[step.name] == step.key:
        return "its output is missing"
    old = store.receipt(step.name, before[step.name])
    if old is None:
        return "changed"
    said = []
    for part in sorted({*step.parts, *old["parts"]}):
        then, now = old["parts"].get(part), json.loads(json.dumps(step.parts.get(part)))
        if then != now:
            said.append(_difference(part, then, now))
    said += [f"after {need}" for need in step.needs if old["needs"].get(need) != steps[need].key]
    return "; ".join(said) or "changed"


def _difference(part: str, then: Any, now: Any) -> str:
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [key for key in sorted({*then, *now}) if then.get(key) != now.get(key)]
        if part in ("functions", "slices"):
            words = [
                f"{key} {'is new' if key not in then else 'is gone' if key not in now else 'changed'}"
                for key in keys
            ]
        else:
            words = [f"{part}.{key} {_short(then.get(key))} -> {_short(now.get(key))}" for key in keys]
        return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")
    if isinstance(then, list) and isinstance(now, list) and part in ("data", "labels"):
        return f"the {'export' if part == 'data' else 'labels'} changed"
    return f"{part} {_short(then)} -> {_short(now)}"


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 24 else "…"
