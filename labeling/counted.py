"""What counts of votes have in common: they are of named functions and classes, and add up across parts and sites."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Self

from .schema import LabelSchema
from .votes import VoteMatrix


class Counted(ABC):
    """Base of `Moments` and `Patterns`: counted part by part, merged by addition in any order."""

    schema: LabelSchema
    names: tuple[str, ...]

    @classmethod
    @abstractmethod
    def of(cls, votes: VoteMatrix) -> Self:
        """Count the votes of a matrix."""

    @abstractmethod
    def __add__(self, other: Self) -> Self:
        """Merge with the counts of other records of the same functions."""

    @classmethod
    def stream(cls, parts: Iterable[VoteMatrix]) -> Self:
        """Count the votes of parts that come one by one, such as those of a run."""
        total: Self | None = None
        for part in parts:
            counted = cls.of(part)
            total = counted if total is None else total + counted
        if total is None:
            raise ValueError("no votes to count: there is not a single part")
        return total

    def check_alike(self, other: "Counted") -> None:
        """Raise unless `other` counts the votes of the same functions for the same classes."""
        if self.schema != other.schema:
            raise ValueError(f"classes differ: {list(self.schema.classes)} and {list(other.schema.classes)}")
        if self.names != other.names:
            raise ValueError("the counts are of different functions, or of the same in another order")
