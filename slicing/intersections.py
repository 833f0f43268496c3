"""Where slices meet: how many records lie in each combination of slices, and how often the model is wrong there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sidelight.labeling.statistics import Interval, clustered_proportion, group_codes

from .drawing import Drawing
from .matrix import as_slices
from .metrics import as_task

COLUMN, ROW = 46.0, 25.0
TOP, SIZE, RATE = 34.0, 96.0, 110.0
"""Where bars begin, how tall they are, and how tall the error rates are."""


@dataclass(frozen=True)
class Intersection:
    """The records that belong to some slices and to none of the others that are looked at.

    Parameters
    ----------
    slices : tuple of str
        The slices they belong to; empty for the records of none.
    n, n_patients : int
        Records with gold and prediction, and their patients.
    errors : Interval
        Share of them that is predicted wrongly.
    few : bool
        Whether they are too few to say anything.
    """

    slices: tuple[str, ...]
    n: int
    n_patients: int
    errors: Interval
    few: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "slices": list(self.slices), "n": self.n, "n_patients": self.n_patients,
            "errors": self.errors.to_json(), "few": self.few,
        }  # fmt: skip


@dataclass(frozen=True)
class Intersections:
    """Combinations of slices, the largest first.

    Parameters
    ----------
    names : tuple of str
        The slices that are combined.
    rows : tuple of Intersection
    n_other : int or None
        Records in combinations that are not listed; None where withheld.
    errors : Interval
        Share of all records that is predicted wrongly.
    """

    names: tuple[str, ...]
    rows: tuple[Intersection, ...]
    n_other: int | None
    errors: Interval

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "names": list(self.names), "rows": [row.to_json() for row in self.rows], "n_other": self.n_other,
            "errors": self.errors.to_json(),
        }  # fmt: skip

    @property
    def width(self) -> float:
        """Width of the picture, in units that read well as pixels."""
        return self._left + COLUMN * len(self.rows) + 24

    @property
    def _left(self) -> float:
        return 24 + 7.4 * max([len(_short(slice_)) for slice_ in self.names] + [14])

    def to_svg(self, *, name: str = "intersections") -> str:
        """Return the combinations as an inline SVG: how many records, how often wrong, and which slices.

        Examples
        --------
        >>> old, male = np.arange(80) % 2 == 0, np.arange(80) < 30
        >>> found = slice_intersections(old, np.where(old & male, 0.3, old * 0.8), {"old": old, "male": male})
        >>> "<svg" in found.to_svg()
        True
        """
        left, width = self._left, self.width
        bars, rates = TOP + SIZE, TOP + SIZE + 34 + RATE
        first = rates + 30
        height = first + ROW * len(self.names)
        told = " ".join(
            f"{' and '.join(row.slices) or 'none of these'}: {row.n} records, wrong {row.errors}."
            for row in self.rows
        )
        drawing = Drawing(
            width, height, title="Where slices meet", description=told, name=name, css_class="figure meet"
        )
        largest = max((row.n for row in self.rows), default=1)
        highest = max([row.errors.high for row in self.rows if not row.few] + [self.errors.high, 0.05])

        def down(rate: float) -> float:
            return rates - min(rate / highest, 1.0) * RATE

        drawing.text(left - 14, TOP + 10, "records", "head", anchor="end")
        drawing.text(left - 14, rates - RATE + 4, "share wrong", "head", anchor="end")
        drawing.line(left, bars, width - 20, bars, "axis")
        drawing.line(left, rates, width - 20, rates, "axis")
        drawing.line(left, down(self.errors.estimate), width - 20, down(self.errors.estimate), "reference")
        drawing.text(
            left - 14,
            down(self.errors.estimate) + 4,
            f"all: {self.errors.estimate:.2f}",
            "tick",
            anchor="end",
        )
        for place, slice_ in enumerate(self.names):
            y = first + ROW * place
            if place % 2 == 0:
                drawing.rect(left - 2, y, width - left - 18, ROW, "band")
            drawing.text(left - 14, y + ROW / 2 + 4, _short(slice_), "label", anchor="end")
        for place, row in enumerate(self.rows):
            self._column(drawing, row, left + COLUMN * (place + 0.5), bars, largest, down, first)
        return drawing.svg()

    def _column(
        self,
        drawing: Drawing,
        row: Intersection,
        x: float,
        bars: float,
        largest: int,
        down: Any,
        first: float,
    ) -> None:
        mark = "unknown" if row.few else "worse" if row.errors.low > self.errors.high else "even"
        tall = (SIZE - 16) * row.n / largest
        drawing.rect(x - 12, bars - tall, 24, tall, f"column {mark}")
        drawing.text(x, bars - tall - 5, str(row.n), "number", anchor="middle")
        if not row.few:
            drawing.line(x, down(row.errors.low), x, down(row.errors.high), f"bar {mark}")
            if mark == "worse":
                drawing.diamond(x, down(row.errors.estimate), 6.5, "mark worse")
            else:
                drawing.circle(x, down(row.errors.estimate), 5, f"mark {mark}")
        held = [place for place, slice_ in enumerate(self.names) if slice_ in row.slices]
        if held:
            drawing.line(x, first + ROW * (held[0] + 0.5), x, first + ROW * (held[-1] + 0.5), "bar")
        for place in range(len(self.names)):
            drawing.circle(x, first + ROW * (place + 0.5), 5.5, "mark" if place in held else "mark absent")


def slice_intersections(
    y: ArrayLike,
    proba: ArrayLike,
    slices: Any,
    *,
    patients: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    threshold: float = 0.5,
    least: int = 20,
    most: int = 14,
) -> Intersections:
    """Count the records of each combination of slices, and how often the model is wrong there.

    Parameters
    ----------
    y, proba
        As for `audit`.
    slices : SliceMatrix or whatever `as_slices` takes
        Membership.
    patients : array-like of shape (n_records,), optional
        The patient of each record.
    names : sequence of str, optional
        The slices that are combined, all when not given; a record is of a combination of these alone.
    threshold : float, default 0.5
        As for `audit`.
    least : int, default 20
        Records from which on a combination's error rate is told.
    most : int, default 14
        Combinations listed.

    References
    ----------
    A. Lex et al., "UpSet: visualization of intersecting sets", IEEE TVCG 2014: combinations as columns of dots.
    """
    task = as_task(y, proba, threshold=threshold)
    matrix = as_slices(slices, n_records=len(np.asarray(y)))
    chosen = tuple(matrix.names if names is None else names)
    values = (
        np.stack([matrix[slice_][task.rows] for slice_ in chosen], axis=1)
        if chosen
        else np.zeros((len(task), 0), bool)
    )
    codes, _ = group_codes(None if patients is None else np.asarray(patients)[task.rows], len(task))
    wrong = task.decision != task.gold
    kinds, which = np.unique(values, axis=0, return_inverse=True)
    which = which.reshape(-1)
    sizes = np.bincount(which, minlength=len(kinds))
    order = np.lexsort((np.arange(len(kinds)), -sizes))[:most]
    rows = []
    for code in order.tolist():
        inside = which == code
        rows.append(
            Intersection(
                tuple(name for name, held in zip(chosen, kinds[code].tolist(), strict=True) if held),
                int(sizes[code]),
                len(np.unique(codes[inside])),
                clustered_proportion(wrong[inside], codes[inside]),
                int(sizes[code]) < least,
            )
        )
    return Intersections(
        chosen, tuple(rows), int(sizes.sum() - sizes[order].sum()), clustered_proportion(wrong, codes)
    )


def _short(name: str, most: int = 34) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
