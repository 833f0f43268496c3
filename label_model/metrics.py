"""How well labels and probabilities match gold: the few numbers that `score` and `compare` print."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Metric = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]], float]
"""From gold (all known), labels (-1 where none), probabilities and which records had votes."""

SMALLEST = 1e-6
"""Probabilities are cut off here before their logarithm is taken."""


def accuracy(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Share of right labels among the records that got one."""
    del proba, covered
    given = labels >= 0
    return float((labels[given] == gold[given]).mean()) if given.any() else float("nan")


def coverage(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Share of the records that got a label."""
    del gold, proba, covered
    return float((labels >= 0).mean()) if len(labels) else float("nan")


def log_loss(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Mean negative log probability of the gold class, over records with votes."""
    del labels
    if not covered.any():
        return float("nan")
    right = proba[covered, gold[covered]]
    return float(-np.log(np.clip(right, SMALLEST, 1)).mean())


def brier(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Mean squared distance between probabilities and the gold class, over records with votes."""
    del labels
    if not covered.any():
        return float("nan")
    truth = np.eye(proba.shape[1])[gold[covered]]
    return float(((proba[covered] - truth) ** 2).sum(axis=1).mean())


def roc_auc(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Area under the ROC curve over records with votes; the mean over classes where there are more than two."""
    del labels
    gold, proba = gold[covered], proba[covered]
    classes = [1] if proba.shape[1] == 2 else range(proba.shape[1])
    areas = [_area(gold == c, proba[:, c]) for c in classes]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def f1_macro(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Mean of the classes' F1, over the records that got a label."""
    del covered
    return float(np.mean([_f1(gold, labels, c) for c in range(proba.shape[1])]))


def f1(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """F1 of class 1 among two."""
    del covered
    _binary(proba)
    return _f1(gold, labels, 1)


def precision(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Share of records labeled 1 whose gold is 1."""
    del covered
    _binary(proba)
    chosen = labels == 1
    return float((gold[chosen] == 1).mean()) if chosen.any() else float("nan")


def recall(
    gold: NDArray[np.int64], labels: NDArray[np.int64], proba: NDArray[np.float64], covered: NDArray[np.bool_]
) -> float:
    """Share of labeled records of gold 1 that are labeled 1."""
    del covered
    _binary(proba)
    true = (gold == 1) & (labels >= 0)
    return float((labels[true] == 1).mean()) if true.any() else float("nan")


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "brier": brier,
    "coverage": coverage,
    "f1": f1,
    "f1_macro": f1_macro,
    "f1_micro": accuracy,
    "log_loss": log_loss,
    "precision": precision,
    "recall": recall,
    "roc_auc": roc_auc,
}


def _binary(proba: NDArray[np.float64]) -> None:
    """Raise where a metric makes sense for two classes alone."""
    if proba.shape[1] != 2:
        raise ValueError(f"precision, recall and f1 are for two classes, not {proba.shape[1]}; use f1_macro")


def _f1(gold: NDArray[np.int64], labels: NDArray[np.int64], c: int) -> float:
    """Return F1 of one class among the records that got a label."""
    given = labels >= 0
    hits = np.sum((labels == c) & (gold == c))
    either = np.sum(labels == c) + np.sum((gold == c) & given)
    return float(2 * hits / either) if either else 0.0


def _area(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Return the chance that a positive scores above a negative, ties counting half."""
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
