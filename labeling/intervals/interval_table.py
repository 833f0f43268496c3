"""Sets of intervals as Arrow tables and Parquet files."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..faults import InputError
from ..folder import write_file

_AXIS = b"sidelight.axis"
_OTHERS = ("payload", "source", "score")

Bounds: TypeAlias = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
Columns: TypeAlias = tuple[Bounds, str, list[Mapping[str, Any]], list[str], NDArray[np.float64]]
"""Bounds, name of the primary axis, payloads, sources and scores."""


def to_table(
    bounds: Bounds,
    axis: str,
    payload: tuple[Mapping[str, Any], ...],
    source: tuple[str, ...],
    score: NDArray[np.float64],
) -> pa.Table:
    """Return a row an interval: two columns an axis, what is known of it as JSON, its source and its score.

    Raises
    ------
    TypeError
        When a payload holds what JSON has no form for.
    """
    columns: dict[str, pa.Array] = {}
    for name, (lo, hi) in bounds.items():
        columns[f"{name}.lo"] = pa.array(lo, pa.float64())
        columns[f"{name}.hi"] = pa.array(hi, pa.float64())
    columns["payload"] = pa.array([_as_json(row, known) for row, known in enumerate(payload)], pa.string())
    columns["source"] = pa.array(source, pa.string())
    columns["score"] = pa.array(score, pa.float64(), mask=np.isnan(score))
    return pa.table(columns).replace_schema_metadata({_AXIS: axis.encode()})


def from_table(table: pa.Table) -> Columns:
    """Return what `to_table` was given.

    Raises
    ------
    ValueError
        When the table is none that `to_table` made, names the column.
    """
    axis = (table.schema.metadata or {}).get(_AXIS, b"").decode()
    names = [name.removesuffix(".lo") for name in table.column_names if name.endswith(".lo")]
    wanted = {f"{name}.{end}" for name in names for end in ("lo", "hi")} | set(_OTHERS)
    if not axis or axis not in names or set(table.column_names) != wanted:
        raise ValueError("the table holds no set of intervals")
    bounds: Bounds = {}
    for name in names:
        lo, hi = (_numbers(table, f"{name}.{end}") for end in ("lo", "hi"))
        if not (lo <= hi).all():  # a missing bound is NaN and fails this too
            raise ValueError(f"interval {int(np.argmax(~(lo <= hi)))} ends before it begins on axis {name!r}")
        bounds[name] = (lo, hi)
    payload: list[Mapping[str, Any]] = []
    for row, text in enumerate(table.column("payload").to_pylist()):
        known: Any = None
        with contextlib.suppress(TypeError, ValueError):  # its message may quote the record
            known = json.loads(text)
        if not isinstance(known, dict):
            raise ValueError(f"row {row}: column 'payload' holds no JSON object")
        payload.append(known)
    source = [str(name or "") for name in table.column("source").to_pylist()]
    return bounds, axis, payload, source, _numbers(table, "score")


def write_table(table: pa.Table, path: str | Path) -> Path:
    """Write a table as one Parquet file, whole or not at all, readable by its owner."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return write_file(path, sink.getvalue())


def read_table(path: str | Path) -> Columns:
    """Return what the table of a Parquet file was made of.

    Raises
    ------
    InputError
        When the file is missing, damaged or holds something else.
    """
    try:
        return from_table(pq.ParquetFile(path).read())
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot be read as Parquet ({type(error).__name__})"
    except ValueError as error:
        problem = str(error)
    raise InputError(Path(path), problem)


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    column = table.column(name)
    if not pa.types.is_floating(column.type) and not pa.types.is_integer(column.type):
        raise ValueError(f"column {name!r} holds no numbers")
    return np.asarray(column.cast(pa.float64()).fill_null(np.nan).to_numpy())


def _as_json(row: int, known: Mapping[str, Any]) -> str:
    with contextlib.suppress(TypeError, ValueError):  # its message may quote the record
        return json.dumps(dict(known), sort_keys=True)
    raise TypeError(f"interval {row}: its payload holds what JSON has no form for")
