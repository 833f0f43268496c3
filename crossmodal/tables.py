"""Parquet tables that say in their metadata what they are: written whole or not at all, checked when read."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidelight.labeling.faults import InputError
from sidelight.labeling.folder import write_file

if TYPE_CHECKING:
    import pyarrow as pa


def told(table: "pa.Table", key: bytes, about: Mapping[str, Any]) -> "pa.Table":
    """Return the table with `about` in its metadata."""
    return table.replace_schema_metadata({key: json.dumps(about, sort_keys=True)})


def write_table(path: str | Path, table: "pa.Table") -> Path:
    """Write a table as Parquet, or as CSV when `path` ends so."""
    packed = io.BytesIO()
    if Path(path).suffix.lower() == ".csv":
        import pyarrow.csv as table_csv

        table_csv.write_csv(table, packed)
    else:
        import pyarrow.parquet as pq

        pq.write_table(table, packed)
    return write_file(path, packed.getvalue())


def read_table(path: str | Path, key: bytes, version: int, what: str) -> "tuple[pa.Table, dict[str, Any]]":
    """Return a Parquet table and what its metadata says of it.

    Raises
    ------
    InputError
        When the file is absent or damaged, or is not `what` in this version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise InputError(path, "no such file") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(path, f"is no readable Parquet file ({type(error).__name__})") from None
    about = json.loads((table.schema.metadata or {}).get(key, b"{}"))
    if about.get("format") != version:
        raise InputError(path, f"is no {what} in format {version}")
    return table, about
