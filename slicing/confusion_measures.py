"""What a confusion distribution says of each node, of several dimensions together, and of two distributions."""

from __future__ import annotations

import math
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.statistics import Interval, group_codes, interval_of_draws, patient_weights

from .confusion import MISSING, Confusion
from .confusion_table import SEPARATOR, UNKNOWN, Normalize, normalized

MEASURES = (
    "recall", "precision", "specificity", "f1", "balanced_accuracy", "prevalence", "predicted_prevalence",
)  # fmt: skip


def node_measure(confusion: Confusion, dimension: str, node: str, name: str) -> float:
    """Return a measure of one node, where everything below a node is right for everything else below it.

    A record whose actual label stops above the node says nothing about it and is left out.

    Parameters
    ----------
    dimension, node : str
        Which node.
    name : {"recall", "precision", "specificity", "f1", "balanced_accuracy", "prevalence", "predicted_prevalence"}
        What to measure; NaN where nothing counts.

    Examples
    --------
    >>> confusion = Confusion.of(
    ...     {"finding": ["none", "fracture/hip", "fracture/rib", "fracture/rib"]},
    ...     {"finding": ["none", "fracture/rib", "fracture/rib", "none"]},
    ... )
    >>> [round(node_measure(confusion, "finding", node, "recall"), 2) for node in ("fracture", "fracture/hip")]
    [0.67, 0.0]
    """
    return float(_measure(confusion.weight @ confusion.indicators(dimension, node), name)[()])


def within_node(confusion: Confusion, dimension: str, node: str) -> float:
    """Return the share of the records rightly found at a node whose labels below it are confused."""
    column = confusion.column(dimension)
    below = confusion.under(dimension, (node,))
    exact = np.array([not label.endswith(SEPARATOR + UNKNOWN) for label in confusion.classes[dimension]])
    actual, observed = confusion.actual[:, column], confusion.observed[:, column]
    right = below[actual] & below[observed] & exact[actual]
    mass = confusion.weight[right].sum()
    return float(confusion.weight[right & (actual != observed)].sum() / mass) if mass > 0 else math.nan


def node_interval(
    confusion: Confusion,
    dimension: str,
    node: str,
    name: str,
    *,
    n_draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return a measure with its interval by resampling patients."""
    codes, n_patients = group_codes(confusion.patients, len(confusion.patients))
    four = confusion.indicators(dimension, node) * confusion.weight[:, None]
    sums = np.stack([np.bincount(codes, weights=part, minlength=n_patients) for part in four.T], axis=1)
    estimate = float(_measure(sums.sum(axis=0), name)[()])
    n = len(confusion.weight)
    if math.isnan(estimate):
        return Interval.missing("no record that counts", level=level, n=n)
    drawn = np.concatenate([weights @ sums for weights in patient_weights(n_patients, n_draws, seed=seed)])
    return interval_of_draws(estimate, _measure(drawn, name), n_patients, level=level, n=n)


def exact_match(confusion: Confusion) -> float:
    """Return the share of the mass that is right in every dimension."""
    right = (confusion.actual == confusion.observed).all(axis=1)
    return float(confusion.weight[right].sum() / confusion.mass) if confusion.mass > 0 else math.nan


def hamming_loss(confusion: Confusion) -> float:
    """Return the share of labels that are wrong, over all dimensions."""
    wrong = (confusion.actual != confusion.observed).mean(axis=1)
    return float(confusion.weight @ wrong / confusion.mass) if confusion.mass > 0 else math.nan


def tree_distance(confusion: Confusion, dimension: str) -> float:
    """Return the mean number of steps through the tree from the actual to the observed label.

    Up to the node that both lie below, and down again; a label that stops early is its node, and what is missing is as
    far as the root lies.

    Examples
    --------
    >>> confusion = Confusion.of({"d": ["a/x", "a/x"]}, {"d": ["a/y", "b"]})
    >>> tree_distance(confusion, "d")
    2.5
    """
    paths = [
        label.removesuffix(SEPARATOR + UNKNOWN).split(SEPARATOR) for label in confusion.classes[dimension]
    ]
    paths = [[] if path == [MISSING] else path for path in paths]
    steps = np.array(
        [
            [
                len(a)
                + len(b)
                - 2 * sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
                for b in paths
            ]
            for a in paths
        ],
        dtype=float,
    )
    column = confusion.column(dimension)
    far = steps[confusion.actual[:, column], confusion.observed[:, column]]
    return float(confusion.weight @ far / confusion.mass) if confusion.mass > 0 else math.nan


def cell_lift(confusion: Confusion, dimension: str) -> NDArray[np.float64]:
    """Return how much more often each pair of actual and observed labels occurs than if they knew nothing of each other.

    Off the diagonal the largest are the confusions that surprise most; NaN where a label does not occur.
    """
    joint = confusion.table(dimension, normalize="total").values
    chance = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    lift: NDArray[np.float64] = np.divide(joint, chance, out=np.full(joint.shape, np.nan), where=chance > 0)
    return lift


def coupling(confusion: Confusion, first: str, second: str) -> float:
    """Return how much likelier an error in `second` is among errors in `first`; 1 when they do not go together."""
    wrong = confusion.where(wrong=first)
    column = confusion.column(second)
    among = wrong.weight[wrong.actual[:, column] != wrong.observed[:, column]].sum()
    overall = confusion.weight[confusion.actual[:, column] != confusion.observed[:, column]].sum()
    if not wrong.mass > 0 or not overall > 0:
        return math.nan
    return float((among / wrong.mass) / (overall / confusion.mass))


def confusion_difference(
    first: Confusion,
    second: Confusion,
    dimension: str,
    *,
    normalize: Normalize = "row",
    paired: bool = False,
    n_draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> list[list[Interval]]:
    """Return `first` minus `second`, cell by cell, with intervals by resampling patients.

    Parameters
    ----------
    first, second : Confusion
        With equal classes in `dimension`: two slices of one distribution, or two models.
    dimension : str
        Which one.
    normalize : {"count", "total", "row", "column"}, default "row"
        What is subtracted.
    paired : bool, default False
        Patient numbers mean the same patients in both, and the same are drawn: right for parts of one distribution,
        and for two models on the same records.
    """
    labels = first.classes[dimension]
    if second.classes[dimension] != labels:
        raise ValueError("the two distributions have different classes; name them with classes=")
    k = len(labels)
    joined = np.concatenate(
        [first.patients, second.patients + (0 if paired else first.patients.max(initial=-1) + 1)]
    )
    codes, n_patients = group_codes(joined, len(joined))
    one = first.cell_sums(dimension, codes[: len(first.patients)], n_patients)
    two = second.cell_sums(dimension, codes[len(first.patients) :], n_patients)
    draws = []
    for weights in patient_weights(n_patients, n_draws, seed=seed):
        parts = [normalized((weights @ sums).reshape(-1, k, k), normalize) for sums in (one, two)]
        draws.append(parts[0] - parts[1])
    drawn = np.concatenate(draws)
    gap = (
        first.table(dimension, normalize=normalize).values
        - second.table(dimension, normalize=normalize).values
    )
    n = len(joined)
    return [
        [
            Interval.missing("no record that counts", level=level, n=n)
            if math.isnan(gap[row, column])
            else interval_of_draws(
                float(gap[row, column]), drawn[:, row, column], n_patients, level=level, n=n
            )
            for column in range(k)
        ]
        for row in range(k)
    ]


def _measure(four: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return a measure from masses of shape (..., 4): found, missed, false alarms, rightly left alone."""
    tp, fn, fp, tn = np.moveaxis(np.asarray(four, dtype=np.float64), -1, 0)
    parts = {
        "recall": (tp, tp + fn),
        "precision": (tp, tp + fp),
        "specificity": (tn, tn + fp),
        "f1": (2 * tp, 2 * tp + fp + fn),
        "prevalence": (tp + fn, tp + fn + fp + tn),
        "predicted_prevalence": (tp + fp, tp + fn + fp + tn),
    }
    if name == "balanced_accuracy":
        return (_measure(four, "recall") + _measure(four, "specificity")) / 2
    if name not in parts:
        raise ValueError(f"no measure called {name!r}; there are {', '.join(MEASURES)}")
    top, bottom = parts[name]
    ratio: NDArray[np.float64] = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
    return ratio
