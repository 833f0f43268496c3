"""How frequent a class is, from few hand labels and a probability for every record."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sidelight.labeling.statistics import Interval

FEW = 50
"""Below this many hand labels the proxy is taken at its word, and not scaled by a slope that they cannot tell."""


def estimate_share(
    hand: ArrayLike,
    rows: ArrayLike,
    proxy: ArrayLike,
    *,
    chances: ArrayLike | None = None,
    level: float = 0.95,
) -> Interval:
    """Estimate the mean of something over a pool, from hand labels of some records and a guess for all of them.

    The guess's mean over the pool is known exactly; hand labels are only needed for how far it is off. With a good guess
    that takes far fewer of them, and with a useless one hardly more. The interval is right for either.

    Parameters
    ----------
    hand : array-like of shape (n_labeled,)
        1 where the record is of the class (or where a label or vote is right), else 0.
    rows : array-like of int of shape (n_labeled,)
        Where they stand in the pool.
    proxy : array-like of shape (n_records,)
        The guess for every record, for example the label model's probability of the class.
    chances : array-like of shape (n_labeled,), optional
        Each labeled record's chance of being drawn, when it was not the same for all: ``Queue.chances``.
    level : float, default 0.95
        Of the interval.

    References
    ----------
    The difference estimator with a regression slope (control variate), with each term divided by its chance: D. Kang et
    al., "BlazeIt", PVLDB 2019; A. Angelopoulos et al., "Prediction-powered inference", Science 2023.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> proxy = random.random(10_000)
    >>> truth = random.random(10_000) < proxy
    >>> rows = random.choice(10_000, 200, replace=False)
    >>> bool(estimate_share(truth[rows], rows, proxy).excludes(truth.mean()))
    False
    """
    guess = np.asarray(proxy, dtype=np.float64)
    place, truth = np.asarray(rows, dtype=np.intp), np.asarray(hand, dtype=np.float64)
    if guess.ndim != 1 or truth.shape != place.shape or truth.ndim != 1:
        raise ValueError(f"hand has shape {truth.shape}, rows {place.shape}, proxy {guess.shape}")
    if len(place) and (place.min() < 0 or place.max() >= len(guess)):
        raise ValueError(f"rows are from 0 to {len(guess) - 1}")
    if len(np.unique(place)) != len(place):
        raise ValueError("rows holds a record twice")
    n, n_pool = len(place), len(guess)
    if n < 5:
        return Interval.missing(f"{n} hand labels are too few; at least 5 are needed", level=level, n=n)
    if not np.isfinite(truth).all() or not np.isfinite(guess).all():
        raise ValueError("hand and proxy are finite")
    if chances is None:
        weight = np.full(n, n_pool / n)
    else:
        given = np.asarray(chances, dtype=np.float64)
        if given.shape != truth.shape or not ((given > 0) & (given <= 1)).all():
            raise ValueError("chances are above 0 and at most 1, one for each hand label")
        weight = 1 / given
    share = weight / weight.sum()
    mine = guess[place]
    slope = 1.0
    if n >= FEW:
        centred = mine - share @ mine
        spread = float(share @ centred**2)
        slope = float(share @ (centred * truth)) / spread if spread > 1e-12 else 0.0
    off = truth - slope * mine
    mean_off = float(share @ off)
    estimate = slope * float(guess.mean()) + mean_off
    # a ratio of weighted sums, linearised; what was not drawn is all that is left to be unsure of
    residual = n * share * (off - mean_off)
    free = n - (2 if n >= FEW else 1)
    variance = float((residual**2).sum()) / n / free
    if chances is None:
        variance *= 1 - n / n_pool
    if not variance > 0:
        return Interval(
            estimate, np.nan, np.nan, level=level, n=n, reason="all hand labels agree with the guess alike"
        )
    half = float(stats.t.ppf((1 + level) / 2, free)) * variance**0.5
    return Interval(estimate, max(0.0, estimate - half), min(1.0, estimate + half), level=level, n=n)
