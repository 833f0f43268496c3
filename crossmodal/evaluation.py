"""Comparing models on the same records: areas with intervals by patient, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sidelight.labeling.seeds import generator
from sidelight.labeling.statistics import (
    Interval,
    bootstrap_auroc,
    bootstrap_auroc_difference,
    clustered_bootstrap,
    paired_bootstrap,
)

from .calibration import reliability


@dataclass(frozen=True)
class ComparisonRow:
    """One model.

    Parameters
    ----------
    name : str
        What the model was trained on, or what the score is.
    auroc : Interval
        Area under the ROC curve, with its interval by resampling patients.
    difference : Interval or None
        Area minus the reference's, the same patients drawn for both; None for the reference itself.
    ece, brier : float
        Calibration error and mean squared error of the probability.
    brier_interval : Interval, optional
        The latter with its interval by resampling patients.
    ece_of_chance : float
        What the calibration error would be on average if the probabilities were right, on as many records: it is never
        below zero and grows as records get fewer, so that resampling gives it no interval to be trusted.
    """

    name: str
    auroc: Interval
    difference: Interval | None
    ece: float
    brier: float
    brier_interval: Interval | None = None
    ece_of_chance: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "auroc": self.auroc.to_json(),
            "difference": None if self.difference is None else self.difference.to_json(),
            "ece": None if math.isnan(self.ece) else self.ece,
            "ece_of_chance": None if math.isnan(self.ece_of_chance) else self.ece_of_chance,
            "brier": None if math.isnan(self.brier) else self.brier,
            "brier_interval": None if self.brier_interval is None else self.brier_interval.to_json(),
        }


@dataclass(frozen=True)
class Comparison:
    """Models side by side on the same records.

    Parameters
    ----------
    rows : tuple of ComparisonRow
        In the order the scores were given.
    reference : str
        The row that differences are taken from.
    n_records, n_positive, n_patients : int
        What the comparison rests on.
    """

    rows: tuple[ComparisonRow, ...]
    reference: str
    n_records: int
    n_positive: int
    n_patients: int

    def __getitem__(self, name: str) -> ComparisonRow:
        """Return the row called `name`."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"no row called {name!r}; there are {', '.join(row.name for row in self.rows)}")

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "reference": self.reference,
            "n_records": self.n_records,
            "n_positive": self.n_positive,
            "n_patients": self.n_patients,
            "rows": [row.to_json() for row in self.rows],
        }

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        head = f"{'':{width}}  AUROC [95 %]            minus {self.reference}        ECE (by chance)  Brier [95 %]"
        lines = [
            f"{row.name:{width}}  {row.auroc!s:22}  {'' if row.difference is None else _signed(row.difference):24} "
            f"{row.ece:.3f} ({row.ece_of_chance:.3f})    {row.brier_interval or format(row.brier, '.3f')}"
            for row in self.rows
        ]
        return "\n".join([head, *lines])


def compare_scores(
    gold: ArrayLike,
    scores: Mapping[str, ArrayLike],
    patient_ids: ArrayLike | None = None,
    *,
    reference: str | None = None,
    n_draws: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare the probabilities that several models give the positive class.

    Parameters
    ----------
    gold : array-like of shape (n_records,)
        1 for the positive class, 0 for the others, -1 where there is no gold: such records are left out.
    scores : mapping from name to array-like of shape (n_records,) or (n_records, n_runs)
        Each model's probability of the positive class; with several runs (seeds) its area is their mean.
    patient_ids : array-like of shape (n_records,), optional
        Patients are drawn with all their records.
    reference : str, optional
        The model to take differences from; the last one by default.

    Examples
    --------
    >>> gold = [0, 1] * 30
    >>> table = compare_scores(gold, {"good": [0.2, 0.8] * 30, "coin": [0.5, 0.5] * 30})
    >>> table["good"].auroc.estimate, table["good"].difference.estimate
    (1.0, 0.5)
    """
    if not scores:
        raise ValueError("scores is empty: there is nothing to compare")
    names = list(scores)
    against = names[-1] if reference is None else reference
    if against not in scores:
        raise ValueError(f"reference is {against!r}; the scores are {', '.join(names)}")
    truth = np.asarray(gold)
    if not np.isin(truth, (-1, 0, 1)).all():
        raise ValueError("gold is 1, 0, or -1 where it is not known")
    known = truth >= 0
    truth = truth[known].astype(int)
    patients = None if patient_ids is None else np.asarray(patient_ids)[known]
    kept = {}
    for name, values in scores.items():
        column = np.asarray(values, dtype=np.float64)
        if column.ndim not in (1, 2) or len(column) != len(known):
            raise ValueError(f"scores of {name!r} have shape {column.shape}; gold has {known.shape}")
        if np.isnan(column[known]).any():
            raise ValueError(f"scores of {name!r} hold what is not a number where gold is known")
        kept[name] = column[known].reshape(len(truth), -1)

    rows = []
    for name in names:
        curves = [reliability(truth, run) for run in kept[name].T]
        rows.append(
            ComparisonRow(
                name=name,
                auroc=_area(truth, kept[name], patients, n_draws, seed),
                difference=None
                if name == against
                else _gap(truth, kept[name], kept[against], patients, n_draws, seed),
                ece=float(np.mean([curve.ece for curve in curves])),
                brier=float(np.mean([curve.brier for curve in curves])),
                brier_interval=clustered_bootstrap(
                    np.mean,
                    patients,
                    ((kept[name] - truth[:, None]) ** 2).mean(axis=1),
                    n_draws=n_draws,
                    seed=seed,
                ),
                ece_of_chance=float(np.mean([ece_of_chance(run, seed=seed) for run in kept[name].T])),
            )
        )
    n_patients = len(truth) if patients is None else len(np.unique(patients.astype(np.str_)))
    return Comparison(tuple(rows), against, len(truth), int(truth.sum()), n_patients)


def ece_of_chance(probability: ArrayLike, *, n_draws: int = 200, seed: int = 0) -> float:
    """Return the mean calibration error of probabilities that are right, with outcomes drawn from them.

    Outcomes are drawn record by record; where those of a patient are alike, chance makes for more.

    Examples
    --------
    >>> round(ece_of_chance([0.5] * 20), 1), round(ece_of_chance([0.5] * 2000), 2)
    (0.1, 0.01)
    """
    chance = np.clip(np.asarray(probability, dtype=np.float64), 0.0, 1.0)
    if not len(chance):
        return math.nan
    random = generator(seed, "calibration error")
    return float(
        np.mean([reliability(random.random(len(chance)) < chance, chance).ece for _ in range(n_draws)])
    )


def _area(y: NDArray[Any], runs: NDArray[np.float64], patients: Any, n_draws: int, seed: int) -> Interval:
    """Return the area with its interval; the mean area of several runs on the same draws of patients."""
    if runs.shape[1] == 1:
        return bootstrap_auroc(y, runs[:, 0], patients, n_draws=n_draws, seed=seed)
    return clustered_bootstrap(_mean_area, patients, y, runs, n_draws=n_draws, seed=seed)


def _gap(
    y: NDArray[Any],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    patients: Any,
    n_draws: int,
    seed: int,
) -> Interval:
    """Return the difference of two (mean) areas with its interval, the same patients drawn for both."""
    if first.shape[1] == second.shape[1] == 1:
        return bootstrap_auroc_difference(y, first[:, 0], second[:, 0], patients, n_draws=n_draws, seed=seed)
    return paired_bootstrap(_mean_area, patients, y, first, second, n_draws=n_draws, seed=seed)


def _mean_area(y: NDArray[Any], runs: NDArray[np.float64]) -> float:
    """Return the mean area under the ROC curves of the columns of `runs`; NaN with one class only."""
    n_positive = int(y.sum())
    n_negative = len(y) - n_positive
    if not n_positive or not n_negative:
        return math.nan
    below = stats.rankdata(runs, axis=0)[y == 1].sum(axis=0) - n_positive * (n_positive + 1) / 2
    return float((below / (n_positive * n_negative)).mean())


def _signed(interval: Interval) -> str:
    if math.isnan(interval.estimate) or math.isnan(interval.low):
        return str(interval)
    return f"{interval.estimate:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
