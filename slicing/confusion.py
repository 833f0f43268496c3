"""Confusion as a distribution over trees of labels: condition, marginalise, nest, roll up, filter, and read off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sidelight.labeling.statistics import group_codes

from .confusion_table import SEPARATOR, UNKNOWN, ConfusionTable, Normalize, normalized
from .matrix import as_slices

Side: TypeAlias = Literal["actual", "observed"]

MISSING = "missing"
"""The label of a prediction that is not there: wrong, and never dropped."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """Actual and observed labels of some records, in one or several dimensions, as a distribution.

    Labels are paths such as ``fracture/hip/subtle``; the part before a slash is the node above. A label that stops
    early on the actual side is written ``fracture/?``: a fracture whose kind is not known.

    Parameters
    ----------
    classes : mapping of str to tuple of str
        The labels of each dimension, in the order they are shown.
    actual, observed : ndarray of int of shape (n_rows, n_dimensions)
        Position of each row's label among its dimension's classes.
    weight : ndarray of float of shape (n_rows,)
        Mass of each row.
    patients : ndarray of int of shape (n_rows,)
        The patient of each row.
    members : mapping of str to ndarray of bool
        Slices that `where` can condition on.
    dropped : float
        Share of the mass that `only` has taken away.
    """

    classes: Mapping[str, tuple[str, ...]]
    actual: NDArray[np.int64]
    observed: NDArray[np.int64]
    weight: NDArray[np.float64]
    patients: NDArray[np.intp]
    members: Mapping[str, NDArray[np.bool_]]
    dropped: float = 0.0

    @classmethod
    def of(
        cls,
        actual: Mapping[str, Sequence[str | None]],
        observed: Mapping[str, Sequence[str | None]],
        *,
        classes: Mapping[str, Sequence[str]] | None = None,
        slices: Any = None,
        patients: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Self:
        """Build the distribution from labels.

        Parameters
        ----------
        actual, observed : mapping of dimension to labels of shape (n_records,)
            The same dimensions on both sides. A record without an actual label in some dimension is left out; one
            without an observed label is kept, as "missing".
        classes : mapping of dimension to labels, optional
            Order of the labels; those that occur and are not named follow, sorted.
        slices : SliceMatrix or whatever `as_slices` takes, optional
            Membership to condition on.
        patients, weight : array-like of shape (n_records,), optional
            The patient and the mass of each record (a survey's weight, say).

        Examples
        --------
        >>> confusion = Confusion.of(
        ...     {"finding": ["none", "fracture/hip", "fracture/rib", "fracture/rib"]},
        ...     {"finding": ["none", "fracture/rib", "fracture/rib", "none"]},
        ... )
        >>> confusion.level("finding", 1).table().counts.tolist()
        [[2.0, 1.0], [0.0, 1.0]]
        """
        if set(actual) != set(observed) or not actual:
            raise ValueError(f"actual has the dimensions {sorted(actual)}, observed {sorted(observed)}")
        sizes = {len(labels) for side in (actual, observed) for labels in side.values()}
        if len(sizes) != 1:
            raise ValueError(f"labels have {sorted(sizes)} records; they must agree")
        n = sizes.pop()
        keep = np.ones(n, dtype=bool)
        for labels in actual.values():
            keep &= np.array([label is not None for label in labels], dtype=bool)
        names: dict[str, tuple[str, ...]] = {}
        coded: dict[str, list[NDArray[np.int64]]] = {"actual": [], "observed": []}
        for dimension in actual:
            sides = {
                "actual": [MISSING if label is None else label for label in actual[dimension]],
                "observed": [MISSING if label is None else label for label in observed[dimension]],
            }
            used = {label for row, label in enumerate(sides["actual"]) if keep[row]} | set(sides["observed"])
            names[dimension] = _ordered(used, (classes or {}).get(dimension, ()))
            place = {label: code for code, label in enumerate(names[dimension])}
            for side, labels in sides.items():
                coded[side].append(np.array([place.get(label, 0) for label in labels], dtype=np.int64))
        mass = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
        if mass.shape != (n,) or np.any(mass < 0) or not np.all(np.isfinite(mass)):
            raise ValueError(f"weight is one number of at least 0 for each of {n} records")
        matrix = as_slices({} if slices is None else slices, n_records=n if slices is not None else None)
        return cls(
            names,
            np.stack(coded["actual"], axis=1)[keep],
            np.stack(coded["observed"], axis=1)[keep],
            mass[keep],
            group_codes(None if patients is None else np.asarray(patients)[keep], int(keep.sum()))[0],
            {name: matrix[name][keep] for name in matrix.names},
        )

    @classmethod
    def expected(
        cls,
        proba: ArrayLike,
        observed: Sequence[str],
        classes: Sequence[str],
        *,
        dimension: str = "label",
        patients: ArrayLike | None = None,
    ) -> Self:
        """Build the distribution expected when the actual labels are known by their probabilities alone.

        Right when `proba` is calibrated and `observed` tells no more of the actual label than `proba` does. A model
        that knows more than these labels looks worse here than it is, and one that shares their errors (it was
        trained on them) looks better: never set such a view beside one against gold.

        Parameters
        ----------
        proba : array-like of shape (n_records, n_classes)
            Probabilities of the actual labels.
        observed : sequence of str
            What is to be judged.
        classes : sequence of str
            Names of the columns of `proba`.
        """
        values = np.asarray(proba, dtype=np.float64)
        if values.ndim != 2 or values.shape != (len(observed), len(classes)):
            raise ValueError(
                f"proba has shape {values.shape} for {len(observed)} records of {len(classes)} classes"
            )
        rows, columns = np.nonzero(values)
        groups = np.arange(len(values)) if patients is None else np.asarray(patients)
        return cls.of(
            {dimension: [classes[column] for column in columns.tolist()]},
            {dimension: [observed[row] for row in rows.tolist()]},
            classes={dimension: classes},
            patients=groups[rows],
            weight=values[rows, columns],
        )

    # -- the algebra -------------------------------------------------------------------------------

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(self.classes)

    @property
    def mass(self) -> float:
        """Sum of the weights: the number of records where each counts once."""
        return float(self.weight.sum())

    def where(
        self,
        dimension: str | None = None,
        under: str | Iterable[str] = (),
        *,
        side: Side = "actual",
        slice: str | None = None,  # noqa: A002 (the word users know)
        wrong: str | None = None,
    ) -> Self:
        """Return the distribution given a condition; several conditions in one call must all hold.

        Parameters
        ----------
        dimension, under : str, str or several
            The label of this dimension lies at or below one of these nodes.
        side : {"actual", "observed"}, default "actual"
            Whose label. Given what is observed, rows no longer tell recall.
        slice : str, optional
            The record belongs to this slice.
        wrong : str, optional
            Actual and observed labels of this dimension differ.
        """
        chosen = np.ones(len(self.weight), dtype=bool)
        if dimension is not None:
            nodes = (under,) if isinstance(under, str) else tuple(under)
            column = self.column(dimension)
            labels = self.actual if side == "actual" else self.observed
            if side not in ("actual", "observed"):
                raise ValueError(f"side is {side!r}; it is 'actual' or 'observed'")
            chosen &= self.under(dimension, nodes)[labels[:, column]]
        if slice is not None:
            if slice not in self.members:
                raise ValueError(f"no slice called {slice!r}; there are {', '.join(self.members) or 'none'}")
            chosen &= self.members[slice]
        if wrong is not None:
            column = self.column(wrong)
            chosen &= self.actual[:, column] != self.observed[:, column]
        return self._rows(chosen)

    def keep(self, *dimensions: str) -> Self:
        """Return the distribution of some dimensions, in this order; the others are summed out."""
        columns = [self.column(dimension) for dimension in dimensions]
        if not columns or len(set(columns)) != len(columns):
            raise ValueError("keep needs at least one dimension, and each once")
        classes = {dimension: self.classes[dimension] for dimension in dimensions}
        return replace(
            self, classes=classes, actual=self.actual[:, columns], observed=self.observed[:, columns]
        )

    def nest(self, *dimensions: str) -> Self:
        """Return one dimension whose labels are those of the first, below each of them the second's, and so on."""
        if len(dimensions) < 2 or len(set(dimensions)) != len(dimensions):
            raise ValueError("nest needs at least two dimensions, each once")
        columns = [self.column(dimension) for dimension in dimensions]
        sizes = [len(self.classes[dimension]) for dimension in dimensions]
        labels: list[str] = [""]
        for dimension in dimensions:
            labels = [
                f"{above}{SEPARATOR}{label}" if above else label
                for above in labels
                for label in self.classes[dimension]
            ]
        actual, observed = (
            np.ravel_multi_index([side[:, column] for column in columns], sizes).astype(np.int64)[:, None]
            for side in (self.actual, self.observed)
        )
        used = np.unique(np.concatenate([actual, observed]))  # the product of all is large and mostly empty
        return replace(
            self,
            classes={SEPARATOR.join(dimensions): tuple(labels[code] for code in used)},
            actual=np.searchsorted(used, actual),
            observed=np.searchsorted(used, observed),
        )

    def collapse(self, dimension: str, *nodes: str) -> Self:
        """Return the distribution with everything below each node taken for the node itself."""
        for node in nodes:
            self.under(dimension, (node,))

        def above(label: str) -> str:
            return next((node for node in nodes if label.startswith(node + SEPARATOR)), label)

        return self._relabel(dimension, above)

    def level(self, dimension: str, depth: int) -> Self:
        """Return the distribution with labels cut after `depth` parts."""
        if depth < 1:
            raise ValueError(f"depth is {depth}; at least 1 is needed")
        return self._relabel(dimension, lambda label: SEPARATOR.join(label.split(SEPARATOR)[:depth]))

    def only(self, dimension: str, *nodes: str, side: Literal["either", "both"] = "both") -> Self:
        """Return the rows whose labels lie below `nodes` on both sides, or on either; `dropped` tells what went."""
        if side not in ("either", "both"):
            raise ValueError(f"side is {side!r}; it is 'either' or 'both'")
        if not nodes:
            raise ValueError("only needs at least one node")
        column = self.column(dimension)
        below = self.under(dimension, nodes)
        actual, observed = below[self.actual[:, column]], below[self.observed[:, column]]
        rows = actual & observed if side == "both" else actual | observed
        kept = self._rows(rows)
        gone = 1 - kept.mass / self.mass if self.mass > 0 else 0.0
        return replace(kept, dropped=1 - (1 - self.dropped) * (1 - gone))

    # -- what it says ------------------------------------------------------------------------------

    def table(self, dimension: str | None = None, *, normalize: Normalize = "count") -> ConfusionTable:
        """Return actual labels against observed ones.

        Parameters
        ----------
        dimension : str, optional
            May be left out when there is one.
        normalize : {"count", "total", "row", "column"}, default "count"
            Masses; joint probabilities; P(observed given actual); P(actual given observed).
        """
        dimension = self._the(dimension)
        cells, k = self._cells(dimension)
        counts = np.bincount(cells, weights=self.weight, minlength=k * k).reshape(k, k).astype(np.float64)
        pairs = np.unique(np.stack([cells, self.patients]), axis=1)[0] if len(cells) else cells
        n_patients = np.bincount(pairs, minlength=k * k).reshape(k, k)
        return ConfusionTable(
            normalized(counts, normalize), self.classes[dimension], counts, n_patients, normalize, dimension
        )

    # -- inside ------------------------------------------------------------------------------------

    def cell_sums(self, dimension: str, order: NDArray[np.int64], n_patients: int) -> Any:
        """Return each patient's mass in each cell, sparse, of shape (n_patients, k * k); for `difference`."""
        cells, k = self._cells(dimension)
        return sparse.csr_array((self.weight, (order, cells)), shape=(n_patients, k * k))

    def _cells(self, dimension: str) -> tuple[NDArray[np.int64], int]:
        column, k = self.column(dimension), len(self.classes[dimension])
        return self.actual[:, column] * k + self.observed[:, column], k

    def _the(self, dimension: str | None) -> str:
        if dimension is None and len(self.classes) == 1:
            return self.dimensions[0]
        if dimension is None:
            raise ValueError(f"which dimension? There are {', '.join(self.dimensions)}")
        self.column(dimension)
        return dimension

    def column(self, dimension: str) -> int:
        """Return the position of a dimension."""
        if dimension not in self.classes:
            raise ValueError(f"no dimension called {dimension!r}; there are {', '.join(self.dimensions)}")
        return self.dimensions.index(dimension)

    def under(self, dimension: str, nodes: Sequence[str]) -> NDArray[np.bool_]:
        """Return which labels lie at or below one of the nodes; whole parts of a path match, never their beginnings."""
        labels = self.classes[dimension]
        below = np.zeros(len(labels), dtype=bool)
        for node in nodes:
            found = np.array(
                [label == node or label.startswith(node + SEPARATOR) for label in labels], dtype=bool
            )
            if not found.any():
                raise ValueError(f"no label of {dimension!r} lies at or below {node!r}")
            below |= found
        return below

    def _rows(self, rows: NDArray[np.bool_]) -> Self:
        members = {name: column[rows] for name, column in self.members.items()}
        return replace(
            self, actual=self.actual[rows], observed=self.observed[rows], weight=self.weight[rows],
            patients=self.patients[rows], members=members,
        )  # fmt: skip

    def _relabel(self, dimension: str, above: Any) -> Self:
        column = self.column(dimension)
        coarse = [above(label) for label in self.classes[dimension]]
        names = tuple(dict.fromkeys(coarse))
        codes = np.array([names.index(label) for label in coarse], dtype=np.int64)
        actual, observed = self.actual.copy(), self.observed.copy()
        actual[:, column], observed[:, column] = codes[actual[:, column]], codes[observed[:, column]]
        return replace(self, classes={**self.classes, dimension: names}, actual=actual, observed=observed)

    def indicators(self, dimension: str, node: str) -> NDArray[np.float64]:
        """Return each row's part in true positives, misses, false alarms and true negatives of a node."""
        column = self.column(dimension)
        below = self.under(dimension, (node,))
        partial = [
            label.endswith(SEPARATOR + UNKNOWN) and node.startswith(label[: -len(UNKNOWN)])
            for label in self.classes[dimension]
        ]
        known = ~np.array(partial, dtype=bool)[self.actual[:, column]]
        actual, observed = below[self.actual[:, column]], below[self.observed[:, column]]
        parts = [actual & observed, actual & ~observed, ~actual & observed, ~actual & ~observed]
        return np.stack([(part & known).astype(np.float64) for part in parts], axis=1)


def _ordered(used: set[str], named: Sequence[str]) -> tuple[str, ...]:
    """Return the named labels and then the others, with what hangs below one node side by side."""
    for label in [*named, *used]:
        if not isinstance(label, str) or not label or any(not part for part in label.split(SEPARATOR)):
            raise ValueError("a label is a non-empty string, or several joined by single slashes")
    if len(set(named)) != len(named):
        raise ValueError("classes names a label twice")
    inner = {
        SEPARATOR.join(label.split(SEPARATOR)[:depth])
        for label in used | set(named)
        for depth in range(1, label.count(SEPARATOR) + 1)
    }
    both = sorted(inner & (used | set(named)))
    if both:
        raise ValueError(
            f"a label stops where others go on; write {both[0] + SEPARATOR + UNKNOWN!r} where the rest is not known"
        )
    rest = sorted(used - set(named) - {MISSING})
    return (*named, *rest, *([MISSING] if MISSING in used and MISSING not in named else []))
