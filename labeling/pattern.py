"""Labeling functions that look for words or for a regular expression in a field of the record."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Unpack

from .context import ContextOptions
from .declared import Metadata
from .faults import UsageError
from .regex_checks import RunawayRegexWarning, can_run_away
from .text_function import TextFunction
from .votes import Span


class TextOptions(ContextOptions, Metadata, total=False):
    """Everything a text function may be given besides what it looks for."""


class PatternFunction(TextFunction):
    """Votes for one class where a pattern is found; made by `keyword_lf` and `regex_lf`.

    Parameters
    ----------
    name : str
        The function's name.
    pattern : re.Pattern
        What is searched for.
    vote : str or int
        The class voted for.
    unless : re.Pattern, optional
        Abstain when this is found as well.
    field : str, default "text"
        The record's field that is searched.
    negated, uncertain, historical, hypothetical, experiencer, sections, language
        Which findings count (see `ContextFilter`); all of them when not given.
    on_error, examples, tags, author, accuracy
        As for `LabelingFunction`.
    """

    def __init__(
        self,
        name: str,
        pattern: re.Pattern[str],
        vote: str | int,
        *,
        unless: re.Pattern[str] | None = None,
        field: str = "text",
        **options: Unpack[TextOptions],
    ) -> None:
        self.pattern = pattern
        self.unless = unless
        context, metadata = split_options(options)
        super().__init__(
            name, {"pattern": pattern, "unless": unless}, vote, field=field, context=context, **metadata
        )

    def describe(self) -> str:
        """Say what is searched for."""
        return f"Vote {self.vote!r} where {self.pattern.pattern!r} is found in {self.field}."

    def find(self, text: str) -> Iterator[Span]:
        """Yield where the pattern matches."""
        return (match.span() for match in self.pattern.finditer(text))

    def is_blocked(self, text: str) -> bool:
        """Whether `unless` is found."""
        return self.unless is not None and self.unless.search(text) is not None


class KeywordFunction(PatternFunction):
    """Votes for one class where one of some words or phrases is found; made by `keyword_lf`.

    Parameters
    ----------
    name, vote, field, negated, uncertain, historical, hypothetical, experiencer, sections, language
        As for `PatternFunction`.
    keywords : sequence of str
        Words or phrases, each with single spaces.
    whole_words, case_sensitive, unless
        As for `keyword_lf`.
    """

    def __init__(
        self,
        name: str,
        keywords: Iterable[str],
        vote: str | int,
        *,
        unless: Iterable[str] = (),
        field: str = "text",
        whole_words: bool = True,
        case_sensitive: bool = False,
        **options: Unpack[TextOptions],
    ) -> None:
        if not isinstance(case_sensitive, bool) or not isinstance(whole_words, bool):
            raise UsageError(f"function {name!r}: whole_words and case_sensitive are True or False")
        self.keywords = normalise_phrases(name, "keywords", keywords)
        self.blockers = normalise_phrases(name, "unless", unless)
        if not self.keywords:
            raise UsageError(f"function {name!r}: keywords is empty")
        self.whole_words = whole_words
        self.case_sensitive = case_sensitive
        flags = re.NOFLAG if case_sensitive else re.IGNORECASE
        blocker = any_of(self.blockers, flags, whole_words) if self.blockers else None
        super().__init__(
            name, any_of(self.keywords, flags, whole_words), vote, unless=blocker, field=field, **options
        )
        del self.content["pattern"]
        self.content |= {
            "keywords": self.keywords,
            "unless": self.blockers,
            "whole_words": whole_words,
            "case_sensitive": case_sensitive,
        }

    def describe(self) -> str:
        """Say what is searched for."""
        shown = ", ".join(repr(word) for word in self.keywords[:5])
        more = f" or {len(self.keywords) - 5} others" if len(self.keywords) > 5 else ""
        return f"Vote {self.vote!r} where {shown}{more} is found in {self.field}."


def keyword_lf(
    name: str,
    keywords: Iterable[str],
    vote: str | int,
    *,
    unless: Iterable[str] = (),
    field: str = "text",
    whole_words: bool = True,
    case_sensitive: bool = False,
    **options: Unpack[TextOptions],
) -> KeywordFunction:
    """Return a function that votes where one of some words or phrases stands in the text.

    Parameters
    ----------
    name : str
        The function's name.
    keywords : iterable of str
        Words or phrases; any white space between the words of a phrase will do.
    vote : str or int
        The class voted for.
    unless : iterable of str, optional
        Words or phrases whose presence makes the function abstain.
    field : str, default "text"
        The record's field that is searched.
    whole_words : bool, default True
        Find "normal" in "is normal." but not in "abnormal".
    case_sensitive : bool, default False
        Tell upper from lower case.
    negated, uncertain, historical, hypothetical, experiencer, sections, language
        Which findings count (see `ContextFilter`); all of them when not given.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> says_paced = keyword_lf("says_paced", ["pacemaker", "paced rhythm"], "abnormal")
    >>> says_paced({"text": "Paced  rhythm, rate 70."}), says_paced({"text": "Unpaced rhythm."})
    ('abnormal', None)
    >>> effusion = keyword_lf("effusion", ["effusion"], 1, negated=False, experiencer="patient")
    >>> effusion("Small effusion."), effusion("No effusion.")
    (1, None)
    """
    return KeywordFunction(
        name,
        keywords,
        vote,
        unless=unless,
        field=field,
        whole_words=whole_words,
        case_sensitive=case_sensitive,
        **options,
    )


def regex_lf(
    name: str,
    pattern: str | re.Pattern[str],
    vote: str | int,
    *,
    unless: str | re.Pattern[str] | None = None,
    field: str = "text",
    flags: int = re.IGNORECASE,
    **options: Unpack[TextOptions],
) -> PatternFunction:
    r"""Return a function that votes where a regular expression is found in the text.

    Parameters
    ----------
    name : str
        The function's name.
    pattern : str or re.Pattern
        What is searched for; a string is compiled with `flags`.
    vote : str or int
        The class voted for.
    unless : str or re.Pattern, optional
        Abstain when this is found as well.
    field : str, default "text"
        The record's field that is searched.
    flags : int, default re.IGNORECASE
        Flags for patterns given as strings.
    negated, uncertain, historical, hypothetical, experiencer, sections, language
        Which findings count (see `ContextFilter`); all of them when not given.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Warns
    -----
    RunawayRegexWarning
        When a pattern nests repeats in a way that can take for ever on some texts.

    Examples
    --------
    >>> low = regex_lf("low_ef", r"\bEF\s*(?:of\s*)?[12]\d\s*%", "abnormal")
    >>> low({"text": "EF of 25 %"}), low({"text": "EF 60 %"})
    ('abnormal', None)
    """
    compiled = [None if given is None else _compile(name, given, flags) for given in (pattern, unless)]
    for found in compiled:
        if found is not None and can_run_away(found):
            warnings.warn(
                f"function {name!r}: its pattern repeats a repeat of the same characters, which can take for ever on "
                "some texts; give the inner part an end of its own",
                RunawayRegexWarning,
                stacklevel=2,
            )
    if compiled[0] is None:
        raise UsageError(f"function {name!r}: pattern is missing")
    return PatternFunction(name, compiled[0], vote, unless=compiled[1], field=field, **options)


def split_options(options: TextOptions) -> tuple[ContextOptions, dict[str, Any]]:
    """Tell the context arguments from the rest."""
    context = {name: value for name, value in options.items() if name in ContextOptions.__annotations__}
    rest = {name: value for name, value in options.items() if name not in context}
    unknown = sorted(set(rest) - set(Metadata.__annotations__))
    if unknown:
        raise UsageError(f"no such argument: {', '.join(unknown)}")
    return context, rest  # type: ignore[return-value]


def normalise_phrases(name: str, argument: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return phrases with single spaces, longest first, each once."""
    if isinstance(words, str):
        raise UsageError(f"function {name!r}: {argument} is one string; give a list of them")
    found = {phrase for word in words if (phrase := " ".join(word.split()))}
    return tuple(sorted(found, key=lambda phrase: (-len(phrase), phrase)))


def any_of(phrases: Iterable[str], flags: int, whole_words: bool) -> re.Pattern[str]:
    """Compile a pattern that finds any of some phrases."""
    left, right = (r"(?<!\w)", r"(?!\w)") if whole_words else ("", "")
    bodies = (r"\s+".join(re.escape(part) for part in phrase.split(" ")) for phrase in phrases)
    return re.compile("|".join(f"{left}{body}{right}" for body in bodies), flags)


def _compile(name: str, pattern: str | re.Pattern[str], flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags) if isinstance(pattern, str) else pattern
    except re.error as error:
        raise UsageError(f"function {name!r}: its pattern is no regular expression ({error})") from None
