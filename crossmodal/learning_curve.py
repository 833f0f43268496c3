"""How much more labels would help, and how many hand labels the labels from reports are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.seeds import generator, keyed_fraction
from sidelight.labeling.statistics import Interval, interval_of_draws

from .split import patients_as_text

FRACTIONS = (0.05, 0.1, 0.25, 0.5, 1.0)
EXPONENTS = np.linspace(0.02, 2.0, 100)


def nested_samples(
    patient_ids: ArrayLike, fractions: Sequence[float] = FRACTIONS, *, key: str = "learning curve"
) -> list[NDArray[np.intp]]:
    """Return the rows of ever larger shares of the patients; each share holds the smaller ones.

    Examples
    --------
    >>> small, large = nested_samples(np.arange(1000), [0.1, 0.5])
    >>> set(small) <= set(large), 50 < len(small) < 150
    (True, True)
    """
    patients = patients_as_text(patient_ids)
    place = np.array([keyed_fraction(patient or f"\x1f{row}", key) for row, patient in enumerate(patients)])
    if not all(0 < share <= 1 for share in fractions):
        raise ValueError("fractions are above 0 and at most 1")
    return [np.flatnonzero(place < share) if share < 1 else np.arange(len(place)) for share in fractions]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Scores at several numbers of records, and the curve ``limit - gap * n ** -exponent`` through them.

    Parameters
    ----------
    n : ndarray of shape (n_sizes,)
        Records trained on.
    scores : ndarray of shape (n_sizes, n_runs)
        For example areas under the ROC curve; a column is a seed.
    limit, gap, exponent : Interval
        The curve's three numbers; their intervals come from the spread of the runs around their means.
    """

    n: NDArray[np.float64]
    scores: NDArray[np.float64]
    limit: Interval
    gap: Interval
    exponent: Interval

    @property
    def rises(self) -> bool:
        """Whether the mean score with all records is above that with the fewest."""
        mean = self.scores.mean(axis=1)
        return bool(mean[-1] > mean[0])

    def at(self, n: ArrayLike) -> NDArray[np.float64]:
        """Return the fitted score with `n` records."""
        size = np.asarray(n, dtype=np.float64)
        return np.asarray(self.limit.estimate - self.gap.estimate * size**-self.exponent.estimate)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "n": self.n.tolist(),
            "scores": self.scores.tolist(),
            "limit": self.limit.to_json(),
            "gap": self.gap.to_json(),
            "exponent": self.exponent.to_json(),
        }


def fit_learning_curve(
    n: ArrayLike, scores: ArrayLike, *, n_draws: int = 500, seed: int = 0
) -> LearningCurve:
    """Fit a power law to scores at several numbers of records.

    Theory has the exponent near one half until the network's capacity is used up. With one run the interval is missing.

    Parameters
    ----------
    n : array-like of shape (n_sizes,)
        Records trained on, at least three different numbers.
    scores : array-like of shape (n_sizes,) or (n_sizes, n_runs)
        Scores, better ones larger.
    n_draws : int, default 500
        Draws of the mean scores from their spread over runs, taken to be the same at all sizes.
    seed : int, default 0
        Of the draws.

    Examples
    --------
    >>> n = np.array([100, 200, 400, 800, 1600])
    >>> curve = fit_learning_curve(n, 0.9 - 2 * n**-0.5)
    >>> round(curve.limit.estimate, 2), round(curve.exponent.estimate, 2)
    (0.9, 0.5)
    """
    sizes, runs = _checked(n, scores)
    if len(np.unique(sizes)) < 3:
        raise ValueError("a curve of three numbers needs scores at three different n or more")
    best = _power_law(sizes, runs.mean(axis=1))
    draws = np.full((3, 0), np.nan)
    if runs.shape[1] > 1:
        random = generator(seed, "crossmodal", "learning curve")
        # a few runs tell little of their spread; all sizes together tell more
        spread = np.sqrt(runs.var(axis=1, ddof=1).mean() / runs.shape[1])
        means = runs.mean(axis=1) + spread * random.standard_normal((n_draws, len(sizes)))
        draws = np.array([_power_law(sizes, drawn) for drawn in means]).T
    limit, gap, exponent = (
        interval_of_draws(estimate, values, len(sizes) * (runs.shape[1] - 1) + 1, n=len(sizes))
        if len(values)
        else Interval(estimate, np.nan, np.nan, n=len(sizes), reason="one run shows no spread")
        for estimate, values in zip(best, draws, strict=True)
    )
    return LearningCurve(sizes, runs, limit, gap, exponent)


def hand_label_equivalent(
    n: ArrayLike, gold_scores: ArrayLike, weak_scores: ArrayLike, *, n_draws: int = 2000, seed: int = 0
) -> Interval:
    """Return how many hand labels a network must learn from to be as good as the one trained on labels from reports.

    Scores between two numbers of hand labels are interpolated on the logarithm of the number, after making the curve
    rise. A bound at the end of the curve means "that many or more" or "or fewer"; `reason` says so.

    Parameters
    ----------
    n : array-like of shape (n_sizes,)
        Hand labels trained on.
    gold_scores : array-like of shape (n_sizes,) or (n_sizes, n_runs)
        Scores with that many hand labels.
    weak_scores : array-like of shape (n_runs,) or float
        Scores with labels from reports.

    Examples
    --------
    >>> round(hand_label_equivalent([10, 100, 1000], [0.6, 0.7, 0.8], 0.75).estimate, 1)
    316.2
    """
    sizes, gold = _checked(n, gold_scores)
    weak = np.atleast_1d(np.asarray(weak_scores, dtype=np.float64))
    estimate, note = _interpolated(sizes, gold.mean(axis=1), float(weak.mean()))
    if gold.shape[1] == 1 and len(weak) == 1:
        return Interval(estimate, np.nan, np.nan, n=len(sizes), reason=note or "one run shows no spread")
    random = generator(seed, "crossmodal", "equivalent")
    draws = np.array(
        [
            _interpolated(
                sizes,
                gold[:, random.integers(0, gold.shape[1], gold.shape[1])].mean(axis=1),
                float(weak[random.integers(0, len(weak), len(weak))].mean()),
            )[0]
            for _ in range(n_draws)
        ]
    )
    n_runs = max(2, min(count for count in (gold.shape[1], len(weak)) if count > 1))
    found = interval_of_draws(estimate, draws, n_runs, n=len(sizes))
    return replace(found, reason=note or found.reason)


def _checked(n: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sizes, runs = np.asarray(n, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    runs = runs[:, None] if runs.ndim == 1 else runs
    if sizes.ndim != 1 or runs.ndim != 2 or len(runs) != len(sizes) or not len(sizes):
        raise ValueError(f"n has shape {sizes.shape}, scores {runs.shape}; (n_sizes,) and (n_sizes, n_runs)")
    if not (sizes > 0).all() or not np.isfinite(runs).all():
        raise ValueError("n is above 0 and scores are finite")
    order = np.argsort(sizes, kind="stable")
    return sizes[order], runs[order]


def _power_law(n: NDArray[np.float64], score: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return limit, gap and exponent with the least squared error; the first two follow from the third."""

    def fit(exponents: NDArray[np.float64]) -> NDArray[np.float64]:
        falls = n[:, None] ** -exponents
        spread = falls - falls.mean(axis=0)
        gap = np.maximum(0.0, -(score @ spread) / (spread**2).sum(axis=0))
        limit = score.mean() + gap * falls.mean(axis=0)
        return np.stack([limit, gap, ((limit - gap * falls - score[:, None]) ** 2).sum(axis=0)])

    at = int(np.argmin(fit(EXPONENTS)[2]))
    near = np.linspace(EXPONENTS[max(0, at - 1)], EXPONENTS[min(len(EXPONENTS) - 1, at + 1)], 41)
    found = fit(near)
    best = int(np.argmin(found[2]))
    return float(found[0, best]), float(found[1, best]), float(near[best])


def _interpolated(n: NDArray[np.float64], score: NDArray[np.float64], wanted: float) -> tuple[float, str]:
    rising = np.maximum.accumulate(score)
    if wanted <= rising[0]:
        return float(n[0]), f"at most {n[0]:g}: no better than with the fewest hand labels"
    if wanted > rising[-1]:
        return float(n[-1]), f"at least {n[-1]:g}: better than with all hand labels"
    above = int(np.searchsorted(rising, wanted))
    share = (wanted - rising[above - 1]) / (rising[above] - rising[above - 1])
    return float(np.exp(np.log(n[above - 1]) + share * np.log(n[above] / n[above - 1]))), ""
