"""How notes of one house are cut and read: rules, headers and a sentence splitter, each replaceable."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..votes import Span
from .assertion import ClinicalText, rule_set
from .ruleset import RuleSet
from .sections import SECTION_TITLES


@dataclass(frozen=True, eq=False)
class ClinicalPipeline:
    """What turns a note into sentences, sections and assertions.

    Parameters
    ----------
    rules : RuleSet
        Context rules.
    titles : mapping from section name to headers, default `SECTION_TITLES`
        Headers of sections.
    split : callable, optional
        Takes a note and returns the spans of its sentences; ours when not given.

    Examples
    --------
    >>> house = ClinicalPipeline(rule_set("en"), titles={**SECTION_TITLES, "impression": ("bottom line",)})
    >>> house("Bottom line: no effusion.").section(16)
    'impression'
    """

    rules: RuleSet
    titles: Mapping[str, Sequence[str]] = field(default_factory=lambda: SECTION_TITLES)
    split: Callable[[str], Sequence[Span]] | None = None

    @classmethod
    def of(cls, language: "str | RuleSet | ClinicalPipeline") -> "ClinicalPipeline":
        """Return the pipeline that a language's code or a rule set stands for."""
        if isinstance(language, ClinicalPipeline):
            return language
        return _of_language(language) if isinstance(language, str) else _of_rules(language)

    @classmethod
    def from_spacy(cls, nlp: Any, language: str | RuleSet = "en") -> "ClinicalPipeline":
        """Return a pipeline whose sentences are those of a spaCy pipeline (with a parser or sentencizer)."""

        def split(text: str) -> list[Span]:
            return [(sentence.start_char, sentence.end_char) for sentence in nlp(text).sents]

        return cls(rule_set(language), split=split)

    def __call__(self, text: str) -> ClinicalText:
        """Return the analysis of a note."""
        sentences = None if self.split is None else self.split(text)
        return ClinicalText(text, self.rules, titles=self.titles, sentences=sentences)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return all that decides what the pipeline says."""
        return (self.rules, self.titles, self.split)


@functools.cache
def _of_language(language: str) -> ClinicalPipeline:
    return ClinicalPipeline(rule_set(language))


@functools.lru_cache(maxsize=32)
def _of_rules(rules: RuleSet) -> ClinicalPipeline:
    return ClinicalPipeline(rules)
