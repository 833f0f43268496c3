"""What the functions that look for something in a text have in common: field, exceptions and clinical context."""

from collections.abc import Iterable
from typing import Any

from .context import ContextFilter, ContextOptions
from .declared import DeclaredFunction, text_of
from .function import Vote
from .record import Record
from .votes import Span


class TextFunction(DeclaredFunction):
    """Votes for one class where something is found in a text, in the context asked for.

    A kind of text function derives from it and yields what it finds in `find`.

    Parameters
    ----------
    name : str
        The function's name.
    content : mapping of str to any
        Arguments of the kind of function (see `DeclaredFunction`).
    vote : str or int
        The class voted for.
    field : str
        The record's field that is searched.
    context : mapping
        See `ContextFilter`.
    """

    def __init__(
        self,
        name: str,
        content: dict[str, Any],
        vote: str | int,
        *,
        field: str,
        context: ContextOptions,
        **metadata: Any,
    ) -> None:
        self.vote = vote
        self.field = field
        self.context = ContextFilter.of(name, context)
        content = {**content, "vote": vote, "field": field, **context}
        super().__init__(name, content, polarity=(vote,), **metadata)

    @property
    def cost(self) -> float:  # type: ignore[override]
        """Reading the context costs more than finding the words."""
        return 1.0 if self.context.active else 0.1

    @property
    def fields(self) -> tuple[str, ...]:
        """The field that is searched."""
        return (self.field,)

    def find(self, text: str) -> Iterable[Span]:
        """Yield the spans of what the function looks for, in order."""
        raise NotImplementedError

    def is_blocked(self, text: str) -> bool:
        """Whether something in the text makes the function abstain."""
        return False

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the characters that earned it, None when the function abstains."""
        text = text_of(record, self.field, self.name)
        spans = self.context.keep(text, self.find(text), record)
        if not spans or self.is_blocked(text):
            return None
        return Vote(self.vote, tuple(spans) if self.field == "text" else ())

    def _vote(self, record: Record) -> Any:
        text = text_of(record, self.field, self.name)
        if self.context.active:
            found = bool(self.context.keep(text, self.find(text), record))
        else:
            found = next(iter(self.find(text)), None) is not None
        return self.vote if found and not self.is_blocked(text) else None

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the kind of function, its content and its context."""
        context = set(ContextOptions.__annotations__)
        own = {name: value for name, value in self.content.items() if name not in context}
        return (type(self).__name__, own, self.context if self.context.active else None)
