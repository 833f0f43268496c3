"""Canonical columns of a batch: finding them in the export's own, and giving them their types."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..faults import ColumnError, InputError

TIME = pa.timestamp("us", tz="UTC")
_NAME = re.compile(r"[^\W\d][\w.:/()%#-]*(?: [\w.:/()%#-]+){0,4}$")
"""What a column may be called for its name to be repeated in a message; a header that is a note is not."""
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?$")


def are_names(columns: Iterable[str]) -> bool:
    """Return whether all columns are called what may be repeated in a message: a first line of notes is not."""
    return all(_NAME.match(column) for column in columns)


def find_column(columns: Mapping[str, Any], name: str, wanted: str | None, path: Path) -> str | None:
    """Return the export's column that holds the canonical one, or explain which columns there are."""
    if wanted is None and name in columns:
        return name
    if wanted is not None and wanted in columns:
        return wanted
    if wanted is None and name != "id":
        return None
    if not are_names(columns):
        problem = f"has no column {wanted or name!r}; does the first line hold their names?"
        raise ColumnError(path, problem, wanted or name)
    near = difflib.get_close_matches(wanted, columns, n=1) if wanted else _called_ids(columns)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    ask = (
        ""
        if wanted
        else "; say which column holds the record ids (id=... in Python, --id or --gold-id on the command line)"
    )
    problem = f"has no column {wanted or name!r}{hint}{ask} (columns: {', '.join(columns)})"
    raise ColumnError(path, problem, wanted or name, tuple(columns))


def _called_ids(columns: Mapping[str, Any]) -> list[str]:
    """Return the column whose name says that it holds ids, where there is just one."""
    found = [name for name in columns if re.search(r"(?:[_ .-]id|[a-z]I[Dd])$", name)]
    return found if len(found) == 1 else []


def strings(column: pa.Array, name: str = "", path: Path | str = "") -> tuple[pa.Array, list[int]]:
    """Return a column as strings and the rows that are no UTF-8; whole floats lose their decimals, as in 15709.0."""
    kind = column.type
    if pa.types.is_floating(kind):
        return pa.array([_number_text(value) for value in column.to_pylist()], pa.string()), []
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _decoded(column)
    try:
        return column.cast(pa.string()), []
    except pa.ArrowException:  # its message may quote a value
        raise InputError(path, f"column {name!r} holds {str(kind).partition('<')[0]}, no text") from None


def _number_text(value: float | None) -> str | None:
    if value is None or value != value:  # NaN is the one number that differs from itself
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def _decoded(column: pa.Array) -> tuple[pa.Array, list[int]]:
    found: list[str | None] = []
    bad: list[int] = []
    for row, value in enumerate(column.to_pylist()):
        try:
            found.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            found.append(None)
            bad.append(row)
    return pa.array(found, pa.string()), bad


def timestamps(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """Return a column as UTC timestamps, naive ones taken as UTC, and the rows that hold no time."""
    if column.type == TIME:
        return column, []
    found: list[datetime | None] = []
    bad: list[int] = []
    for row, value in enumerate(column.to_pylist()):
        moment: datetime | None = None
        try:
            if isinstance(value, datetime):
                moment = in_utc(value)
            elif isinstance(value, date):
                moment = in_utc(datetime.combine(value, time()))
            elif isinstance(value, str) and value.strip():
                moment = parse_time(value)
            elif value not in (None, ""):
                bad.append(row)
        except (ValueError, OverflowError):
            bad.append(row)
        found.append(moment)
    return pa.array(found, TIME), bad


def parse_time(value: str) -> datetime:
    """Return the time an ISO string gives, a year or month standing for its first moment; naive ones are UTC."""
    text = value.strip()
    partial = _PARTIAL.match(text)
    if partial:
        return datetime(int(partial[1]), int(partial[2] or 1), 1, tzinfo=UTC)
    return in_utc(datetime.fromisoformat(text))


def in_utc(moment: datetime) -> datetime:
    """Return a time in UTC, taking a naive one as such."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def raw_row(columns: Mapping[str, pa.Array], row: int) -> bytes:
    """Return the bytes a parsed row is recognised by."""
    return "\x1f".join(str(column[row].as_py()) for column in columns.values()).encode()
