"""Readers of exports: one file a format, one registry, one contract."""

from collections.abc import Mapping
from pathlib import Path

from ..faults import InputError, UsageError
from .base import BATCH_SIZE, EVENTS, QUARANTINE_LIMIT, RECORDS, VISITS, Reader, Reading, SourceFile
from .batch import Batch, ColumnNames, RawBatch
from .events import EventStore
from .layout import READERS, detect_format, find_files, sniff_format
from .pieces import Piece
from .quarantine import Quarantine, QuarantinedRow

__all__ = [
    "BATCH_SIZE",
    "EVENTS",
    "QUARANTINE_LIMIT",
    "READERS",
    "RECORDS",
    "VISITS",
    "Batch",
    "ColumnNames",
    "EventStore",
    "Piece",
    "Quarantine",
    "QuarantinedRow",
    "RawBatch",
    "Reader",
    "Reading",
    "SourceFile",
    "detect_format",
    "find_files",
    "read",
    "sniff_format",
]


def read(
    path: str | Path,
    *,
    id: str | None = None,  # noqa: A002
    text: str | None = None,
    patient_id: str | None = None,
    time: str | None = None,
    format: str | None = None,  # noqa: A002
    types: Mapping[str, type] | None = None,
    encoding: str = "utf-8",
    batch_size: int = BATCH_SIZE,
) -> Reading:
    r"""Read an export, a file or a folder of files, as Arrow batches.

    Parameters
    ----------
    path : path-like
        A CSV, TSV, Parquet, JSON-lines, FHIR, HL7 v2 or text file (gzip, bzip2 or zstd where the format is text), or a
        folder of such files, read in the order of their names: a FHIR bulk export, the tables of an OMOP CDM, a
        MIMIC-style note table, Parquet in hive partitions, a folder of text files.
    id, text, patient_id, time : str, optional
        The export's columns that hold the record's id, text, patient and time, when they are called otherwise.
    format : str, optional
        A name in `READERS`, when the file's name and head do not tell.
    types : mapping of column name to bool, int, float or str, optional
        Types of CSV columns, where the first rows would mislead.
    encoding : str, default "utf-8"
        Encoding of CSV and text files.
    batch_size : int, default 4096
        Most rows a batch.

    Returns
    -------
    Reading
        Iterate over it for `Batch` objects; its `quarantine` holds the rows set aside.

    Raises
    ------
    InputError
        When a file cannot be read at all: missing, no id column, wrong encoding throughout; or when there is nothing but
        empty files. Beside others an empty file is set aside as "empty_file".

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     _ = (Path(home) / "notes.csv").write_text("note,report\n1,normal\n1,again\n")
    ...     reading = read(Path(home) / "notes.csv", id="note", text="report")
    ...     [record.text for batch in reading for record in batch], reading.quarantine.counts()
    (['normal'], {'duplicate_id:note': 1})
    """
    if batch_size < 1:
        raise UsageError(f"batch_size is {batch_size}; it is at least 1")
    if format is not None and format not in READERS:
        raise UsageError(f"no format {format!r}; there are {', '.join(sorted(READERS))}")
    files = find_files(
        Path(path), format, plain=any(name is not None for name in (id, text, patient_id, time))
    )
    if not any(file.roles & {RECORDS, VISITS} for file in files):
        raise InputError(path, "holds no notes, reports or visits")
    names = ColumnNames(id=id, patient_id=patient_id, time=time, text=text)
    reading = Reading(files, names, types=types, encoding=encoding, batch_size=batch_size)
    reading.root = Path(path)
    return reading
