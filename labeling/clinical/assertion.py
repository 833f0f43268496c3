"""What a note says of a finding: is it denied, doubted, past, only feared, or somebody else's."""

import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..votes import Span
from .rules import CATEGORIES, Category
from .ruleset import RuleSet, Trigger
from .scope import Scope
from .sections import SECTION_TITLES, Section, find_sections
from .sentences import split_sentences
from .tokens import Tokens

Experiencer: TypeAlias = Literal["patient", "family", "other"]


@dataclass(frozen=True, slots=True)
class Assertion:
    """What the words around a finding make of it.

    Parameters
    ----------
    negated, uncertain, historical, hypothetical : bool
        Denied; possible, or hard to exclude; past; a warning, plan or risk.
    experiencer : {"patient", "family", "other"}
        Whose finding it is.
    section : str
        Canonical name of the section it stands in, "" where there is none.
    triggers : tuple of (category, span)
        The words that decided, by their characters in the note.
    """

    negated: bool = False
    uncertain: bool = False
    historical: bool = False
    hypothetical: bool = False
    experiencer: Experiencer = "patient"
    section: str = ""
    triggers: tuple[tuple[str, Span], ...] = ()

    @property
    def affirmed(self) -> bool:
        """Whether the patient has the finding now, for all the note says."""
        return self.experiencer == "patient" and not (
            self.negated or self.uncertain or self.historical or self.hypothetical
        )


def assertion(text: str, span: Span, language: str | RuleSet = "en") -> Assertion:
    """Return what a note says of the finding at `span`.

    Parameters
    ----------
    text : str
        The note, or a sentence of it.
    span : (start, end)
        The finding's characters.
    language : {"en", "de", "sv"} or RuleSet, default "en"
        Whose rules apply.

    References
    ----------
    Chapman et al., "A simple algorithm for identifying negated findings and diseases in discharge summaries", 2001
    (NegEx); Harkema et al., "ConText", 2009: triggers with a scope that other triggers end. Ours adds that a comma
    followed by a clause of its own ("no fever, lungs are clear") ends a denial, and that who denies something of a
    finding ("no evidence that the mass has grown", "... that the hernia is incarcerated") says that it is there.

    Examples
    --------
    >>> assertion("No fever, but cough.", (3, 8)).negated, assertion("No fever, but cough.", (14, 19)).negated
    (True, False)
    >>> assertion("Pneumonia cannot be excluded.", (0, 9)).uncertain
    True
    >>> assertion("Kein Nachweis einer Fraktur.", (20, 27), language="de").negated
    True
    """
    start, end = span
    if not 0 <= start <= end <= len(text):
        raise ValueError(f"span ({start}, {end}) lies outside the text's {len(text)} characters")
    return ClinicalText.of(text, rule_set(language)).assertion(span)


def rule_set(language: str | RuleSet) -> RuleSet:
    """Return the rules of a language, by its two-letter code."""
    if isinstance(language, RuleSet):
        return language
    if language == "en":
        from .english import ENGLISH

        return ENGLISH
    if language == "de":
        from .german import GERMAN

        return GERMAN
    if language == "sv":
        from .swedish import SWEDISH

        return SWEDISH
    raise ValueError(
        f"no context rules for language {language!r}; there are 'en', 'de' and 'sv', or a RuleSet of yours"
    )


class ClinicalText:
    """A note cut into sentences and sections, each piece of work done once and when first needed.

    Parameters
    ----------
    text : str
        The note.
    rules : RuleSet
        The context rules of its language.
    titles : mapping from section name to headers, optional
        See `find_sections`.
    sentences : sequence of spans, optional
        Where a pipeline of the user's has split the note already.
    """

    def __init__(
        self,
        text: str,
        rules: RuleSet,
        *,
        titles: Mapping[str, Sequence[str]] = SECTION_TITLES,
        sentences: Sequence[Span] | None = None,
    ) -> None:
        self.text = text
        self.rules = rules
        self._titles = titles
        if sentences is not None:
            self.__dict__["sentences"] = list(sentences)
        self._parsed: dict[int, tuple[Tokens, list[Trigger], list[Span]]] = {}

    @classmethod
    def of(cls, text: str, rules: RuleSet) -> "ClinicalText":
        """Return the note's analysis; the last few are remembered, since several functions ask for the same."""
        key = (text, id(rules))
        known = _recent.get(key)
        if known is None:
            if len(_recent) >= _REMEMBERED:
                _recent.pop(next(iter(_recent)))
            known = _recent[key] = cls(text, rules)
        return known

    @functools.cached_property
    def sentences(self) -> list[Span]:
        """Start and end of each sentence."""
        return split_sentences(self.text)

    @functools.cached_property
    def sections(self) -> list[Section]:
        """The note's sections."""
        return find_sections(self.text, self._titles)

    @functools.cached_property
    def _sentence_starts(self) -> list[int]:
        return [start for start, _ in self.sentences]

    @functools.cached_property
    def _section_starts(self) -> list[int]:
        return [section.start for section in self.sections]

    def section(self, position: int) -> str:
        """Return the canonical name of the section at a character, "" before the first header."""
        found = self.sections[max(0, bisect_right(self._section_starts, position) - 1)]
        return found.name

    def assertion(self, span: Span) -> Assertion:
        """Return what the note says of the finding at `span`."""
        start, end = span
        which = max(0, bisect_right(self._sentence_starts, start) - 1)
        section = self.section(start)
        said: dict[Category, list[Span]] = {}
        for category in self.rules.sections.get(section, ()):
            said.setdefault(category, [])
        if self.sentences:
            tokens, triggers, headers = self._parse(which)
            first = bisect_right(tokens.ends, start)
            last = max(first, bisect_left(tokens.starts, end))
            if any(t.start < last and t.end > first for t in triggers):
                # words of the finding itself are no triggers, but what they hid may be
                triggers = [*self.rules.find(tokens, 0, first), *self.rules.find(tokens, last)]
            scope = Scope(self.rules, tokens, triggers, headers, first, last)
            for trigger in triggers:
                for category in scope.categories(trigger):
                    said.setdefault(category, []).append(
                        (tokens.starts[trigger.start], tokens.ends[trigger.end - 1])
                    )
        if "uncertain" in said and "negated" in said and self._open(said):
            del said["negated"]
        if "hypothetical" in said and any(place > span for place in said.get("negated", ())):
            del said["hypothetical"]  # the outcome is told: "the workup for embolism was negative"
        experiencer: Experiencer = "family" if "family" in said else "other" if "other" in said else "patient"
        return Assertion(
            negated="negated" in said,
            uncertain="uncertain" in said,
            historical="historical" in said,
            hypothetical="hypothetical" in said,
            experiencer=experiencer,
            section=section,
            triggers=tuple((category, place) for category in CATEGORIES for place in said.get(category, ())),
        )

    @staticmethod
    def _open(said: dict[Category, list[Span]]) -> bool:
        """Whether some words leave open what others deny: "less likely pneumonia (cannot be excluded)"."""
        return not set(said["uncertain"]) <= set(said["negated"]) and set(said["negated"]) <= set(
            said["uncertain"]
        )

    def _parse(self, which: int) -> tuple[Tokens, list[Trigger], list[Span]]:
        """Return a sentence's tokens, its triggers, and the headers within it, by tokens."""
        known = self._parsed.get(which)
        if known is None:
            start, end = self.sentences[which]
            tokens = Tokens.of(self.text, start, end)
            headers = [
                (bisect_left(tokens.starts, match.start()), bisect_left(tokens.starts, match.end()))
                for match in _HEADER.finditer(self.text, start, end)
            ]
            known = self._parsed[which] = (tokens, self.rules.find(tokens), headers)
        return known


_HEADER = re.compile(r"[A-ZÄÖÜÅ][A-ZÄÖÜÅ/&-]+(?: [A-ZÄÖÜÅ/&-]+)*:")
_REMEMBERED = 16
_recent: dict[tuple[str, int], ClinicalText] = {}
