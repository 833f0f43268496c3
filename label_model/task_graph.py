"""Several questions about each record, whose answers rule each other out: which combinations there can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import LabelSchema

MOST_COMBINATIONS = 20_000
"""Combinations of answers that are kept at most."""


@dataclass(frozen=True)
class TaskGraph:
    """Tasks, the classes of each, and the feasible combinations of one class a task.

    Parameters
    ----------
    tasks : mapping of str to sequence of str
        Each task's classes.
    feasible : sequence of sequences of str, optional
        The combinations there can be, a class for each task in order. Default: all of them.

    Examples
    --------
    >>> graph = TaskGraph.where(
    ...     {"effusion": ["no", "yes"], "side": ["none", "left", "right"]},
    ...     lambda answer: (answer["effusion"] == "no") == (answer["side"] == "none"),
    ... )
    >>> graph.feasible
    (('no', 'none'), ('yes', 'left'), ('yes', 'right'))
    """

    tasks: Mapping[str, Sequence[str]]
    feasible: Sequence[Sequence[str]] | None = None

    def __post_init__(self) -> None:
        """Check the classes, and put the combinations into one order."""
        if len(self.tasks) < 1:
            raise ValueError("a task graph has at least one task")
        tasks = {name: tuple(classes) for name, classes in self.tasks.items()}
        schemas = {name: LabelSchema(classes) for name, classes in tasks.items()}
        object.__setattr__(self, "tasks", tasks)
        given = _all_combinations(tasks) if self.feasible is None else [tuple(row) for row in self.feasible]
        for number, row in enumerate(given):
            if len(row) != len(tasks):
                raise ValueError(f"feasible[{number}] has {len(row)} classes for {len(tasks)} tasks")
            for (name, schema), value in zip(schemas.items(), row, strict=True):
                if value not in schema.classes:
                    raise ValueError(
                        f"feasible[{number}] has {value!r} for {name}; its classes are {list(schema.classes)}"
                    )
        places = [
            [schemas[name].index(value) for name, value in zip(tasks, row, strict=True)] for row in given
        ]
        order = sorted(range(len(given)), key=places.__getitem__)
        rows = tuple(given[i] for i in order)
        if len(set(rows)) != len(rows) or not rows:
            raise ValueError("feasible names a combination twice, or none at all")
        for t, (name, classes) in enumerate(tasks.items()):
            missing = [value for value in classes if value not in {row[t] for row in rows}]
            if missing:
                raise ValueError(f"no feasible combination has {missing[0]!r} for {name}")
        object.__setattr__(self, "feasible", rows)

    @classmethod
    def where(cls, tasks: Mapping[str, Sequence[str]], rule: Callable[[dict[str, str]], bool]) -> Self:
        """Return the graph of the combinations for which a rule holds."""
        names = list(tasks)
        every = _all_combinations({name: tuple(classes) for name, classes in tasks.items()})
        return cls(tasks, [row for row in every if rule(dict(zip(names, row, strict=True)))])

    @property
    def schemas(self) -> dict[str, LabelSchema]:
        """The classes of each task."""
        return {name: LabelSchema(classes) for name, classes in self.tasks.items()}

    @property
    def members(self) -> NDArray[np.intp]:
        """The class of each task in each feasible combination, shape (n_combinations, n_tasks)."""
        schemas = list(self.schemas.values())
        rows = self.feasible or ()
        return np.array(
            [[s.index(value) for s, value in zip(schemas, row, strict=True)] for row in rows], dtype=np.intp
        )

    def __len__(self) -> int:
        return len(self.feasible or ())

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `TaskGraph(**data)` reads."""
        return {
            "tasks": {name: list(classes) for name, classes in self.tasks.items()},
            "feasible": [list(row) for row in self.feasible or ()],
        }


def _all_combinations(tasks: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return every combination of classes, or refuse where there are too many."""
    size = int(np.prod([float(len(classes)) for classes in tasks.values()]))
    if size > MOST_COMBINATIONS:
        raise ValueError(
            f"{size} combinations of classes; name the feasible ones, {MOST_COMBINATIONS} at most"
        )
    return list(product(*tasks.values()))
