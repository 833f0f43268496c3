"""What all readers share: batches with offsets, canonical columns, and rows set aside with a reason."""

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..faults import InputError, LimitError
from ..record import CANONICAL, Record, batch_records

BATCH_SIZE = 4096
QUARANTINE_LIMIT = 0.01
"""Share of rows that may be set aside before a run counts as broken."""


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row that was set aside: where it stands and why, never what it says.

    Parameters
    ----------
    source : str
        Name of the file, relative to the export.
    offset : int
        Row counted from 0 in tables; byte where the line starts in JSON lines.
    reason : str
        A short code, such as "duplicate_id" or "bad_utf8".
    field : str
        The column at fault, empty when the whole row is.
    sha256 : str
        Hash of the raw row, so that it can be recognised without being repeated.
    """

    source: str
    offset: int
    reason: str
    field: str = ""
    sha256: str = ""


@dataclass
class Quarantine:
    """The rows set aside so far, in the order in which they were met."""

    rows: list[QuarantinedRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def counts(self) -> dict[str, int]:
        """Return how many rows were set aside for each reason, sorted by reason."""
        tally = Counter(f"{row.reason}:{row.field}" if row.field else row.reason for row in self.rows)
        return dict(sorted(tally.items()))


@dataclass(frozen=True)
class Batch:
    """Some rows of one file.

    Parameters
    ----------
    records : pyarrow.RecordBatch
        Columns `id` (string) and, where the export has them, `patient_id` (string), `time` (timestamp, UTC) and
        `text` (string, "" where empty), beside the export's own columns under their own names.
    source : str
        Name of the file, relative to the export.
    offsets : ndarray of int64 of shape (n_rows,)
        Where each row stands in its file (see `QuarantinedRow`).
    """

    records: pa.RecordBatch
    source: str
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.records.num_rows)

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the rows as records."""
        return iter(batch_records(self.records))


@dataclass(frozen=True)
class ColumnNames:
    """Which of the export's columns hold the canonical ones; None means the column of the same name, if any."""

    id: str | None = None
    patient_id: str | None = None
    time: str | None = None
    text: str | None = None


@dataclass
class RawBatch:
    """Rows as a format's reader hands them on: its own columns, before any check of their content."""

    columns: dict[str, pa.Array]
    offsets: NDArray[np.int64]


class Reader(Protocol):
    """A format: turns one file into raw batches and sets aside what it cannot parse."""

    suffixes: tuple[str, ...]

    def batches(self, path: Path, reading: "Reading", source: str) -> Iterator[RawBatch]:
        """Yield the file's rows; call `reading.set_aside` for each that cannot be parsed."""
        ...


class Reading:
    """An export being read: iterate over it for batches; `quarantine` holds the rows set aside.

    Each iteration starts again from the first file. After one, `n_rows` counts all rows met and
    ``n_rows == n_records + len(quarantine)`` holds.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, str, Reader]],
        names: ColumnNames,
        *,
        types: Mapping[str, type] | None = None,
        encoding: str = "utf-8",
        batch_size: int = BATCH_SIZE,
    ) -> None:
        self.files = list(files)
        self.names = names
        self.types = dict(types or {})
        self.encoding = encoding
        self.batch_size = batch_size
        self.quarantine = Quarantine()
        self.n_records = 0

    @property
    def n_rows(self) -> int:
        """Rows met so far, kept or set aside."""
        return self.n_records + len(self.quarantine)

    def __iter__(self) -> Iterator[Batch]:
        self.quarantine = Quarantine()
        self.n_records = 0
        seen: set[bytes] = set()
        for path, source, reader in self.files:
            for raw in reader.batches(path, self, source):
                batch = self._finish(raw, path, source, seen)
                if len(batch):
                    self.n_records += len(batch)
                    yield batch
        if self.n_rows == 0:
            raise InputError(self.files[0][0] if self.files else "export", "holds no rows")

    def set_aside(self, source: str, offset: int, reason: str, field: str = "", raw: bytes = b"") -> None:
        """Count a row as unusable, remembering where it stands and why."""
        digest = hashlib.sha256(raw).hexdigest() if raw else ""
        self.quarantine.rows.append(QuarantinedRow(source, offset, reason, field, digest))

    def check_limit(self, limit: float = QUARANTINE_LIMIT) -> None:
        """Raise `LimitError` when more than `limit` of the rows met were set aside."""
        share = len(self.quarantine) / max(1, self.n_rows)
        if share > limit:
            reasons = ", ".join(f"{reason} {count}" for reason, count in self.quarantine.counts().items())
            raise LimitError(
                f"{len(self.quarantine)} of {self.n_rows} rows ({share:.1%}) were set aside, "
                f"more than {limit:.1%}: {reasons}"
            )

    def _finish(self, raw: RawBatch, path: Path, source: str, seen: set[bytes]) -> Batch:
        """Add the canonical columns and drop the rows whose id or time is of no use."""
        columns = dict(raw.columns)
        keep = np.ones(len(raw.offsets), dtype=bool)

        def drop(row: int, reason: str, field: str) -> None:
            if keep[row]:
                keep[row] = False
                self.set_aside(source, int(raw.offsets[row]), reason, field, _raw_row(raw.columns, row))

        for name in CANONICAL:
            column = _find_column(columns, name, getattr(self.names, name), path)
            if column is None:
                continue
            if name == "time":
                columns[name], bad = _timestamps(raw.columns[column])
                for row in bad:
                    drop(row, "bad_time", column)
            else:
                columns[name] = _strings(raw.columns[column])
        if "text" in columns:
            columns["text"] = pc.fill_null(columns["text"], "")
        if "patient_id" in columns:
            columns["patient_id"] = pc.if_else(
                pc.equal(columns["patient_id"], ""), None, columns["patient_id"]
            )
        for row, value in enumerate(columns["id"].to_pylist()):
            digest = hashlib.blake2b((value or "").encode(), digest_size=8).digest()
            if not value or not value.strip():
                drop(row, "no_id", self.names.id or "id")
            elif digest in seen:
                drop(row, "duplicate_id", self.names.id or "id")
            elif keep[row]:
                seen.add(digest)
        records = pa.RecordBatch.from_pydict(columns)
        offsets = raw.offsets
        if not keep.all():
            records, offsets = records.filter(pa.array(keep)), offsets[keep]
        return Batch(records, source, offsets)


def _find_column(columns: Mapping[str, Any], name: str, wanted: str | None, path: Path) -> str | None:
    """Return the export's column that holds the canonical one, or explain which columns there are."""
    if wanted is None and name in columns:
        return name
    if wanted is not None and wanted in columns:
        return wanted
    if wanted is None and name != "id":
        return None
    near = difflib.get_close_matches(wanted or name, columns, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    ask = "" if wanted else "; say which column holds the record ids (id=...)"
    raise InputError(path, f"has no column {wanted or name!r}{hint}{ask} (columns: {', '.join(columns)})")


def _strings(column: pa.Array) -> pa.Array:
    """Return a column as strings; whole floats lose their decimals, as in 15709.0."""
    if pa.types.is_floating(column.type):
        values = column.to_pylist()
        return pa.array(
            [None if v is None else str(int(v)) if v.is_integer() else repr(v) for v in values], pa.string()
        )
    return column.cast(pa.string())


def _timestamps(column: pa.Array) -> tuple[pa.Array, list[int]]:
    """Return a column as UTC timestamps, naive ones taken as UTC, and the rows that hold no time."""
    wanted = pa.timestamp("us", tz="UTC")
    found: list[datetime | None] = []
    bad: list[int] = []
    for row, value in enumerate(column.to_pylist()):
        moment: datetime | None = None
        try:
            if isinstance(value, datetime):
                moment = value
            elif isinstance(value, date):
                moment = datetime.combine(value, time())
            elif isinstance(value, str) and value.strip():
                moment = datetime.fromisoformat(value.strip())
            elif value not in (None, ""):
                bad.append(row)
        except ValueError:
            bad.append(row)
        if moment is not None:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        found.append(moment)
    return pa.array(found, wanted), bad


def _raw_row(columns: Mapping[str, pa.Array], row: int) -> bytes:
    """Return the bytes a parsed row is recognised by."""
    return "\x1f".join(str(column[row].as_py()) for column in columns.values()).encode()
