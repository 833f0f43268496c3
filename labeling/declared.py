"""Labeling functions that are declared by values instead of written as code."""

from collections.abc import Iterable
from typing import Any, TypedDict

from .faults import UsageError
from .function import Examples, LabelingFunction, OnError, Vote
from .record import Record


class Metadata(TypedDict, total=False):
    """What any declared function may be given besides what it looks for (see `LabelingFunction`)."""

    on_error: OnError | None
    examples: Examples
    tags: Iterable[str]
    author: str
    accuracy: float | tuple[float, float] | None


class DeclaredFunction(LabelingFunction):
    """A function that is plain values: it pickles by them, its fingerprint is theirs, and it can say why it voted.

    A kind of function derives from it, hands its arguments on as `content`, and answers in `evidence`.

    Parameters
    ----------
    name : str
        The function's name.
    content : mapping of str to any
        The arguments its class takes beside `name`; they decide its votes.
    polarity : sequence of str or int
        The classes it may vote for.
    on_error, examples, tags, author, accuracy
        As for `LabelingFunction`.
    """

    def __init__(
        self, name: str, content: dict[str, Any], *, polarity: Iterable[Any] = (), **metadata: Any
    ) -> None:
        super().__init__(name, self._vote, polarity=tuple(polarity), **metadata)
        self.content = content
        self._metadata = metadata
        self.__doc__ = self.describe()

    def describe(self) -> str:
        """Say in one sentence what the function does."""
        return f"A labeling function of kind {type(self).__name__}."

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the characters that earned it, None when the function abstains."""
        raise NotImplementedError

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the kind of function and its content."""
        return (type(self).__name__, self.content)

    def _vote(self, record: Record) -> Any:
        vote = self.evidence(record)
        if vote is None:
            return None
        return vote.value if vote.confidence == 1 else Vote(vote.value, (), vote.confidence)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.name, self.content, self._metadata))


def _rebuild(
    kind: type[DeclaredFunction], name: str, content: dict[str, Any], metadata: dict[str, Any]
) -> Any:
    return kind(name, **content, **metadata)


def text_of(record: Record, field: str, name: str) -> str:
    """Return a field's text, "" where it is missing, or raise when it is something else."""
    text = getattr(record, field)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise UsageError(f"function {name!r} searches {field!r}, which holds a {type(text).__name__}")
    return text
