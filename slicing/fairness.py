"""Parity between care groups: who is called positive, how rightly, and whether the probabilities mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import group_codes

from .metrics import as_task
from .share_gap import GapRow, GapTable, gap_between, judged

MEASURES = {
    "selection": "Share called positive (demographic parity)",
    "sensitivity": "Share of positives that are found (equal opportunity)",
    "false-positive rate": "Share of negatives called positive (equalised odds, with sensitivity)",
    "precision": "Share of those called positive who are (predictive parity)",
    "accuracy": "Share of right calls",
    "calibration": "Observed minus predicted share of positives (0 is calibrated)",
}
"""What is compared, by name, with the words reports use."""


@dataclass(frozen=True)
class FairnessPanel(GapTable):
    """Each measure in each care group against the others.

    Parameters
    ----------
    rows : tuple of GapRow
        Group by group; `measure` is a key of `MEASURES`.
    groups : mapping of str to int or None
        Records of each group, None where withheld; those of unknown group are left out.
    reference : str
        The group all are compared to; empty when each is compared to all others.
    """

    groups: Mapping[str, int | None]
    reference: str = ""

    def of(self, measure: str) -> tuple[GapRow, ...]:
        """Return the rows of one measure."""
        return tuple(row for row in self.rows if row.measure == measure)

    def to_json(self) -> dict[str, Any]:
        """Return the panel as plain values."""
        return {
            "groups": dict(self.groups),
            "reference": self.reference,
            "rows": [row.to_json() for row in self.rows],
        }

    def __str__(self) -> str:
        return self.told("care groups")


def fairness(
    y: ArrayLike,
    proba: ArrayLike,
    groups: ArrayLike,
    *,
    patients: ArrayLike | None = None,
    reference: str | None = None,
    order: Sequence[str] = (),
    positive: int = 1,
    threshold: float = 0.5,
    least: int = 20,
    q: float = 0.05,
) -> FairnessPanel:
    """Compare a model between care groups at one threshold.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        Gold as class numbers; -1, None and NaN leave the record out.
    proba : array-like of shape (n_records,) or (n_records, n_classes)
        Predicted probabilities.
    groups : array-like of shape (n_records,)
        Care group of each record; None, NaN and empty for unknown.
    patients : array-like of shape (n_records,), optional
        The patient of each record; repeats are not treated as independent.
    reference : str, optional
        Group that the others are compared to; each with all others when not given.
    order : sequence of str, optional
        Order of the groups, such as ages from young to old; those not named follow by name.
    positive, threshold
        As for `audit`.
    least : int, default 20
        Records that a measure must rest on, on either side.
    q : float, default 0.05
        Share of false alarms that is tolerated among the measures said to differ.

    Notes
    -----
    Selection, sensitivity and calibration cannot all be at parity where prevalence differs between groups and the
    model errs; which one matters is a clinical decision, not a statistical one.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> y, sex = random.integers(0, 2, 900), np.array(["f", "m"])[random.integers(0, 2, 900)]
    >>> missed = (y == 1) & (sex == "f") & (random.random(900) < 0.4)
    >>> panel = fairness(y, np.where(missed, 0.2, 0.1 + 0.8 * y), sex)
    >>> sorted({row.measure for row in panel.differing if row.group == "f"})[-2:]
    ['selection', 'sensitivity']
    """
    n = len(np.asarray(y))
    names = np.asarray(groups, dtype=object)
    if names.shape != (n,):
        raise ValueError(f"groups has shape {names.shape} for {n} records")
    task = as_task(y, proba, positive=positive, threshold=threshold)
    labels = np.array(["" if name is None or name != name else str(name) for name in names[task.rows]])
    known = labels != ""
    there = set(labels[known].tolist())
    present = [name for name in dict.fromkeys(order) if name in there] + sorted(there - set(order))
    if reference is not None and reference not in present:
        raise ValueError(f"reference is no group of the data; there are {', '.join(present)}")
    codes, _ = group_codes(None if patients is None else np.asarray(patients)[task.rows], len(labels))
    truth = np.asarray(task.positive)
    scores = np.asarray(task.score, dtype=np.float64)
    measures = measures_of_records(truth, scores, threshold)
    rows = []
    for group in present:
        if group == reference:
            continue
        inside = labels == group
        outside = labels == reference if reference is not None else known & ~inside
        for measure, values in measures.items():
            rows.append(
                GapRow(group, "model", measure, *gap_between(values, inside, outside, codes, least=least))
            )
    counts = {group: int((labels == group).sum()) for group in present}
    return FairnessPanel(judged(rows, q), counts, reference or "")


def measures_of_records(
    truth: NDArray[np.bool_], scores: NDArray[np.float64], threshold: float
) -> dict[str, NDArray[np.float64]]:
    """Return each measure as one number a record, NaN where it does not count."""
    called = scores >= threshold
    return {
        "selection": called.astype(float),
        "sensitivity": np.where(truth, called, np.nan),
        "false-positive rate": np.where(truth, np.nan, called),
        "precision": np.where(called, truth, np.nan),
        "accuracy": (called == truth).astype(float),
        "calibration": truth - scores,
    }
