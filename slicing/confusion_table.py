"""A view of confusion: actual labels against observed ones, as numbers, as CSV, as a picture."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .drawing import Drawing
from .small_cells import LINKED

Normalize: TypeAlias = Literal["count", "total", "row", "column"]

SEPARATOR = "/"
UNKNOWN = "?"

FEW_PATIENTS = 10
CELL = 58.0

MEANING = {
    "count": "records",
    "total": "share of all records",
    "row": "P(observed | actual)",
    "column": "P(actual | observed)",
}


@dataclass(frozen=True, eq=False)
class ConfusionTable:
    """Actual labels (rows) against observed ones (columns).

    Parameters
    ----------
    values : ndarray of shape (n_classes, n_classes)
        What `normalize` says; NaN where a row or column holds nothing.
    classes : tuple of str
        Labels of both sides.
    counts : ndarray of shape (n_classes, n_classes)
        Masses.
    n_patients : ndarray of int of shape (n_classes, n_classes)
        Patients behind each cell.
    normalize : {"count", "total", "row", "column"}
        What `values` are.
    dimension : str
        What the labels are of.
    withheld : tuple of tuple of str, optional
        What stands in the place of each cell that may not be told, whose value and count are NaN; empty elsewhere.
    totals : tuple of float or None, optional
        Masses of the rows where cells are withheld, None where they are too.
    """

    values: NDArray[np.float64]
    classes: tuple[str, ...]
    counts: NDArray[np.float64]
    n_patients: NDArray[np.int64]
    normalize: Normalize
    dimension: str
    withheld: tuple[tuple[str, ...], ...] = ()
    totals: tuple[float | None, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Let NumPy see the values."""
        return np.array(self.values, dtype=dtype, copy=bool(copy) or None)

    def to_csv(self) -> str:
        """Return the values with their labels."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([f"actual \\ observed {self.dimension}", *self.classes])
        for label, row in zip(self.classes, self.values.tolist(), strict=True):
            writer.writerow([label, *("" if math.isnan(value) else f"{value:.10g}" for value in row)])
        return out.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what is not a number is None."""
        return {
            "dimension": self.dimension,
            "normalize": self.normalize,
            "classes": list(self.classes),
            "values": _plain(self.values),
            "counts": _plain(self.counts),
            "n_patients": _plain(np.where(np.isnan(self.counts), np.nan, self.n_patients))
            if self.withheld
            else self.n_patients.tolist(),
        }

    @property
    def width(self) -> float:
        """Width of the picture, in units that read well as pixels."""
        return self._layout()[2]

    def _shown(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows and columns drawn: in a tree of labels, those that hold anything."""
        everything = np.arange(len(self.classes))
        if not any(SEPARATOR in label for label in self.classes):
            return everything, everything
        there = np.isnan(self.counts) | (self.counts > 0)
        return np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))

    def _layout(self) -> tuple[float, float, float]:
        """Return where cells begin, across and down, and how wide the picture is."""
        rows, columns = self._shown()
        left = 22 + 7.4 * max((len(_label(self.classes[row])) for row in rows), default=0)
        top = 50 + 5.4 * max((len(_label(self.classes[column])) for column in columns), default=0)
        heading = f"observed {self.dimension}: {MEANING[self.normalize]}"
        return left, top, left + max(CELL * len(columns) + 90, 7.4 * len(heading))

    def to_svg(self, *, name: str = "confusion") -> str:
        """Return the table as an inline SVG; cells of few patients are pale, and each row says how many records it has.

        Of a tree of labels only rows and columns that hold something are drawn, so that subclasses may stand on the
        actual side alone.
        """
        rows, columns = self._shown()
        left, top, width = self._layout()
        height = top + CELL * len(rows) + 14
        told = " ".join(
            f"{_label(self.classes[row])} called {_label(self.classes[column])}: {_short(self.values[row, column])}."
            for row in rows
            for column in columns
            if self.counts[row, column] > 0
        )
        title = f"{self.dimension}: actual against observed, {MEANING[self.normalize]}"
        drawing = Drawing(
            width, height, title=title, description=told, name=name, css_class="figure confusion"
        )
        drawing.text(left, 16, f"observed {self.dimension}: {MEANING[self.normalize]}", "head")
        known = self.values[np.ix_(rows, columns)]
        largest = np.nanmax(known) if np.isfinite(known).any() else 1.0
        totals = self.totals or tuple(self.counts.sum(axis=1).tolist())
        drawing.text(left + CELL * len(columns) + 14, top - 10, "records", "head")
        for place, column in enumerate(columns):
            x = left + place * CELL + CELL / 2
            drawing.text(x, top - 10, _label(self.classes[column]), "label", turn=-40)
        for at, row in enumerate(rows):
            y = top + at * CELL
            drawing.text(left - 12, y + CELL / 2 + 4, _label(self.classes[row]), "label", anchor="end")
            mass = totals[row]
            total = LINKED if mass is None else _short(mass, whole=True)
            drawing.text(left + CELL * len(columns) + 14, y + CELL / 2 + 4, total, "number")
            for place, column in enumerate(columns):
                value = float(self.values[row, column])
                x = left + place * CELL
                step = 0 if math.isnan(value) or largest <= 0 else math.ceil(9 * value / largest)
                few = " few" if 0 < self.n_patients[row, column] < FEW_PATIENTS else ""
                right = " right" if _agree(self.classes[row], self.classes[column]) else ""
                drawing.rect(x + 1, y + 1, CELL - 2, CELL - 2, f"cell heat-{step}{few}{right}")
                if self.withheld and self.withheld[row][column]:
                    drawing.text(
                        x + CELL / 2,
                        y + CELL / 2 + 4,
                        self.withheld[row][column].replace(LINKED, "×"),
                        "number",
                        anchor="middle",
                    )
                elif self.counts[row, column] > 0:
                    ink = "number light" if step >= 8 else "number mid" if step >= 6 else "number"
                    words = _short(value, whole=self.normalize == "count")
                    drawing.text(x + CELL / 2, y + CELL / 2 + 4, words, ink, anchor="middle")
        return drawing.svg()


def _plain(values: NDArray[np.float64]) -> list[list[float | None]]:
    return [[None if math.isnan(value) else value for value in row] for row in values.tolist()]


def normalized(counts: NDArray[Any], normalize: Normalize) -> NDArray[np.float64]:
    """Return masses of shape (..., k, k) as counts, joint, row-wise or column-wise probabilities."""
    if normalize not in MEANING:
        raise ValueError(f"normalize is {normalize!r}; it is {', '.join(MEANING)}")
    values = np.asarray(counts, dtype=np.float64)
    if normalize == "count":
        return values
    axis: tuple[int, ...] = {"total": (-2, -1), "row": (-1,), "column": (-2,)}[normalize]
    total = values.sum(axis=axis, keepdims=True)
    share: NDArray[np.float64] = np.divide(values, total, out=np.full(values.shape, np.nan), where=total > 0)
    return share


def _short(value: float, *, whole: bool = False) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.0f}" if whole and value == round(value) else f"{value:.2f}"


def _label(label: str) -> str:
    """Return a label as it is shown: one that stops early is its own node."""
    return label.removesuffix(f"{SEPARATOR}{UNKNOWN}")


def _agree(actual: str, observed: str) -> bool:
    """Return whether one label lies at or below the other."""
    a, b = _label(actual) + SEPARATOR, _label(observed) + SEPARATOR
    return a.startswith(b) or b.startswith(a)
