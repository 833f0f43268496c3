"""What people found when they filled in an error sheet: subclasses, wrong gold, and what only errors have."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidelight.labeling.faults import InputError
from sidelight.labeling.spreadsheet import plain_cell
from sidelight.labeling.statistics import Interval, proportion

from .error_sheet import FILLED_IN

_YES = {"1", "yes", "y", "true", "x", "ja", "j", "wahr", "oui", "vrai", "sí", "sì", "wrong"}
_NO = {"", "0", "no", "n", "false", "nein", "falsch", "non", "faux", "right"}
"""Answers, those among them that a spreadsheet writes for its own true and false in another language."""

KINDS = ("error", "control")


@dataclass(frozen=True, eq=False)
class ErrorReview:
    """What people wrote into a sheet.

    Parameters
    ----------
    subclasses : mapping of id to str
        Subclasses named, several joined by "|".
    gold_is_wrong : mapping of id to bool
        Whether the gold label was found wrong, for the rows that were looked at.
    notes : mapping of id to str
    kinds : mapping of id to str
        "error" or "control".
    n_rows : int
        Rows of the sheet.
    set_aside : tuple of str
        Rows that could not be read, and why, by their number in the file.
    """

    subclasses: Mapping[str, str]
    gold_is_wrong: Mapping[str, bool]
    notes: Mapping[str, str]
    kinds: Mapping[str, str]
    n_rows: int
    set_aside: tuple[str, ...] = ()
    level: float = field(default=0.95)

    @property
    def n_reviewed(self) -> int:
        """Rows in which anything was written."""
        return len(set(self.subclasses) | set(self.gold_is_wrong) | set(self.notes))

    def label_errors(self) -> Interval:
        """Return the share of the reviewed errors whose gold was found wrong."""
        seen = [wrong for name, wrong in self.gold_is_wrong.items() if self.kinds.get(name) == "error"]
        return proportion(sum(seen), len(seen), self.level)

    def unknown(self, ids: Iterable[str]) -> int:
        """Return how many reviewed rows are of no record among `ids`: a spreadsheet may have rewritten their ids."""
        reviewed = set(self.subclasses) | set(self.gold_is_wrong) | set(self.notes)
        return len(reviewed - {str(name) for name in ids})

    def subclass_column(self, ids: Sequence[str]) -> list[str | None]:
        """Return the named subclass of each record, None where none was named."""
        return [self.subclasses.get(str(name)) for name in ids]

    def contrast(self) -> list[tuple[str, int, int]]:
        """Return each subclass with how many errors and how many controls it was named in, most errors first."""
        counts: dict[str, Counter[str]] = {"error": Counter(), "control": Counter()}
        for name, told in self.subclasses.items():
            kind = self.kinds.get(name, "")
            if kind in counts:
                counts[kind].update(part.strip() for part in told.split("|") if part.strip())
        every = sorted(set(counts["error"]) | set(counts["control"]))
        found = [(name, counts["error"][name], counts["control"][name]) for name in every]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def to_json(self) -> dict[str, Any]:
        """Return what was found, without ids and notes."""
        return {
            "n_rows": self.n_rows, "n_reviewed": self.n_reviewed, "set_aside": len(self.set_aside),
            "gold_is_wrong": self.label_errors().to_json(),
            "subclasses": [{"name": name, "errors": a, "controls": b} for name, a, b in self.contrast()],
        }  # fmt: skip


def read_error_sheet(path: str | Path) -> ErrorReview:
    """Read a sheet that people have filled in; rows that cannot be read are set aside and counted.

    Spreadsheets save commas, semicolons or tabs, a mark before the first letter, columns in another order, empty rows
    and columns, and rows without the empty cells at their end: all of that is read.

    Raises
    ------
    InputError
        When the file is no such sheet.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(path, "does not exist") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(path, "cannot be read as UTF-8 text") from None
    try:
        table = _table(text)
    except csv.Error:
        raise InputError(path, "is no CSV file") from None
    head = [name.strip().lower() for name in table[0][1]] if table else []
    lacking = [name for name in ("id", "kind", *FILLED_IN) if name not in head]
    if lacking:
        raise InputError(path, f"has no column {lacking[0]!r}; is it a sheet that sidelight wrote?")
    told: dict[str, dict[str, Any]] = {"subclass": {}, "gold_is_wrong": {}, "note": {}, "kind": {}}
    aside = []
    for number, cells in table[1:]:
        cells += [""] * (
            len(head) - len(cells)
        )  # a spreadsheet may leave out what is empty at the end of a row
        if any(cell.strip() for cell in cells[len(head) :]):
            aside.append(f"row {number} has {len(cells)} cells; there are {len(head)} columns")
            continue
        row = {name: cell.strip() for name, cell in zip(head, cells[: len(head)], strict=True)}
        row["kind"] = row["kind"].lower()
        answer = row["gold_is_wrong"].lower()
        if not row["id"] or row["id"] in told["kind"]:
            aside.append(f"row {number} has {'no id' if not row['id'] else 'the id of an earlier row'}")
        elif row["kind"] not in KINDS:
            aside.append(f"row {number}: kind is neither error nor control")
        elif answer not in _YES | _NO:
            aside.append(f"row {number}: gold_is_wrong is neither yes nor no")
        else:
            told["kind"][row["id"]] = row["kind"]
            touched = row["subclass"] or row["note"] or answer
            if touched:
                told["gold_is_wrong"][row["id"]] = answer in _YES
            for name in ("subclass", "note"):
                if row[name]:
                    told[name][row["id"]] = row[name]
    n_rows = len(told["kind"]) + len(aside)
    return ErrorReview(
        told["subclass"], told["gold_is_wrong"], told["note"], told["kind"], n_rows, tuple(aside)
    )


def _table(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, each with its number in the file; separators are those of the header."""
    lines = text.split("\n")
    start = next((place for place, line in enumerate(lines) if "gold_is_wrong" in line.lower()), 0)
    counts = {mark: lines[start].count(mark) for mark in (",", ";", "\t")}
    reader = csv.reader(
        io.StringIO("\n".join(lines[start:])), delimiter=max(counts, key=lambda mark: counts[mark])
    )
    rows = [
        (number, [plain_cell(cell) for cell in row]) for number, row in enumerate(reader, start=start + 1)
    ]
    return [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]
