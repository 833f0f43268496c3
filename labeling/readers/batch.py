"""Rows on their way: as a format hands them on, and as records with canonical columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..record import Record, batch_records


@dataclass
class RawBatch:
    """Rows as a format's reader hands them on: its own columns, before any check of their content.

    Parameters
    ----------
    columns : dict of str to pyarrow.Array
        The rows.
    offsets : ndarray of int64 of shape (n_rows,)
        Where each row stands in its file (see `QuarantinedRow`).
    lines : ndarray of int64 of shape (n_rows,), optional
        Line at which each row starts.
    versions : ndarray of int64 of shape (n_rows,), optional
        Which of several rows of one id is the latest.
    """

    columns: dict[str, pa.Array]
    offsets: NDArray[np.int64]
    lines: NDArray[np.int64] | None = None
    versions: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Batch:
    """Some rows of one file.

    Parameters
    ----------
    records : pyarrow.RecordBatch
        Columns `id` (string) and, where the export has them, `patient_id` (string), `time` (timestamp, UTC) and
        `text` (string, "" where empty), beside the export's own columns under their own names.
    source : str
        Name of the file, relative to the export.
    offsets : ndarray of int64 of shape (n_rows,)
        Where each row stands in its file (see `QuarantinedRow`).
    lines, versions
        As for `RawBatch`.
    history : callable, optional
        Gives the events a record may see.
    named : bool, default True
        Whether votes on these rows carry their ids.
    """

    records: pa.RecordBatch
    source: str
    offsets: NDArray[np.int64]
    lines: NDArray[np.int64] | None = None
    versions: NDArray[np.int64] | None = None
    history: Callable[[Record], Any] | None = None
    named: bool = True

    def __len__(self) -> int:
        return int(self.records.num_rows)

    def __repr__(self) -> str:
        return f"Batch({len(self)} rows of {self.source})"  # never the values

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the rows as records."""
        return iter(batch_records(self.records, self.history))


@dataclass(frozen=True)
class ColumnNames:
    """Which of the export's columns hold the canonical ones; None means the column of the same name, if any."""

    id: str | None = None
    patient_id: str | None = None
    time: str | None = None
    text: str | None = None


def filtered(batch: Batch, keep: NDArray[np.bool_]) -> Batch:
    """Return some rows of a batch."""
    return replace(
        batch,
        records=batch.records.filter(pa.array(keep)),
        offsets=batch.offsets[keep],
        lines=None if batch.lines is None else batch.lines[keep],
        versions=None if batch.versions is None else batch.versions[keep],
    )
