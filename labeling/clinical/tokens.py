"""A sentence cut into tokens, each with its kind: a number, a year, a month, the end of a clause, or a word."""

import functools
import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]|_+")
END = "<end>"
"""The kind of what ends a clause: a comma, a full stop, a bracket, or the end of the sentence."""
_MONTHS = """
january february march april may june july august september october november december jan feb mar
apr jun jul aug sep sept oct nov dec januar februar märz mai juni juli oktober dezember maj
"""
_NUMBERS = """
one two three four five six seven eight nine ten several few many couple ein eine einem einer
einigen zwei drei vier fünf sechs sieben acht neun zehn mehreren en ett två tre fyra fem sex sju
åtta nio tio flera
"""
_KIND = dict.fromkeys(_MONTHS.split(), "<month>") | dict.fromkeys(_NUMBERS.split(), "<n>")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A sentence's tokens: lower-cased words, kinds ("<n>", "<year>", "<month>" or ""), and places in the note."""

    words: list[str]
    kinds: list[str]
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, text: str, start: int = 0, end: int | None = None) -> "Tokens":
        """Split text[start:end]; places count from the start of `text`, and an empty token closes the sentence."""
        stop = len(text) if end is None else end
        matches = list(_TOKEN.finditer(text, start, stop))
        words = [match.group().lower() for match in matches]
        return cls(
            [*words, ""],
            [*map(_kind, words), END],
            [*(match.start() for match in matches), stop],
            [*(match.end() for match in matches), stop],
        )


def _kind(word: str) -> str:
    if word in ".,;)(":
        return END
    if word.isdigit():
        return "<year>" if len(word) == 4 and word[:2] in ("19", "20") else "<n>"
    return _KIND.get(word, "")


@functools.cache
def phrase_tokens(phrase: str) -> tuple[str, ...]:
    """Return the tokens of a rule's words; kinds in angle brackets stay whole.

    Examples
    --------
    >>> phrase_tokens("since <year> x-ray")
    ('since', '<year>', 'x', '-', 'ray')
    """
    found: list[str] = []
    for piece in phrase.lower().split():
        kind = piece in ("<n>", "<year>", "<month>", END)
        found += [piece] if kind else [match.group() for match in _TOKEN.finditer(piece)]
    return tuple(found)
