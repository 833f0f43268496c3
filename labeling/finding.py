"""A labeling function that says of a finding what the whole note says: there, not there, or open."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Unpack

from .clinical import Assertion, ClinicalPipeline, RuleSet
from .context import ContextFilter
from .declared import DeclaredFunction, Metadata, text_of
from .faults import UsageError
from .function import Vote
from .pattern import any_of, normalise_phrases
from .record import Record
from .votes import Span


class FindingFunction(DeclaredFunction):
    """Votes by what a note as a whole says of a finding; made by `finding_lf`."""

    cost = 1.0

    def __init__(
        self,
        name: str,
        terms: Iterable[str],
        *,
        affirmed: Any = None,
        negated: Any = None,
        uncertain: Any = None,
        unless: Iterable[str] = (),
        sections: Iterable[str] | None = None,
        experiencer: str = "patient",
        language: str | RuleSet | ClinicalPipeline = "en",
        field: str = "text",
        **metadata: Unpack[Metadata],
    ) -> None:
        if affirmed is None and negated is None and uncertain is None:
            raise UsageError(f"function {name!r}: give a vote for affirmed, negated or uncertain")
        self.terms = normalise_phrases(name, "terms", terms)
        self.unmentioned = normalise_phrases(name, "unless", unless)
        if not self.terms:
            raise UsageError(f"function {name!r}: terms is empty")
        self.votes = {"affirmed": affirmed, "uncertain": uncertain, "negated": negated}
        self.field = field
        self.context = ContextFilter.of(
            name,
            {
                "experiencer": experiencer,
                "language": language,
                "sections": None if sections is None else tuple(sections),
            },
        )
        self._pattern = any_of(self.terms, re.IGNORECASE, whole_words=True)
        self._guard = any_of(self.unmentioned, re.IGNORECASE, whole_words=True) if self.unmentioned else None
        content = {
            "terms": self.terms, **self.votes, "unless": self.unmentioned, "sections": self.context.sections,
            "experiencer": experiencer, "language": language, "field": field,
        }  # fmt: skip
        polarity = [
            vote for vote in self.votes.values() if vote is not None and not isinstance(vote, set | frozenset)
        ]
        super().__init__(name, content, polarity=dict.fromkeys(polarity), **metadata)

    def describe(self) -> str:
        """Say which finding."""
        return f"Vote by whether the note affirms, doubts or denies {self.terms[0]!r}."

    @property
    def fields(self) -> tuple[str, ...]:
        """The field that is searched."""
        return (self.field,)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return words, votes and context."""
        return (type(self).__name__, self.terms, self.votes, self.unmentioned, self.context, self.field)

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the mentions that decided it."""
        text = text_of(record, self.field, self.name)
        mentions = [match.span() for match in self._pattern.finditer(text)]
        if mentions and self._guard is not None:
            guarded = [match.span() for match in self._guard.finditer(text)]
            mentions = [m for m in mentions if not any(m[0] < end and start < m[1] for start, end in guarded)]
        said: dict[str, list[Span]] = {}
        for span in self.context.keep(text, mentions, record):
            status = _status(self.context.assertion(text, span, record))
            if status:
                said.setdefault(status, []).append(span)
        for status, vote in self.votes.items():  # the order of precedence: there, open, not there
            if status in said:
                return (
                    None if vote is None else Vote(vote, tuple(said[status]) if self.field == "text" else ())
                )
        return None


def _status(said: Assertion) -> str:
    if (said.historical and not said.negated) or said.hypothetical:
        return ""
    if said.negated:
        return "negated"
    return "uncertain" if said.uncertain else "affirmed"


def finding_lf(
    name: str,
    terms: Iterable[str],
    *,
    affirmed: Any = None,
    negated: Any = None,
    uncertain: Any = None,
    unless: Iterable[str] = (),
    sections: Iterable[str] | None = None,
    experiencer: str = "patient",
    language: str | RuleSet | ClinicalPipeline = "en",
    field: str = "text",
    **metadata: Unpack[Metadata],
) -> FindingFunction:
    """Return a function that votes by what a note as a whole says of a finding.

    One mention that affirms it outweighs those that doubt it, and one that doubts it those that deny it. What is only
    history, a warning or a plan says nothing.

    Parameters
    ----------
    name : str
        The function's name.
    terms : iterable of str
        Words for the finding.
    affirmed, negated, uncertain : str, int or set of these, optional
        The vote in each case; None abstains. A set leaves open which class it is.
    unless : iterable of str, optional
        Phrases in which the words mean something else ("cardiac effusion index"): such mentions do not count.
    sections : iterable of str, optional
        Sections in which mentions count.
    experiencer : {"patient", "family", "other"}, default "patient"
        Whose finding.
    language : {"en", "de", "sv"}, RuleSet or ClinicalPipeline, default "en"
        Whose rules decide.
    field : str, default "text"
        The record's field that is searched.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    References
    ----------
    Irvin et al., "CheXpert", 2019, for the order in which the mentions of a report are put together.

    Examples
    --------
    >>> effusion = finding_lf("effusion", ["effusion", "effusions"], affirmed=1, negated=0)
    >>> effusion("No effusion."), effusion("No left effusion. Small right effusion."), effusion("Clear.")
    (0, 1, None)
    """
    return FindingFunction(
        name, terms, affirmed=affirmed, negated=negated, uncertain=uncertain, unless=unless, sections=sections,
        experiencer=experiencer, language=language, field=field, **metadata,
    )  # fmt: skip
