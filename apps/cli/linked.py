"""`sidelight fit --linked`: several tasks fitted together, whose answers rule each other out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import print_json, print_table

if TYPE_CHECKING:
    from sidelight.label_model import TaskGraph
    from sidelight.labeling import VoteMatrix

SHOWN = 12
"""Combinations of answers that are listed, the most frequent first."""


def fit_linked(
    folders: Sequence[str], rules: str, out: str, model_out: str | None, *, overwrite: bool, as_json: bool
) -> int:
    """Fit the votes of several tasks together, and write a table of labels for each into a folder.

    Parameters
    ----------
    folders : sequence of str
        Folders of votes on the same records, a task each, called as its folder is.
    rules : str
        TOML file that says which answers never go together; see `read_links`.
    out : str
        Folder to write, with TASK.parquet for each task.
    model_out : str, optional
        Folder to keep the model in.
    overwrite : bool
        Whether folders of these names are replaced.
    as_json : bool
        Whether one JSON object is printed in place of tables.
    """
    from sidelight.label_model import MultiTaskLabelModel
    from sidelight.labeling import write_folder

    from .fit import list_assumed

    tables = read_tasks(folders)
    graph = read_links(rules, {task: table.schema.classes for task, table in tables.items()})
    model = MultiTaskLabelModel(graph).fit(tables)
    found = model.labels(tables)
    with write_folder(out, overwrite=overwrite) as place:
        for task, labels in found.items():
            labels.write(place / f"{task}.parquet")
    if model_out is not None:
        model.save(model_out, overwrite=overwrite)
    summary = {}
    for task, labels in found.items():
        fitted = model.models_[task]
        own = fitted.covered(tables[task])
        summary[task] = {
            "records": len(labels),
            "covered": int(labels.covered.sum()),
            "covered by other tasks alone": int((labels.covered & ~own).sum()),
            "labeled": {n: int((labels.label == c).sum()) for c, n in enumerate(labels.schema.classes)},
            "labels that the links changed": int(
                (own & (labels.label != fitted.predict(tables[task]))).sum()
            ),
            "class balance": dict(zip(labels.schema.classes, labels.lineage["class_balance"], strict=True)),
            "accuracies": dict(zip(fitted.names_, fitted.get_weights().tolist(), strict=True)),
            "assumed": list_assumed(fitted),
            "labels": str(Path(out) / f"{task}.parquet"),
        }
    combinations = [
        {"classes": dict(zip(graph.tasks, row, strict=True)), "share": float(share)}
        for row, share in zip(graph.feasible or (), model.frequency_, strict=True)
    ]
    if as_json:
        print_json({"tasks": summary, "combinations": combinations})
        return 0
    _show(summary, combinations)
    return 0


def read_tasks(folders: Sequence[str]) -> dict[str, VoteMatrix]:
    """Return the votes of each task, all on the same records in the same order; a task is called as its folder is."""
    import numpy as np

    from sidelight.labeling import UsageError, read_votes

    names = [Path(folder).resolve().name for folder in folders]
    if len(names) < 2:
        raise UsageError("--linked wants the folders of at least two tasks")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two folders are called {twice}; with --linked each is the task of its name")
    tables = {name: read_votes(folder) for name, folder in zip(names, folders, strict=True)}
    (first, reference), *others = tables.items()
    for name, table in tables.items():
        if table.ids is None:
            raise UsageError(
                f"the votes of {name} carry no record ids, so they cannot be linked to those of other tasks"
            )
    assert reference.ids is not None  # noqa: S101 - asked above
    for name, table in others:
        assert table.ids is not None  # noqa: S101 - asked above
        only = np.setdiff1d(table.ids, reference.ids).size, np.setdiff1d(reference.ids, table.ids).size
        if any(only):
            raise UsageError(
                f"{name} and {first} are of different records: {only[0]} are in {name} alone, {only[1]} in {first} alone; "
                "label the same export for both"
            )
        place = {record: row for row, record in enumerate(table.ids.tolist())}
        tables[name] = table.take_rows(
            np.array([place[record] for record in reference.ids.tolist()], dtype=np.intp)
        )
    return tables


def read_links(path: str, tasks: Mapping[str, Sequence[str]]) -> TaskGraph:
    """Read which answers never go together, and return the combinations that are left.

    The file is TOML. Each `[[never]]` names a class, or a list of classes, of two tasks or more: no record has one of
    these of every task named.

    Parameters
    ----------
    path : str
        The file.
    tasks : mapping of str to sequence of str
        The tasks and their classes.
    """
    from sidelight.label_model import TaskGraph
    from sidelight.labeling import InputError

    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError:
        raise InputError(path, "cannot be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise InputError(path, f"is no TOML: {fault}") from None
    for key in content:
        if key != "never":
            raise InputError(path, f"{key}: no such key; it has [[never]] alone")
    entries = content.get("never")
    if not isinstance(entries, list) or not entries:
        raise InputError(path, "never: needs at least one [[never]] with answers that never go together")
    try:
        return TaskGraph.without(tasks, entries)
    except ValueError as fault:
        raise InputError(path, str(fault)) from None


def _show(summary: Mapping[str, Mapping[str, Any]], combinations: Sequence[Mapping[str, Any]]) -> None:
    """Print what was learned of each task's functions, its labels, and how frequent the combinations are."""
    for task, found in summary.items():
        rows = [
            (name, f"{accuracy:.3f}, assumed" if name in found["assumed"] else accuracy)
            for name, accuracy in found["accuracies"].items()
        ]
        print_table(f"{task}: learned accuracies", ["function", "right when it votes"], rows)
    columns = [
        "task",
        "covered",
        "by other tasks alone",
        "changed by links",
        "without a label",
        "labeled",
        "labels",
    ]
    print_table(
        "Labels",
        columns,
        [
            (
                task,
                found["covered"],
                found["covered by other tasks alone"],
                found["labels that the links changed"],
                found["records"] - sum(found["labeled"].values()),
                found["labeled"],
                found["labels"],
            )
            for task, found in summary.items()
        ],
    )
    listed = sorted(combinations, key=lambda entry: -entry["share"])[:SHOWN]
    title = f"Combinations that can be: {len(combinations)}" + (
        f", the {SHOWN} most frequent" if len(combinations) > SHOWN else ""
    )
    print_table(
        title, [*summary, "share"], [(*entry["classes"].values(), entry["share"]) for entry in listed]
    )
