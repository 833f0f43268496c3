"""Tables of notes laid out as in MIMIC-III and MIMIC-IV-Note."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .base import Reading, SourceFile
from .batch import RawBatch
from .columns import strings
from .pieces import Piece
from .tables import TableReader

NAMES = {
    "id": ("note_id", "row_id"),
    "patient_id": ("subject_id",),
    "time": ("charttime", "chartdate"),
    "text": ("text",),
}
"""The canonical columns, and what they are called in these tables; the first that is there and filled counts."""


def is_mimic(columns: list[str]) -> bool:
    """Whether a table has the columns of a MIMIC note table."""
    names = {name.lower() for name in columns}
    return {"subject_id", "text"} <= names and bool(names & {"note_id", "row_id"})


class MimicReader(TableReader):
    """Reads note tables; rows marked as errors are set aside."""

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the notes."""
        for raw in self.tables(file, reading, piece):
            columns = dict(raw.columns)
            for name, candidates in NAMES.items():
                for candidate in reversed(candidates):
                    if candidate in raw.columns:
                        found = strings(raw.columns[candidate])[0]
                        known = columns.get(name) if name in columns and name not in raw.columns else None
                        columns[name] = found if known is None else pc.coalesce(found, known)
            batch = RawBatch(columns, raw.offsets, raw.lines)
            if "iserror" in columns:
                wrong = pc.fill_null(pc.equal(strings(columns["iserror"])[0], "1"), fill_value=False)
                batch = set_aside_where(batch, wrong, "entered_in_error", file, reading)
            yield batch


def set_aside_where(
    raw: RawBatch, wrong: pa.Array, reason: str, file: SourceFile, reading: Reading
) -> RawBatch:
    """Set the rows aside for which `wrong` holds, and return the others."""
    bad = np.asarray(wrong.to_numpy(zero_copy_only=False), dtype=bool)
    if not bad.any():
        return raw
    for row in np.flatnonzero(bad):
        line = 0 if raw.lines is None else int(raw.lines[row])
        reading.set_aside(file.source, int(raw.offsets[row]), reason, line=line)
    keep = pa.array(~bad)
    columns = {name: column.filter(keep) for name, column in raw.columns.items()}
    return RawBatch(columns, raw.offsets[~bad], None if raw.lines is None else raw.lines[~bad])
