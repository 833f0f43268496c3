"""What all readers share: batches with offsets, canonical columns, and rows set aside with a reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..faults import InputError, LimitError
from ..record import CANONICAL, Record
from .batch import Batch, ColumnNames, RawBatch, filtered
from .columns import find_column, raw_row, strings, timestamps
from .events import EventRow, EventScan, EventStore
from .pieces import Piece, whole
from .quarantine import NOTHING, Quarantine, QuarantinedRow
from .versions import NO_VERSION, REASONS, Corrections, count_statuses, hash_ids, resolve

BATCH_SIZE = 4096
QUARANTINE_LIMIT = 0.01
"""Share of rows that may be set aside before a run counts as broken."""

RECORDS, VISITS, EVENTS = "records", "visits", "events"
"""What a file of an export can hold: documents, visits (records of patients without documents), events."""


class Reader:
    """A format: turns a file, or a piece of one, into raw batches and sets aside what it cannot parse.

    A reader holds nothing of a file; what must be settled once a file, such as a header, `settle` returns.
    """

    suffixes: tuple[str, ...] = ()
    versioned: bool = False
    """Whether rows may replace earlier ones."""
    grouped: bool = False
    """Whether files are so small that many make one piece of work."""

    def roles(self, path: Path) -> frozenset[str]:
        """Return what a file holds: `RECORDS`, `VISITS`, `EVENTS`, or nothing that is read."""
        return frozenset({RECORDS})

    def settle(self, path: Path, reading: Reading) -> dict[str, Any]:
        """Return, as plain values, what the head of a file settles for all of it."""
        return {}

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the pieces of a file that can be read apart."""
        return whole(path)

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the rows of a file or a piece of it; call `reading.set_aside` for each that cannot be parsed."""
        raise NotImplementedError

    def events(self, file: SourceFile, reading: Reading, scan: EventScan) -> Iterator[EventRow]:
        """Yield the events of a file, counting every row in `scan`."""
        yield from ()


@dataclass(frozen=True)
class SourceFile:
    """A file of an export, and who reads it."""

    path: Path
    source: str
    format: str
    reader: Reader
    roles: frozenset[str] = field(default=frozenset({RECORDS}))

    @property
    def constants(self) -> dict[str, str]:
        """Columns that the names of the file's folders give, as in ``site=north/notes.parquet``."""
        folders = Path(self.source).parts[:-1]
        return dict(part.split("=", 1) for part in folders if "=" in part[1:])


class Reading:
    """An export being read: iterate over it for batches; `quarantine` holds the rows set aside.

    Each iteration starts again from the first file. After one, `n_rows` counts all rows met and
    ``n_rows == n_records + len(quarantine)`` holds.

    Parameters
    ----------
    files : sequence of SourceFile
        All files of the export.
    names, types, encoding, batch_size
        As for `read`.
    parts : sequence of (SourceFile, Piece), optional
        What is read of them; everything when not given.
    settled : mapping of str to mapping, optional
        What the heads of the files settle, by their name.
    events : EventStore, optional
        The history of the patients; built on first use when not given.
    unique : bool, default True
        Set aside all but one of the records with one id.
    has_events, has_documents : bool, optional
        What the whole export holds, when `files` are only some of its files.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        names: ColumnNames,
        *,
        types: Mapping[str, type] | None = None,
        encoding: str = "utf-8",
        batch_size: int = BATCH_SIZE,
        parts: Sequence[tuple[SourceFile, Piece | None]] | None = None,
        settled: Mapping[str, dict[str, Any]] | None = None,
        events: EventStore | None = None,
        unique: bool = True,
        has_events: bool | None = None,
        has_documents: bool | None = None,
    ) -> None:
        self.files = list(files)
        self.root: Path | None = None
        self.names = names
        self.types = dict(types or {})
        self.encoding = encoding
        self.batch_size = batch_size
        readable = [file for file in self.files if file.roles & {RECORDS, VISITS}]
        self.parts = list(parts) if parts is not None else [(file, None) for file in readable]
        self.settled = dict(settled or {})
        self.unique = unique
        self.quarantine = Quarantine()
        self.corrections = Corrections()
        self.statuses: Counter[str] = Counter()
        """Records of each status, where the format has statuses of a standard."""
        self.n_records = 0
        self.scan = EventScan()
        self.keep_raw: Callable[[QuarantinedRow, bytes], None] | None = None
        self.has_events = (
            any(EVENTS in file.roles for file in self.files) if has_events is None else has_events
        )
        """Whether the export has structured rows beside its documents."""
        documents = any(RECORDS in file.roles for file in self.files)
        self.has_documents = documents if has_documents is None else has_documents
        self._events = events

    @property
    def n_rows(self) -> int:
        """Rows met so far, kept or set aside."""
        return self.n_records + len(self.quarantine)

    @property
    def events(self) -> EventStore:
        """The structured history of all patients."""
        if self._events is None:
            self._events = self.build_events()
        return self._events

    def build_events(self, path: Path | None = None) -> EventStore:
        """Read all event files into a store, counting their rows in `scan`."""
        self.scan = EventScan()
        found = (
            event
            for file in self.files
            if EVENTS in file.roles
            for event in file.reader.events(file, self, self.scan)
        )
        return EventStore.build(found, self._patients_with_notes(), path)

    def settle(self, file: SourceFile) -> dict[str, Any]:
        """Return what the head of a file settles, remembered by its name."""
        if file.source not in self.settled:
            self.settled[file.source] = file.reader.settle(file.path, self)
        return self.settled[file.source]

    def is_visit_record(self, patient: str | None) -> bool:
        """Whether a visit stands for itself, because its patient has no document in the export."""
        if not self.has_documents:
            return True
        return patient is None or not self.events.has_notes(patient)

    def __iter__(self) -> Iterator[Batch]:
        self.quarantine = Quarantine()
        self.corrections = Corrections()
        self.statuses = Counter()
        self.n_records = 0
        seen: set[bytes] | None = set() if self.unique else None
        fates = None
        if self.unique and any(file.reader.versioned for file, _ in self.parts):
            fates, seen = self._fates(), None
        row = 0
        for file, piece in self.parts:
            for raw in file.reader.batches(file, self, piece):
                batch = self._finish(raw, file, seen)
                if fates is not None:
                    fate = fates[row : row + len(batch)]
                    row += len(batch)
                    batch = self._keep_latest(batch, fate)
                if len(batch):
                    self.n_records += len(batch)
                    if file.reader.versioned:
                        self.statuses.update(count_statuses(batch.records.column("status").to_pylist()))
                    yield batch
        blank = sum(entry.reason in NOTHING for entry in self.quarantine.rows)
        if self.n_rows == blank and self.unique:
            raise InputError(self.files[0].path if self.files else "export", "holds no rows")

    def set_aside(
        self, source: str, offset: int, reason: str, field: str = "", raw: bytes = b"", line: int = 0
    ) -> None:
        """Count a row as unusable, remembering where it stands and why."""
        digest = hashlib.sha256(raw).hexdigest() if raw else ""
        entry = QuarantinedRow(source, offset, reason, field, digest, line)
        self.quarantine.rows.append(entry)
        if self.keep_raw is not None:
            self.keep_raw(entry, raw)

    def check_limit(self, limit: float = QUARANTINE_LIMIT) -> None:
        """Raise `LimitError` when more than `limit` of the rows met were set aside as damaged."""
        check_limit(self.quarantine.n_damaged, self.n_rows, limit, self.quarantine.counts())

    def _patients_with_notes(self) -> Iterator[str]:
        """Yield the patients of all documents, when the export has visits that this concerns."""
        documents = [file for file in self.files if RECORDS in file.roles]
        if not documents or not any(VISITS in file.roles for file in self.files):
            return
        inner = Reading(
            self.files, self.names, types=self.types, encoding=self.encoding, batch_size=self.batch_size,
            parts=[(SourceFile(f.path, f.source, f.format, f.reader, frozenset({RECORDS})), None) for f in documents],
            settled=self.settled, unique=False,
        )  # fmt: skip
        for batch in inner:
            if "patient_id" in batch.records.schema.names:
                yield from (
                    name for name in batch.records.column("patient_id").to_pylist() if name is not None
                )

    def _fates(self) -> NDArray[np.int8]:
        """Read all ids once and return what becomes of each record (see `resolve`)."""
        inner = Reading(
            self.files, self.names, types=self.types, encoding=self.encoding, batch_size=self.batch_size,
            parts=self.parts, settled=self.settled, events=self._events, unique=False,
        )  # fmt: skip
        hashes, versions = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for batch in inner:
            hashes.append(hash_ids(batch.records.column("id").to_pylist()))
            versions.append(np.full(len(batch), NO_VERSION) if batch.versions is None else batch.versions)
        self._events, self.scan = inner._events, inner.scan
        return resolve(np.concatenate(hashes), np.concatenate(versions), inner.corrections)

    def _keep_latest(self, batch: Batch, fate: NDArray[np.int8]) -> Batch:
        """Set aside what a later version replaces, and what was taken back."""
        for row in np.flatnonzero(fate):
            line = 0 if batch.lines is None else int(batch.lines[row])
            self.set_aside(batch.source, int(batch.offsets[row]), REASONS[int(fate[row])], line=line)
        return filtered(batch, fate == 0)

    def _finish(self, raw: RawBatch, file: SourceFile, seen: set[bytes] | None) -> Batch:
        """Add the canonical columns and drop the rows whose id or time is of no use."""
        columns = dict(raw.columns)
        for name, value in file.constants.items():
            columns.setdefault(name, pa.array([value] * len(raw.offsets), pa.string()))
        keep = np.ones(len(raw.offsets), dtype=bool)

        def drop(row: int, reason: str, field: str) -> None:
            if keep[row]:
                keep[row] = False
                line = 0 if raw.lines is None else int(raw.lines[row])
                self.set_aside(
                    file.source, int(raw.offsets[row]), reason, field, raw_row(raw.columns, row), line
                )

        for name in CANONICAL:
            column = find_column(columns, name, getattr(self.names, name), file.path)
            if column is None:
                continue
            if name == "time":
                columns[name], bad = timestamps(columns[column])
                for row in bad:
                    drop(row, "bad_time", column)
            else:
                columns[name], bad = strings(columns[column], column, file.path)
                for row in bad:
                    drop(row, "bad_utf8", column)
        if "text" in columns:
            columns["text"] = pc.fill_null(columns["text"], "")
        if "patient_id" in columns:
            columns["patient_id"] = pc.if_else(
                pc.equal(columns["patient_id"], ""), None, columns["patient_id"]
            )
        for row, value in enumerate(columns["id"].to_pylist()):
            if not value or not value.strip():
                drop(row, "no_id", self.names.id or "id")
            elif seen is not None:
                digest = hashlib.blake2b(value.encode(), digest_size=8).digest()
                if digest in seen:
                    drop(row, "duplicate_id", self.names.id or "id")
                elif keep[row]:
                    seen.add(digest)
        history = self._of_record if self.has_events else None
        batch = Batch(
            pa.RecordBatch.from_pydict(columns),
            file.source,
            raw.offsets,
            raw.lines,
            raw.versions,
            history,
        )
        return batch if keep.all() else filtered(batch, keep)

    def _of_record(self, record: Record) -> Any:
        return self.events.of_record(record)


def percent(share: float) -> str:
    """Return a share as people write it: 1.0%, but 0.01% in place of 0.0%."""
    return f"{share:.1%}" if share == 0 or share >= 0.0005 else f"{100 * share:.2g}%"


def check_limit(n_damaged: int, n_rows: int, limit: float, reasons: Mapping[str, int]) -> None:
    """Raise `LimitError` when more than `limit` of the rows were set aside as damaged."""
    share = n_damaged / max(1, n_rows)
    if share > limit:
        listed = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        raise LimitError(
            f"{n_damaged} of {n_rows} rows ({percent(share)}) were set aside, more than {percent(limit)}: {listed}"
        )
