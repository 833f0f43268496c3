"""Whether a region's errors are more than chance when patients have several records: their errors are dealt out anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sidelight.labeling.seeds import generator

from .evidence import Evidence

N_DRAWS = 5000
"""How often errors are dealt out anew; fewer where there are many records."""

MOST_CELLS = 50_000_000
"""Draws times records, at most."""

LEAST_DRAWS = 1000
"""Draws, at least."""

FEW_PATIENTS = 10
"""Patients among whom errors are exchanged, at least, where there are as many."""

COUNTED = 25
"""Draws as far as what was seen from which p is counted; with fewer the draws' fitted tail has its say."""


def randomised_p(
    evidence: Evidence,
    regions: Sequence[tuple[NDArray[np.bool_], int | None]],
    seed: int = 0,
    n_draws: int | None = None,
) -> list[float]:
    """Return the one-sided p of regions chosen on other records: as many errors there by chance, given the classes.

    Parameters
    ----------
    evidence : Evidence
        The records that test.
    regions : sequence of (ndarray of bool of shape (n_records,), int or None)
        Members, and the class whose records alone count (None: all classes).
    seed : int, default 0
        Of the draws, which all regions share.
    n_draws : int, optional
        How many; by default `N_DRAWS`, or as many as `MOST_CELLS` allows.

    Notes
    -----
    A patient's errors stay together and move as one to another patient, who holds records of the same classes and about
    as many of them; so classes that are hard, patients that are hard, and a hardness that goes with the number of
    records are not called a slice. Between patients of equal make-up the test is exact, but for draws that equal what was
    seen, which count half (mid-p). Who receives more records of a class than the giver holds has some of them twice,
    which makes errors cluster more, and p larger.

    The tail of few draws is that of the Pearson III law with the draws' mean, variance and skewness, since corrections for
    many tests ask about levels that counting would need very many draws for.

    References
    ----------
    A. Winkler, G. Ridgway, G. Douaud, T. Nichols, S. Smith, "Faster permutation inference in brain imaging", NeuroImage
    2016: tails of a fitted gamma law.

    Examples
    --------
    Forty patients with four records each; in ten of them all records are wrong:

    >>> patients = np.repeat(np.arange(40), 4)
    >>> right = np.where(patients < 10, 0.1, 0.9)
    >>> proba = np.column_stack([1 - right, right])
    >>> evidence = Evidence(np.ones(160, dtype=np.int64), proba, patients)
    >>> p = randomised_p(evidence, [(patients < 10, None), (patients % 4 == 0, None)])
    >>> p[0] < 1e-6, p[1] > 0.1
    (True, True)
    """
    if not regions or not len(evidence):
        return []
    weights = np.stack([_centred(evidence, inside, label) for inside, label in regions], axis=1)
    seen = evidence.errors.astype(np.float64) @ weights
    n_draws = n_draws or int(np.clip(MOST_CELLS // len(evidence), LEAST_DRAWS, N_DRAWS))
    drawn = np.concatenate([part @ weights for part in _dealt(evidence, n_draws, seed)])
    return [_tail(value, draws) for value, draws in zip(seen.tolist(), drawn.T, strict=True)]


def _centred(evidence: Evidence, inside: NDArray[np.bool_], label: int | None) -> NDArray[np.float64]:
    """Return membership less its share in each class, so that only where errors lie counts, and not how many."""
    weights = np.zeros(len(evidence))
    for code in evidence.classes if label is None else [label]:
        rows = evidence.y == code
        weights[rows] = inside[rows] - inside[rows].mean()
    return weights


def _tail(seen: float, draws: NDArray[np.float64]) -> float:
    """Return the share of draws beyond what was seen (mid-p), and where these are few, no less than the fitted tail's."""
    above = int(np.sum(draws > seen + 1e-9))
    equal = int(np.sum(np.abs(draws - seen) <= 1e-9))
    counted = (above + equal / 2 + 0.5) / (len(draws) + 1)
    spread = float(draws.std())
    if spread < 1e-9:
        return 1.0
    if above + equal >= COUNTED:
        return counted
    fitted = float(stats.pearson3(float(stats.skew(draws)), float(draws.mean()), spread).sf(seen))
    return max(fitted, counted if above + equal else 1e-12)


def _dealt(evidence: Evidence, n_draws: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Yield errors dealt out anew, of shape (draws, n_records)."""
    random = generator(seed, "discovery", "randomisation")
    _, patients = np.unique(evidence.patients, return_inverse=True)
    patients = patients.reshape(-1)
    n_patients, classes = int(patients.max()) + 1, evidence.classes
    code = np.searchsorted(classes, evidence.y)
    sizes = np.bincount(patients * len(classes) + code, minlength=n_patients * len(classes))
    # a block is one patient's records of one class; within a block their order means nothing
    block = patients * len(classes) + code
    order = np.lexsort((random.random(len(block)), block))
    start = np.cumsum(sizes) - sizes
    place = np.empty(len(block), dtype=np.intp)
    place[order] = np.arange(len(block)) - start[block[order]]
    errors = evidence.errors[order].astype(np.float32)
    strata = exchangeable(sizes.reshape(n_patients, -1))
    givers = [np.flatnonzero(sizes.reshape(n_patients, -1)[:, column]) for column in range(len(classes))]
    peers = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    step = max(1, 4_000_000 // len(block))
    for first in range(0, n_draws, step):
        part = np.empty((min(step, n_draws - first), len(block)), dtype=np.float32)
        for draw in part:
            giver = np.empty(n_patients, dtype=np.intp)
            for members in peers:
                giver[members] = random.permutation(members)
            source = (giver[:, None] * len(classes) + np.arange(len(classes))).reshape(-1)
            lacking = np.flatnonzero((sizes > 0) & (sizes[source] == 0))
            # a giver without a record of that class gives way to another
            for column in np.unique(lacking % len(classes)):
                mine = lacking[lacking % len(classes) == column]
                source[mine] = random.choice(givers[column], len(mine)) * len(classes) + column
            turn = random.integers(0, np.iinfo(np.int32).max, len(sizes))
            found = source[block]
            draw[:] = errors[start[found] + (place + turn[block]) % sizes[found]]
        yield part


def exchangeable(sizes: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the stratum of each patient: those whose records are of the same classes, and about as many.

    Parameters
    ----------
    sizes : ndarray of int of shape (n_patients, n_classes)
        Records of each patient.

    Examples
    --------
    >>> exchangeable(np.repeat([[1, 0], [2, 0], [3, 0], [0, 1]], 10, axis=0))[::10].tolist()
    [1, 2, 2, 0]
    """
    kinds = np.unique(sizes > 0, axis=0, return_inverse=True)[1].reshape(-1)
    few = np.bincount(kinds)[kinds] < FEW_PATIENTS
    kinds[few] = kinds.max() + 1
    scale = np.floor(np.log2(np.maximum(sizes.sum(axis=1), 1))).astype(np.intp)
    strata = np.empty(len(sizes), dtype=np.intp)
    n_strata = 0
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        members = members[np.argsort(scale[members], kind="stable")]
        edges = np.flatnonzero(np.diff(scale[members])) + 1
        groups: list[NDArray[np.intp]] = []
        for group in np.split(members, edges):
            if groups and min(len(group), len(groups[-1])) < FEW_PATIENTS:
                groups[-1] = np.concatenate([groups[-1], group])
            else:
                groups.append(group)
        for group in groups:
            strata[group] = n_strata
            n_strata += 1
    return strata
