"""How remarkable a region's errors are: the likelihood ratio of scan statistics, and the test of a region that is fixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import xlogy

from .evidence import Evidence
from .randomisation import randomised_p


def excess_ratio(observed: ArrayLike, expected: ArrayLike, total: float) -> NDArray[np.float64]:
    """Return the log likelihood ratio of regions with more errors than expected, 0 for the others.

    Parameters
    ----------
    observed, expected : array-like
        Errors in each region, and how many its classes' error rates lead one to expect.
    total : float
        Errors in all.

    References
    ----------
    M. Kulldorff, "A spatial scan statistic", Communications in Statistics 1997: the Poisson form, with c `observed`,
    E `expected` and C `total`: c log(c / E) + (C - c) log((C - c) / (C - E)).

    Examples
    --------
    >>> excess_ratio([8, 2], [2.0, 2.0], 20).round(2).tolist()
    [6.22, 0.0]
    """
    c = np.asarray(observed, dtype=np.float64)
    e = np.maximum(np.asarray(expected, dtype=np.float64), 1e-9)
    rest = np.maximum(total - e, 1e-9)
    ratio = xlogy(c, c / e) + xlogy(total - c, np.maximum(total - c, 0) / rest)
    return np.where(c > e, ratio, 0.0)


def concentration_p(
    evidence: Evidence, regions: Sequence[tuple[NDArray[np.bool_], int | None]], seed: int = 0
) -> list[float]:
    """Return the one-sided p of regions chosen on other records: as many errors there by chance, given the classes.

    Each class keeps its number of errors and its size in the region, so a class that is hard everywhere is no slice.
    With one record a patient the law is exact (a sum of hypergeometric counts, mid-p); with repeats errors are dealt
    out anew among patients (`randomised_p`).

    Parameters
    ----------
    evidence : Evidence
        The records that test.
    regions : sequence of (ndarray of bool of shape (n_records,), int or None)
        Members, and the class whose records alone count (None: all classes).
    seed : int, default 0
        Of the dealing.
    """
    if len(np.unique(evidence.patients)) < len(evidence):
        return randomised_p(evidence, regions, seed)
    found = []
    for inside, label in regions:
        used = np.ones(len(evidence), dtype=bool) if label is None else evidence.y == label
        found.append(_exact_p(evidence.y[used], evidence.errors[used], inside[used]))
    return found


def _exact_p(y: NDArray[np.int64], errors: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    law = np.ones(1)
    for code in np.unique(y):
        rows = y == code
        n_members = int(inside[rows].sum())
        counts = np.arange(n_members + 1)
        law = np.convolve(
            law, stats.hypergeom.pmf(counts, int(rows.sum()), int(errors[rows].sum()), n_members)
        )
    observed = int((errors & inside).sum())
    return float(min(law[observed + 1 :].sum() + law[observed] / 2, 1.0))
