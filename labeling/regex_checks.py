"""What a regular expression's own syntax tells about it: which words it needs, and whether it can run away."""

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

# the standard library's own parser: private, but the same since 3.11, and the only one that agrees with `re`
C: Any = importlib.import_module("re._constants")
_parser: Any = importlib.import_module("re._parser")

_MANY = 25
"""Repeats that may go on for at least this long count as endless."""
_SAMPLE = frozenset(range(128)) | {0xE9, 0x4E2D, 0x2014}
"""Characters by which two character classes are compared."""


class RunawayRegexWarning(UserWarning):
    """A regular expression may take for ever on some texts."""


def parse(pattern: "re.Pattern[str]") -> Sequence[Any]:
    """Return a pattern's syntax tree, as the standard library's own parser gives it."""
    return list(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))


def can_run_away(pattern: "re.Pattern[str]") -> bool:
    r"""Whether a pattern repeats something that itself repeats the same characters, such as ``(\w+\s?)+``.

    Examples
    --------
    >>> can_run_away(re.compile(r"^(\w+\s?)+$")), can_run_away(re.compile(r"(?:\w+\s+)*end"))
    (True, False)
    """
    return any(_endless(op, value) and _ambiguous(value[2]) for op, value in _nodes(parse(pattern)))


def required_literals(pattern: "re.Pattern[str]") -> frozenset[str] | None:
    r"""Return words of which every match holds at least one, None when there is no telling.

    The words are ASCII and in lower case, with single spaces; look for them in text that was brought into that form.

    Examples
    --------
    >>> sorted(required_literals(re.compile(r"\bno\s+(acute )?(stroke|bleed)s?\b")))
    ['bleed', 'stroke']
    """
    best = _best(_needed(parse(pattern)))
    return None if best is None or min(map(len, best)) < _SHORTEST else best


def greatest_width(pattern: "re.Pattern[str]") -> int | None:
    r"""Return the most characters a match can have, None where there is no limit or the match depends on more text.

    Examples
    --------
    >>> greatest_width(re.compile(r"\bEF.{0,5}\d{2}")), greatest_width(re.compile(r"no\s+stroke"))
    (9, None)
    """
    tree = parse(pattern)
    plain = {C.AT_BOUNDARY, C.AT_NON_BOUNDARY}
    for op, value in _nodes(tree):
        if op in (C.ASSERT, C.ASSERT_NOT, C.GROUPREF, C.GROUPREF_EXISTS) or (
            op is C.AT and value not in plain
        ):
            return None
    width = int(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG).getwidth()[1])
    return width if width < _WIDEST else None


_WIDEST = 300
_SHORTEST = 2
_MOST_WORDS = 200
_Words = frozenset[str]


def _needed(items: Sequence[Any]) -> Iterator[_Words]:
    """Yield sets of words; every match of the sequence holds a word of each set."""
    run = ""
    for op, value in items:
        if op is C.LITERAL and value < 128:
            run += chr(value).lower()
        elif op is C.MAX_REPEAT and _is_white_run(value):
            run += " "
        elif op is not C.AT:
            yield from _words(run)
            run = ""
            yield from _needed_of(op, value)
    yield from _words(run)


def _words(run: str) -> Iterator[_Words]:
    if run.strip():
        yield frozenset([" ".join(run.split())])


def _needed_of(op: Any, value: Any) -> Iterator[_Words]:
    if op is C.SUBPATTERN:
        yield from _needed(value[3])
    elif op is C.ATOMIC_GROUP:
        yield from _needed(value)
    elif op in (C.MAX_REPEAT, C.MIN_REPEAT, C.POSSESSIVE_REPEAT) and value[0] >= 1:
        yield from _needed(value[2])
    elif op is C.BRANCH:
        options = [_best(_needed(branch)) for branch in value[1]]
        if all(option is not None for option in options):
            joined: _Words = frozenset().union(*(option for option in options if option is not None))
            if len(joined) <= _MOST_WORDS:
                yield joined


def _best(options: Iterator[_Words]) -> _Words | None:
    """Return the set whose shortest word is longest: the rarest in text."""
    found = [option for option in options if option]
    return max(found, key=lambda words: (min(len(w) for w in words), -len(words)), default=None)


def _is_white_run(value: Any) -> bool:
    r"""Whether a repeat is ``\s+``."""
    low, _, body = value
    return low == 1 and len(body) == 1 and body[0] == (C.IN, [(C.CATEGORY, C.CATEGORY_SPACE)])


def _nodes(items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield every node of a syntax tree."""
    for op, value in items:
        yield op, value
        for inner in _inside(op, value):
            yield from _nodes(inner)


def _inside(op: Any, value: Any) -> list[Any]:
    if op is C.SUBPATTERN:
        return [value[3]]
    if op in (C.MAX_REPEAT, C.MIN_REPEAT, C.POSSESSIVE_REPEAT):
        return [value[2]]
    if op is C.BRANCH:
        return list(value[1])
    if op in (C.ASSERT, C.ASSERT_NOT):
        return [value[1]]
    return [value] if op is C.ATOMIC_GROUP else []


def _endless(op: Any, value: Any) -> bool:
    return op in (C.MAX_REPEAT, C.MIN_REPEAT) and (value[1] is C.MAXREPEAT or value[1] >= _MANY)


def _ambiguous(body: Sequence[Any]) -> bool:
    """Whether a repeated body holds an endless repeat that nothing in the body keeps from its next round."""
    items = list(_flat(body))
    for position, (op, value) in enumerate(items):
        if op is C.BRANCH:
            if any(_ambiguous(branch) for branch in value[1]):
                return True
            continue
        if not _endless(op, value):
            continue
        inner = _characters(value[2])
        others = [_characters([item]) for i, item in enumerate(items) if i != position and _mandatory(item)]
        if all(inner & other for other in others):
            return True
    return False


def _flat(body: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield a sequence's items with groups opened."""
    for op, value in body:
        if op is C.SUBPATTERN:
            yield from _flat(value[3])
        else:
            yield op, value


def _mandatory(item: tuple[Any, Any]) -> bool:
    op, value = item
    if op in (C.MAX_REPEAT, C.MIN_REPEAT, C.POSSESSIVE_REPEAT):
        return bool(value[0] >= 1)
    return op not in (C.AT, C.ASSERT, C.ASSERT_NOT)


def _characters(items: Sequence[Any]) -> frozenset[int]:
    """Return which sample characters may occur in a match."""
    found: set[int] = set()
    for op, value in _nodes(items):
        if op is C.LITERAL:
            found.add(value)
        elif op is C.NOT_LITERAL:
            found |= _SAMPLE - {value}
        elif op is C.ANY:
            found |= _SAMPLE
        elif op is C.IN:
            found |= {code for code in _SAMPLE if _in_class(code, value)}
    return frozenset(found)


def _in_class(code: int, members: Sequence[Any]) -> bool:
    inside = False
    for op, value in members:
        if op is C.LITERAL:
            inside |= code == value
        elif op is C.RANGE:
            inside |= value[0] <= code <= value[1]
        elif op is C.CATEGORY:
            inside |= _in_category(chr(code), value)
    return inside != any(op is C.NEGATE for op, _ in members)


def _in_category(character: str, category: Any) -> bool:
    tests = {
        C.CATEGORY_DIGIT: character.isdigit(),
        C.CATEGORY_SPACE: character.isspace(),
        C.CATEGORY_WORD: character.isalnum() or character == "_",
    }
    opposites = {
        C.CATEGORY_NOT_DIGIT: C.CATEGORY_DIGIT,
        C.CATEGORY_NOT_SPACE: C.CATEGORY_SPACE,
        C.CATEGORY_NOT_WORD: C.CATEGORY_WORD,
    }
    return not tests[opposites[category]] if category in opposites else tests[category]
