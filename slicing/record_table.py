"""The audited records themselves, kept beside an audit so that a later one can be compared with it pair by pair."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.folder import write_file

FILE = "records.npz"
"""Name of the file in an audit's folder. It holds predictions of single records: keep it where the predictions are."""

_ARRAYS = ("keys", "patients", "gold", "proba", "members", "names", "settings")


@dataclass(frozen=True, eq=False)
class RecordTable:
    """Gold, predictions and membership of the records of one audit.

    Parameters
    ----------
    keys : ndarray of str of shape (n_records,)
        Digest of each record's id: the same record has the same key in every audit.
    patients : ndarray of str of shape (n_records,)
        Digest of each patient, empty where unknown.
    gold : ndarray of int of shape (n_records,)
        Class numbers, -1 where missing.
    proba : ndarray of float of shape (n_records, n_classes)
        Predicted probabilities.
    members : ndarray of bool of shape (n_records, n_slices)
        Membership.
    names : tuple of str
        The slices.
    positive : int, default 1
        The class that AUROC and sensitivity are about.
    threshold : float, default 0.5
        Where a prediction of two classes becomes positive.

    Notes
    -----
    A digest hides an id from a glance, not from someone who can try all ids: the file is as private as predictions.
    """

    keys: NDArray[np.str_]
    patients: NDArray[np.str_]
    gold: NDArray[np.int64]
    proba: NDArray[np.float64]
    members: NDArray[np.bool_]
    names: tuple[str, ...]
    positive: int = 1
    threshold: float = 0.5

    @classmethod
    def of(
        cls,
        ids: ArrayLike,
        y: ArrayLike,
        proba: ArrayLike,
        members: NDArray[np.bool_],
        names: Sequence[str],
        *,
        patients: ArrayLike | None = None,
        positive: int = 1,
        threshold: float = 0.5,
    ) -> Self:
        """Build the table from ids in plain words.

        Examples
        --------
        >>> table = RecordTable.of(["a", "b"], [0, 1], [0.2, 0.9], np.ones((2, 1), dtype=bool), ["all"])
        >>> table.keys[0] == "a", table.proba.shape
        (False, (2, 2))
        """
        values = np.asarray(proba, dtype=np.float64)
        values = np.column_stack([1 - values, values]) if values.ndim == 1 else values
        owners = [""] * len(values) if patients is None else np.asarray(patients).tolist()
        return cls(
            np.array([_digest("record", name) for name in np.asarray(ids).tolist()], dtype=np.str_),
            np.array([_digest("patient", name) if name else "" for name in owners], dtype=np.str_),
            np.asarray(y, dtype=np.int64),
            values,
            np.asarray(members, dtype=bool),
            tuple(names),
            positive,
            threshold,
        )

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        n = len(self.keys)
        sizes = {len(column) for column in (self.patients, self.gold, self.proba, self.members)}
        if sizes != {n} or self.members.shape != (n, len(self.names)):
            raise ValueError(f"the columns of {n} records have {sorted(sizes)} rows")
        if len(np.unique(self.keys)) != n:
            raise ValueError("a record stands in the table twice")

    def __len__(self) -> int:
        return len(self.keys)

    def inside(self, name: str) -> NDArray[np.bool_]:
        """Return who belongs to a slice."""
        return np.asarray(self.members[:, self.names.index(name)])

    def write(self, path: str | Path) -> Path:
        """Write the table as one NPZ file; the same table gives the same bytes."""
        arrays = {name: getattr(self, name) for name in _ARRAYS[:4]}
        arrays["members"] = np.packbits(self.members, axis=1)
        arrays["names"] = np.array(self.names, dtype=np.str_)
        arrays["settings"] = np.array([self.positive, self.threshold], dtype=np.float64)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in _ARRAYS:
                content = io.BytesIO()
                np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
        return write_file(path, packed.getvalue())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read what `write` wrote; a ValueError says that the file is something else."""
        try:
            with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as stored:
                arrays: dict[str, Any] = {name: stored[name] for name in _ARRAYS}
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError) as error:
            raise ValueError("is no table of audited records") from error
        names = tuple(arrays["names"].tolist())
        members = np.unpackbits(arrays["members"], axis=1, count=len(names)).astype(bool)
        positive, threshold = arrays["settings"].tolist()
        return cls(
            arrays["keys"], arrays["patients"], arrays["gold"].astype(np.int64), arrays["proba"],
            members.reshape(len(arrays["keys"]), len(names)), names, int(positive), float(threshold),
        )  # fmt: skip


def _digest(kind: str, name: Any) -> str:
    return hashlib.sha256(f"{kind}\x00{name}".encode()).hexdigest()[:20]
