"""Several questions about each record, whose answers rule each other out: which combinations there can be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        if not rows:
            raise ValueError("no combination of classes is left that can be")
        if len(set(rows)) != len(rows):
            raise ValueError("feasible names a combination twice")
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

    @classmethod
    def without(
        cls, tasks: Mapping[str, Sequence[str]], never: Sequence[Mapping[str, str | Sequence[str]]]
    ) -> Self:
        """Return the graph without the combinations that cannot be.

        Parameters
        ----------
        tasks : mapping of str to sequence of str
            Each task's classes.
        never : sequence of mappings from task to a class or several
            What never goes together: a combination that has one of the classes named for every task named.

        Raises
        ------
        ValueError
            When an entry names fewer than two tasks, or one that is none, or what is no class; with its number from 1.

        Examples
        --------
        >>> tasks = {"effusion": ["no", "yes"], "side": ["none", "left", "right"]}
        >>> never = [{"effusion": "no", "side": ["left", "right"]}, {"effusion": "yes", "side": "none"}]
        >>> TaskGraph.without(tasks, never).feasible
        (('no', 'none'), ('yes', 'left'), ('yes', 'right'))
        """
        refused = [_read_entry(f"never[{n}]", entry, tasks) for n, entry in enumerate(never, start=1)]
        return cls.where(
            tasks,
            lambda answer: not any(all(answer[t] in named for t, named in e.items()) for e in refused),
        )

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


def _read_entry(place: str, entry: object, tasks: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Return the classes that an entry of `never` names, by task."""
    if not isinstance(entry, Mapping) or len(entry) < 2:
        raise ValueError(f"{place}: names classes of two tasks or more")
    found = {}
    for task, given in entry.items():
        if task not in tasks:
            raise ValueError(f"{place}.{task}: no such task{_near(task, tasks)}")
        named = [given] if isinstance(given, str) else given
        if not isinstance(named, list | tuple) or not named or not all(isinstance(c, str) for c in named):
            raise ValueError(f"{place}.{task}: is a class or a list of classes")
        for name in named:
            if name not in tasks[task]:
                raise ValueError(f"{place}.{task}: no class {name!r}{_near(name, tasks[task])}")
        found[task] = set(named)
    return found


def _near(given: str, known: Iterable[str]) -> str:
    """Return what may have been meant, or what there is."""
    near = difflib.get_close_matches(given, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"


def _all_combinations(tasks: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return every combination of classes, or refuse where there are too many."""
    size = int(np.prod([float(len(classes)) for classes in tasks.values()]))
    if size > MOST_COMBINATIONS:
        raise ValueError(
            f"{size} combinations of classes; link fewer tasks, or name the feasible ones, {MOST_COMBINATIONS} at most"
        )
    return list(product(*tasks.values()))
