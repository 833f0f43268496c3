"""Folders of plain text: a file a record, its name the record's id."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from .base import Reader, Reading, SourceFile
from .batch import RawBatch
from .lines import LONGEST, MARK, read_chunks
from .pieces import PACKED, Piece


class TextReader(Reader):
    """Reads a file as one record; its id is the name within the export, without the suffix."""

    suffixes = (".txt",)
    grouped = True

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the one row of a file."""
        raw = b""
        for chunk in read_chunks(file.path):
            raw += chunk
            if len(raw) > LONGEST:
                reading.set_aside(file.source, 0, "too_long", line=1)
                return
        try:
            text = raw.removeprefix(MARK).decode(reading.encoding)
        except UnicodeDecodeError:
            reading.set_aside(
                file.source, 0, "bad_utf8" if reading.encoding == "utf-8" else "bad_text", "", raw, 1
            )
            return
        if "\x00" in text:
            reading.set_aside(file.source, 0, "nul_byte", "", raw, 1)
            return
        name = file.source
        for suffix in (*PACKED, *self.suffixes):
            name = name.removesuffix(suffix)
        columns = {"id": pa.array([name], pa.string()), "text": pa.array([text], pa.string())}
        yield RawBatch(columns, np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64))
