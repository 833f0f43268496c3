"""Parquet files, row group by row group, so that memory stays flat."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..faults import InputError
from .base import RawBatch, Reading


class ParquetReader:
    """Reads the file's columns as they are typed; dictionary columns become plain ones."""

    suffixes: tuple[str, ...] = (".parquet", ".pq")

    def batches(self, path: Path, reading: Reading, source: str) -> Iterator[RawBatch]:
        """Yield the file's rows."""
        row = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=reading.batch_size):
                    columns = dict(zip(batch.schema.names, map(_plain, batch.columns), strict=True))
                    yield RawBatch(columns, np.arange(row, row + batch.num_rows, dtype=np.int64))
                    row += batch.num_rows
        except (OSError, pa.ArrowException):
            raise InputError(path, f"cannot be read as Parquet (after {row} rows)") from None


def _plain(column: pa.Array) -> pa.Array:
    """Return a column without dictionary encoding."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
