"""What discovery may look at: labels, predictions, embeddings, metadata and words of the same records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import group_codes


@dataclass(frozen=True, eq=False)
class Evidence:
    """Records with everything a slice may be made of, and the errors it is to explain.

    Parameters
    ----------
    y : ndarray of int of shape (n_records,)
        Gold classes.
    proba : ndarray of shape (n_records, n_classes)
        The model's probabilities.
    patients : ndarray of int of shape (n_records,)
        Number of each record's patient.
    embeddings : mapping of str to ndarray of shape (n_records, n_features)
        Views of the records: the model's features, an independent encoder's, a report's.
    metadata : mapping of str to ndarray of shape (n_records,)
        Columns of numbers or of words.
    text : tuple of str, optional
        The reports.
    """

    y: NDArray[np.int64]
    proba: NDArray[np.float64]
    patients: NDArray[np.intp]
    embeddings: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    metadata: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    text: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def errors(self) -> NDArray[np.bool_]:
        """Whether the likeliest class is the wrong one."""
        return np.asarray(self.proba.argmax(axis=1) != self.y)

    @cached_property
    def doubt(self) -> NDArray[np.float64]:
        """One minus the probability of the gold class."""
        return 1 - self.proba[np.arange(len(self.y)), self.y]

    @cached_property
    def expected(self) -> NDArray[np.float64]:
        """The error rate of each record's class: what to expect where nothing is hidden."""
        rates = np.zeros(self.proba.shape[1])
        for label in np.unique(self.y):
            rates[label] = self.errors[self.y == label].mean()
        return rates[self.y]

    @property
    def classes(self) -> list[int]:
        """The classes there are."""
        return [int(label) for label in np.unique(self.y)]

    def take(self, rows: ArrayLike) -> Self:
        """Return the evidence of some records."""
        keep = np.arange(len(self))[np.asarray(rows)]
        return replace(
            self,
            y=self.y[keep],
            proba=self.proba[keep],
            patients=self.patients[keep],
            embeddings={name: values[keep] for name, values in self.embeddings.items()},
            metadata={name: values[keep] for name, values in self.metadata.items()},
            text=None if self.text is None else tuple(self.text[row] for row in keep),
        )


def as_evidence(
    y: ArrayLike,
    proba: ArrayLike,
    *,
    embeddings: Any = None,
    metadata: Any = None,
    text: Sequence[str] | None = None,
    patients: ArrayLike | None = None,
) -> Evidence:
    """Check what the user brings, once, and return it as `Evidence`.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        Gold as class numbers.
    proba : array-like of shape (n_records,) or (n_records, n_classes)
        Probabilities, of class 1 when there is one column.
    embeddings : array-like of shape (n_records, n_features) or mapping of name to such, optional
        One array is called "embedding".
    metadata : DataFrame or mapping of name to column, optional
    text : sequence of str, optional
    patients : array-like of shape (n_records,), optional
        Each record is a patient of its own when not given.
    """
    scores = np.asarray(proba, dtype=np.float64)
    scores = np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores
    gold = np.asarray(y)
    n = len(gold)
    if gold.ndim != 1 or scores.ndim != 2 or len(scores) != n:
        raise ValueError(f"y has shape {gold.shape} and proba {scores.shape}; one row a record is needed")
    if n == 0:
        raise ValueError("y is empty: there is nothing to search")
    gold = gold.astype(np.int64)
    if (gold < 0).any() or (gold >= scores.shape[1]).any():
        row = int(np.argmax((gold < 0) | (gold >= scores.shape[1])))
        raise ValueError(f"y[{row}] is {gold[row]}; discovery needs gold of 0..{scores.shape[1] - 1}")
    if not np.isfinite(scores).all():
        raise ValueError(f"proba is not finite in row {int(np.argmax(~np.isfinite(scores).all(axis=1)))}")
    given = (
        embeddings
        if isinstance(embeddings, Mapping)
        else {}
        if embeddings is None
        else {"embedding": embeddings}
    )
    views = {str(name): _view(str(name), values, n) for name, values in given.items()}
    columns = {}
    for name in [] if metadata is None else list(metadata.keys()):
        column = np.asarray(metadata[name])
        if column.shape != (n,):
            raise ValueError(f"metadata {name!r} has shape {column.shape} for {n} records")
        columns[str(name)] = _column(column)
    if text is not None and len(text) != n:
        raise ValueError(f"text has {len(text)} entries for {n} records")
    words = None if text is None else tuple("" if words is None else str(words) for words in text)
    codes, _ = group_codes(None if patients is None else np.asarray(patients), n)
    return Evidence(gold, scores, codes, views, columns, words)


def _view(name: str, values: ArrayLike, n_records: int) -> NDArray[np.float64]:
    view = np.asarray(values, dtype=np.float64)
    if view.ndim != 2 or len(view) != n_records:
        raise ValueError(f"embedding {name!r} has shape {view.shape} for {n_records} records")
    if not np.isfinite(view).all():
        raise ValueError(
            f"embedding {name!r} is not finite in row {int(np.argmax(~np.isfinite(view).all(axis=1)))}"
        )
    return view


def _column(column: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as float64 with NaN where missing, all else as str."""
    if column.dtype.kind in "iufb":
        return column.astype(np.float64)
    values = column.tolist()
    if values and all(value is None or isinstance(value, int | float | np.number) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    return np.array(["" if value is None or value != value else str(value) for value in values])
