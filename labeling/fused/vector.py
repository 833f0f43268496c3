"""All patterns of a run in one Vectorscan database (`hyperscan`, from the `fast` extra), for texts in plain ASCII."""

import functools
import importlib.util
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..pattern import KeywordFunction, PatternFunction
from ..regex_checks import C, parse
from .required import RequiredWords

_MOST_WORDS = 400
"""Vectorscan takes seconds to compile thousands of words; more than this go to the word engine."""
_SPACE = r" \t-\r\x1c-\x1f"
"""White space as `re` sees it; Vectorscan's own class lacks some."""
_CLASSES = {
    C.CATEGORY_DIGIT: "0-9",
    C.CATEGORY_SPACE: _SPACE,
    C.CATEGORY_WORD: "0-9A-Za-z_",
}
_FLAGS_KNOWN = re.IGNORECASE | re.UNICODE | re.VERBOSE


class VectorEngine:
    """Decides for ASCII texts which functions find something.

    Parameters
    ----------
    functions : sequence of PatternFunction or RequiredWords
        Their positions number the hits.

    Attributes
    ----------
    numbers : frozenset of int
        The functions that are decided here.
    """

    def __init__(self, functions: Sequence[PatternFunction | RequiredWords]) -> None:
        wanted: list[tuple[int, str, bool]] = []
        n_words = 0
        for number, function in enumerate(functions):
            texts = expressions(function) or []
            n_words += len(texts) - 1
            if n_words <= _MOST_WORDS:
                caseless = isinstance(function, RequiredWords) or bool(function.pattern.flags & re.IGNORECASE)
                wanted += [(number, text, caseless) for text in texts]
        database = _database(tuple(wanted))
        if database is None:  # one of them is too large or too intricate; the others may still be decided
            bad = {number for number, text, caseless in wanted if _database(((0, text, caseless),)) is None}
            wanted = [entry for entry in wanted if entry[0] not in bad]
            database = _database(tuple(wanted))
        self.numbers = frozenset(number for number, _, _ in wanted) if database is not None else frozenset()
        self._database = database

    @property
    def scan(self) -> Callable[..., Any]:
        """The database's own scan: bytes, handler of hits, and a context that the handler is given last."""
        return self._database.scan  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=32)
def _database(entries: tuple[tuple[int, str, bool], ...]) -> Any:
    """Compile expressions, once for equal content; None where there are none or Vectorscan refuses one."""
    import hyperscan

    if not entries:
        return None
    once, caseless = hyperscan.HS_FLAG_SINGLEMATCH, hyperscan.HS_FLAG_CASELESS
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[text.encode() for _, text, _ in entries],
            ids=[number for number, _, _ in entries],
            elements=len(entries),
            flags=[once | (caseless if ignored else 0) for _, _, ignored in entries],
        )
    except hyperscan.error:
        return None
    return database


def is_installed() -> bool:
    """Whether Vectorscan can be imported."""
    return importlib.util.find_spec("hyperscan") is not None


def expressions(function: PatternFunction | RequiredWords) -> list[str] | None:
    """Return a function's pattern in Vectorscan's words, None where it has none that means the same on ASCII text."""
    if isinstance(function, RequiredWords):
        plain = ["".join(map(_character, word)) for word in function.required if word.isascii()]
        return plain or None  # a word outside ASCII stands in no ASCII text
    if function.unless is not None or function.context.active:
        return None
    if isinstance(function, KeywordFunction):
        if not all(phrase.isascii() for phrase in function.keywords):
            return None
        return [_phrase(phrase, function.whole_words) for phrase in function.keywords]
    pattern = function.pattern
    if pattern.flags & ~_FLAGS_KNOWN:
        return None
    text = _sequence(parse(pattern))
    return None if text is None else [text]


def _phrase(phrase: str, whole_words: bool) -> str:
    body = f"[{_SPACE}]+".join("".join(map(_character, part)) for part in phrase.split(" "))
    if not whole_words:
        return body
    left, right = (r"\b" if _is_word(end) else r"\B" for end in (phrase[0], phrase[-1]))
    return f"{left}{body}{right}"


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _character(character: str) -> str:
    return character if character.isalnum() else f"\\x{ord(character):02x}"


def _sequence(items: Sequence[Any]) -> str | None:
    parts = [_item(op, value) for op, value in items]
    return None if any(part is None for part in parts) else "".join(part or "" for part in parts)


def _item(op: Any, value: Any) -> str | None:
    """Write one node of a pattern's syntax tree; None for what Vectorscan lacks or reads otherwise."""
    if op is C.LITERAL:
        return _character(chr(value)) if value < 128 else None
    if op is C.NOT_LITERAL:
        return f"[^{_character(chr(value))}]" if value < 128 else None
    if op is C.ANY:
        return r"[^\n]"
    if op is C.IN:
        return _class(value)
    if op is C.AT:
        return {C.AT_BOUNDARY: r"\b", C.AT_NON_BOUNDARY: r"\B"}.get(value)
    if op is C.SUBPATTERN:
        _, added, removed, inner = value
        body = None if added or removed else _sequence(inner)
        return None if body is None else f"(?:{body})"
    if op is C.BRANCH:
        branches = [_sequence(branch) for branch in value[1]]
        return None if any(b is None for b in branches) else f"(?:{'|'.join(b or '' for b in branches)})"
    if op in (C.MAX_REPEAT, C.MIN_REPEAT):
        low, high, inner = value
        body = _sequence(inner)
        if body is None or (high is not C.MAXREPEAT and high > 1000) or low > 1000:
            return None
        return f"(?:{body}){{{low},{'' if high is C.MAXREPEAT else high}}}"
    return None


def _class(members: Sequence[Any]) -> str | None:
    text = ""
    negated = False
    for op, value in members:
        if op is C.NEGATE:
            negated = True
        elif op is C.LITERAL and value < 128:
            text += f"\\x{value:02x}"
        elif op is C.RANGE and value[1] < 128:
            text += f"\\x{value[0]:02x}-\\x{value[1]:02x}"
        elif op is C.CATEGORY and value in _CLASSES:
            text += _CLASSES[value]
        else:
            return None
    return f"[{'^' if negated else ''}{text}]"
