"""Cutting records into parts by patient, with a keyed hash, so that a patient never stands on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.faults import SidelightError
from sidelight.labeling.seeds import keyed_fraction

DEFAULT_FRACTIONS = {"train": 0.6, "dev": 0.2, "test": 0.2}
DEFAULT_KEY = "sidelight"


class LeakError(SidelightError):
    """A patient stands in two parts of a split."""

    exit_code = 2


@dataclass(frozen=True, eq=False)
class Split:
    """Which part each record belongs to.

    Parameters
    ----------
    parts : ndarray of str of shape (n_records,)
        Name of each record's part.
    names : tuple of str
        The parts there are, in order.
    """

    parts: NDArray[np.str_]
    names: tuple[str, ...]

    def __getitem__(self, name: str) -> NDArray[np.intp]:
        """Return the rows of the part called `name`."""
        if name not in self.names:
            raise KeyError(f"no part called {name!r}; there are {', '.join(self.names)}")
        return np.flatnonzero(self.parts == name)

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def counts(self) -> dict[str, int]:
        """Return how many records each part holds."""
        return {name: int((self.parts == name).sum()) for name in self.names}


def patient_split(
    patient_ids: ArrayLike,
    fractions: Mapping[str, float] | None = None,
    *,
    key: str = DEFAULT_KEY,
    ids: ArrayLike | None = None,
) -> Split:
    """Assign each patient to one part, by a hash of the patient and `key` alone.

    A patient stays in the same part when records are added, removed or reordered, so fractions are met on
    average and not exactly.

    Parameters
    ----------
    patient_ids : array-like of shape (n_records,)
        A record without one (empty, None, NaN) counts as a patient of its own.
    fractions : mapping from name to share, default train 0.6, dev 0.2, test 0.2
        Shares add up to 1.
    key : str, default "sidelight"
        Another key gives another, independent split.
    ids : array-like of shape (n_records,), optional
        Record ids; they place the records without a patient. Their row number does it when absent.

    Examples
    --------
    >>> split = patient_split(["a", "b", "a", "c", "d", "e"])
    >>> split.parts[0] == split.parts[2], split.counts()
    (True, {'train': 4, 'dev': 1, 'test': 1})
    """
    shares = dict(DEFAULT_FRACTIONS if fractions is None else fractions)
    if not shares or any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"fractions are {shares}; they are shares of at least 0 that add up to 1")
    names = tuple(shares)
    edges = np.cumsum([shares[name] for name in names])
    place = np.minimum(
        np.searchsorted(edges, _fractions(patient_ids, ids, key), side="right"), len(names) - 1
    )
    split = Split(np.array(names, dtype=np.str_)[place], names)
    check_split(split.parts, patient_ids)
    return split


def patient_folds(
    patient_ids: ArrayLike, n_folds: int = 5, *, key: str = DEFAULT_KEY, ids: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Return the fold of each record, 0 to `n_folds` - 1; all records of a patient share one.

    Examples
    --------
    >>> folds = patient_folds(["a", "b", "a", "c"], n_folds=2)
    >>> folds[0] == folds[2]
    np.True_
    """
    if n_folds < 2:
        raise ValueError(f"n_folds is {n_folds}; at least 2 are needed")
    return np.floor(_fractions(patient_ids, ids, key) * n_folds).astype(np.intp)


def check_split(parts: ArrayLike, patient_ids: ArrayLike) -> None:
    """Raise when a patient stands in two parts.

    Parameters
    ----------
    parts : array-like of shape (n_records,)
        Name or number of each record's part.
    patient_ids : array-like of shape (n_records,)
        Records without a patient are passed over.

    Raises
    ------
    LeakError
        Names two rows of the same patient, never the patient.
    """
    patients = patients_as_text(patient_ids)
    place = np.asarray(parts)
    if place.shape != (len(patients),):
        raise ValueError(f"parts have shape {place.shape} for {len(patients)} records")
    seen: dict[str, int] = {}
    for row, patient in enumerate(patients):
        if patient:
            first = seen.setdefault(patient, row)
            if place[first] != place[row]:
                raise LeakError(
                    f"rows {first} and {row} are of one patient but in parts {place[first]} and {place[row]}"
                )


def _fractions(patient_ids: ArrayLike, ids: ArrayLike | None, key: str) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each record, the same for all records of a patient."""
    patients = patients_as_text(patient_ids)
    own = [str(row) for row in range(len(patients))] if ids is None else patients_as_text(ids)
    if len(own) != len(patients):
        raise ValueError(f"ids has {len(own)} entries for {len(patients)} records")
    units = [
        f"patient\x1f{patient}" if patient else f"record\x1f{name}"
        for patient, name in zip(patients, own, strict=True)
    ]
    return np.array([keyed_fraction(unit, key) for unit in units], dtype=np.float64)


def patients_as_text(values: ArrayLike) -> list[str]:
    """Return ids as text; None and NaN become empty, whole numbers lose their decimal point."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"ids have shape {array.shape}; they are (n_records,)")
    return [_one_as_text(value) for value in array.tolist()]


def _one_as_text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
