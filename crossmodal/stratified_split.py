"""Cutting records so that every part has the same mix of classes, with patients and copies kept whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph

from sidelight.labeling.faults import UsageError
from sidelight.labeling.seeds import keyed_fraction

from .duplicates import Duplicates
from .split import DEFAULT_FRACTIONS, DEFAULT_KEY, Split, check_split, patients_as_text


def stratified_split(
    patient_ids: ArrayLike,
    labels: ArrayLike,
    fractions: Mapping[str, float] | None = None,
    *,
    duplicates: Duplicates | None = None,
    key: str = DEFAULT_KEY,
    largest: float = 0.2,
) -> Split:
    """Assign patients to parts so that each part has its share of every class; copies follow their patient.

    Unlike `patient_split`, where a patient goes depends on the others: use it for a data set that is complete.

    Parameters
    ----------
    patient_ids : array-like of shape (n_records,)
        A record without one (empty, None, NaN) counts as a patient of its own.
    labels : array-like of shape (n_records,) or (n_records, n_classes)
        Class numbers, -1 where there is none, or probabilities.
    fractions : mapping from name to share, default train 0.6, dev 0.2, test 0.2
        Shares add up to 1.
    duplicates : Duplicates, optional
        Copies stay together, and with them their patients.
    key : str, default "sidelight"
        Another key gives another split.
    largest : float, default 0.2
        Share of the records that patients joined by copies may have; more is refused, since a template must then have
        been taken for a copy.

    Raises
    ------
    UsageError
        When copies join too many records.

    Examples
    --------
    >>> split = stratified_split(np.arange(100), np.arange(100) < 20, {"train": 0.5, "test": 0.5})
    >>> [int((np.arange(100) < 20)[split[name]].sum()) for name in split]
    [10, 10]
    """
    shares = dict(DEFAULT_FRACTIONS if fractions is None else fractions)
    if not shares or any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"fractions are {shares}; they are shares of at least 0 that add up to 1")
    names = tuple(shares)
    units = joined_units(patient_ids, duplicates)
    sizes = np.bincount(units)
    if duplicates is not None and sizes.max(initial=0) > max(
        largest * len(units), _largest_patient(patient_ids)
    ):
        raise UsageError(
            f"copies join {sizes.max()} of {len(units)} records into one group, more than {largest:.0%}; a template was "
            "taken for a copy: look for copies with a smaller share called common"
        )
    place = _assign(units, _counts(labels, len(units)), np.array([shares[name] for name in names]), key)
    split = Split(np.array(names, dtype=np.str_)[place], names)
    check_split(split.parts, patient_ids)
    if duplicates is not None:
        duplicates.check(split.parts)
    return split


def stratified_folds(
    patient_ids: ArrayLike,
    labels: ArrayLike,
    n_folds: int = 5,
    *,
    duplicates: Duplicates | None = None,
    key: str = DEFAULT_KEY,
) -> NDArray[np.intp]:
    """Return the fold of each record, 0 to `n_folds` - 1, with the same mix of classes in each.

    Examples
    --------
    >>> folds = stratified_folds(np.arange(10), np.arange(10) < 4, n_folds=2)
    >>> np.bincount(folds[:4]).tolist(), np.bincount(folds).tolist()
    ([2, 2], [5, 5])
    """
    if n_folds < 2:
        raise ValueError(f"n_folds is {n_folds}; at least 2 are needed")
    fractions = {str(fold): 1 / n_folds for fold in range(n_folds)}
    split = stratified_split(patient_ids, labels, fractions, duplicates=duplicates, key=key)
    return split.parts.astype(np.intp)


def joined_units(patient_ids: ArrayLike, duplicates: Duplicates | None = None) -> NDArray[np.intp]:
    """Return a number for each record, the same for records that share a patient or are copies, by any way round.

    Examples
    --------
    >>> copies = Duplicates(np.array([0, 1, 1, 2]), np.array([[1, 2]]), np.ones(1))
    >>> joined_units(["a", "a", "b", "c"], copies).tolist()
    [0, 0, 0, 1]
    """
    patients = patients_as_text(patient_ids)
    n = len(patients)
    own = np.unique(
        np.array([patient or f"\x1f{row}" for row, patient in enumerate(patients)], dtype=np.str_),
        return_inverse=True,
    )[1]
    if duplicates is not None and len(duplicates.groups) != n:
        raise ValueError(f"duplicates are of {len(duplicates.groups)} records; there are {n} patient_ids")
    groups = np.arange(n) if duplicates is None else duplicates.groups
    if not n:
        return np.empty(0, dtype=np.intp)
    # records beside groups in one graph: a record touches its patient and its group of copies
    rows = np.concatenate([np.arange(n), np.arange(n)])
    columns = np.concatenate([n + own, n + own.max() + 1 + groups])
    size = int(columns.max()) + 1
    graph = sparse.coo_matrix((np.ones(2 * n, dtype=bool), (rows, columns)), shape=(size, size))
    found = csgraph.connected_components(graph, directed=False)[1][:n]
    return np.unique(found, return_inverse=True)[1].astype(np.intp)


def _largest_patient(patient_ids: ArrayLike) -> int:
    return int(np.bincount(joined_units(patient_ids)).max(initial=0))


def _counts(labels: ArrayLike, n: int) -> NDArray[np.float64]:
    """Return what each record adds to each stratum: 1 to all records, and to its classes as much as its label says."""
    values = np.asarray(labels)
    if len(values) != n or values.ndim not in (1, 2):
        raise ValueError(f"labels have shape {values.shape} for {n} records")
    if values.ndim == 1:
        classes, place = np.unique(values, return_inverse=True)
        values = np.eye(len(classes))[place]
    return np.column_stack([np.ones(n), np.nan_to_num(values.astype(np.float64))])


def _assign(
    units: NDArray[np.intp], counts: NDArray[np.float64], shares: NDArray[np.float64], key: str
) -> NDArray[np.intp]:
    """Give each unit, the largest first, to the part that it brings closest to its shares."""
    n_units = int(units.max(initial=-1)) + 1
    totals = np.zeros((n_units, counts.shape[1]))
    np.add.at(totals, units, counts)
    wanted = np.outer(shares, totals.sum(axis=0))
    held = np.zeros_like(wanted)
    draw = np.array([keyed_fraction(str(unit), key) for unit in range(n_units)])
    chosen = np.zeros(n_units, dtype=np.intp)
    # a rare class counts as much as a frequent one
    scale = np.maximum(totals.sum(axis=0), 1e-12)
    for unit in np.lexsort((draw, -totals[:, 0])):
        before = (((held - wanted) / scale) ** 2).sum(axis=1)
        after = (((held + totals[unit] - wanted) / scale) ** 2).sum(axis=1)
        cost = np.where(shares > 0, after - before, np.inf)
        chosen[unit] = int(cost.argmin())
        held[chosen[unit]] += totals[unit]
    return chosen[units]
