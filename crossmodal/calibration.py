"""Whether a probability of 0.8 is right eight times in ten: temperature scaling, reliability, error and Brier score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from .targets import as_targets

MAX_LOG_TEMPERATURE = 3.0


def fit_temperature(logits: ArrayLike, labels: ArrayLike, covered: ArrayLike | None = None) -> float:
    """Return the temperature T that makes softmax(logits / T) fit the labels best; 1 without usable rows.

    Parameters
    ----------
    logits : array-like of shape (n_records, n_classes)
        Of records that were not trained on.
    labels : array-like of shape (n_records,) or (n_records, n_classes)
        Class numbers with -1 for unknown, or probabilities.
    covered : array-like of bool of shape (n_records,), optional
        Rows that count.

    References
    ----------
    C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> logits = np.array([[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]])
    >>> round(fit_temperature(logits, [0, 0, 0, 1]), 2)       # sure at 0.98, right at 0.75
    3.64
    """
    scores = np.asarray(logits, dtype=np.float64)
    targets = as_targets(labels, covered, n_classes=scores.shape[1])
    rows = targets.used
    if not len(rows):
        return 1.0
    proba, weight = targets.proba[rows].astype(np.float64), targets.weight[rows].astype(np.float64)

    def loss(log_temperature: float) -> float:
        surprise = -special.log_softmax(scores[rows] / np.exp(log_temperature), axis=1)
        return float((weight * (proba * surprise).sum(axis=1)).sum() / weight.sum())

    bounds = (-MAX_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE)
    best = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(best.x))


def scaled_softmax(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return softmax(logits / temperature) in float64; rows sum to 1."""
    proba: NDArray[np.float64] = special.softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1)
    return proba


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often predictions of about the same probability came true.

    Parameters
    ----------
    predicted, observed : ndarray of shape (n_bins,)
        Mean prediction and share of positives in each bin that holds records.
    count : ndarray of int of shape (n_bins,)
        Records in each bin.
    ece : float
        Expected calibration error: gap between the two, averaged over records.
    brier : float
        Mean squared error of the probability.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    count: NDArray[np.int64]
    ece: float
    brier: float


def reliability(y: ArrayLike, probability: ArrayLike, n_bins: int = 10) -> Reliability:
    """Compare the probability of one class with what was true.

    Parameters
    ----------
    y : array-like of 0/1 of shape (n_records,)
        Whether the record is of the class.
    probability : array-like of shape (n_records,)
        Predicted probability of the class.
    n_bins : int, default 10
        Bins hold equally many records, so that each point rests on as much; equal predictions share a bin.

    Examples
    --------
    >>> curve = reliability([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75], n_bins=2)
    >>> curve.observed.tolist(), curve.ece
    ([0.5, 1.0], 0.25)
    """
    truth = np.asarray(y, dtype=np.float64)
    chance = np.asarray(probability, dtype=np.float64)
    if truth.shape != chance.shape or truth.ndim != 1:
        raise ValueError(f"y has shape {truth.shape}, probability {chance.shape}; both are (n_records,)")
    if n_bins < 1:
        raise ValueError(f"n_bins is {n_bins}; at least 1 is needed")
    if not len(truth):
        nothing = np.empty(0)
        return Reliability(nothing, nothing, np.empty(0, dtype=np.int64), float("nan"), float("nan"))
    if not ((truth == 0) | (truth == 1)).all():
        raise ValueError("y holds values that are neither 0 nor 1")
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, n_bins + 1)[1:-1]))
    place = np.searchsorted(edges, chance, side="left")
    count = np.bincount(place)
    filled = count > 0
    predicted = np.bincount(place, weights=chance)[filled] / count[filled]
    observed = np.bincount(place, weights=truth)[filled] / count[filled]
    ece = float((count[filled] * np.abs(predicted - observed)).sum() / len(truth))
    brier = float(((chance - truth) ** 2).mean())
    return Reliability(predicted, observed, count[filled].astype(np.int64), ece, brier)


def brier_score(labels: ArrayLike, proba: ArrayLike) -> float:
    """Return the mean squared error of class probabilities, summed over classes, for labels of any cardinality."""
    values = np.asarray(proba, dtype=np.float64)
    targets = as_targets(labels, n_classes=values.shape[1])
    rows = targets.used
    return (
        float(((values[rows] - targets.proba[rows]) ** 2).sum(axis=1).mean()) if len(rows) else float("nan")
    )
