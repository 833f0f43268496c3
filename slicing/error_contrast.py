"""Who is missed beside who is found: slices that errors are rich in, class by class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sidelight.labeling.statistics import group_codes

from .matrix import as_slices
from .metrics import as_task
from .share_gap import GapRow, gap_between, judged


def contrast_errors(
    y: ArrayLike,
    proba: ArrayLike,
    slices: Any,
    *,
    classes: Sequence[str],
    patients: ArrayLike | None = None,
    threshold: float = 0.5,
    least: int = 10,
    q: float = 0.05,
) -> tuple[GapRow, ...]:
    """Compare who is missed with who is found, class by class: how often each slice occurs in either.

    Parameters
    ----------
    y, proba, slices
        As for `audit`.
    classes : sequence of str
        Names of the classes.
    patients : array-like of shape (n_records,), optional
        The patient of each record.
    least : int, default 10
        Errors and right predictions of a class that are needed.
    q : float, default 0.05
        Share of false alarms that is tolerated, over all slices and classes.

    Returns
    -------
    tuple of GapRow
        `subject` is the class, `value` the slice's share of its errors, `rest` that of its right predictions. The
        surest come first, of equally sure ones the largest.
    """
    task = as_task(y, proba, threshold=threshold)
    members = as_slices(slices, n_records=len(np.asarray(y)))
    codes, _ = group_codes(None if patients is None else np.asarray(patients)[task.rows], len(task))
    right = task.decision == task.gold
    rows = []
    for name in members.names:
        inside = members[name][task.rows].astype(float)
        for code, told in enumerate(classes):
            own = task.gold == code
            measured = gap_between(inside, own & ~right, own & right, codes, least=least)
            rows.append(GapRow(name, told, "share of errors", *measured))
    found = judged(rows, q)
    return tuple(sorted(found, key=_place))


def _place(row: GapRow) -> tuple[float, float, float]:
    size = 0.0 if math.isnan(row.gap.estimate) else abs(row.gap.estimate)
    return (2.0, 2.0, -size) if math.isnan(row.q) else (row.q, row.gap.p, -size)
