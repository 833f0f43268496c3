"""Signals by study: read from NPZ with checks, kept as stored, turned into float32 leads a batch at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.faults import InputError

from .contract import InputContract
from .leads import canonical_leads, twelve_leads

VALUE_KEYS = ("signals", "signals_uv", "signals_mv", "values", "data", "x")
ID_KEYS = ("ids", "id", "study_id", "record_id", "ecg_id", "eeg_id")
LEAD_KEYS = ("lead_names", "leads", "channel_names", "channels")
RATE_KEYS = ("sampling_hz", "sampling_rate", "fs", "hz")
MICROVOLT, MILLIVOLT = "uV", "mV"


@dataclass(frozen=True)
class SetAside:
    """A study that cannot be used: its row in the file, counted from 0, and why."""

    row: int
    reason: str


@dataclass(frozen=True, eq=False)
class SignalSet:
    """Signals of one shape, known by study id; samples become float32 only when a batch is asked for.

    Parameters
    ----------
    ids : ndarray of str of shape (n_studies,)
        Study ids, unique.
    stored : ndarray of shape (n_rows, n_stored_leads, length)
        Samples as they were stored, of any real type.
    rows : ndarray of int of shape (n_studies,)
        Where each study stands in `stored`.
    mix : ndarray of shape (n_leads, n_stored_leads)
        How leads follow from the stored ones, unit conversion included.
    contract : InputContract
        Names of the leads, sampling rate, length and units.
    set_aside : tuple of SetAside
        Studies of the file that hold samples which are no numbers.

    Examples
    --------
    >>> signals = SignalSet.of(np.ones((2, 2, 5)), ids=["a", "b"], lead_names=["I", "II"], sampling_hz=100)
    >>> len(signals), signals.lead_names, signals.batch([1]).shape
    (2, ('I', 'II', 'III', 'aVR', 'aVL', 'aVF'), (1, 6, 5))
    """

    ids: NDArray[np.str_]
    stored: NDArray[Any]
    rows: NDArray[np.intp]
    mix: NDArray[np.float32]
    contract: InputContract
    set_aside: tuple[SetAside, ...] = ()

    @classmethod
    def of(
        cls,
        values: ArrayLike,
        *,
        ids: ArrayLike | None = None,
        lead_names: Sequence[str] = (),
        sampling_hz: float = 0.0,
        units: str = "",
        derive: bool = True,
    ) -> Self:
        """Return the signals in `values` of shape (n_studies, n_leads, length).

        Parameters
        ----------
        values : array-like of shape (n_studies, n_leads, length)
            Samples.
        ids : array-like of shape (n_studies,), optional
            Study ids; "0", "1", ... without.
        lead_names : sequence of str, optional
            One for each lead.
        sampling_hz : float, default 0
            Samples a second, 0 when not known.
        units : str, default ""
            "uV" is turned into "mV"; other units are kept.
        derive : bool, default True
            Compute the limb leads that follow from leads I and II when they are absent.
        """
        stored = np.asarray(values)
        if stored.ndim != 3 or stored.dtype.kind not in "iuf":
            raise ValueError(
                f"values are {stored.dtype} of shape {stored.shape}; give numbers (n_studies, n_leads, length)"
            )
        names = np.arange(len(stored)) if ids is None else np.asarray(ids)
        return cls._build(stored, names, lead_names, sampling_hz, units, derive=derive)

    @classmethod
    def read(cls, path: str | Path, *, keys: Mapping[str, str] | None = None, derive: bool = True) -> Self:
        """Read an NPZ file that holds signals, study ids, lead names and the sampling rate.

        Parameters
        ----------
        path : path-like
            The file. Its signals are (n_studies, n_leads, length) or (n_studies, length, n_leads).
        keys : mapping, optional
            Names of the arrays called "values", "ids", "lead_names" and "sampling_hz" here, where the file
            calls them something unusual.
        derive : bool, default True
            Compute the limb leads that follow from leads I and II when they are absent.

        Raises
        ------
        InputError
            When the file cannot be read or an array is missing or misshapen; names the file and the array.
        """
        return cls._build_from(Path(path), _load(Path(path)), dict(keys or {}), derive=derive)

    @classmethod
    def _build_from(
        cls, path: Path, arrays: dict[str, NDArray[Any]], keys: dict[str, str], *, derive: bool
    ) -> Self:
        where = {
            "values": _find(path, arrays, "values", VALUE_KEYS, keys),
            "ids": _find(path, arrays, "ids", ID_KEYS, keys),
            "lead_names": _find(path, arrays, "lead_names", LEAD_KEYS, keys, needed=False),
            "sampling_hz": _find(path, arrays, "sampling_hz", RATE_KEYS, keys, needed=False),
        }
        key = where["values"]
        values = arrays[key]
        if values.ndim != 3 or values.dtype.kind not in "iuf":
            raise InputError(
                path, f"{key} is {values.dtype} of shape {values.shape}; numbers (n_studies, n_leads, length)"
            )
        names = [str(name) for name in arrays[where["lead_names"]].ravel()] if where["lead_names"] else []
        rate = arrays[where["sampling_hz"]].ravel() if where["sampling_hz"] else np.zeros(1)
        if rate.dtype.kind not in "iuf" or len(rate) != 1 or not np.isfinite(rate[0]) or rate[0] < 0:
            raise InputError(path, f"{where['sampling_hz']} is not one positive number")
        values = _leads_first(path, key, values, names)
        units = str(arrays["units"].ravel()[0]) if "units" in arrays else _units_of(key)
        try:
            return cls._build(values, arrays[where["ids"]], names, float(rate[0]), units, derive=derive)
        except ValueError as error:
            raise InputError(path, str(error)) from None

    @classmethod
    def _build(
        cls,
        stored: NDArray[Any],
        ids: NDArray[Any],
        lead_names: Sequence[str],
        sampling_hz: float,
        units: str,
        *,
        derive: bool,
    ) -> Self:
        n, n_leads, length = stored.shape
        if not n or not n_leads or not length:
            raise ValueError(f"signals of shape {stored.shape} hold no samples")
        names = canonical_leads(lead_names or [str(lead) for lead in range(n_leads)])
        if len(names) != n_leads:
            raise ValueError(f"{len(names)} lead_names for {n_leads} leads")
        if len(set(names)) != len(names):
            raise ValueError("lead_names holds a lead twice")
        keys = _as_ids(ids, n)
        good = _finite_rows(stored)
        mix = np.eye(n_leads, dtype=np.float32)
        if derive:
            names, mix = twelve_leads(names)
        if units in (MICROVOLT, "µV", "μV"):
            mix, units = mix / np.float32(1000), MILLIVOLT
        rows = np.flatnonzero(good)
        return cls(
            ids=keys[rows],
            stored=stored,
            rows=rows,
            mix=mix,
            contract=InputContract(tuple(names), (length,), float(sampling_hz), units),
            set_aside=tuple(SetAside(int(row), "samples are not finite") for row in np.flatnonzero(~good)),
        )

    @property
    def lead_names(self) -> tuple[str, ...]:
        """Names of the leads, derived ones included."""
        return self.contract.lead_names

    @property
    def sampling_hz(self) -> float:
        """Samples a second, 0 when not known."""
        return self.contract.sampling_hz

    @property
    def units(self) -> str:
        """Units of `values`, empty when not known."""
        return self.contract.units

    @property
    def values(self) -> NDArray[np.float32]:
        """All signals as float32 of shape (n_studies, n_leads, length), made anew at each call."""
        return self.batch(np.arange(len(self)))

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return the signals at these positions as float32 of shape (n_rows, n_leads, length)."""
        chosen = self.stored[self.rows[np.asarray(rows, dtype=np.intp)]].astype(np.float32)
        # one product per study, so that a study's samples do not depend on its neighbours in the batch
        return np.stack([self.mix @ study for study in chosen]) if len(chosen) else self._empty()

    def _empty(self) -> NDArray[np.float32]:
        return np.empty((0, len(self.lead_names), self.contract.length), dtype=np.float32)

    def take(self, rows: ArrayLike) -> Self:
        """Return some of the studies, by position or boolean mask, without copying samples."""
        keep = np.arange(len(self))[np.asarray(rows)]
        return replace(self, ids=self.ids[keep], rows=self.rows[keep])

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"SignalSet({len(self)} studies, {self.contract}, {len(self.set_aside)} set aside)"


def _load(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file, refusing pickled objects."""
    try:
        # opened here, since NumPy leaves a file open that turns out to be no archive
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if isinstance(archive, np.ndarray):
                raise InputError(path, "holds one bare array; an NPZ with signals and ids is needed")
            return {name: _member(path, archive, name) for name in archive.files}
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(path, f"is no readable NPZ file ({type(error).__name__})") from None


def _member(path: Path, archive: Any, name: str) -> NDArray[Any]:
    try:
        return np.asarray(archive[name])
    except ValueError:
        raise InputError(
            path, f"{name} is ragged or holds objects; every study needs the same shape"
        ) from None
    except (OSError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise InputError(path, f"{name} is damaged ({type(error).__name__})") from None


def _find(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    field: str,
    usual: Sequence[str],
    keys: Mapping[str, str],
    *,
    needed: bool = True,
) -> str:
    """Return the name under which the file holds `field`, "" when it need not and does not."""
    if field in keys:
        if keys[field] not in arrays:
            raise InputError(path, f"holds no array {keys[field]!r}; it holds {sorted(arrays)}")
        return keys[field]
    lower = {name.lower(): name for name in arrays}
    for name in usual:
        if name in lower:
            return lower[name]
    if field == "values":
        deep = [name for name, values in arrays.items() if values.ndim == 3]
        if len(deep) == 1:
            return deep[0]
    if needed:
        raise InputError(path, f"holds no {field} (one of {', '.join(usual)}); it holds {sorted(arrays)}")
    return ""


def _leads_first(path: Path, key: str, values: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """Return a view of shape (n_studies, n_leads, length), whichever way round the file has it."""
    _, first, second = values.shape
    n_leads = len(names) or min(first, second)
    if first == second:
        raise InputError(
            path, f"{key} has as many leads as samples ({first}): which axis is which is unclear"
        )
    if n_leads not in (first, second):
        raise InputError(
            path, f"{key} has shape {values.shape}; no axis has the {n_leads} leads of lead_names"
        )
    return values if first == n_leads else values.transpose(0, 2, 1)


def _units_of(key: str) -> str:
    """Return the units that a name such as signals_uV tells."""
    tail = key.rsplit("_", 1)[-1].lower() if "_" in key else ""
    return {"uv": MICROVOLT, "mv": MILLIVOLT}.get(tail, "")


def _as_ids(ids: NDArray[Any], n: int) -> NDArray[np.str_]:
    """Return ids as text, whole numbers without a decimal point; refuse empty and double ones."""
    if ids.shape != (n,):
        raise ValueError(f"ids have shape {ids.shape} for {n} signals")
    if ids.dtype.kind == "f":
        if not np.isfinite(ids).all() or (ids != np.round(ids)).any():
            raise ValueError("ids are fractions; they are text or whole numbers")
        ids = ids.astype(np.int64)
    if ids.dtype.kind not in "iuU":
        raise ValueError(f"ids are {ids.dtype}; they are text or whole numbers")
    text = ids.astype(np.str_)
    empty = np.flatnonzero(np.char.str_len(text) == 0)
    if len(empty):
        raise ValueError(f"ids[{empty[0]}] is empty")
    _, first, count = np.unique(text, return_index=True, return_counts=True)
    if (count > 1).any():
        raise ValueError(f"ids[{first[count > 1].min()}] stands there twice; each study has its own id")
    return text


def _finite_rows(stored: NDArray[Any]) -> NDArray[np.bool_]:
    if stored.dtype.kind != "f":
        return np.ones(len(stored), dtype=bool)
    return np.array([bool(np.isfinite(study).all()) for study in stored], dtype=bool)
