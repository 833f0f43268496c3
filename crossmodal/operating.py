"""Turning probabilities into decisions: a threshold chosen on dev, what it does on test, and whether it helps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import Interval, as_binary, clustered_bootstrap, clustered_proportion


def choose_threshold(y: ArrayLike, probability: ArrayLike, *, sensitivity: float = 0.9) -> float:
    """Return the highest threshold that still finds this share of the positives: choose it on dev, never on test.

    Parameters
    ----------
    y : array-like of 0/1 of shape (n_records,)
        Gold of the development records.
    probability : array-like of shape (n_records,)
        Probability of the positive class; a record is called positive from the threshold on.
    sensitivity : float, default 0.9
        Share of the positives to find, above 0.

    Examples
    --------
    >>> choose_threshold([1, 1, 1, 1, 0], [0.9, 0.8, 0.6, 0.2, 0.5], sensitivity=0.75)
    0.6
    """
    if not 0 < sensitivity <= 1:
        raise ValueError(f"sensitivity is {sensitivity}; it is above 0 and at most 1")
    positives = np.sort(np.asarray(probability, dtype=np.float64)[as_binary(y)])[::-1]
    if not len(positives):
        raise ValueError("y holds no positive record: no threshold can be chosen")
    return float(positives[math.ceil(round(sensitivity * len(positives), 9)) - 1])


@dataclass(frozen=True)
class OperatingPoint:
    """What calling records positive from a threshold on amounts to.

    Parameters
    ----------
    threshold : float
        Where a record is called positive.
    sensitivity, specificity : Interval
        Share of the positives found and of the negatives left alone.
    ppv, npv : Interval
        Share of the calls that are right, at `prevalence`.
    prevalence : float
        The one stated, or that of the records.
    flagged : Interval
        Share of the records called positive.
    """

    threshold: float
    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval
    prevalence: float
    flagged: Interval

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("sensitivity", "specificity", "ppv", "npv", "flagged")
        plain: dict[str, Any] = {name: getattr(self, name).to_json() for name in names}
        return {"threshold": self.threshold, "prevalence": self.prevalence, **plain}


def operating_point(
    y: ArrayLike,
    probability: ArrayLike,
    threshold: float,
    patient_ids: ArrayLike | None = None,
    *,
    prevalence: float | None = None,
    n_draws: int = 2000,
    seed: int = 0,
) -> OperatingPoint:
    """Measure a threshold on records that it was not chosen on.

    Parameters
    ----------
    y : array-like of 0/1 of shape (n_records,)
        Gold.
    probability : array-like of shape (n_records,)
        Probability of the positive class.
    threshold : float
        See `choose_threshold`.
    patient_ids : array-like of shape (n_records,), optional
        Records of one patient are kept together in every interval.
    prevalence : float, optional
        Share of positives where the model is to be used; predictive values are worthless without it when the
        records were enriched. That of the records by default.

    Examples
    --------
    >>> point = operating_point([1, 1, 0, 0] * 25, [0.9, 0.4, 0.6, 0.1] * 25, 0.5, prevalence=0.1)
    >>> point.sensitivity.estimate, point.specificity.estimate, round(point.ppv.estimate, 3)
    (0.5, 0.5, 0.1)
    """
    gold = as_binary(y)
    called = np.asarray(probability, dtype=np.float64) >= threshold
    if called.shape != gold.shape:
        raise ValueError(f"probability has shape {called.shape}; y has {gold.shape}")
    if prevalence is not None and not 0 < prevalence < 1:
        raise ValueError(f"prevalence is {prevalence}; it lies between 0 and 1")
    share = float(gold.mean()) if prevalence is None and len(gold) else prevalence
    patients = None if patient_ids is None else np.asarray(patient_ids)

    def among(rows: NDArray[np.bool_], values: NDArray[np.bool_]) -> Interval:
        return clustered_proportion(values[rows], None if patients is None else patients[rows])

    def predictive(positive: bool) -> Interval:
        def value(truth: NDArray[Any], call: NDArray[Any]) -> float:
            return _predictive_value(truth, call, share, positive=positive)

        return clustered_bootstrap(value, patients, gold, called, n_draws=n_draws, seed=seed)

    return OperatingPoint(
        threshold=float(threshold),
        sensitivity=among(gold, called),
        specificity=among(~gold, ~called),
        ppv=among(called, gold) if prevalence is None else predictive(positive=True),
        npv=among(~called, ~gold) if prevalence is None else predictive(positive=False),
        prevalence=math.nan if share is None else float(share),
        flagged=among(np.ones(len(gold), dtype=bool), called),
    )


def _predictive_value(
    gold: NDArray[Any], called: NDArray[Any], prevalence: float | None, *, positive: bool
) -> float:
    """Return the chance that a call is right at a prevalence, by Bayes; NaN where it is not defined."""
    if prevalence is None or not gold.any() or gold.all():
        return math.nan
    found, spared = called[gold].mean(), 1 - called[~gold].mean()
    if positive:
        right, wrong = found * prevalence, (1 - spared) * (1 - prevalence)
    else:
        right, wrong = spared * (1 - prevalence), (1 - found) * prevalence
    return float(right / (right + wrong)) if right + wrong > 0 else math.nan


@dataclass(frozen=True, eq=False)
class DecisionCurve:
    """Net benefit of acting on a model, against acting on everybody; acting on nobody has 0.

    Parameters
    ----------
    thresholds : ndarray of shape (n_thresholds,)
        Probability from which one would act; it says how many needless actions one needed action is worth.
    model, everybody : ndarray of shape (n_thresholds,)
        Net benefit a record.
    """

    thresholds: NDArray[np.float64]
    model: NDArray[np.float64]
    everybody: NDArray[np.float64]


def decision_curve(
    y: ArrayLike, probability: ArrayLike, thresholds: ArrayLike | None = None
) -> DecisionCurve:
    """Return the net benefit of a model at each threshold.

    References
    ----------
    A. J. Vickers, E. B. Elkin, "Decision curve analysis", Medical Decision Making 2006: true positives minus false
    positives times t / (1 - t), a record.

    Examples
    --------
    >>> curve = decision_curve([1, 0, 0, 0], [0.9, 0.6, 0.2, 0.1], [0.2, 0.5])
    >>> curve.model.tolist(), curve.everybody.round(4).tolist()
    ([0.125, 0.0], [0.0625, -0.5])
    """
    gold = as_binary(y)
    chance = np.asarray(probability, dtype=np.float64)
    cuts = np.arange(0.05, 0.96, 0.05) if thresholds is None else np.asarray(thresholds, dtype=np.float64)
    if chance.shape != gold.shape or not len(gold):
        raise ValueError(f"probability has shape {chance.shape}; y has {gold.shape}, at least one record")
    if ((cuts <= 0) | (cuts >= 1)).any():
        raise ValueError("thresholds lie between 0 and 1")
    called = chance[None, :] >= cuts[:, None]
    odds = cuts / (1 - cuts)
    model = (called & gold).mean(axis=1) - (called & ~gold).mean(axis=1) * odds
    return DecisionCurve(cuts, model, gold.mean() - (1 - gold.mean()) * odds)
