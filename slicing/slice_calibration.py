"""Whether a probability means the same in every slice: observed against predicted, and how steep the relation is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from sidelight.labeling.statistics import (
    Interval,
    benjamini_hochberg,
    cluster_variance,
    clustered_proportion,
    group_codes,
)
from sidelight.labeling.statistics.interval import t_quantile

from .drawing import Drawing, nice_ticks
from .forest import digits_for, short_name, signed
from .matrix import as_slices
from .metrics import as_task
from .support import too_few

WHOLE = "all records"


@dataclass(frozen=True)
class CalibrationRow:
    """How probabilities and outcomes agree in one slice.

    Parameters
    ----------
    slice : str
        Its name, or "all records".
    n, n_patients : int
        Records and patients.
    predicted : float
        Mean probability of the positive class.
    observed : Interval
        Share of positive records.
    difference : Interval
        Observed less predicted, and the test that it is zero: below zero the model says positive too often.
    slope : Interval
        Of outcomes on the logit of the probabilities: 1 where they are as spread as they should be, less where they
        are too extreme; and the test that it is one.
    q, slope_q : float
        The p of the difference and of the slope after Benjamini and Hochberg, over both and all slices.
    verdict : str
        "too high", "too low" (the probabilities), "no evidence" or "not assessable".
    spread : str
        "too extreme", "too cautious" (the probabilities), "no evidence" or "not assessable".
    """

    slice: str
    n: int
    n_patients: int
    predicted: float
    observed: Interval
    difference: Interval
    slope: Interval
    q: float
    verdict: str
    slope_q: float = math.nan
    spread: str = "not assessable"

    @property
    def off(self) -> tuple[str, ...]:
        """In what ways the probabilities are shown to be off; empty where in none."""
        told = (self.verdict, self.spread)
        return tuple(word for word in told if word not in ("no evidence", "not assessable"))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            name: value.to_json()
            if isinstance(value, Interval)
            else None
            if isinstance(value, float) and math.isnan(value)
            else value
            for name, value in self.__dict__.items()
        }


def slice_calibration(
    y: ArrayLike,
    proba: ArrayLike,
    slices: Any,
    patients: ArrayLike | None = None,
    *,
    positive: int = 1,
    least: int = 20,
    level: float = 0.95,
    q: float = 0.05,
) -> tuple[CalibrationRow, ...]:
    """Return all records first, then each slice.

    Parameters
    ----------
    y, proba, slices, patients, positive, level
        As for `audit`.
    least : int, default 20
        Records and a quarter as many positives and negatives that a slice needs.
    q : float, default 0.05
        Share of false alarms that is tolerated.

    References
    ----------
    D. R. Cox, "Two further applications of a model for binary regression", Biometrika 1958: the slope.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> p = random.uniform(0.1, 0.9, 2000)
    >>> y = (random.random(2000) < p).astype(int)
    >>> late = np.arange(2000) < 400
    >>> [row.verdict for row in slice_calibration(y, np.where(late, p * 0.5, p), {"late": late})]
    ['too low', 'too low']
    """
    task = as_task(y, proba, positive=positive)
    matrix = as_slices(slices, n_records=len(np.asarray(y)))
    codes, _ = group_codes(None if patients is None else np.asarray(patients)[task.rows], len(task))
    drafts = [_row(WHOLE, np.ones(len(task), dtype=bool), task.positive, task.score, codes, least, level)]
    drafts += [
        _row(name, matrix[name][task.rows], task.positive, task.score, codes, least, level)
        for name in matrix.names
    ]
    tests = [row.difference.p for row in drafts] + [row.slope.p for row in drafts]
    adjusted = benjamini_hochberg(tests).tolist()
    rows = []
    for row, mean_q, slope_q in zip(drafts, adjusted[: len(drafts)], adjusted[len(drafts) :], strict=True):
        verdict = _told(mean_q, q, "too low" if row.difference.estimate > 0 else "too high")
        spread = _told(slope_q, q, "too cautious" if row.slope.estimate > 1 else "too extreme")
        found = {"q": mean_q, "verdict": verdict, "slope_q": slope_q, "spread": spread}
        rows.append(CalibrationRow(**{**row.__dict__, **found}))
    return tuple(rows)


def _told(corrected: float, q: float, word: str) -> str:
    if math.isnan(corrected):
        return "not assessable"
    return word if corrected <= q else "no evidence"


def _row(
    name: str,
    inside: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    score: NDArray[np.float64],
    codes: NDArray[np.intp],
    least: int,
    level: float,
) -> CalibrationRow:
    truth, told, owners = positive[inside], score[inside], codes[inside]
    n = len(truth)
    _, own = np.unique(owners, return_inverse=True)
    own, n_patients = own.reshape(-1), len(np.unique(owners))
    nothing = Interval.missing(too_few(n, least, "records", ""), level=level, n=n)
    if not n:
        return CalibrationRow(name, 0, 0, math.nan, nothing, nothing, nothing, math.nan, "")
    observed = clustered_proportion(truth, owners, level)
    mean = float((truth - told).mean())
    few = min(int(truth.sum()), int((~truth).sum())) < least / 4
    if n < least or few or n_patients < 5:
        reason = nothing.reason
        if n >= least:
            reason = "too few of one class" if few else f"{n_patients} patients, 5 are needed"
        difference = Interval(mean, math.nan, math.nan, level, n, math.nan, reason)
        slope = Interval.missing(reason, level=level, n=n)
    else:
        error = math.sqrt(cluster_variance((truth - told - mean) / n, own, n_patients))
        half = t_quantile(level, n_patients - 1) * error
        p = float(2 * stats.t.sf(abs(mean) / error, n_patients - 1)) if error > 0 else math.nan
        difference = Interval(mean, mean - half, mean + half, level, n, p)
        slope = _slope(truth, told, own, n_patients, level)
    return CalibrationRow(name, n, n_patients, float(told.mean()), observed, difference, slope, math.nan, "")


def _slope(
    truth: NDArray[np.bool_],
    told: NDArray[np.float64],
    codes: NDArray[np.intp],
    n_patients: int,
    level: float,
) -> Interval:
    """Return the slope of a logistic regression of outcomes on the logit, its error by the sandwich over patients."""
    n = len(truth)
    x = special.logit(np.clip(told, 1e-6, 1 - 1e-6))
    design = np.stack([np.ones(n), x], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        fitted = special.expit(design @ weights)
        hessian = design.T @ (design * (fitted * (1 - fitted))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (truth - fitted))
        weights = weights + np.clip(step, -5, 5)
        if float(np.abs(step).max()) < 1e-9:
            break
    if not np.isfinite(weights).all() or abs(weights[1]) > 50:
        return Interval.missing("the classes are separated", level=level, n=n)
    residual = truth - special.expit(design @ weights)
    bread = np.linalg.inv(hessian)
    scores = np.stack(
        [np.bincount(codes, weights=residual * column, minlength=n_patients) for column in design.T]
    )
    spread = bread @ (scores @ scores.T) @ bread * n_patients / max(n_patients - 1, 1)
    error = math.sqrt(max(float(spread[1, 1]), 0.0))
    half, slope = t_quantile(level, n_patients - 1) * error, float(weights[1])
    p = float(2 * stats.t.sf(abs(slope - 1) / error, n_patients - 1)) if error > 0 else math.nan
    return Interval(slope, slope - half, slope + half, level, n, p)


def calibration_by_slice(rows: Sequence[CalibrationRow], *, name: str, positive: str = "positive") -> str:
    """Return predicted and observed shares, one line a slice, as inline SVG."""
    row_height, end, left, right = 27.0, 236.0, 252.0, 660.0
    height = 54 + row_height * len(rows)
    told = " ".join(
        f"{row.slice}: predicted {row.predicted:.2f}, observed {row.observed}." for row in rows if row.n
    )
    drawing = Drawing(
        920.0, height, title="Observed and predicted by slice", description=told, name=name,
        css_class="figure calibration",
    )  # fmt: skip
    known = [
        value
        for row in rows
        for value in (row.predicted, row.observed.low, row.observed.high)
        if not math.isnan(value)
    ]
    low, high = max(min(known, default=0.0) - 0.03, 0.0), min(max(known, default=1.0) + 0.03, 1.0)

    def place(value: float) -> float:
        return left + (value - low) / max(high - low, 1e-9) * (right - left)

    top, bottom = 28.0, height - 26
    for tick in nice_ticks(low, high):
        drawing.line(place(tick), top, place(tick), bottom, "grid")
        drawing.text(place(tick), bottom + 16, f"{tick:g}", "tick", anchor="middle")
    drawing.text(end, 17, "slice", "head", anchor="end")
    drawing.text((left + right) / 2, 17, f"share {positive}", "head", anchor="middle")
    drawing.text(right + 60, 17, "n", "head", anchor="end")
    drawing.text(920, 17, "observed less predicted", "head", anchor="end")
    y = top - row_height / 2
    for row in rows:
        y += row_height
        mark = {"too high": "worse", "too low": "worse", "no evidence": "even"}.get(row.verdict, "unknown")
        strong = " strong" if row.slice == WHOLE else ""
        drawing.text(end, y + 4, short_name(row.slice), f"label {mark}{strong}", anchor="end")
        if row.n:
            x = place(row.observed.estimate)
            if not math.isnan(row.observed.low):
                drawing.line(place(row.observed.low), y, place(row.observed.high), y, f"bar {mark}")
            drawing.line(place(row.predicted), y, x, y, "reference")
            drawing.circle(x, y, 5, f"mark {mark}")
            drawing.diamond(place(row.predicted), y, 6, "mark hollow")
        drawing.text(right + 60, y + 4, f"{row.n:,}".replace(",", "\u202f"), f"number {mark}", anchor="end")
        gap = row.difference.estimate
        text = "–" if math.isnan(gap) else signed(gap, digits_for(row.difference))
        drawing.text(920, y + 4, text, f"number {mark}", anchor="end")
    return drawing.svg()
