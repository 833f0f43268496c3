"""How far annotators agree beyond chance: Cohen's kappa for two, Krippendorff's alpha for any number, with intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bootstrap import clustered_bootstrap
from .interval import Interval

Counts = NDArray[np.float64]


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Agreement of two annotators beyond chance, on the records both labeled.

    Parameters
    ----------
    first, second : array-like of int of shape (n_records,)
        Class numbers; -1 where an annotator gave no label.
    groups : array-like of shape (n_records,), optional
        The patient of each record; patients are resampled whole.
    n_draws, seed, level
        Of the bootstrap interval.

    References
    ----------
    J. Cohen, "A coefficient of agreement for nominal scales", 1960.

    Examples
    --------
    >>> first, second = [0] * 25 + [1] * 25, [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    >>> round(cohen_kappa(first, second, n_draws=50).estimate, 3)       # Cohen's p_o = 0.7, p_e = 0.5
    0.4
    """
    ratings = np.stack([np.asarray(first), np.asarray(second)], axis=1)
    both = (ratings >= 0).all(axis=1)
    known = None if groups is None else np.asarray(groups)[both]
    pairs = ratings[both]
    if not len(pairs):
        return Interval.missing("no record was labeled by both", level=level)
    return clustered_bootstrap(
        _kappa, known, pairs[:, 0], pairs[:, 1], n_draws=n_draws, seed=seed, level=level
    )


def krippendorff_alpha(
    ratings: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Agreement of any number of annotators beyond chance, for classes without an order; gaps are allowed.

    Parameters
    ----------
    ratings : array-like of int of shape (n_records, n_annotators)
        Class numbers; -1 where an annotator gave no label.
    groups : array-like of shape (n_records,), optional
        The patient of each record; patients are resampled whole.
    n_draws, seed, level
        Of the bootstrap interval.

    References
    ----------
    K. Krippendorff, *Content Analysis*, chapter on reliability; nominal difference function.

    Examples
    --------
    >>> ratings = [[0, 0], [1, 1], [0, 1], [0, 0], [1, 1], [1, -1]]     # the last record has one label and no pair
    >>> round(krippendorff_alpha(ratings, n_draws=50).estimate, 3)
    0.64
    """
    table = np.asarray(ratings)
    if table.ndim != 2:
        raise ValueError(f"ratings has {table.ndim} dimensions; it is (n_records, n_annotators)")
    paired = (table >= 0).sum(axis=1) >= 2
    known = None if groups is None else np.asarray(groups)[paired]
    kept = table[paired]
    if not len(kept):
        return Interval.missing("no record was labeled by two", level=level)
    cardinality = int(kept.max()) + 1
    counts = np.stack([(kept == c).sum(axis=1) for c in range(cardinality)], axis=1).astype(np.float64)
    return clustered_bootstrap(_alpha, known, counts, n_draws=n_draws, seed=seed, level=level)


def _kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    cardinality = int(max(first.max(), second.max())) + 1
    observed = float(np.mean(first == second))
    shares = [np.bincount(side, minlength=cardinality) / len(side) for side in (first, second)]
    expected = float(shares[0] @ shares[1])
    return math.nan if expected == 1 else (observed - expected) / (1 - expected)


def _alpha(counts: Counts) -> float:
    """Return one minus observed over expected disagreement, from counts of shape (n_records, n_classes)."""
    per_record = counts.sum(axis=1)
    total = per_record.sum()
    observed = float(((per_record**2 - (counts**2).sum(axis=1)) / (per_record - 1)).sum() / total)
    of_class = counts.sum(axis=0)
    expected = float((total**2 - (of_class**2).sum()) / (total * (total - 1)))
    return math.nan if expected == 0 else 1 - observed / expected
