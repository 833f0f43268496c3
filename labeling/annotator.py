"""Labeling functions for what people said already: a rater's column becomes a voter among the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from .declared import DeclaredFunction, Metadata
from .function import Vote
from .record import Record

_MISSING = (None, "", -1)


class AnnotatorFunction(DeclaredFunction):
    """Votes what a column holds; made by `annotator_lf`."""

    cost = 0.1

    def __init__(
        self,
        name: str,
        column: str,
        *,
        answers: Mapping[Any, Any] | None = None,
        confidence: str | None = None,
        **metadata: Unpack[Metadata],
    ) -> None:
        self.column = column
        self.answers = None if answers is None else dict(answers)
        self.confidence = confidence
        polarity = (
            () if self.answers is None else [v for v in dict.fromkeys(self.answers.values()) if v is not None]
        )
        content = {"column": column, "answers": self.answers, "confidence": confidence}
        super().__init__(name, content, polarity=polarity, **metadata)

    def describe(self) -> str:
        """Say whose answers."""
        return f"Vote what the column {self.column!r} says."

    @property
    def fields(self) -> tuple[str, ...]:
        """The column, and that of the confidence."""
        return (self.column,) if self.confidence is None else (self.column, self.confidence)

    def evidence(self, record: Record) -> Vote | None:
        """Return the rater's answer, None where there is none or it is not among `answers`."""
        value = record.get(self.column)
        if value in _MISSING or value != value:  # NaN is the one value that differs from itself
            return None
        if self.answers is not None:
            value = self.answers.get(value)
        elif isinstance(value, float) and value.is_integer():  # a column of integers with gaps
            value = int(value)
        if value is None:
            return None
        sure = None if self.confidence is None else record.get(self.confidence)
        return Vote(value, (), 1.0 if sure is None else float(sure))


def annotator_lf(
    name: str,
    column: str,
    *,
    answers: Mapping[Any, Any] | None = None,
    confidence: str | None = None,
    **metadata: Unpack[Metadata],
) -> AnnotatorFunction:
    """Return a function that votes what one rater, code list or earlier system said in a column.

    Parameters
    ----------
    name : str
        The function's name.
    column : str
        The record's field with the answers; an empty one abstains.
    answers : mapping from what the column holds to a class, optional
        Other values abstain. Without it the column holds class names or numbers.
    confidence : str, optional
        A field with the rater's confidence, in (0, 1].
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> first_reader = annotator_lf("first_reader", "reader_1", answers={"pos": 1, "neg": 0})
    >>> first_reader({"text": "", "reader_1": "pos"}), first_reader({"text": "", "reader_1": "unsure"})
    (1, None)
    """
    return AnnotatorFunction(name, column, answers=answers, confidence=confidence, **metadata)
