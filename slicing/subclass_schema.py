"""The schema of subclasses: what experts expect within each class, and how much a missed one harms, as a file."""

import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sidelight.labeling import InputError
from sidelight.labeling.folder import write_file

FORMAT = 1
"""Version of the file."""

KEYS = {"name", "class", "severity", "share", "values"}


@dataclass(frozen=True)
class Subclass:
    """One subclass that experts expect.

    Parameters
    ----------
    name : str
        How reports call it.
    within : str
        Its class; empty when it is not said.
    severity : float, default 1
        Harm of getting a record of it wrong, against 1 for a record of no listed subclass.
    share : float, optional
        Expected share of its class's records; NaN when not said.
    values : tuple of str
        Further values of the subclass column that mean the same.
    """

    name: str
    within: str = ""
    severity: float = 1.0
    share: float = math.nan
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.name:
            raise ValueError("a subclass needs a name")
        if not (math.isfinite(self.severity) and self.severity >= 0):
            raise ValueError(
                f"severity of {self.name!r} is {self.severity}; a number of at least 0 is needed"
            )
        if not (math.isnan(self.share) or 0 <= self.share <= 1):
            raise ValueError(f"share of {self.name!r} is {self.share}; it lies between 0 and 1")


@dataclass(frozen=True)
class SubclassSchema:
    """All subclasses that experts listed before they looked at errors.

    Parameters
    ----------
    subclasses : tuple of Subclass
        In the order of the file.
    author, date : str
        Who listed them, and when.

    Notes
    -----
    The file is TOML, one table a subclass: ``[[subclass]]`` with ``name`` and, where known, ``class``, ``severity``,
    ``share`` and ``values``.

    References
    ----------
    L. Oakden-Rayner et al., "Hidden stratification causes clinically meaningful failures in machine learning for
    medical imaging", CHIL 2020, arXiv 1909.12475: schema completion.

    Examples
    --------
    >>> schema = SubclassSchema((Subclass("hip", "fracture", severity=3), Subclass("rib", "fracture")))
    >>> SubclassSchema.parse(schema.to_toml()) == schema
    True
    >>> schema.severities
    {'hip': 3.0, 'rib': 1.0}
    """

    subclasses: tuple[Subclass, ...]
    author: str = ""
    date: str = ""
    _named: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that each name, and each value, means one subclass."""
        named: dict[str, str] = {}
        for item in self.subclasses:
            for word in (item.name, *item.values):
                if word in named:
                    raise ValueError(f"{word!r} stands for two subclasses")
                named[word] = item.name
        object.__setattr__(self, "_named", named)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the subclasses."""
        return tuple(item.name for item in self.subclasses)

    @property
    def severities(self) -> dict[str, float]:
        """Severity of each subclass."""
        return {item.name: float(item.severity) for item in self.subclasses}

    def meaning(self, value: str) -> str:
        """Return the subclass that a value of the column means, itself when the schema does not know it."""
        return self._named.get(value, value)

    def completed(self, seen: Iterable[tuple[str, str]]) -> Self:
        """Return the schema with the (subclass, class) pairs that records hold and it does not list."""
        known = {self.meaning(name) for name in self.names}
        more = []
        for name, within in seen:
            if self.meaning(name) not in known:
                known.add(name)
                more.append(Subclass(name, within))
        return type(self)((*self.subclasses, *more), self.author, self.date)

    def to_toml(self) -> str:
        """Return the file's text."""
        lines = [
            "# Subclasses of each class. severity: the harm of getting one wrong, 1 for any other record;"
        ]
        lines += [
            "# share: the part of its class that is expected; values: other spellings in the column.",
            "",
        ]
        lines += [f"format = {FORMAT}"]
        lines += [
            f"{key} = {_string(value)}"
            for key, value in (("author", self.author), ("date", self.date))
            if value
        ]
        for item in self.subclasses:
            lines += ["", "[[subclass]]", f"name = {_string(item.name)}"]
            lines += [f"class = {_string(item.within)}"] if item.within else []
            lines += [f"severity = {item.severity:g}"]
            lines += [] if math.isnan(item.share) else [f"share = {item.share:g}"]
            lines += [f"values = [{', '.join(map(_string, item.values))}]"] if item.values else []
        return "\n".join(lines) + "\n"

    def write(self, path: str | Path) -> Path:
        """Write the file."""
        return write_file(path, self.to_toml())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the file's text.

        Raises
        ------
        ValueError
            Says which subclass and which key is wrong, counted from 1.
        """
        raw = tomllib.loads(text)
        if raw.get("format", FORMAT) != FORMAT:
            raise ValueError(f"format is {raw['format']!r}; this version reads format {FORMAT}")
        unknown = sorted(set(raw) - {"format", "author", "date", "subclass"})
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; known are format, author, date and [[subclass]]")
        tables = raw.get("subclass", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise ValueError("subclasses are written as [[subclass]] tables")
        found = tuple(_subclass(table, number) for number, table in enumerate(tables, start=1))
        return cls(found, str(raw.get("author", "")), str(raw.get("date", "")))

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file.

        Raises
        ------
        InputError
            Names the file, the subclass and the key.
        """
        try:
            return cls.parse(Path(path).read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise InputError(path, "does not exist") from None
        except (OSError, UnicodeDecodeError):
            raise InputError(path, "cannot be read as UTF-8 text") from None
        except ValueError as error:  # of TOML too
            raise InputError(path, str(error)) from None


def _subclass(table: Mapping[str, Any], number: int) -> Subclass:
    where = f"subclass {number}"
    unknown = sorted(set(table) - KEYS)
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(KEYS))}")
    for key in ("name", "class"):
        if not isinstance(table.get(key, ""), str):
            raise ValueError(f"{where}: {key} is a string")
    for key in ("severity", "share"):
        if isinstance(table.get(key, 1.0), bool) or not isinstance(table.get(key, 1.0), int | float):
            raise ValueError(f"{where}: {key} is a number")
    values = table.get("values", [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{where}: values is a list of strings")
    try:
        return Subclass(
            table.get("name", ""),
            table.get("class", ""),
            float(table.get("severity", 1.0)),
            float(table.get("share", math.nan)),
            tuple(values),
        )
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
