"""Parquet files, row group by row group, so that memory stays flat."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..faults import InputError
from .base import Reader, Reading, SourceFile
from .batch import RawBatch
from .pieces import PIECE_SIZE, Piece, hash_file

MOST_ROWS = 50_000
"""Rows above which row groups are not put together into one piece."""


class ParquetReader(Reader):
    """Reads the file's columns as they are typed; dictionary columns become plain ones."""

    suffixes = (".parquet", ".pq")

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return runs of row groups; all carry the hash of the whole file."""
        digest = hash_file(path)
        pieces: list[Piece] = []
        start, first, rows, size = 0, 0, 0, 0
        with _open(path) as file:
            n_groups = file.metadata.num_row_groups
            for group in range(n_groups):
                meta = file.metadata.row_group(group)
                rows += meta.num_rows
                size += meta.total_byte_size
                if rows >= MOST_ROWS or size >= PIECE_SIZE or group == n_groups - 1:
                    pieces.append(Piece(start, group + 1, first, digest))
                    start, first, rows, size = group + 1, first + rows, 0, 0
        return pieces or [Piece(0, 0, 0, digest)]

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the file's rows."""
        row = 0 if piece is None else piece.line
        with _open(file.path) as parquet:
            stop = parquet.metadata.num_row_groups if piece is None or piece.stop < 0 else piece.stop
            groups = range(0 if piece is None else piece.start, stop)
            try:
                for batch in parquet.iter_batches(batch_size=reading.batch_size, row_groups=list(groups)):
                    columns = dict(zip(batch.schema.names, map(_plain, batch.columns), strict=True))
                    yield RawBatch(columns, np.arange(row, row + batch.num_rows, dtype=np.int64))
                    row += batch.num_rows
            except (OSError, pa.ArrowException):
                raise InputError(file.path, f"cannot be read as Parquet (after {row} rows)") from None


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException):
        raise InputError(path, "cannot be read as Parquet (after 0 rows)") from None


def _plain(column: pa.Array) -> pa.Array:
    """Return a column without dictionary encoding."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
