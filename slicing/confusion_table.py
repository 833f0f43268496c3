"""A view of confusion: actual labels against observed ones, as numbers, as CSV, as a picture."""

import csv
import io
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .drawing import Drawing

Normalize: TypeAlias = Literal["count", "total", "row", "column"]

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
    """

    values: NDArray[np.float64]
    classes: tuple[str, ...]
    counts: NDArray[np.float64]
    n_patients: NDArray[np.int64]
    normalize: Normalize
    dimension: str

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

    @property
    def _left(self) -> float:
        """Where the cells of the picture begin."""
        return 22 + 7.4 * max(len(label) for label in self.classes)

    @property
    def width(self) -> float:
        """Width of the picture, in units that read well as pixels."""
        heading = f"observed {self.dimension}: {MEANING[self.normalize]}"
        return self._left + max(CELL * len(self.classes) + 90, 7.4 * len(heading))

    def to_svg(self, *, name: str = "confusion") -> str:
        """Return the table as an inline SVG; cells of few patients are pale, and each row says how many records it has."""
        k = len(self.classes)
        left = self._left
        top = 50 + 5.4 * max(len(label) for label in self.classes)
        width, height = self.width, top + CELL * k + 14
        told = " ".join(
            f"{actual} called {observed}: {_short(self.values[row, column])}."
            for row, actual in enumerate(self.classes)
            for column, observed in enumerate(self.classes)
            if self.counts[row, column] > 0
        )
        title = f"{self.dimension}: actual against observed, {MEANING[self.normalize]}"
        drawing = Drawing(
            width, height, title=title, description=told, name=name, css_class="figure confusion"
        )
        drawing.text(left, 16, f"observed {self.dimension}: {MEANING[self.normalize]}", "head")
        largest = np.nanmax(self.values) if np.isfinite(self.values).any() else 1.0
        totals = self.counts.sum(axis=1)
        drawing.text(left + CELL * k + 14, top - 10, "records", "head")
        for row, actual in enumerate(self.classes):
            y = top + row * CELL
            drawing.text(left - 12, y + CELL / 2 + 4, actual, "label", anchor="end")
            drawing.text(left + row * CELL + CELL / 2, top - 10, actual, "label", turn=-40)
            drawing.text(
                left + CELL * k + 14, y + CELL / 2 + 4, _short(float(totals[row]), whole=True), "number"
            )
            for column in range(k):
                value = float(self.values[row, column])
                x = left + column * CELL
                step = 0 if math.isnan(value) or largest <= 0 else math.ceil(9 * value / largest)
                few = " few" if 0 < self.n_patients[row, column] < FEW_PATIENTS else ""
                drawing.rect(
                    x + 1,
                    y + 1,
                    CELL - 2,
                    CELL - 2,
                    f"cell heat-{step}{few}{' right' if row == column else ''}",
                )
                if self.counts[row, column] > 0:
                    ink = "number light" if step >= 6 else "number"
                    words = _short(value, whole=self.normalize == "count")
                    drawing.text(x + CELL / 2, y + CELL / 2 + 4, words, ink, anchor="middle")
        return drawing.svg()


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
