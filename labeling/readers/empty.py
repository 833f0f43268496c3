"""Files of an export that hold nothing: set aside and counted, so that they do not end the work on all others."""

from collections.abc import Iterator
from pathlib import Path

from ..faults import InputError
from .base import Reader, Reading, SourceFile
from .batch import RawBatch
from .lines import MARK, read_chunks
from .pieces import Piece
from .tables import table_suffix

EMPTY = "empty"
_MOST = 1024
"""Bytes above which a file is not looked into: it holds something, were it only blanks."""


class EmptyReader(Reader):
    """Reads a file that holds nothing as no record, and one entry among the rows set aside."""

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Set the file aside."""
        reading.set_aside(file.source, 0, "empty_file")
        yield from ()


def is_empty(path: Path) -> bool:
    """Whether a file, unpacked, holds nothing but blanks and the mark of its encoding."""
    try:
        size = path.stat().st_size
        if not size or size > _MOST or table_suffix(path) in (".parquet", ".pq"):
            return not size
        head = b"".join(read_chunks(path, size=_MOST))
    except (OSError, InputError):
        return False  # whatever is wrong with it, reading it will say
    return not head.removeprefix(MARK).removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").strip()
