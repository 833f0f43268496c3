"""Rules: what a slice is, frozen, so that it can be asked of records it was not found on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.special import logsumexp

from .evidence import Evidence

Scores = NDArray[np.float64]


class Rule(Protocol):
    """Scores of membership in [0, 1], a member from 0.5 on; it never looks at predictions."""

    @property
    def label(self) -> int | None:
        """The class the slice lies within; None for all."""

    @property
    def method(self) -> str:
        """The name of the discoverer."""

    def score(self, evidence: Evidence) -> Scores:
        """Return scores of shape (n_records,), the class aside."""

    def words(self) -> str:
        """Return the rule for people."""


def members(rule: Rule, evidence: Evidence) -> NDArray[np.bool_]:
    """Return who belongs: a score of at least 0.5, and the rule's class."""
    inside = rule.score(evidence) >= 0.5
    return inside if rule.label is None else inside & (evidence.y == rule.label)


@dataclass(frozen=True, eq=False)
class Projection:
    """An embedding's leading directions, each with unit variance."""

    view: str
    mean: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def fit(cls, view: str, values: NDArray[np.float64], n_axes: int, *, whiten: bool = True) -> Projection:
        """Find the directions of largest variance; with `whiten` all count alike."""
        mean = values.mean(axis=0)
        _, sizes, axes = np.linalg.svd(values - mean, full_matrices=False)
        kept = sizes > max(1e-6 * float(sizes.max(initial=0.0)), 1e-12)
        axes, sizes = axes[kept][:n_axes].T, sizes[kept][:n_axes]
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        spread = sizes / np.sqrt(max(len(values), 1))
        scale = spread if whiten else np.full(len(spread), float(spread.max(initial=1.0)))
        return cls(view, mean, axes * signs / scale)

    def __call__(self, embeddings: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """Return coordinates of shape (n_records, n_axes)."""
        if self.view not in embeddings:
            raise ValueError(f"this slice is made of the embedding {self.view!r}, which is not given")
        values = np.asarray(embeddings[self.view], dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.mean):
            raise ValueError(
                f"embedding {self.view!r} has shape {values.shape}; {len(self.mean)} columns are needed"
            )
        found: NDArray[np.float64] = (values - self.mean) @ self.axes
        return found


@dataclass(frozen=True, eq=False)
class ComponentRule:
    """One component of a Gaussian mixture: who is likelier its own than all others' together."""

    method: str
    projection: Projection
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    log_weights: NDArray[np.float64]
    component: int
    label: int | None = None

    def score(self, evidence: Evidence) -> Scores:
        """Return the responsibility of the component."""
        return responsibilities(
            self.projection(evidence.embeddings), self.means, self.variances, self.log_weights
        )[:, self.component]

    def words(self) -> str:
        """Return the rule for people."""
        return f"group {self.component + 1} of {len(self.means)} in the embedding {self.projection.view!r}"


def responsibilities(
    points: NDArray[np.float64],
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
    log_weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return each point's probability of each diagonal Gaussian, of shape (n_points, n_components)."""
    log_density = np.empty((len(points), len(means)))
    for component, (mean, variance) in enumerate(zip(means, variances, strict=True)):
        distance = ((points - mean) ** 2 / variance).sum(axis=1) + np.log(variance).sum()
        log_density[:, component] = log_weights[component] - distance / 2
    found: NDArray[np.float64] = np.exp(log_density - logsumexp(log_density, axis=1, keepdims=True))
    return found


@dataclass(frozen=True, eq=False)
class BallRule:
    """Everyone within a distance of a centre."""

    method: str
    projection: Projection
    centre: NDArray[np.float64]
    radius: float
    label: int | None = None

    def score(self, evidence: Evidence) -> Scores:
        """Return one half at the edge, one at the centre."""
        distance = np.linalg.norm(self.projection(evidence.embeddings) - self.centre, axis=1)
        found: Scores = 1 / (1 + (distance / self.radius) ** 4)
        return found

    def words(self) -> str:
        """Return the rule for people."""
        return f"within {self.radius:.2g} of a centre in the embedding {self.projection.view!r}"


@dataclass(frozen=True, eq=False)
class NeighbourRule:
    """Whoever is nearest to members among the records that were searched."""

    method: str
    projection: Projection
    points: NDArray[np.float64]
    inside: NDArray[np.bool_]
    label: int | None = None
    n_neighbours: int = 7

    def score(self, evidence: Evidence) -> Scores:
        """Return the share of members among the nearest, nearer ones counting more."""
        tree = cKDTree(self.points)
        n_nearest = min(self.n_neighbours, len(self.points))
        distance, nearest = tree.query(self.projection(evidence.embeddings), k=n_nearest)
        weight = 1 / np.maximum(distance.reshape(-1, n_nearest), 1e-6)
        votes = self.inside[nearest.reshape(-1, n_nearest)]
        found: Scores = (weight * votes).sum(axis=1) / weight.sum(axis=1)
        return found

    def words(self) -> str:
        """Return the rule for people."""
        return f"near {int(self.inside.sum())} records in the embedding {self.projection.view!r}"


@dataclass(frozen=True)
class Condition:
    """One predicate of a rule: a range of a number, values of a word, that either is missing, or a term of the text.

    Parameters
    ----------
    column : str
        Column of the metadata; "text" with a `term`.
    low, high : float
        The number is above `low` and at most `high`; with `outside` it is not, as a laboratory value out of its usual range.
    value : str or tuple of str, optional
        The word to be equal to, or several of which one is; empty for a word, or a number, that is missing.
    term : str, optional
        The words the text holds.
    outside : bool, default False
        Whether the number is to be outside the range.
    """

    column: str
    low: float = -np.inf
    high: float = np.inf
    value: str | tuple[str, ...] | None = None
    term: str | None = None
    outside: bool = False

    def __call__(self, metadata: Mapping[str, NDArray[Any]], text: Any = None) -> NDArray[np.bool_]:
        """Return who fulfils it; what is missing does not."""
        if self.term is not None:
            if text is None:
                raise ValueError("this slice is made of words, and no text is given")
            return np.array([f" {self.term} " in normalised(words) for words in text], dtype=bool)
        if self.column not in metadata:
            raise ValueError(f"this slice is made of the column {self.column!r}, which is not given")
        column = metadata[self.column]
        if self.value == "" and np.asarray(column).dtype.kind == "f":
            return np.isnan(np.asarray(column, dtype=np.float64))
        if self.value is not None:
            return np.isin(np.asarray(column).astype(np.str_), self.value)
        numbers = np.asarray(column, dtype=np.float64)
        within = (numbers > self.low) & (numbers <= self.high)
        return np.asarray(~within & ~np.isnan(numbers) if self.outside else within)

    def __str__(self) -> str:
        if self.term is not None:
            return f'text holds "{self.term}"'
        if self.value is not None:
            values = (self.value,) if isinstance(self.value, str) else self.value
            return f"{self.column} is {' or '.join(value or 'missing' for value in values)}"
        if np.isinf(self.low):
            return f"{self.column} <= {self.high:.3g}"
        if np.isinf(self.high):
            return f"{self.column} > {self.low:.3g}"
        if self.outside:
            return f"{self.column} <= {self.low:.3g} or > {self.high:.3g}"
        return f"{self.low:.3g} < {self.column} <= {self.high:.3g}"


def normalised(text: str) -> str:
    """Return lower-case words, each between blanks."""
    return " " + " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) + " "


@dataclass(frozen=True)
class ConditionRule:
    """All of a few conditions."""

    method: str
    conditions: tuple[Condition, ...]
    label: int | None = None

    def score(self, evidence: Evidence) -> Scores:
        """Return one for members, zero for others."""
        inside = np.ones(len(evidence), dtype=bool)
        for condition in self.conditions:
            inside &= condition(evidence.metadata, evidence.text)
        return inside.astype(np.float64)

    def words(self) -> str:
        """Return the rule for people."""
        return " and ".join(str(condition) for condition in self.conditions)
