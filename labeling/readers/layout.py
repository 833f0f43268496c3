"""What an export is: the format of each of its files, told by name, suffix and head, and what they hold."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from ..faults import InputError
from .base import Reader, SourceFile
from .csv import CsvReader
from .empty import EMPTY, EmptyReader, is_empty
from .fhir import FhirBundleReader, FhirReader
from .hl7 import Hl7Reader
from .jsonl import JsonLinesReader
from .lines import MARK, iter_lines, read_chunks
from .mimic import MimicReader, is_mimic
from .omop import TABLES, OmopReader
from .parquet import ParquetReader
from .tables import table_name, table_suffix
from .text import TextReader

READERS: Mapping[
    str,
    "CsvReader | FhirReader | Hl7Reader | JsonLinesReader | OmopReader | MimicReader | ParquetReader | TextReader",
] = {
    "csv": CsvReader(),
    "fhir": FhirReader(),
    "fhir-bundle": FhirBundleReader(),
    "hl7": Hl7Reader(),
    "jsonl": JsonLinesReader(),
    "mimic": MimicReader(),
    "omop": OmopReader(),
    "parquet": ParquetReader(),
    "text": TextReader(),
}
"""Readers by the name of their format."""

_EMPTY_READER = EmptyReader()
_BY_SUFFIX = ("csv", "jsonl", "parquet", "fhir-bundle", "hl7", "text")


def detect_format(path: Path) -> str | None:
    """Return the format a file's name tells, or None."""
    suffix = table_suffix(path)
    return next((name for name in _BY_SUFFIX if suffix in READERS[name].suffixes), None)


def sniff_format(path: Path) -> str | None:
    """Return the format of a file by its name and, where that leaves a choice, by its head."""
    found = detect_format(path)
    if found in ("csv", "parquet"):
        columns = _columns(path, found)
        names = {name.lower() for name in columns}
        if table_name(path) in TABLES and any(
            name.endswith("_id") or name.startswith("cdm_") for name in names
        ):
            return "omop"
        return "mimic" if is_mimic(columns) else found
    if found == "jsonl":
        return "fhir" if _starts_with_resource(path) else found
    if found == "fhir-bundle":
        head = next(read_chunks(path, size=1 << 16), b"")
        return found if b'"resourceType"' in head else None
    return found


def find_files(root: Path, format_name: str | None, *, plain: bool = False) -> list[SourceFile]:
    """Return the files of an export in the order of their names.

    Parameters
    ----------
    root : Path
        A file or folder.
    format_name : str or None
        A name in `READERS`; told by the files when None.
    plain : bool, default False
        Take tables as they stand, because the user named their columns.
    """
    if not root.exists():
        raise InputError(root, "does not exist")
    if root.is_dir():
        entries = (
            entry for entry in root.rglob("*") if entry.is_file() and not entry.name.startswith((".", "_"))
        )
        paths = sorted(entries)
    else:
        paths = [root]
    tell = detect_format if plain else sniff_format
    told = {path: format_name or tell(path) for path in paths}
    for path, name in told.items():
        if name != "text" and (name or detect_format(path)) and is_empty(path):
            told[path] = EMPTY  # an empty text is a record without words; an empty table is none
    formats = set(told.values()) - {None, EMPTY}
    if not formats and EMPTY not in told.values():
        if root.is_dir():
            raise InputError(root, f"holds no file of a known format ({', '.join(sorted(READERS))})")
        raise InputError(
            root, f"its format is not told by its name; say which (one of {', '.join(sorted(READERS))})"
        )
    files = []
    for path, name in told.items():
        if name is None or (name == "text" and formats != {"text"}):
            continue
        if name != "omop" and "omop" in formats and table_suffix(path) in (".csv", ".tsv", ".parquet", ".pq"):
            continue  # a table of the site's own beside those of the model
        source = path.name if path == root else path.relative_to(root).as_posix()
        reader = reader_of(name)
        files.append(SourceFile(path, source, name, reader, reader.roles(path)))
    if all(file.format == EMPTY for file in files):
        raise InputError(root, "holds only empty files" if root.is_dir() else "is empty")
    return files


def reader_of(name: str) -> Reader:
    """Return the reader of a format, or of files that hold nothing."""
    return _EMPTY_READER if name == EMPTY else READERS[name]


def _columns(path: Path, name: str) -> list[str]:
    """Return the columns of a table, none when its head cannot be read."""
    import pyarrow.parquet as pq

    try:
        if name == "parquet":
            return list(pq.read_schema(path).names)
        head = next(read_chunks(path, size=1 << 16), b"").split(b"\n")[0]
        line = head.removeprefix(MARK).decode("utf-8", errors="replace").strip()
        return [cell.strip().strip('"') for cell in line.split(max(",;\t|", key=line.count))]
    except Exception:  # whatever is wrong with it, reading it will say
        return []


def _starts_with_resource(path: Path) -> bool:
    """Whether one of the first lines of a file is a FHIR resource."""
    try:
        for number, line in enumerate(iter_lines(path)):
            if number == 20:
                return False
            try:
                found = orjson.loads((line.text or b"").strip().removeprefix(MARK))
            except orjson.JSONDecodeError:
                continue
            return isinstance(found, dict) and isinstance(found.get("resourceType"), str)
    except InputError:
        pass
    return False
