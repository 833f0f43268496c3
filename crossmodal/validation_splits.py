"""Cutting records by time or by site, for what a split at random cannot show: another year, another hospital."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .split import Split, check_split, patient_split, patients_as_text

LEFT_OUT = ""
"""Part of the records that would leak: of a patient on one side, from a time or a site of the other."""


def time_split(
    times: ArrayLike,
    patient_ids: ArrayLike,
    cut: str | np.datetime64,
    *,
    dev: float = 0.2,
    key: str = "sidelight",
    ids: ArrayLike | None = None,
) -> Split:
    """Train on the time before `cut`, test on patients first seen from then on.

    Records of earlier patients from after the cut belong to neither side and are left out (part ""), as are
    records without a time.

    Parameters
    ----------
    times : array-like of datetime64 or ISO text of shape (n_records,)
        Time of each record.
    patient_ids : array-like of shape (n_records,)
        A record without one counts as a patient of its own.
    cut : str or datetime64
        First moment of the test period.
    dev : float, default 0.2
        Share of the earlier patients kept for early stopping, by keyed hash.
    key : str, default "sidelight"
        Of that hash.
    ids : array-like of shape (n_records,), optional
        Record ids; see `patient_split`.

    Examples
    --------
    >>> split = time_split(["1990-01-01", "1995-06-01", "1995-07-01"], ["a", "a", "b"], "1995-01-01", dev=0.0)
    >>> split.parts.tolist()
    ['train', '', 'test']
    """
    given = np.asarray(times, dtype=object).tolist()
    when = np.array(
        [_moment(value, f"times[{row}]") for row, value in enumerate(given)], dtype="datetime64[s]"
    )
    limit = _moment(cut, "cut")
    patients = _units(patient_ids, len(when))
    known = ~np.isnat(when)
    first: dict[str, np.datetime64] = {}
    for patient, moment in zip(patients, when, strict=True):
        if not np.isnat(moment) and not first.get(patient, moment) < moment:
            first[patient] = moment
    late = np.array([patient in first and first[patient] >= limit for patient in patients], dtype=bool)
    outside = ~known | (~late & (when >= limit))
    return _finished(late, outside, patient_ids, dev, key, ids)


def site_split(
    sites: ArrayLike,
    patient_ids: ArrayLike,
    held_out: Sequence[str],
    *,
    dev: float = 0.2,
    key: str = "sidelight",
    ids: ArrayLike | None = None,
) -> Split:
    """Train on some sites, test on the others; patients seen at both are left out of the test (part "").

    Parameters
    ----------
    sites : array-like of shape (n_records,)
        Site of each record.
    patient_ids : array-like of shape (n_records,)
        A record without one counts as a patient of its own.
    held_out : sequence of str
        Sites to test on.
    dev, key, ids
        As in `time_split`.

    Examples
    --------
    >>> split = site_split(["A", "B", "B"], ["p", "p", "q"], held_out=["B"], dev=0.0)
    >>> split.parts.tolist()
    ['train', '', 'test']
    """
    place = np.array([str(site) for site in np.asarray(sites, dtype=object).tolist()], dtype=np.str_)
    unknown = [site for site in map(str, held_out) if site not in set(place.tolist())]
    if unknown or not len(held_out):
        raise ValueError(
            f"held_out names {len(unknown)} sites that no record is of; name at least one that is there"
        )
    away = np.isin(place, [str(site) for site in held_out])
    patients = _units(patient_ids, len(place))
    at_home = {patient for patient, far in zip(patients, away, strict=True) if not far}
    both = np.array([patient in at_home for patient in patients], dtype=bool)
    return _finished(away & ~both, away & both, patient_ids, dev, key, ids)


def _finished(
    test: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    patient_ids: ArrayLike,
    dev: float,
    key: str,
    ids: ArrayLike | None,
) -> Split:
    """Name the parts, divide what is no test by patient, and check that nobody stands on both sides."""
    early = patient_split(patient_ids, {"train": 1 - dev, "dev": dev}, key=key, ids=ids)
    parts = np.where(outside, LEFT_OUT, np.where(test, "test", early.parts)).astype(np.str_)
    kept = np.flatnonzero(parts != LEFT_OUT)
    text = np.array(patients_as_text(patient_ids), dtype=np.str_)
    check_split(parts[kept], text[kept])
    return Split(parts, ("train", "dev", "test"))


def _units(patient_ids: ArrayLike, n: int) -> list[str]:
    """Return patients as text, each record without one as its own."""
    patients = patients_as_text(patient_ids)
    if len(patients) != n:
        raise ValueError(f"patient_ids has {len(patients)} entries for {n} records")
    return [patient or f"\x1f{row}" for row, patient in enumerate(patients)]


def _moment(value: object, name: str) -> np.datetime64:
    """Return a time to the second; NaT where there is none."""
    if value is None or value != value or value == "":
        return np.datetime64("NaT", "s")
    try:
        return np.datetime64(value, "s")  # type: ignore[call-overload, no-any-return]
    except (ValueError, TypeError):
        raise ValueError(f"{name} is no time; ISO text or datetime64 is needed") from None
