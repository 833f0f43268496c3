"""Limits on where a finding counts: its sections, and what the note says of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypedDict

from .clinical import Assertion, ClinicalPipeline, ClinicalText, RuleSet
from .faults import UsageError
from .record import Record
from .votes import Span

_STATUSES = ("negated", "uncertain", "historical", "hypothetical")


class ContextOptions(TypedDict, total=False):
    """The context arguments that every text function takes (see `ContextFilter`)."""

    negated: bool | None
    uncertain: bool | None
    historical: bool | None
    hypothetical: bool | None
    experiencer: str | None
    sections: Sequence[str] | None
    language: "str | RuleSet | ClinicalPipeline"


@dataclass(frozen=True, slots=True)
class ContextFilter:
    """Which findings count; None means that it does not matter.

    Parameters
    ----------
    negated, uncertain, historical, hypothetical : bool, optional
        False leaves out findings that are so, True those that are not.
    experiencer : {"patient", "family", "other"}, optional
        Whose findings count.
    sections : sequence of str, optional
        Canonical names of the sections in which findings count; "" is the text before the first header.
    language : {"en", "de", "sv"}, RuleSet or ClinicalPipeline, default "en"
        Whose rules decide.

    Examples
    --------
    >>> current = ContextFilter(negated=False, historical=False, experiencer="patient")
    >>> text = "No effusion. Mother had a stroke. Small nodule."
    >>> [text[start:end] for start, end in current.keep(text, [(3, 11), (26, 32), (40, 46)])]
    ['nodule']
    """

    negated: bool | None = None
    uncertain: bool | None = None
    historical: bool | None = None
    hypothetical: bool | None = None
    experiencer: str | None = None
    sections: tuple[str, ...] | None = None
    language: "str | RuleSet | ClinicalPipeline" = "en"

    @classmethod
    def of(cls, name: str, options: ContextOptions) -> Self:
        """Check and take the context arguments of a function called `name`."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise UsageError(f"function {name!r}: no such argument: {', '.join(unknown)}")
        given: dict[str, Any] = dict(options)
        for status in _STATUSES:
            if given.get(status) not in (None, True, False):
                raise UsageError(f"function {name!r}: {status} is True, False or None, not {given[status]!r}")
        if given.get("experiencer") not in (None, "patient", "family", "other"):
            raise UsageError(f"function {name!r}: experiencer is 'patient', 'family', 'other' or None")
        if isinstance(given.get("sections"), str):
            raise UsageError(f"function {name!r}: sections is one string; give a list of them")
        if given.get("sections") is not None:
            given["sections"] = tuple(given["sections"])
        made = cls(**given)
        try:
            ClinicalPipeline.of(made.language)
        except ValueError as error:
            raise UsageError(f"function {name!r}: {error}") from None
        return made

    @property
    def active(self) -> bool:
        """Whether anything is limited at all."""
        return self.reads_context or self.sections is not None

    @property
    def reads_context(self) -> bool:
        """Whether the words around a finding matter."""
        return self.experiencer is not None or any(getattr(self, status) is not None for status in _STATUSES)

    def options(self) -> dict[str, Any]:
        """Return the arguments that differ from their defaults."""
        return {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }

    def keep(self, text: str, spans: Iterable[Span], record: Record | None = None) -> list[Span]:
        """Return the spans that count; with a record, its sentences and sections are found only once."""
        found = list(spans)
        if not found or not self.active:
            return found
        note = self._note(text, record)
        if self.sections is not None:
            found = [span for span in found if note.section(span[0]) in self.sections]
        if not self.reads_context:
            return found
        return [span for span in found if self._counts(note.assertion(span))]

    def assertion(self, text: str, span: Span, record: Record | None = None) -> Assertion:
        """Return what the text says of the finding at `span`."""
        return self._note(text, record).assertion(span)

    def _counts(self, said: Assertion) -> bool:
        for status in _STATUSES:
            wanted = getattr(self, status)
            if wanted is not None and getattr(said, status) != wanted:
                return False
        return self.experiencer is None or said.experiencer == self.experiencer

    def _note(self, text: str, record: Record | None) -> ClinicalText:
        pipeline = ClinicalPipeline.of(self.language)
        if record is None:
            return pipeline(text)
        notes: dict[tuple[int, str], ClinicalText] = record.__dict__.setdefault("_notes", {})
        key = (id(pipeline), text)
        if key not in notes:
            notes[key] = pipeline(text)
        return notes[key]

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the limits; the rules count only where the words around a finding matter."""
        statuses = tuple(getattr(self, status) for status in _STATUSES)
        rules = ClinicalPipeline.of(self.language) if self.active else None
        return (*statuses, self.experiencer, self.sections, rules)
