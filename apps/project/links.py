"""Tasks of a project whose answers rule each other out: `[[never]]`, what it links, and the labels made together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.label_model import LabelModel, Labels, MultiTaskLabelModel, TaskGraph

if TYPE_CHECKING:
    from sidelight.labeling import VoteMatrix

    from .file import Config, Project, Task


def linked_tasks(config: Config) -> dict[str, Task]:
    """Return the tasks, and findings of multi-label ones, that a `[[never]]` names."""
    named = {question for entry in config.never or () for question in entry}
    return {question: task for question, task in config.questions.items() if question in named}


def check_links(project: Project) -> None:
    """Refuse links that cannot be, and tasks that cannot be linked."""
    config, refuse = project.config, project.places.refuse
    for number, entry in enumerate(config.never or (), start=1):
        for question in entry:
            if question not in config.questions:
                refuse(("never",), f"[{number}]: no task {question!r}", question, config.questions)
    if config.never is None:
        return
    try:
        _graph(config)
    except ValueError as error:
        refuse(("never",), str(error).removeprefix("never"))
    for name, task in linked_tasks(config).items():
        place = ("tasks", name.partition(".")[0])
        if task.parent is not None:
            refuse(
                (*place, "parent"), "already says when it is asked; [[never]] links tasks without a parent"
            )
        if task.label_model != "matrix-completion":
            refuse((*place, "label_model"), "[[never]] links tasks of matrix-completion only")


def fit_linked(
    config: Config, name: str, tables: Mapping[str, VoteMatrix], seen: NDArray[np.intp]
) -> tuple[LabelModel, Labels]:
    """Return a task's own label model, and its labels given the votes on all linked tasks.

    Parameters
    ----------
    config : Config
        The project's.
    name : str
        The task.
    tables : mapping of task to VoteMatrix
        Votes on all linked tasks, on the same records in the same order.
    seen : ndarray of int
        Rows to learn from.
    """
    together = MultiTaskLabelModel(_graph(config)).fit(
        {question: votes.take_rows(seen) for question, votes in tables.items()},
        class_balance={
            question: task.class_balance
            for question, task in linked_tasks(config).items()
            if task.class_balance is not None
        },
    )
    return together.models_[name], together.labels(tables)[name]


def _graph(config: Config) -> TaskGraph:
    classes = {question: task.classes for question, task in linked_tasks(config).items()}
    return TaskGraph.without(classes, config.never or ())
