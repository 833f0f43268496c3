"""Turning whatever holds records (list, DataFrame, Arrow, path, reading) into batches of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .faults import FunctionError, UsageError
from .readers import BATCH_SIZE, Batch, Reading, read
from .record import CANONICAL, Record, as_moment, batch_records, iter_records


@dataclass(frozen=True)
class RecordBatch:
    """Some records in order, with what is known of their identity and place.

    Parameters
    ----------
    records : list of Record
        The rows.
    first_row : int
        Rows that came before, over all batches.
    fields : frozenset of str, optional
        The fields every record has; None when rows may differ.
    source : str
        The file the records come from, empty when they come from memory.
    offsets : ndarray of int64 of shape (n_records,), optional
        Where each record stands in its file (see `QuarantinedRow`).
    named : bool, default True
        Whether votes carry the records' ids; not while a record may still turn out to be there twice.
    """

    records: list[Record]
    first_row: int
    fields: frozenset[str] | None = None
    source: str = ""
    offsets: NDArray[np.int64] | None = None
    named: bool = True

    def locate(self, fault: FunctionError) -> FunctionError:
        """Return a function's fault with the record's place in its file, where there is one."""
        if self.offsets is None:
            return fault
        offset = self.offsets[fault.row - self.first_row]
        return FunctionError(fault.function, fault.row, fault.problem, f"{self.source} at {offset}")

    def column(self, name: str) -> NDArray[np.str_] | None:
        """Return `id` or `patient_id` as strings, "" where missing; None when no record has one."""
        if not self.named:
            return None
        values = [getattr(record, name) for record in self.records]
        if all(value is None for value in values):
            return None
        return np.array(["" if value is None else str(value) for value in values])


def iter_batches(data: Any, batch_size: int = BATCH_SIZE) -> Iterator[RecordBatch]:
    """Yield the records of `data`, in order, a batch at a time.

    Parameters
    ----------
    data : list, DataFrame, pyarrow.Table, pyarrow.RecordBatch, Reading or path of an export
        A DataFrame without a column "id" gives its index as ids.
    batch_size : int, default 4096
        Most records a batch.
    """
    if isinstance(data, str | Path):
        data = open_path(data)
    row = 0
    if isinstance(data, Reading | Batch):
        for batch in [data] if isinstance(data, Batch) else data:
            yield RecordBatch(
                list(batch),
                row,
                frozenset(batch.records.schema.names),
                batch.source,
                batch.offsets,
                batch.named,
            )
            row += len(batch)
        return
    for records, fields in _pieces(data, batch_size):
        yield RecordBatch(records, row, fields)
        row += len(records)


def open_path(path: str | Path) -> Reading:
    """Return the records of the export at a path; a string that names none may be a report, and is not repeated."""
    if isinstance(path, str) and not os.path.exists(path):  # a Path raises at names that are too long
        raise UsageError(
            "the records are given as one string, which is taken for the path of an export, and nothing lies there; "
            "texts go in a list"
        )
    return read(path)


def _pieces(data: Any, batch_size: int) -> Iterator[tuple[list[Record], frozenset[str] | None]]:
    if isinstance(data, pa.Table | pa.RecordBatch):
        table = pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data
        for arrow in table.to_batches(max_chunksize=batch_size):
            yield batch_records(_canonical(arrow)), frozenset(arrow.schema.names)
    elif type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        yield from _frame_pieces(data, batch_size)
    elif isinstance(data, Iterable) and not isinstance(data, bytes | dict):
        given = data if isinstance(data, Sequence) else list(data)
        fields = _fields_of_any(given)
        rows = iter_records(given)
        while piece := list(islice(rows, batch_size)):
            yield piece, fields
    else:
        raise UsageError(
            f"records are a list, DataFrame, Arrow table or the path of an export, not a {type(data).__name__}"
        )


def _fields_of_any(rows: Sequence[Any]) -> frozenset[str] | None:
    """Return the fields that any of some mappings has; None where the rows are something else."""
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    return frozenset(str(name) for name in set().union(*rows)) | {"id"}


def _canonical(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose ids are text, whose missing text is empty and whose times are UTC, as in batches of files."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    for name in CANONICAL[:2]:
        if name in columns and pa.types.is_floating(columns[name].type):
            columns[name] = pa.array([_name(value) for value in columns[name].to_pylist()], pa.string())
    if "text" in columns and columns["text"].null_count:
        columns["text"] = columns["text"].cast(pa.string()).fill_null("")
    if "time" in columns:
        moments = [as_moment(value) for value in columns["time"].to_pylist()]
        if all(moment is None or isinstance(moment, datetime) for moment in moments):
            columns["time"] = pa.array(moments, pa.timestamp("us", tz="UTC"))
    return pa.RecordBatch.from_pydict(columns)


def _frame_pieces(frame: Any, batch_size: int) -> Iterator[tuple[list[Record], frozenset[str]]]:
    """Yield a pandas frame's rows without building a Series for any of them."""
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"the data frame has two columns called {twice[0]!r}")
    fields = frozenset([*names, "id"])
    for start in range(0, len(frame), batch_size):
        piece = frame.iloc[start : start + batch_size]
        columns = {name: _cells(piece.iloc[:, j]) for j, name in enumerate(names)}
        columns.setdefault("id", [str(value) for value in piece.index])
        for name in CANONICAL[:2]:
            if name in columns:
                columns[name] = [_name(value) for value in columns[name]]
        if "text" in columns:
            columns["text"] = ["" if value is None else value for value in columns["text"]]
        if "time" in columns:
            columns["time"] = [as_moment(value) for value in columns["time"]]
        records = [
            Record(dict(zip(columns, values, strict=True))) for values in zip(*columns.values(), strict=True)
        ]
        yield records, fields


def frame_names(frame: Any, name: str) -> NDArray[np.str_] | None:
    """Return a frame's `id` (its index where it has no such column) or `patient_id`, "" where missing."""
    if name in frame.columns:
        names = [_name(value) or "" for value in _cells(frame[name])]
    else:
        names = [str(value) for value in frame.index] if name == "id" else []
    return np.array(names) if any(names) else None


def _name(value: Any) -> str | None:
    """Return an id as text: pandas turns a column of whole numbers into floats as soon as one is missing."""
    if value is None or value != value:  # NaN is the one number that differs from itself
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _cells(column: Any) -> list[Any]:
    """Return a column's values with missing ones as None in columns that are no numbers."""
    values: list[Any] = column.tolist()
    if column.dtype.kind in "iufb":
        return values
    missing = column.isna().tolist()
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]
