"""The classes of a task, in order: shared by functions, votes, label models, files and the app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

ABSTAIN = -1
"""The vote of a function that says nothing about a record."""

MAX_CLASSES = 127
"""Votes are int8, so a task has at most this many classes."""


@dataclass(frozen=True)
class LabelSchema:
    """Names and order of the classes of one task.

    Parameters
    ----------
    classes : sequence of str
        At least two distinct, non-empty names; the position of a name is its integer vote.
    task : str, default "label"
        What is being labeled; one project may hold several tasks.

    Examples
    --------
    >>> schema = LabelSchema(classes=("normal", "abnormal"))
    >>> schema.cardinality, schema.index("abnormal"), schema.name(0)
    (2, 1, 'normal')
    """

    classes: tuple[str, ...]
    task: str = "label"

    def __init__(self, classes: Sequence[str], task: str = "label") -> None:
        if isinstance(classes, str):
            raise TypeError("classes is one string; give a sequence of class names")
        names = tuple(classes)
        if not all(isinstance(name, str) and name.strip() for name in names):
            raise ValueError("classes holds an empty name or one that is no string")
        if len(set(names)) != len(names):
            raise ValueError(f"classes holds a name twice: {list(names)}")
        if not 2 <= len(names) <= MAX_CLASSES:
            raise ValueError(f"a task has 2 to {MAX_CLASSES} classes, not {len(names)}")
        object.__setattr__(self, "classes", names)
        object.__setattr__(self, "task", task)

    @classmethod
    def of(cls, cardinality: int) -> Self:
        """Return a schema whose classes are named "0", "1", ... for users who bring bare integers."""
        return cls([str(index) for index in range(cardinality)])

    @property
    def cardinality(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def name(self, index: int) -> str:
        """Return the name of class `index`, "abstain" for -1."""
        return "abstain" if index == ABSTAIN else self.classes[index]

    def index(self, name: str) -> int:
        """Return the position of the class called `name`."""
        try:
            return self.classes.index(name)
        except ValueError:
            raise ValueError(f"no class of that name; the classes are {list(self.classes)}") from None

    def encode(self, vote: object) -> int:
        """Return the integer of a vote given as class name, integer, ABSTAIN or None.

        Raises
        ------
        ValueError, TypeError
            When the value is no vote. The message never repeats a string, which may be a patient's words.
        """
        if vote is None:
            return ABSTAIN
        if isinstance(vote, str):
            if vote in self.classes:
                return self.classes.index(vote)
            raise ValueError(f"a string that is not a class name; the classes are {list(self.classes)}")
        if isinstance(vote, bool | np.bool_):
            raise TypeError(
                f"{vote} (a bool); return a class name, 0..{self.cardinality - 1} or ABSTAIN (-1)"
            )
        if isinstance(vote, int | np.integer):
            value = int(vote)
            if ABSTAIN <= value < self.cardinality:
                return value
            raise ValueError(f"{value}; a vote is 0..{self.cardinality - 1} or ABSTAIN (-1)")
        raise TypeError(
            f"a {type(vote).__name__}; return a class name, 0..{self.cardinality - 1}, ABSTAIN (-1) or None"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the schema as plain values for a manifest."""
        return {"task": self.task, "classes": list(self.classes)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(data["classes"], task=data["task"])
