"""Code trees: a code stands for itself and all below it (ICD-10 by its letters, others from a file)."""

import csv
import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .faults import InputError, UsageError

_RANGE = re.compile(r"^([A-Z]\d\w)-([A-Z]\d\w)$")


class CodeSet:
    """Codes and everything below them.

    Parameters
    ----------
    codes : iterable of str
        Codes, compared without dots and in any case. In ICD-10 "I21" holds I21.4, and "I20-I25" is a range of
        categories.
    parents : mapping from code to parents, optional
        The tree of another system (SNOMED CT, RxNorm): a code is in the set when a chain of parents leads to one of
        `codes`.

    Examples
    --------
    >>> infarction = CodeSet(["I21", "I22"])
    >>> "I21.4" in infarction, "i220" in infarction, "I20.0" in infarction, "I24" in CodeSet(["I20-I25"])
    (True, True, False, True)
    """

    def __init__(self, codes: Iterable[str], parents: Mapping[str, Iterable[str]] | None = None) -> None:
        if isinstance(codes, str):
            raise UsageError("codes is one string; give a list of them")
        self.codes = tuple(sorted({_normal(code) for code in codes} - {""}))
        if not self.codes:
            raise UsageError("codes is empty")
        self.parents = (
            None
            if parents is None
            else {_normal(code): tuple(sorted(map(_normal, above))) for code, above in parents.items()}
        )
        self._ranges = [found.groups() for code in self.codes if (found := _RANGE.match(code))]
        self._prefixes = tuple(code for code in self.codes if not _RANGE.match(code))

    def __contains__(self, code: object) -> bool:
        normal = _normal(str(code))
        if self.parents is not None:
            return normal in self._below
        return bool(normal) and (
            normal.startswith(self._prefixes) or any(low <= normal[:3] <= high for low, high in self._ranges)
        )

    @functools.cached_property
    def _below(self) -> frozenset[str]:
        """The codes and all their descendants."""
        children: dict[str, list[str]] = {}
        for code, above in (self.parents or {}).items():
            for parent in above:
                children.setdefault(parent, []).append(code)
        found: set[str] = set()
        open_codes = list(self.codes)
        while open_codes:
            code = open_codes.pop()
            if code not in found:
                found.add(code)
                open_codes += children.get(code, ())
        return frozenset(found)

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return the codes, and what lies below them where that comes from a file."""
        return (self.codes, None if self.parents is None else self._below)

    def __reduce__(self) -> tuple[Any, ...]:
        return (CodeSet, (self.codes, self.parents))

    def __repr__(self) -> str:
        return f"CodeSet({', '.join(self.codes[:5])}{', ...' if len(self.codes) > 5 else ''})"


def read_code_tree(path: str | Path, *, child: str = "child", parent: str = "parent") -> dict[str, list[str]]:
    """Read which code lies below which from a CSV or tab-separated file of yours.

    Parameters
    ----------
    path : path-like
        A file with a header.
    child, parent : str
        Columns of the code and of the one above it; a code may have several.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            sample = file.readline()
            file.seek(0)
            rows = csv.DictReader(file, delimiter="\t" if "\t" in sample else ",")
            missing = {child, parent} - set(rows.fieldnames or ())
            if missing:
                raise InputError(
                    path, f"has no column {' or '.join(sorted(missing))}; its columns: {rows.fieldnames}"
                )
            tree: dict[str, list[str]] = {}
            for row in rows:
                tree.setdefault(row[child], []).append(row[parent])
            return tree
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, f"cannot be read ({type(error).__name__})") from None


def _normal(code: str) -> str:
    return code.strip().replace(".", "").upper()
