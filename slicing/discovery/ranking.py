"""Which confirmed candidate comes first: much evidence where it lies, and members that are alike in other views too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence
from .rule import Projection

STRONG = 12.0
"""A p of ten to the minus this, or less, is as strong as evidence gets when slices are ranked."""

N_AXES = 8
"""Directions of a view in which likeness is measured."""

FLOOR = 0.1
"""What a slice of members no more alike than their class still counts."""

MOST_VALUES = 12
"""A column of words with more values than this says nothing of likeness."""


def jaccard(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the share of the members of either that belong to both."""
    return float(np.sum(first & second) / max(int(np.sum(first | second)), 1))


class Ranking:
    """Worth of candidates, from all those that were confirmed.

    Parameters
    ----------
    confirmed : sequence of (ndarray of bool of shape (n_records,), float)
        Members and p of each confirmed candidate.
    evidence : Evidence
        The records searched; the first of its embeddings is taken for the audited model's own.

    Notes
    -----
    The worth of a candidate is the root of the evidence that lies where it does, times how much alike its members are.
    Evidence is the sum of -log10 p of all confirmed candidates, each weighted by its overlap (Jaccard). Likeness is one
    minus the members' variance over their class's, on average over the views that are not the model's own: near the
    model's boundary many kinds of records meet, all of them badly predicted, and such a meeting place is a slice in the
    model's embedding alone. Of a dozen rankings this one was chosen by leaving out one problem at a time, on
    problems of digits, radiographs and tables.
    """

    def __init__(self, confirmed: Sequence[tuple[NDArray[np.bool_], float]], evidence: Evidence) -> None:
        self.confirmed = confirmed
        self.weights = [min(-math.log10(max(p, 1e-300)), STRONG) for _, p in confirmed]
        self.evidence = evidence
        self.views = independent_views(evidence)

    def worth(self, inside: NDArray[np.bool_], label: int | None) -> float:
        """Return what a candidate is ranked by."""
        return math.sqrt(self.support(inside)) * max(FLOOR + self.likeness(inside, label), 0.001)

    def support(self, inside: NDArray[np.bool_]) -> float:
        """Return how much evidence lies where a candidate does, its own included."""
        return sum(
            weight * jaccard(inside, other)
            for weight, (other, _) in zip(self.weights, self.confirmed, strict=True)
        )

    def likeness(self, inside: NDArray[np.bool_], label: int | None) -> float:
        """Return how much more alike members are than their class: 1 for copies, 0 for any records of it."""
        everyone = np.ones(len(inside), dtype=bool) if label is None else self.evidence.y == label
        found = []
        for view in self.views:
            own, whole = _spread(view[inside]), _spread(view[everyone])
            found.append(1 - own / whole if whole > 0 else 0.0)
        return float(np.mean(found)) if found else 0.0

    def records(self) -> NDArray[np.float64]:
        """Return how much evidence points at each record, 1 for the most."""
        total = np.zeros(len(self.evidence))
        for weight, (inside, _) in zip(self.weights, self.confirmed, strict=True):
            total += weight * inside
        return total / max(float(total.max(initial=0.0)), 1e-12)


def independent_views(evidence: Evidence) -> list[NDArray[np.float64]]:
    """Return the metadata and all embeddings but the first; the first alone when there is nothing else."""
    names = list(evidence.embeddings)
    views = [_reduced(name, evidence) for name in names[1:]]
    columns = [part for column in evidence.metadata.values() for part in _standard(column)]
    if columns:
        views.append(np.stack(columns, axis=1))
    return views or [_reduced(name, evidence) for name in names]


def _reduced(name: str, evidence: Evidence) -> NDArray[np.float64]:
    return Projection.fit(name, evidence.embeddings[name], N_AXES, whiten=False)(evidence.embeddings)


def _standard(column: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Return a column as numbers of mean 0 and variance 1; words as one column a value."""
    if column.dtype.kind == "f":
        parts = [column]
    else:
        values = np.unique(column)
        parts = [(column == value).astype(float) for value in values] if len(values) <= MOST_VALUES else []
    found = []
    for part in parts:
        known = ~np.isnan(part)
        spread = float(part[known].std()) if known.any() else 0.0
        if spread > 0:
            found.append(np.where(known, (part - part[known].mean()) / spread, 0.0))
    return found


def _spread(points: NDArray[np.float64]) -> float:
    return float(points.var(axis=0).sum()) if len(points) else 0.0
