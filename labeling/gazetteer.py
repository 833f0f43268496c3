"""Labeling functions that look up every word and phrase of a text in a list of up to millions of terms."""

from __future__ import annotations

import functools
import hashlib
import re
import threading
import weakref
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from .declared import text_of
from .faults import InputError, UsageError
from .gazetteer_files import Tables, keep, load
from .pattern import TextOptions, split_options
from .record import Record
from .text_function import TextFunction
from .votes import Span

_TOKEN = re.compile(r"\w+|[^\w\s]")
_ASCII_TOKEN = re.compile(r"\w+|[^\w\s\x1c-\x1f]", re.ASCII)
"""The same in texts of plain ASCII, and faster."""
_FACTOR = 2_654_435_761
"""Odd and larger than any token's number: pairs of numbers keep apart, and their lowest bits spread."""
_span = re.Match.span


class Gazetteer:
    """A list of terms that is searched for in one pass, whole words only and in any case.

    Terms and texts are compared token by token (words, and single signs that are no white space), so the time a note
    takes depends on the note and not on the number of terms. Equal lists are built once a process, and long ones that
    `gazetteer_lf` was given once a user: their tables are kept on disk (see `sidelight.labeling.gazetteer_files`;
    ``SIDELIGHT_CACHE=off`` keeps none).

    Parameters
    ----------
    terms : iterable of str
        Words and phrases.
    min_length : int, default 1
        Shorter terms are left out: short ones are the ambiguous ones.
    blocked : iterable of str, optional
        Terms that are left out.

    Examples
    --------
    >>> drugs = Gazetteer(["warfarin", "acetylsalicylic acid"])
    >>> text = "Stop Acetylsalicylic  acid."
    >>> [text[start:end] for start, end in drugs.find(text)]
    ['Acetylsalicylic  acid']
    """

    def __init__(self, terms: Iterable[str], *, min_length: int = 1, blocked: Iterable[str] = ()) -> None:
        if isinstance(terms, str):
            raise UsageError("terms is one string; give a list of them, or a Path to a file with one a line")
        tokens = _TOKEN.findall
        skipped = {" ".join(tokens(term.lower())) for term in blocked}
        normal = {" ".join(tokens(term.lower())) for term in terms if len(term) >= min_length}
        normal -= skipped
        normal.discard("")
        self._n_terms = len(normal)
        # Terms by length: single tokens, pairs, and longer ones that are looked for only where their first pair stands.
        # Tokens are numbered from 1; the lowest bit tells whether the token is a term by itself. A pair's key is made of
        # both numbers, its value is the most tokens of a term that begins so, the lowest bit whether it is a term itself.
        # `_seen` marks the keys: a look at it spares most look-ups.
        single = {term for term in normal if " " not in term}
        self._numbers = numbers = {token: number << 1 | 1 for number, token in enumerate(single, 1)}
        self._pairs: dict[int, int] = {}
        self._long: set[str] = set()
        for term in normal - single:
            first, _, rest = term.partition(" ")
            second, _, more = rest.partition(" ")
            a = numbers.setdefault(first, (len(numbers) + 1) << 1)
            b = numbers.setdefault(second, (len(numbers) + 1) << 1)
            pair = a * _FACTOR + b
            known = self._pairs.get(pair, 0)
            if not more:
                self._pairs[pair] = known | 1
                continue
            self._long.add(term)
            self._pairs[pair] = max(known >> 1, 3 + more.count(" ")) << 1 | (known & 1)
        self._mark_pairs()

    def _mark_pairs(self) -> None:
        self._mask = (1 << max(10, (32 * len(self._pairs)).bit_length() - 1)) - 1
        self._seen = np.zeros(self._mask + 1, dtype=np.uint8)
        self._seen[np.fromiter(self._pairs, dtype=np.int64, count=len(self._pairs)) & self._mask] = 1

    @functools.cached_property
    def terms(self) -> frozenset[str]:
        """The terms, in lower case, a space between tokens."""
        tokens = {number: token for token, number in self._numbers.items()}
        single = {token for token, number in self._numbers.items() if number & 1}
        pairs = (divmod(pair, _FACTOR) for pair, kind in self._pairs.items() if kind & 1)
        return frozenset(single | {f"{tokens[a]} {tokens[b]}" for a, b in pairs} | self._long)

    @classmethod
    def of(cls, terms: Gazetteer | Iterable[str] | Path) -> Gazetteer:
        """Return the gazetteer of some terms or of a file with one a line, built once for equal content."""
        if isinstance(terms, Gazetteer):
            return terms
        if isinstance(terms, Path):
            try:
                terms = terms.read_text(encoding="utf-8").splitlines()
            except OSError as error:
                raise InputError(Path(str(terms)), f"cannot be read ({error.strerror})") from None
        elif isinstance(terms, str):
            raise UsageError("terms is one string; give a list of them, or a Path to a file with one a line")
        else:
            terms = list(terms)
        content = hashlib.sha256("\n".join(terms).encode("utf-8", "surrogatepass")).digest()
        with _lock:
            known = _built.get(content)
            if known is None:
                tables = load(content, len(terms))
                if tables is None:
                    known = cls(terms)
                    keep(content, len(terms), known._tables())
                else:
                    known = cls._revived(tables)
                _built[content] = known
        return known

    def _tables(self) -> Tables:
        """Return what is needed to have the gazetteer again."""
        numbers = self._numbers.values()  # counted up in the order of the tokens
        return Tables(
            self._n_terms,
            list(self._numbers),
            np.fromiter((number & 1 for number in numbers), dtype=np.uint8, count=len(numbers)),
            np.fromiter(self._pairs.keys(), dtype=np.int64, count=len(self._pairs)),
            np.fromiter(self._pairs.values(), dtype=np.int64, count=len(self._pairs)),
            list(self._long),
        )

    @classmethod
    def _revived(cls, tables: Tables) -> Gazetteer:
        made = cls.__new__(cls)
        made._n_terms = tables.n_terms
        numbers = np.arange(1, len(tables.tokens) + 1) << 1 | tables.is_term
        made._numbers = dict(zip(tables.tokens, numbers.tolist(), strict=True))
        made._pairs = dict(zip(tables.pairs.tolist(), tables.kinds.tolist(), strict=True))
        made._long = set(tables.long)
        made._mark_pairs()
        return made

    def find(self, text: str) -> list[Span]:
        """Return the spans of the terms in a text: the longest at each place, none inside another."""
        places = list(map(_span, _token(text).finditer(text)))
        lowered = text.lower()
        if len(lowered) == len(text):
            words = [lowered[start:end] for start, end in places]
        else:  # lower-casing lengthens a rare letter
            words = [text[start:end].lower() for start, end in places]
        numbers = self._numbered(words)
        spans: list[Span] = []
        done = 0
        for first, last in self._longer(words, numbers):
            spans += [places[i] for i in range(done, first) if numbers[i] & 1]
            spans.append((places[first][0], places[last - 1][1]))
            done = last
        spans += [place for place, number in zip(places[done:], numbers[done:], strict=True) if number & 1]
        return spans

    def holds_any(self, text: str) -> bool:
        """Whether any term stands in the text."""
        lowered = text.lower()
        words = _token(lowered).findall(lowered)
        numbers = self._numbered(words)
        return any(number & 1 for number in numbers) or next(self._longer(words, numbers), None) is not None

    def _numbered(self, words: list[str]) -> list[int]:
        """Return the numbers of words, 0 for those that begin or follow in no term."""
        return list(map(self._numbers.get, words, repeat(0)))

    def _longer(self, words: list[str], numbers: list[int]) -> Iterator[Span]:
        """Yield the first and the last word (exclusive) of each term of two or more words: the longest, none in another."""
        array = np.fromiter(numbers, dtype=np.int64, count=len(numbers))
        keys = array[:-1] * _FACTOR
        keys += array[1:]
        keys &= self._mask
        done = 0
        for position in self._seen.take(keys).nonzero()[0].tolist():
            known = self._pairs.get(numbers[position] * _FACTOR + numbers[position + 1])
            if known is None or position < done:
                continue
            for last in range(min(len(words), position + (known >> 1)), position + 2, -1):
                if " ".join(words[position:last]) in self._long:
                    done = last
                    break
            else:
                if not known & 1:
                    continue
                done = position + 2
            yield position, done

    def __len__(self) -> int:
        return self._n_terms

    @functools.cached_property
    def digest(self) -> str:
        """Hash of the terms, whatever order they were given in."""
        return hashlib.sha256("\n".join(sorted(self.terms)).encode("utf-8", "surrogatepass")).hexdigest()

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the terms' hash."""
        return (self.digest,)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Gazetteer.of, (sorted(self.terms),))

    def __repr__(self) -> str:
        return f"Gazetteer({len(self)} terms)"


def _token(text: str) -> re.Pattern[str]:
    return _ASCII_TOKEN if text.isascii() else _TOKEN


_built: weakref.WeakValueDictionary[bytes, Gazetteer] = weakref.WeakValueDictionary()
_lock = threading.Lock()


class GazetteerFunction(TextFunction):
    """Votes for one class where a term of a list is found; made by `gazetteer_lf`.

    Parameters
    ----------
    name, vote, field, negated, uncertain, historical, hypothetical, experiencer, sections, language
        As for `PatternFunction`.
    terms : Gazetteer, iterable of str, or Path
        Terms, or a file with one a line.
    """

    def __init__(
        self,
        name: str,
        terms: Gazetteer | Iterable[str] | Path,
        vote: str | int,
        *,
        field: str = "text",
        **options: Unpack[TextOptions],
    ) -> None:
        self.gazetteer = Gazetteer.of(terms)
        if not len(self.gazetteer):
            raise UsageError(f"function {name!r}: terms is empty")
        context, metadata = split_options(options)
        super().__init__(name, {"terms": self.gazetteer}, vote, field=field, context=context, **metadata)

    def describe(self) -> str:
        """Say what is searched for."""
        return f"Vote {self.vote!r} where one of {len(self.gazetteer)} terms is found in {self.field}."

    def find(self, text: str) -> list[Span]:
        """Return where the terms stand."""
        return self.gazetteer.find(text)

    def _vote(self, record: Record) -> Any:
        if self.context.active:
            return super()._vote(record)
        return self.vote if self.gazetteer.holds_any(text_of(record, self.field, self.name)) else None


def gazetteer_lf(
    name: str,
    terms: Gazetteer | Iterable[str] | Path,
    vote: str | int,
    *,
    field: str = "text",
    **options: Unpack[TextOptions],
) -> GazetteerFunction:
    """Return a function that votes where a term of a long list stands in the text.

    Parameters
    ----------
    name : str
        The function's name.
    terms : Gazetteer, iterable of str, or Path
        Words and phrases, up to millions, or a file with one a line.
    vote : str or int
        The class voted for.
    field : str, default "text"
        The record's field that is searched.
    negated, uncertain, historical, hypothetical, experiencer, sections, language
        Which findings count (see `ContextFilter`); all of them when not given.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> on_anticoagulant = gazetteer_lf("anticoagulant", ["warfarin", "apixaban"], 1, negated=False)
    >>> on_anticoagulant("Takes Warfarin 5 mg."), on_anticoagulant("Never took warfarin.")
    (1, None)
    """
    return GazetteerFunction(name, terms, vote, field=field, **options)
