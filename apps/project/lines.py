"""Where in a TOML file a key stands, so that a message can point at its line."""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NoReturn

from sidelight.labeling import UsageError

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_KEY})\s*\]\]?\s*(?:#.*)?$")
_ENTRY = re.compile(rf"\s*({_KEY})\s*=(.*)$")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')

Path_ = Sequence[str | int]


def find_lines(text: str) -> dict[tuple[str, ...], int]:
    r"""Return the line, counted from 1, of every table header and key of a TOML text.

    Examples
    --------
    >>> find_lines('[data]\nexport = "notes.csv"\n')
    {('data',): 1, ('data', 'export'): 2}
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        rest = line
        if not quote and depth == 0:
            header, entry = _HEADER.match(line), _ENTRY.match(line)
            if header:
                table = _split(header[1])
                found.setdefault(table, number)
                continue
            if entry:
                found.setdefault((*table, *_split(entry[1])), number)
                rest = entry[2]
        depth, quote = _follow(rest, depth, quote)
    return found


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def _follow(text: str, depth: int, quote: str) -> tuple[int, str]:
    """Return how many brackets, and which triple quote, are open after a piece of a value."""
    while text:
        if quote:
            _, found, text = text.partition(quote)
            quote = "" if found else quote
            continue
        place = re.search(r'"""|\'\'\'', text)
        before = _STRING.sub("", text[: place.start()] if place else text).partition("#")
        depth = max(0, depth + sum(map(before[0].count, "[{")) - sum(map(before[0].count, "]}")))
        if place is None or before[1]:
            break
        quote, text = place[0], text[place.end() :]
    return depth, quote


class Places:
    """A project file's keys and their lines; raises what is wrong with them.

    Parameters
    ----------
    name : str
        The file's name.
    text : str
        What it holds.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = find_lines(text)

    def line(self, path: Path_) -> int:
        """Return the line of a key, or of the nearest table around it."""
        parts = tuple(str(part) for part in path if not isinstance(part, int))
        while parts and parts not in self.lines:
            inside = [line for key, line in self.lines.items() if key[: len(parts)] == parts]
            if inside:
                return min(inside)
            parts = parts[:-1]
        return self.lines.get(parts, 1)

    def refuse(self, path: Path_, problem: str, wrong: str = "", known: Iterable[str] = ()) -> NoReturn:
        """Raise a one-line `UsageError` with the key's path, its line, and the nearest of the `known` names."""
        names = sorted(set(known))
        near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5) if wrong else []
        hint = ""
        if near:
            hint = f"; did you mean {near[0]!r}?"
        elif wrong and names:
            hint = f"; there {'are' if len(names) > 1 else 'is'} {', '.join(names[:12])}"
        key = ".".join(str(part) for part in path) or "the file"
        raise UsageError(f"{self.name}, line {self.line(path)}: {key}: {problem}{hint}")
