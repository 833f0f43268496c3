"""Curves of a project report: models side by side, ROC curves, calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal.calibration import reliability
from sidelight.crossmodal.evaluation import Comparison
from sidelight.labeling.statistics import wilson_interval
from sidelight.slicing.drawing import Drawing, nice_ticks

SIZE = 460.0
LEFT, TOP, SIDE = 56.0, 14.0, 380.0
STYLES = ("main", "second", "third", "fourth", "fifth")
"""Class names of the lines: each has its own colour and its own dashes."""

Curve = tuple[str, NDArray[np.float64]]
"""A model's name and its probabilities."""


def comparison_plot(comparison: Comparison, *, name: str) -> str:
    """Return each model's area under the ROC curve with its interval, one line a model."""
    rows = comparison.rows
    left, right, row_height = 330.0, 720.0, 34.0
    height = 30 + row_height * len(rows) + 34
    known = [
        value
        for row in rows
        for value in (row.auroc.low, row.auroc.high, row.auroc.estimate)
        if value == value
    ]
    low = min([*known, 0.95]) - 0.02
    high = 1.0
    told = " ".join(f"{row.name}: {row.auroc}." for row in rows)
    drawing = Drawing(920, height, title="AUROC of each model", description=told, name=name)

    def place(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    bottom = height - 30
    for tick in nice_ticks(low, high):
        drawing.line(place(tick), 20, place(tick), bottom, "grid")
        drawing.text(place(tick), bottom + 17, f"{tick:g}", "tick", anchor="middle")
    drawing.text((left + right) / 2, 12, "AUROC on the test records, 95 % interval", "head", anchor="middle")
    for number, row in enumerate(rows):
        y = 20 + row_height * (number + 0.5)
        style = STYLES[min(number, len(STYLES) - 1)]
        strong = " strong" if number == 0 else ""
        drawing.text(left - 18, y + 4.5, row.name, f"label{strong}", anchor="end")
        if math.isnan(row.auroc.estimate):
            drawing.text(right + 20, y + 4.5, row.auroc.reason, "tick")
            continue
        if not math.isnan(row.auroc.low):
            drawing.line(place(row.auroc.low), y, place(row.auroc.high), y, f"bar {style}")
            for end in (row.auroc.low, row.auroc.high):
                drawing.line(place(end), y - 4, place(end), y + 4, f"bar {style}")
        drawing.circle(place(row.auroc.estimate), y, 6, f"mark {style}")
        text = f"{row.auroc.estimate:.3f} [{row.auroc.low:.3f}, {row.auroc.high:.3f}]"
        drawing.text(
            right + 24,
            y + 4.5,
            text if row.auroc.low == row.auroc.low else f"{row.auroc.estimate:.3f}",
            f"number{strong}",
        )
    return drawing.svg()


def roc_plot(gold: NDArray[np.bool_], curves: Sequence[Curve], *, name: str, threshold: float) -> str:
    """Return the ROC curves of several models; a ring on the first marks its operating point."""
    drawing = Drawing(
        SIZE, SIZE + 22.0 * len(curves), title="ROC curves",
        description="Sensitivity against one minus specificity for each model.", name=name,
    )  # fmt: skip
    _square(drawing, "1 − specificity", "sensitivity")
    if not gold.any() or gold.all():
        drawing.text(
            LEFT + SIDE / 2, TOP + SIDE / 2, "needs records of both classes", "tick", anchor="middle"
        )
        return drawing.svg()
    drawing.line(LEFT, TOP + SIDE, LEFT + SIDE, TOP, "reference")
    for number, (_, proba) in reversed(list(enumerate(curves))):
        false, true = roc_points(gold, proba)
        points = [(LEFT + x * SIDE, TOP + (1 - y) * SIDE) for x, y in zip(false, true, strict=True)]
        drawing.path(points, f"curve {_style(number)}")
    called = curves[0][1] >= threshold
    x, y = float(called[~gold].mean()), float(called[gold].mean())
    drawing.circle(LEFT + x * SIDE, TOP + (1 - y) * SIDE, 6.5, f"ring {_style(0)}")
    _legend(drawing, [model for model, _ in curves])
    return drawing.svg()


def roc_points(
    gold: NDArray[np.bool_], proba: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false and true positive rates, one point a distinct prediction, from the strictest to the laxest.

    Examples
    --------
    >>> false, true = roc_points(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]))
    >>> false.tolist(), true.tolist()
    ([0.0, 0.0, 1.0], [0.0, 0.5, 1.0])
    """
    order = np.argsort(-proba, kind="stable")
    ranked, truth = proba[order], gold[order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    true = np.cumsum(truth)[last] / max(int(truth.sum()), 1)
    false = np.cumsum(~truth)[last] / max(int((~truth).sum()), 1)
    return np.r_[0.0, false], np.r_[0.0, true]


def calibration_plot(gold: NDArray[np.bool_], curves: Sequence[Curve], *, name: str) -> str:
    """Return how often predictions of about the same probability came true; intervals on the first model's."""
    n_bins = int(np.clip(len(gold) // 15, 3, 10))
    drawing = Drawing(
        SIZE, SIZE + 22.0 * len(curves), title="Calibration",
        description="Share of positive records against the predicted probability, in groups of equally many records.",
        name=name,
    )  # fmt: skip
    _square(drawing, "predicted probability", "share that was positive")
    drawing.line(LEFT, TOP + SIDE, LEFT + SIDE, TOP, "reference")
    for number, (_, proba) in reversed(list(enumerate(curves))):
        if not len(gold):
            continue
        found = reliability(gold, proba, n_bins)
        points = [
            (LEFT + x * SIDE, TOP + (1 - y) * SIDE)
            for x, y in zip(found.predicted.tolist(), found.observed.tolist(), strict=True)
        ]
        if number == 0:
            low, high = wilson_interval(np.round(found.observed * found.count), found.count)
            for (x, _), bottom, top in zip(points, low.tolist(), high.tolist(), strict=True):
                drawing.line(x, TOP + (1 - bottom) * SIDE, x, TOP + (1 - top) * SIDE, f"bar {_style(0)}")
        drawing.path(points, f"curve {_style(number)}")
        for x, y in points:
            drawing.circle(x, y, 4.5 if number == 0 else 3, f"mark {_style(number)}")
    _legend(drawing, [model for model, _ in curves])
    return drawing.svg()


def _style(number: int) -> str:
    return STYLES[min(number, len(STYLES) - 1)]


def _square(drawing: Drawing, below: str, beside: str) -> None:
    """Draw the unit square with its ticks and names."""
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        x, y = LEFT + tick * SIDE, TOP + (1 - tick) * SIDE
        drawing.line(x, TOP, x, TOP + SIDE, "grid")
        drawing.line(LEFT, y, LEFT + SIDE, y, "grid")
        drawing.text(x, TOP + SIDE + 18, f"{tick:g}", "tick", anchor="middle")
        drawing.text(LEFT - 9, y + 4, f"{tick:g}", "tick", anchor="end")
    drawing.line(LEFT, TOP + SIDE, LEFT + SIDE, TOP + SIDE, "axis")
    drawing.line(LEFT, TOP, LEFT, TOP + SIDE, "axis")
    drawing.text(LEFT + SIDE / 2, TOP + SIDE + 40, below, "head", anchor="middle")
    drawing.text(14, TOP + SIDE / 2, beside, "head", anchor="middle", turn=-90)


def _legend(drawing: Drawing, names: Sequence[str]) -> None:
    y = SIZE + 4
    for number, model in enumerate(names):
        drawing.line(LEFT, y, LEFT + 34, y, f"curve {_style(number)}")
        drawing.text(LEFT + 44, y + 4.5, model, "label")
        y += 22
