"""Which confirmed candidate comes first: much evidence where it lies, many errors, and members that keep together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .evidence import Evidence
from .rule import Projection, Rule

STRONG = 12.0
"""A p of ten to the minus this, or less, is as strong as evidence gets when slices are ranked."""

N_AXES = 8
"""Directions of a view in which likeness is measured."""

N_NEIGHBOURS = 10
"""Records of its own class that each record is compared with."""

FLOOR = 0.1
"""What a slice whose members keep together no more than any records of their class still counts."""

MOST_VALUES = 12
"""A column of words with more values than this says nothing of likeness."""

FALSE_ALARM = 0.5
"""What a false alarm counts beside a finding that is missed."""

METADATA = " metadata"
"""The view made of the metadata; a name that no embedding has."""


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
    positive : int, optional
        Of two classes the one that is a finding; None, or more classes: all errors count alike.

    Notes
    -----
    The worth of a candidate is the root of the evidence that lies where it does times its error rate, times how much its
    members keep together. In the error rate a false alarm counts half: a model that takes some ill records for healthy
    takes healthy ones that look like them for ill too, and of these two finds the missed records come first. Evidence is
    the sum of -log10 p of all confirmed candidates, each weighted by its overlap (Jaccard). Members keep together when
    their nearest neighbours within the class are members too, on average over the views. The model's own view and the one
    the rule is made of count half: near the model's boundary many kinds of records meet, all of them badly predicted, and
    hold together in the model's embedding alone; and any range of a column holds together in that column. Of some fifty
    rankings this one was chosen by its means over problems of digits, radiographs, tables, signals, reports and films;
    fits of many features, tried with one problem left out at a time, were no better.
    """

    def __init__(
        self,
        confirmed: Sequence[tuple[NDArray[np.bool_], float]],
        evidence: Evidence,
        positive: int | None = None,
    ) -> None:
        self.confirmed = confirmed
        self.weights = [min(-math.log10(max(p, 1e-300)), STRONG) for _, p in confirmed]
        self.evidence = evidence
        self.near = {name: _neighbours(points, evidence) for name, points in views(evidence).items()}
        alike = positive is None or evidence.proba.shape[1] != 2
        self.harm = np.where(alike | (evidence.y == positive), 1.0, FALSE_ALARM)

    def worth(self, inside: NDArray[np.bool_], error_rate: float, made_of: str) -> float:
        """Return what a candidate is ranked by.

        Parameters
        ----------
        inside : ndarray of bool of shape (n_records,)
            Its members.
        error_rate : float
            Theirs, on the records that tested it.
        made_of : str
            The view its rule looks at.
        """
        together = max(FLOOR + self.likeness(inside, made_of), 0.001)
        wrong = inside & self.evidence.errors
        harm = error_rate * (float(self.harm[wrong].mean()) if wrong.any() else 1.0)
        return math.sqrt(self.support(inside) * (harm + 0.02)) * together

    def support(self, inside: NDArray[np.bool_]) -> float:
        """Return how much evidence lies where a candidate does, its own included."""
        return sum(
            weight * jaccard(inside, other)
            for weight, (other, _) in zip(self.weights, self.confirmed, strict=True)
        )

    def likeness(self, inside: NDArray[np.bool_], made_of: str) -> float:
        """Return how much members keep together: 1 when all neighbours are members, 0 when as many as by chance."""
        y = self.evidence.y
        share = np.zeros(int(y.max(initial=0)) + 1)
        for label in np.unique(y):
            share[label] = inside[y == label].mean()
        chance = float(share[y[inside]].mean()) if inside.any() else 1.0
        if not self.near or chance >= 1:
            return 0.0
        return (float(self._around(inside, made_of)[inside].mean()) - chance) / (1 - chance)

    def typical(
        self, inside: NDArray[np.bool_], made_of: str, *shares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return how typical of a slice each of its members is, from 0 to 1; of others it says nothing.

        Parameters
        ----------
        inside : ndarray of bool of shape (n_records,)
            The members.
        made_of : str
            The view its rule looks at.
        *shares : ndarray of shape (n_records,)
            What else speaks for each record, from 0 to 1. Two more are averaged with them: the doubt around the record,
            and how many members are around it, each 1 where a member has most of it.
        """
        around = [self._around(values, made_of) for values in (self.evidence.doubt, inside)]
        most = [max(float(part[inside].max(initial=0.0)), 1e-12) for part in around]
        parts = [*shares, *(part / top for part, top in zip(around, most, strict=True))]
        found: NDArray[np.float64] = np.minimum(np.mean(parts, axis=0), 1.0)
        return found

    def _around(self, values: NDArray[Any], made_of: str) -> NDArray[np.float64]:
        """Return the mean of each record's nearest neighbours of its class, on average over the views.

        The model's own view and the one the rule is made of count half.
        """
        if not self.near:
            return np.zeros(len(self.evidence))
        own = next(iter(self.evidence.embeddings), "")
        weights = [0.5 if name in (own, made_of) else 1.0 for name in self.near]
        found: NDArray[np.float64] = np.average(
            [values[near].mean(axis=1) for near in self.near.values()], axis=0, weights=weights
        )
        return found

    def records(self) -> NDArray[np.float64]:
        """Return how much evidence points at each record, 1 for the most."""
        total = np.zeros(len(self.evidence))
        for weight, (inside, _) in zip(self.weights, self.confirmed, strict=True):
            total += weight * inside
        return total / max(float(total.max(initial=0.0)), 1e-12)


def made_of(rule: Rule) -> str:
    """Return the view that a rule looks at."""
    projection = getattr(rule, "projection", None)
    return METADATA if projection is None else str(projection.view)


def views(evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    """Return the leading directions of each embedding and of the metadata."""
    given = dict(evidence.embeddings)
    columns = [part for column in evidence.metadata.values() for part in _standard(column)]
    if columns:
        given[METADATA] = np.stack(columns, axis=1)
    found = {
        name: Projection.fit(name, values, N_AXES, whiten=False)({name: values})
        for name, values in given.items()
    }
    return {name: points for name, points in found.items() if points.shape[1]}


def _neighbours(points: NDArray[np.float64], evidence: Evidence) -> NDArray[np.intp]:
    """Return the rows of each record's nearest neighbours within its class, of shape (n_records, N_NEIGHBOURS).

    Of a class with fewer records they repeat; a record that is alone in its class is its own neighbour.
    """
    near = np.repeat(np.arange(len(points))[:, None], N_NEIGHBOURS, axis=1)
    for label in evidence.classes:
        rows = np.flatnonzero(evidence.y == label)
        n_near = min(N_NEIGHBOURS, len(rows) - 1)
        if n_near > 0:
            _, nearest = cKDTree(points[rows]).query(points[rows], k=n_near + 1)
            near[rows] = rows[nearest[:, 1 + np.arange(N_NEIGHBOURS) % n_near]]
    return near


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
