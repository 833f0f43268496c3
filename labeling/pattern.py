"""Labeling functions that look for words or for a regular expression in a field of the record."""

import re
from collections.abc import Iterable
from typing import Any

from .faults import UsageError
from .function import LabelingFunction, OnError, Vote
from .record import Record


class PatternFunction(LabelingFunction):
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
    """

    def __init__(
        self,
        name: str,
        pattern: "re.Pattern[str]",
        vote: str | int,
        *,
        unless: "re.Pattern[str] | None" = None,
        field: str = "text",
        on_error: OnError | None = None,
    ) -> None:
        super().__init__(name, self._search, polarity=(vote,), on_error=on_error)
        self.pattern = pattern
        self.vote = vote
        self.unless = unless
        self.field = field
        self.__doc__ = f"Vote {vote!r} where {pattern.pattern!r} is found in {field}."

    @property
    def fields(self) -> tuple[str, ...]:
        """The field that is searched."""
        return (self.field,)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return patterns, vote and field."""
        return (self.pattern, self.vote, self.unless, self.field)

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote with the characters that earned it, None when the function abstains."""
        text = getattr(record, self.field) or ""
        spans = tuple(match.span() for match in self.pattern.finditer(text))
        if not spans or (self.unless is not None and self.unless.search(text)):
            return None
        return Vote(self.vote, spans if self.field == "text" else ())

    def _search(self, record: Record) -> str | int | None:
        text = getattr(record, self.field) or ""
        if self.pattern.search(text) is None or (self.unless is not None and self.unless.search(text)):
            return None
        return self.vote

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.name, self.pattern, self.vote, self.unless, self.field, self.on_error))


def keyword_lf(
    name: str,
    keywords: Iterable[str],
    vote: str | int,
    *,
    unless: Iterable[str] = (),
    field: str = "text",
    whole_words: bool = True,
    case_sensitive: bool = False,
    on_error: OnError | None = None,
) -> PatternFunction:
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
    on_error : {"raise", "abstain"}, optional
        See `LabelingFunction`.

    Examples
    --------
    >>> says_paced = keyword_lf("says_paced", ["pacemaker", "paced rhythm"], "abnormal")
    >>> says_paced({"text": "Paced  rhythm, rate 70."}), says_paced({"text": "Unpaced rhythm."})
    ('abnormal', None)
    """
    if not isinstance(case_sensitive, bool) or not isinstance(whole_words, bool):
        raise UsageError(f"function {name!r}: whole_words and case_sensitive are True or False")
    flags = re.NOFLAG if case_sensitive else re.IGNORECASE
    pattern = _any_of(name, "keywords", keywords, flags, whole_words)
    if pattern is None:
        raise UsageError(f"function {name!r}: keywords is empty")
    blocker = _any_of(name, "unless", unless, flags, whole_words)
    return PatternFunction(name, pattern, vote, unless=blocker, field=field, on_error=on_error)


def regex_lf(
    name: str,
    pattern: "str | re.Pattern[str]",
    vote: str | int,
    *,
    unless: "str | re.Pattern[str] | None" = None,
    field: str = "text",
    flags: int = re.IGNORECASE,
    on_error: OnError | None = None,
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
    on_error : {"raise", "abstain"}, optional
        See `LabelingFunction`.

    Examples
    --------
    >>> low = regex_lf("low_ef", r"\bEF\s*(?:of\s*)?[12]\d\s*%", "abnormal")
    >>> low({"text": "EF of 25 %"}), low({"text": "EF 60 %"})
    ('abnormal', None)
    """
    compiled = [_compile(name, given, flags) for given in (pattern, unless) if given is not None]
    return PatternFunction(
        name,
        compiled[0],
        vote,
        unless=compiled[1] if unless is not None else None,
        field=field,
        on_error=on_error,
    )


def _compile(name: str, pattern: "str | re.Pattern[str]", flags: int) -> "re.Pattern[str]":
    try:
        return re.compile(pattern, flags) if isinstance(pattern, str) else pattern
    except re.error as error:
        raise UsageError(f"function {name!r}: its pattern is no regular expression ({error})") from None


def _any_of(
    name: str, argument: str, words: Iterable[str], flags: int, whole_words: bool
) -> "re.Pattern[str] | None":
    """Compile a pattern that finds any of some phrases, None for no phrase at all."""
    if isinstance(words, str):
        raise UsageError(f"function {name!r}: {argument} is one string; give a list of them")
    phrases = sorted(
        {phrase for word in words if (phrase := " ".join(word.split()))}, key=lambda p: (-len(p), p)
    )
    if not phrases:
        return None
    bodies = []
    for phrase in phrases:
        body = r"\s+".join(re.escape(part) for part in phrase.split(" "))
        left = r"(?<!\w)" if whole_words else ""
        right = r"(?!\w)" if whole_words else ""
        bodies.append(f"{left}{body}{right}")
    return re.compile("|".join(bodies), flags)


def _rebuild(
    name: str,
    pattern: "re.Pattern[str]",
    vote: str | int,
    unless: "re.Pattern[str] | None",
    field: str,
    on_error: OnError | None,
) -> PatternFunction:
    return PatternFunction(name, pattern, vote, unless=unless, field=field, on_error=on_error)
