"""Labeling functions that look up every word and phrase of a text in a list of up to millions of terms."""

import functools
import hashlib
import re
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Unpack

from .faults import InputError, UsageError
from .pattern import TextOptions, split_options
from .text_function import TextFunction
from .votes import Span

_TOKEN = re.compile(r"\w+|[^\w\s]")


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
        self.terms = frozenset(normal)
        longest: dict[str, int] = {}
        for term in normal:
            first, _, rest = term.partition(" ")
            n_tokens = 1 + (rest.count(" ") + 1 if rest else 0)
            if n_tokens > longest.get(first, 0):
                longest[first] = n_tokens
        self._longest = longest

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
        words = self._words(text)
        places: list[Span] | None = None
        for first, last in self._matches(words):
            if places is None:
                places = [match.span() for match in _TOKEN.finditer(text)]
            yield places[first][0], places[last - 1][1]

    def holds_any(self, text: str) -> bool:
        """Whether any term stands in the text."""
        return next(self._matches(self._words(text)), None) is not None

    def _words(self, text: str) -> list[str]:
        lowered = text.lower()
        if len(lowered) == len(text):
            return _TOKEN.findall(lowered)
        return [word.lower() for word in _TOKEN.findall(text)]  # lower-casing may lengthen a rare letter

    def _matches(self, words: list[str]) -> Iterator[Span]:
        """Yield the first and the last token (exclusive) of each match."""
        longest, terms = self._longest, self.terms
        n_words = len(words)
        known = list(map(longest.get, words))
        position = 0
        while position < n_words:
            most = known[position]
            if most is not None:
                if most == 1:  # a term of one token: nothing longer begins here
                    yield position, position + 1
                else:
                    for last in range(min(n_words, position + most), position, -1):
                        if " ".join(words[position:last]) in terms:
                            yield position, last
                            position = last - 1
                            break
            position += 1

    def __len__(self) -> int:
        return len(self.terms)

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
        return f"Gazetteer({len(self.terms)} terms)"


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
