"""Candidates for new functions: words and codes that go with a class, for a person to take or leave."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .event_functions import EventFunction
from .pattern import KeywordFunction
from .record import Record
from .schema import ABSTAIN
from .statistics import wilson_interval

_WORD = re.compile(r"\w+")
_STOP_WORDS = """
the of and is are in with to a an for on at by or was were no not this that be as from has have it
der die das und ist mit von im des den dem ein eine och att det som en i på av med
"""
_STOP = frozenset(_STOP_WORDS.split())


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A word or code that could become a function.

    Parameters
    ----------
    kind : {"keyword", "code"}
        What it is.
    term : str
        The word, phrase or code.
    vote : int
        The class it goes with.
    n_records : int
        Records that hold it.
    n_uncovered : int
        Those of them on which no function votes yet.
    precision, low : float
        Share of the class among those whose class is known, and the lower end of its 95 % Wilson interval.
    lift : float
        Precision over the class's share among all records whose class is known.
    n_judged : int
        Records the precision rests on.
    """

    kind: str
    term: str
    vote: int
    n_records: int
    n_uncovered: int
    precision: float
    low: float
    lift: float
    n_judged: int

    def accept(self, name: str = "", **options: Any) -> KeywordFunction | EventFunction:
        """Return the function, under a name of its own unless one is given."""
        slug = "_".join(re.findall(r"\w+", self.term.lower()))
        if self.kind == "code":
            return EventFunction(name or f"has_{slug}", [self.term], self.vote, **options)
        return KeywordFunction(name or f"says_{slug}", [self.term], self.vote, **options)


def suggest(
    records: Sequence[Record],
    votes: NDArray[np.int8],
    labels: NDArray[np.int64],
    gold: NDArray[np.int64],
    *,
    n_suggestions: int = 20,
    longest: int = 3,
    least: int = 5,
    rejected: Iterable[str] = (),
) -> list[Suggestion]:
    """Return words, phrases and codes that are most surely better than chance for a class.

    Parameters
    ----------
    records : sequence of Record
        The records.
    votes : ndarray of shape (n_records, n_functions)
        What the functions say by now; records they leave uncovered count for more.
    labels : ndarray of shape (n_records,)
        A class for each record by these votes, -1 where none; they stand in where gold is missing.
    gold : ndarray of shape (n_records,)
        Gold labels, -1 where missing.
    n_suggestions : int, default 20
        How many are returned.
    longest : int, default 3
        Most words of a phrase.
    least : int, default 5
        Fewest records that hold a candidate.
    rejected : iterable of str, optional
        Terms that were turned down before.
    """
    known = np.where(gold != ABSTAIN, gold, labels)
    uncovered = (votes == ABSTAIN).all(axis=1)
    judged_all = known[known != ABSTAIN]
    if not len(judged_all):
        return []
    share = np.bincount(judged_all) / len(judged_all)
    skip = {term.lower() for term in rejected}
    holders: dict[tuple[str, str], list[int]] = {}
    for row, record in enumerate(records):
        for candidate in _candidates(record, longest):
            if candidate[1] not in skip:
                holders.setdefault(candidate, []).append(row)
    found = []
    for (kind, term), rows in holders.items():
        if len(rows) < least:
            continue
        at = np.array(rows)
        classes = Counter(known[at][known[at] != ABSTAIN].tolist())
        n_judged = sum(classes.values())
        if not n_judged:
            continue
        vote, right = max(classes.items(), key=lambda item: (item[1] / share[item[0]], -item[0]))
        low = float(wilson_interval(right, n_judged)[0])
        if low <= share[vote]:  # not surely better than voting so at random
            continue
        found.append(
            Suggestion(
                kind, term, int(vote), len(rows), int(uncovered[at].sum()), right / n_judged, low,
                right / n_judged / float(share[vote]), n_judged,
            )
        )  # fmt: skip
    found.sort(key=lambda s: (-(s.low - share[s.vote]) * np.log1p(s.n_records + s.n_uncovered), s.term))
    return _without_doubles(found, holders, n_suggestions)


def _candidates(record: Record, longest: int) -> set[tuple[str, str]]:
    """Return the phrases and codes of one record."""
    words = _WORD.findall((record.text or "").lower())
    phrases = {
        ("keyword", " ".join(words[i : i + size]))
        for size in range(1, longest + 1)
        for i in range(len(words) - size + 1)
        if words[i] not in _STOP
        and words[i + size - 1] not in _STOP
        and not all(w.isdigit() for w in words[i : i + size])
    }
    phrases = {(kind, term) for kind, term in phrases if len(term) > 2}
    return phrases | {("code", event.code) for event in record.events if event.code}


def _without_doubles(
    found: list[Suggestion], holders: dict[tuple[str, str], list[int]], n_suggestions: int
) -> list[Suggestion]:
    """Keep the first of candidates that stand in the very same records."""
    kept: list[Suggestion] = []
    seen: set[tuple[int, ...]] = set()
    for one in found:
        rows = tuple(holders[one.kind, one.term])
        if rows not in seen:
            seen.add(rows)
            kept.append(one)
        if len(kept) == n_suggestions:
            break
    return kept
