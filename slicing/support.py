"""How much a slice must hold before anything is said about it, and what it lacks when it does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .estimates import Estimate
from .metrics import Metric, Task


@dataclass(frozen=True)
class Support:
    """What a slice, and the rest of the records, must hold before anything is said about it.

    Parameters
    ----------
    records : int, default 20
        Records an accuracy, mean or any other metric must rest on.
    events : int, default 10
        Records of the class a sensitivity, specificity or precision rests on; of each class, for an area.
    patients : int, default 5
        Patients behind them.
    """

    records: int = 20
    events: int = 10
    patients: int = 5


DEFAULT_SUPPORT = Support()


def shortage(metric: Metric, estimate: Estimate, support: Support, owner: str = "") -> str:
    """Say what a slice lacks to be assessed; empty when it lacks nothing."""
    if metric.kind == "area":
        for count, name in zip(estimate.counted, ("positive records", "negative records"), strict=True):
            reason = too_few(count, support.events, name, owner)
            if reason:
                return reason
    else:
        needed, name = _denominator(metric, support)
        reason = too_few(estimate.counted[0], needed, name, owner)
        if reason:
            return reason
    return too_few(estimate.n_patients, support.patients, "patients", owner)


def lacks_events(
    metric: Metric, task: Task, members: NDArray[np.bool_], support: Support, owner: str = ""
) -> str:
    """Say the same of a metric that was not estimated by a formula."""
    if metric.kind == "area":
        positive = task.positive[members]
        m, k = int(positive.sum()), int((~positive).sum())
        reason = too_few(m, support.events, "positive records", owner)
        return reason or too_few(k, support.events, "negative records", owner)
    counted = task.parts(metric)[0] if metric.kind in ("share", "mean") else np.ones(len(task), dtype=bool)
    needed, name = _denominator(metric, support)
    return too_few(int((members & counted).sum()), needed, name, owner)


def too_few(count: int, needed: int, name: str, owner: str) -> str:
    """Say that a count is below what is needed; empty when it is not.

    Examples
    --------
    >>> too_few(1, 10, "positive records", ""), too_few(10, 10, "positive records", "")
    ('1 positive record, 10 are needed', '')
    """
    if count == 1:
        name = name.replace("records", "record").replace("patients", "patient")
    return f"{owner}{count} {name}, {needed} are needed" if count < needed else ""


def least_size(metric: Metric, mix: tuple[float, ...], support: Support) -> int:
    """Return the records a slice needs for the support rule alone, given how many of them count."""
    needed = support.events if metric.kind == "area" else _denominator(metric, support)[0]
    return max(math.ceil(needed / share) if share > 0 else needed for share in mix)


def _denominator(metric: Metric, support: Support) -> tuple[int, str]:
    return {
        "sensitivity": (support.events, "positive records"),
        "specificity": (support.events, "negative records"),
        "precision": (support.events, "records called positive"),
    }.get(metric.name, (support.records, "records"))
