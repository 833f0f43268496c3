"""Taking away a shortcut: weights under which the class cannot be guessed from a drain, a device or a site."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .targets import Targets, as_targets

CLIP = 20.0


def remove_shortcut(
    labels: ArrayLike, attribute: ArrayLike, covered: ArrayLike | None = None, *, clip: float = CLIP
) -> Targets:
    """Return labels weighted so that class and attribute are independent of each other.

    Where most films with a drain show a pneumothorax, a network learns to see drains. Records in rare combinations of
    class and attribute are made to count more, as often as they would be met if the two had nothing to do with each other.
    Fit with ``fit(signals, targets.proba, targets.weight)``.

    Parameters
    ----------
    labels : array-like of shape (n_records, n_classes) or (n_records,)
        Probabilities, or class numbers with -1 where there is none.
    attribute : array-like of shape (n_records,)
        What may be the shortcut: any values, two or more of them. It is only needed for training.
    covered : array-like of shape (n_records,), optional
        False where no function voted.
    clip : float, default 20.0
        Largest weight of a combination.

    References
    ----------
    M. Makar et al., "Causally motivated shortcut removal using auxiliary labels", AISTATS 2022: u = p(y) p(v) / p(y, v),
    here with expected counts, since the class is known by its probability only.

    Examples
    --------
    >>> drained = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    >>> remove_shortcut([1, 1, 1, 1, 0, 0, 0, 0], drained).weight.astype(float).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0, 2.0, 0.67, 0.67, 0.67]
    """
    targets = as_targets(labels, covered)
    values = np.asarray(attribute)
    if values.shape != (len(targets.proba),):
        raise ValueError(f"attribute has shape {values.shape} for {len(targets.proba)} records")
    if not clip >= 1:
        raise ValueError(f"clip is {clip}; it is at least 1")
    kinds, kind = np.unique(values, return_inverse=True)
    mass = targets.proba.astype(np.float64) * targets.weight[:, None]
    joint = np.zeros((len(kinds), targets.n_classes))
    np.add.at(joint, kind, mass)
    total = max(joint.sum(), 1e-12)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True) / total
    weights = np.minimum(np.where(joint > 0, apart / np.maximum(joint, 1e-12), 1.0), clip)
    moved = mass * weights[kind]
    weight = moved.sum(axis=1)
    weight *= targets.weight.sum() / max(weight.sum(), 1e-12)
    proba: NDArray[np.float64] = np.where(
        weight[:, None] > 0, moved / np.maximum(moved.sum(axis=1, keepdims=True), 1e-12), targets.proba
    )
    return Targets(proba.astype(np.float32), weight.astype(np.float32))
