"""Tables of a known shape, in CSV or Parquet: what the readers of OMOP and MIMIC exports share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from .base import Reader, Reading, SourceFile
from .batch import RawBatch
from .csv import CsvReader
from .parquet import ParquetReader
from .pieces import PACKED, Piece


class TableReader(Reader):
    """Hands a file to the reader of its suffix, and gives the columns their canonical names."""

    inner: ClassVar[dict[str, Reader]] = {
        suffix: reader for reader in (CsvReader(), ParquetReader()) for suffix in reader.suffixes
    }

    def inner_reader(self, path: Path) -> Reader:
        """Return the reader of the file's suffix."""
        return self.inner[table_suffix(path)]

    def settle(self, path: Path, reading: Reading) -> dict[str, Any]:
        """Return what the inner reader settles."""
        return self.inner_reader(path).settle(path, reading)

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the inner reader's pieces."""
        return self.inner_reader(path).pieces(path, reading)

    def tables(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the rows as they stand, column names in lower case."""
        for raw in self.inner_reader(file.path).batches(file, reading, piece):
            columns = {name.lower(): column for name, column in raw.columns.items()}
            yield RawBatch(columns, raw.offsets, raw.lines)


def table_suffix(path: Path) -> str:
    """Return a file's suffix in lower case, that of its packing left out."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def table_name(path: Path) -> str:
    """Return a file's name in upper case without suffixes, and without what follows a dot or a dash and digits."""
    return path.name.partition(".")[0].upper()
