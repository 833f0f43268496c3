"""What a model learns: a distribution over the classes for each record, and how much the record counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Targets:
    """Soft labels with their weights.

    Parameters
    ----------
    proba : ndarray of shape (n_records, n_classes)
        Rows sum to 1.
    weight : ndarray of shape (n_records,)
        0 where a record is uncovered and must not teach anything.
    multi_label : bool, default False
        Each class is a finding of its own, with NaN where it is not known; rows do not sum to 1.
    """

    proba: NDArray[np.float32]
    weight: NDArray[np.float32]
    multi_label: bool = False

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.proba.shape[1])

    @property
    def used(self) -> NDArray[np.intp]:
        """Rows that count."""
        return np.flatnonzero(self.weight > 0)


def as_targets(
    labels: ArrayLike, covered: ArrayLike | None = None, *, n_classes: int | None = None
) -> Targets:
    """Return labels as `Targets`.

    Parameters
    ----------
    labels : array-like of shape (n_records, n_classes) or (n_records,)
        Probabilities, or class numbers with -1 where there is none.
    covered : array-like of shape (n_records,), optional
        False where no function voted; numbers are taken as weights.
    n_classes : int, optional
        Number of classes, when class numbers may not name them all.

    Examples
    --------
    >>> as_targets([1, -1, 0]).weight.tolist()
    [1.0, 0.0, 1.0]
    """
    values = np.asarray(labels)
    if values.ndim == 1:
        values, present = _one_hot(values, n_classes)
    else:
        present = np.ones(len(values), dtype=np.float32)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            f"proba has shape {values.shape}; it is (n_records, n_classes) with at least 2 classes"
        )
    if n_classes is not None and values.shape[1] != n_classes:
        raise ValueError(f"proba has {values.shape[1]} classes; the model has {n_classes}")
    given = present if covered is None else np.asarray(covered, dtype=np.float32)
    if given.shape != (len(values),):
        raise ValueError(f"covered has shape {given.shape} for {len(values)} records")
    weight = present if covered is None else present * given
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("covered holds weights below 0 or not finite")
    counts = values[weight > 0]
    wrong = ~np.isfinite(counts).all(axis=1) | (counts < 0).any(axis=1) | (abs(counts.sum(axis=1) - 1) > 1e-4)
    if wrong.any():
        row = int(np.flatnonzero(weight > 0)[np.argmax(wrong)])
        raise ValueError(
            f"proba[{row}] is no distribution: entries of at least 0 that add up to 1 are needed"
        )
    proba = np.where(weight[:, None] > 0, values, 1 / values.shape[1]).astype(np.float32)
    return Targets(proba, weight)


def targets_of_texts(texts: Sequence[str], proba: ArrayLike, covered: ArrayLike | None) -> Targets:
    """Return labels of reports; refuse those that do not belong together or teach nothing."""
    targets = as_targets(proba, covered)
    if len(texts) != len(targets.proba):
        raise ValueError(f"{len(texts)} texts but {len(targets.proba)} rows of labels")
    if not len(targets.used):
        raise ValueError("no row is covered: there is nothing to learn from")
    return targets


def _one_hot(
    values: NDArray[np.generic], n_classes: int | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return class numbers as distributions, and 0 as the weight of -1."""
    if values.dtype.kind == "O":
        values = np.asarray(values.tolist())
    if values.dtype.kind not in "iufb":  # text would be quoted by NumPy's own message
        raise TypeError(
            "labels of shape (n_records,) are class numbers, -1 where there is none; LabelSchema.index gives a name's"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(
            f"labels[{int(np.argmin(np.isfinite(values)))}] is not finite; a missing label is -1"
        )
    numbers = values.astype(np.int64)
    if (numbers != values.astype(np.float64)).any():
        raise ValueError("labels of shape (n_records,) are class numbers, -1 where there is none")
    cardinality = max(2, int(numbers.max(initial=1)) + 1) if n_classes is None else n_classes
    if (numbers < -1).any() or (numbers >= cardinality).any():
        row = int(np.argmax((numbers < -1) | (numbers >= cardinality)))
        raise ValueError(f"labels[{row}] is {numbers[row]}; a class is 0..{cardinality - 1}, or -1 for none")
    known = numbers >= 0
    proba = np.eye(cardinality, dtype=np.float32)[np.where(known, numbers, 0)]
    return proba, known.astype(np.float32)
