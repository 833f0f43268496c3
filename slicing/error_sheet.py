"""The error audit: wrong predictions with right ones beside them, in a sheet for people to fill in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.folder import write_file
from sidelight.labeling.seeds import generator
from sidelight.labeling.spreadsheet import safe_cell

from .matrix import as_slices
from .metrics import as_task
from .strata import is_absent

FILLED_IN = ("subclass", "gold_is_wrong", "note")
"""Columns that a person fills in."""

COLUMNS = ("id", "kind", "gold", "predicted", "probability", "slices")
"""Columns that the sheet comes with, before those of the export that were asked for."""


@dataclass(frozen=True, eq=False)
class ErrorSheet:
    """Records to look at: errors by how sure the model was, then right predictions of the same classes to compare.

    Parameters
    ----------
    rows : tuple of mapping of column to text
        One a record.
    n_errors, n_controls : int
        How many of each.
    n_left_out : int
        Errors beyond those that were asked for.
    """

    rows: tuple[Mapping[str, str], ...]
    n_errors: int
    n_controls: int
    n_left_out: int = 0

    def to_csv(self) -> str:
        """Return the sheet as CSV, its cells safe to open in a spreadsheet."""
        columns = list(self.rows[0]) if self.rows else [*COLUMNS, *FILLED_IN]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([safe_cell(name) for name in columns])
        for row in self.rows:
            writer.writerow([safe_cell(row[name]) for name in columns])
        return out.getvalue()

    def write(self, path: str | Path) -> Path:
        """Write the sheet, readable by its owner alone: it names records."""
        return write_file(path, self.to_csv())


def error_sheet(
    ids: Sequence[str],
    y: ArrayLike,
    proba: ArrayLike,
    *,
    classes: Sequence[str],
    slices: Any = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    threshold: float = 0.5,
    n_errors: int = 200,
    n_controls: int = 100,
    seed: int = 0,
) -> ErrorSheet:
    """Choose the records whose errors a person should look at, with right predictions to compare them to.

    Parameters
    ----------
    ids : sequence of str of shape (n_records,)
        Record ids: the sheet is read back by them.
    y, proba
        Gold classes, and probabilities of shape (n_records, n_classes).
    classes : sequence of str
        Names of the classes.
    slices : SliceMatrix or whatever `as_slices` takes, optional
        Named in the sheet.
    columns : mapping of str to sequence of shape (n_records,), optional
        Further columns of the export to show, words of reports among them if wanted.
    threshold : float, default 0.5
        As for `audit`.
    n_errors : int, default 200
        Most errors, the surest first.
    n_controls : int, default 100
        Most right predictions, drawn at random in the proportion of the errors' classes.
    seed : int, default 0
        Of that draw.

    Notes
    -----
    What only errors show cannot be told from what all records show: look at the controls in the same way, and name a
    subclass in both.

    Examples
    --------
    >>> sheet = error_sheet(["a", "b", "c"], [0, 1, 1], [0.1, 0.3, 0.9], classes=["normal", "abnormal"])
    >>> [(row["id"], row["kind"]) for row in sheet.rows]
    [('b', 'error'), ('c', 'control')]
    """
    task = as_task(y, proba, threshold=threshold)
    names = [str(ids[row]) for row in task.rows]
    more = {name: [cells[row] for row in task.rows] for name, cells in (columns or {}).items()}
    clash = sorted(set(more) & {*COLUMNS, *FILLED_IN})
    if clash:
        raise ValueError(f"columns holds {clash[0]!r}, which the sheet has already")
    members = as_slices(
        {} if slices is None else slices, n_records=len(np.asarray(y)) if slices is not None else None
    )
    inside = members.values[task.rows] if members.n_slices else np.zeros((len(task), 0), dtype=bool)
    sure = task.proba[np.arange(len(task)), task.decision]
    wrong = np.flatnonzero(task.decision != task.gold)
    wrong = wrong[np.lexsort((wrong, -sure[wrong]))]
    chosen = wrong[:n_errors]
    controls = _controls(task.gold, task.decision == task.gold, chosen, n_controls, seed)
    rows = []
    for kind, picked in (("error", chosen), ("control", controls)):
        for row in picked.tolist():
            known = {
                "id": names[row],
                "kind": kind,
                "gold": classes[task.gold[row]],
                "predicted": classes[task.decision[row]],
                "probability": f"{sure[row]:.3f}",
                "slices": "; ".join(
                    name for name, held in zip(members.names, inside[row], strict=True) if held
                ),
            }
            extra = {name: "" if is_absent(cells[row]) else str(cells[row]) for name, cells in more.items()}
            rows.append({**known, **extra, **dict.fromkeys(FILLED_IN, "")})
    return ErrorSheet(tuple(rows), len(chosen), len(controls), len(wrong) - len(chosen))


def _controls(
    gold: NDArray[np.int64], right: NDArray[np.bool_], errors: NDArray[np.intp], wanted: int, seed: int
) -> NDArray[np.intp]:
    """Return right predictions at random, each class as often as among the errors."""
    random = generator(seed, "error-sheet")
    found: list[NDArray[np.intp]] = []
    for code in np.unique(gold[errors]):
        share = float(np.mean(gold[errors] == code))
        pool = np.flatnonzero(right & (gold == code))
        found.append(np.sort(random.permutation(pool)[: round(wanted * share)]))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)
