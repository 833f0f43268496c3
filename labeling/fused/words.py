"""One pass over a text for the words of all functions (Aho-Corasick), which decides some and proposes the others."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from ..pattern import KeywordFunction, PatternFunction
from ..regex_checks import greatest_width, required_literals
from ..votes import Span

PROPOSES, DECIDES, DECIDES_WHOLE = 0, 1, 2
SAFE = frozenset(map(chr, range(128))) | frozenset("ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ")
"""Lower-case characters for which `fold` finds all that `re.IGNORECASE` finds (a test goes through all of Unicode)."""
_LOOK_ALIKES = {0x17F: "s", 0x212A: "k", 0x130: "i", 0x131: "i"}
_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def fold(text: str) -> str:
    """Return a text in lower case and with single spaces, so that words can be compared as they stand."""
    if text.isascii():
        lowered = text.lower()
        # control characters are not printable, so this sees every white space but the plain one
        return lowered if "  " not in lowered and lowered.isprintable() else " ".join(lowered.split())
    return " ".join(text.translate(_LOOK_ALIKES).lower().split())


class Proposer(Protocol):
    """Not a pattern, but words that decide by themselves, in a folded text."""

    def words(self) -> list[tuple[str, int]]:
        """Return the words and how each decides."""
        ...


class WordEngine:
    """The words of several functions, found in one pass.

    Parameters
    ----------
    functions : sequence of PatternFunction or Proposer
        Their positions are the numbers that `scan` returns.
    """

    def __init__(self, functions: "Sequence[PatternFunction | Proposer]") -> None:
        from ahocorasick_rs import AhoCorasick

        owners: dict[str, list[tuple[int, int]]] = {}
        self.always: tuple[int, ...] = ()
        for number, function in enumerate(functions):
            words = words_of(function)
            if words is None:
                self.always += (number,)
            for word, mode in words or ():
                owners.setdefault(word, []).append((number, mode))
        self._owners = list(owners.values())
        self._automaton: Any = AhoCorasick(list(owners)) if owners else None

    def scan(self, text: str) -> tuple[set[int], dict[int, list[Span] | None]]:
        """Return the functions that certainly found something in a text, and those that have to look for themselves.

        The latter with the places of their words, or None where those are not known in the text as it stands.
        """
        sure: set[int] = set()
        maybe: dict[int, list[Span] | None] = dict.fromkeys(self.always)
        if self._automaton is None:
            return sure, maybe
        folded = fold(text)
        hits = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        owners = self._owners
        if not text.isascii():  # other engines and `re` part ways outside ASCII: there the words only propose
            for word, _, _ in hits:
                for number, _ in owners[word]:
                    maybe[number] = None
            return sure, maybe
        end_of_text = len(folded)
        moved = end_of_text != len(text)
        for word, start, end in hits:
            for number, mode in owners[word]:
                if mode == PROPOSES:
                    places = maybe.setdefault(number, None if moved else [])
                    if places is not None:
                        places.append((start, end))
                elif mode == DECIDES or (
                    (start == 0 or folded[start - 1] not in _WORD)
                    and (end == end_of_text or folded[end] not in _WORD)
                ):
                    sure.add(number)
        return sure, maybe


def words_of(function: "PatternFunction | Proposer") -> list[tuple[str, int]] | None:
    """Return words of which a text must hold one for the function to find anything, None when there is no telling."""
    if not isinstance(function, PatternFunction):
        return function.words()
    if not isinstance(function, KeywordFunction):
        literals = required_literals(function.pattern)
        return None if literals is None else [(word, PROPOSES) for word in sorted(literals)]
    mode = DECIDES_WHOLE if function.whole_words else DECIDES
    if function.unless is not None or function.context.active or function.case_sensitive:
        mode = PROPOSES
    found = []
    for phrase in function.keywords:
        lowered = fold(phrase)
        if phrase.isascii():
            found.append((lowered, mode))
            continue
        word = longest_safe(lowered)
        if len(word) < 2:
            return None
        found.append((word, PROPOSES))
    return found


@functools.cache
def _unsafe() -> "re.Pattern[str]":
    return re.compile(f"[^{re.escape(''.join(sorted(SAFE)))}]")


def longest_safe(phrase: str) -> str:
    """Return the longest piece of a phrase that `fold` compares as `re` does."""
    return max(_unsafe().split(phrase), key=len).strip()


Confirm: TypeAlias = Callable[[str, Any, "list[Span] | None"], bool]
"""Takes a text, its record and the places of the words that were found, where known."""
_MOST_PLACES = 4


def confirmer(function: PatternFunction) -> Confirm:
    """Return what decides a proposal: the function's own pattern, exceptions and context."""
    if function.unless is not None or function.context.active:
        return lambda text, record, places: function._vote(record) is not None
    search = function.pattern.search
    width = greatest_width(function.pattern)
    if width is None:
        return lambda text, record, places: search(text) is not None

    def look_near(text: str, record: Any, places: "list[Span] | None") -> bool:
        # a match holds one of the words and is no wider than `width`, so it lies around one of the places
        if places is None or len(places) > _MOST_PLACES:
            return search(text) is not None
        for start, end in places:
            stop = start + width + 1
            match = search(text, max(0, end - width), stop)
            if match is None:
                continue
            if match.end() < stop or stop >= len(text):
                return True
            return search(text) is not None  # it touches the edge, where a border of a word may be feigned
        return False

    return look_near
