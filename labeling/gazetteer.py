"""Labeling functions that look up every word and phrase of a text in a list of up to millions of terms."""

import functools
import hashlib
import re
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Unpack

from .declared import text_of
from .faults import InputError, UsageError
from .pattern import TextOptions, split_options
from .record import Record
from .text_function import TextFunction
from .votes import Span

_TOKEN = re.compile(r"\w+|[^\w\s]")
_FACTOR = 1_000_003


class Gazetteer:
    """A list of terms that is searched for in one pass, whole words only and in any case.

    Terms and texts are compared token by token (words, and single signs that are no white space), so the time a note
    takes depends on the note and not on the number of terms. Equal lists are built once a process.

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
        # `_seen` marks the pairs that begin a term, by the numbers of their tokens: a look at it spares most look-ups.
        single = {term for term in normal if " " not in term}
        self._pairs: dict[str, int] = {}
        self._long: set[str] = set()
        self._tokens: dict[str, int] = {}
        numbered = self._tokens
        beginnings = []
        for term in normal - single:
            first, _, rest = term.partition(" ")
            second, _, more = rest.partition(" ")
            beginnings.append(
                (numbered.setdefault(first, len(numbered)), numbered.setdefault(second, len(numbered)))
            )
            if not more:
                self._pairs[term] = self._pairs.get(term, 0) | 1
                continue
            self._long.add(term)
            pair = f"{first} {second}"
            known = self._pairs.get(pair, 0)
            n_tokens = 3 + more.count(" ")
            if n_tokens > known >> 1:
                self._pairs[pair] = n_tokens << 1 | (known & 1)
        self._mask = (1 << max(10, (8 * len(self._pairs)).bit_length())) - 1
        self._seen = bytearray(self._mask + 1)
        for a, b in beginnings:
            self._seen[(a * _FACTOR + b) & self._mask] = 1
        for token in single:
            numbered.setdefault(token, len(numbered))
        for token in numbered:  # the lowest bit tells whether the token is a term by itself
            numbered[token] = numbered[token] << 1 | (token in single)

    @functools.cached_property
    def terms(self) -> frozenset[str]:
        """The terms, in lower case, a space between tokens."""
        single = {token for token, number in self._tokens.items() if number & 1}
        return frozenset(single | {term for term, kind in self._pairs.items() if kind & 1} | self._long)

    @classmethod
    def of(cls, terms: "Gazetteer | Iterable[str] | Path") -> "Gazetteer":
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
                known = _built[content] = cls(terms)
        return known

    def find(self, text: str) -> Iterator[Span]:
        """Yield the spans of the terms in a text: the longest at each place, none inside another."""
        places = [match.span() for match in _TOKEN.finditer(text)]
        lowered = text.lower()
        if len(lowered) == len(text):
            words = [lowered[start:end] for start, end in places]
        else:  # lower-casing lengthens a rare letter
            words = [text[start:end].lower() for start, end in places]
        for first, last in self._matches(words):
            yield places[first][0], places[last - 1][1]

    def holds_any(self, text: str) -> bool:
        """Whether any term stands in the text."""
        return next(self._matches(_TOKEN.findall(text.lower())), None) is not None

    def _matches(self, words: list[str]) -> Iterator[Span]:
        """Yield the first and the last token (exclusive) of each match."""
        seen, mask = self._seen, self._mask
        numbers = list(map(self._tokens.get, words))
        done = 0
        numbers.append(None)
        for position, number in enumerate(numbers):
            if number is None or position < done:
                continue
            following = numbers[position + 1]
            if following is not None and seen[((number >> 1) * _FACTOR + (following >> 1)) & mask]:
                done = self._longest(words, position)
                if done:
                    yield position, done
                    continue
            if number & 1:
                done = position + 1
                yield position, done

    def _longest(self, words: list[str], position: int) -> int:
        """Return where the longest term of two or more tokens ends that begins at `position`, 0 where there is none."""
        known = self._pairs.get(f"{words[position]} {words[position + 1]}")
        if known is None:
            return 0
        for last in range(min(len(words), position + (known >> 1)), position + 2, -1):
            if " ".join(words[position:last]) in self._long:
                return last
        return position + 2 if known & 1 else 0

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


_built: "weakref.WeakValueDictionary[bytes, Gazetteer]" = weakref.WeakValueDictionary()
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
        terms: "Gazetteer | Iterable[str] | Path",
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

    def find(self, text: str) -> Iterator[Span]:
        """Yield where the terms stand."""
        return self.gazetteer.find(text)

    def _vote(self, record: Record) -> Any:
        if self.context.active:
            return super()._vote(record)
        return self.vote if self.gazetteer.holds_any(text_of(record, self.field, self.name)) else None


def gazetteer_lf(
    name: str,
    terms: "Gazetteer | Iterable[str] | Path",
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
