"""Readers of exports: one file a format, one registry, one contract."""

from collections.abc import Mapping
from pathlib import Path

from ..faults import InputError, UsageError
from .base import (
    BATCH_SIZE,
    QUARANTINE_LIMIT,
    Batch,
    ColumnNames,
    Quarantine,
    QuarantinedRow,
    RawBatch,
    Reader,
    Reading,
)
from .csv import CsvReader
from .jsonl import JsonLinesReader
from .parquet import ParquetReader

READERS: dict[str, Reader] = {
    "csv": CsvReader(),
    "jsonl": JsonLinesReader(),
    "parquet": ParquetReader(),
}
"""Readers by the name of their format."""

_PACKED = (".gz", ".zst", ".bz2")

__all__ = [
    "BATCH_SIZE",
    "QUARANTINE_LIMIT",
    "READERS",
    "Batch",
    "ColumnNames",
    "Quarantine",
    "QuarantinedRow",
    "RawBatch",
    "Reader",
    "Reading",
    "detect_format",
    "read",
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
        A CSV, TSV, Parquet or JSON-lines file (gzip, bzip2 or zstd where the format is text), or a folder of such files,
        read in the order of their names.
    id, text, patient_id, time : str, optional
        The export's columns that hold the record's id, text, patient and time, when they are called otherwise.
    format : str, optional
        A name in `READERS`, when the file's suffix does not tell.
    types : mapping of column name to bool, int, float or str, optional
        Types of CSV columns, where the first rows would mislead.
    encoding : str, default "utf-8"
        Encoding of CSV files.
    batch_size : int, default 4096
        Most rows a batch.

    Returns
    -------
    Reading
        Iterate over it for `Batch` objects; its `quarantine` holds the rows set aside.

    Raises
    ------
    InputError
        When a file cannot be read at all: missing, empty, no id column, wrong encoding throughout.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     _ = (Path(home) / "notes.csv").write_text("note,report\n1,normal\n1,again\n")
    ...     reading = read(Path(home) / "notes.csv", id="note", text="report")
    ...     [record.text for batch in reading for record in batch], reading.quarantine.counts()
    (['normal'], {'duplicate_id:note': 1})
    """
    root = Path(path)
    if batch_size < 1:
        raise UsageError(f"batch_size is {batch_size}; it is at least 1")
    if format is not None and format not in READERS:
        raise UsageError(f"no format {format!r}; there are {', '.join(sorted(READERS))}")
    if not root.exists():
        raise InputError(root, "does not exist")
    paths = [root]
    if root.is_dir():
        known = (entry for entry in root.rglob("*") if entry.is_file() and not entry.name.startswith("."))
        paths = sorted(entry for entry in known if format is not None or detect_format(entry) is not None)
        if not paths:
            raise InputError(root, f"holds no file of a known format ({', '.join(sorted(READERS))})")
    files = []
    for file in paths:
        name = format or detect_format(file)
        if name is None:
            raise InputError(
                file, f"its format is not told by its name; say which (one of {', '.join(sorted(READERS))})"
            )
        source = file.name if file == root else file.relative_to(root).as_posix()
        files.append((file, source, READERS[name]))
    names = ColumnNames(id=id, patient_id=patient_id, time=time, text=text)
    return Reading(files, names, types=types, encoding=encoding, batch_size=batch_size)


def detect_format(path: Path) -> str | None:
    """Return the format a file's name tells, or None."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    return next((name for name, reader in READERS.items() if last in reader.suffixes), None)
