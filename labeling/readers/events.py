"""A patient's structured history, kept on disk and looked up by patient, so that memory stays flat."""

import functools
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..faults import InputError
from ..folder import PRIVATE_FILE
from ..record import Event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event on its way to the store; `key` is the patient, or ``note:ID`` for what is known of one note."""

    key: str
    time: datetime | None
    kind: str
    code: str
    system: str = ""
    value: float | None = None
    unit: str = ""
    name: str = ""


@dataclass
class EventScan:
    """What came of reading an export's event files: rows of each file, and those set aside by reason."""

    rows: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, source: str, reason: str = "") -> None:
        """Count a row of a file, kept unless a reason is given."""
        self.rows[source] = self.rows.get(source, 0) + 1
        if reason:
            reasons = self.set_aside.setdefault(source, {})
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            self.kept[source] = self.kept.get(source, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain values, sorted by file."""
        return {
            source: {
                "rows": rows,
                "kept": self.kept.get(source, 0),
                "set_aside": dict(sorted(self.set_aside.get(source, {}).items())),
            }
            for source, rows in sorted(self.rows.items())
        }


class EventStore:
    """Events by patient in an SQLite file that only its owner can read; opened once a process.

    Examples
    --------
    >>> store = EventStore.build([EventRow("p1", datetime(2020, 1, 2, tzinfo=UTC), "drug", "6809", "RxNorm")])
    >>> [event.code for event in store.history("p1")], store.history("p2")
    (['6809'], ())
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(path, "the events of this export are gone; start the run again")
        self._connection: sqlite3.Connection | None = None
        self.history = functools.lru_cache(maxsize=256)(self._history)
        self.mentions = functools.lru_cache(maxsize=256)(self._mentions)

    @classmethod
    def build(
        cls, events: Iterable[EventRow], noted: Iterable[str] = (), path: Path | None = None
    ) -> "EventStore":
        """Write events, and the patients who have notes, to `path` or to a file that vanishes with the store."""
        temporary = path is None
        if path is None:
            handle = tempfile.NamedTemporaryFile(prefix="sidelight-", suffix=".sqlite", delete=False)  # noqa: SIM115
            handle.close()
            path = Path(handle.name)
        draft = path.with_name(f"{path.name}.part")
        draft.unlink(missing_ok=True)
        draft.touch(mode=PRIVATE_FILE)
        try:
            connection = sqlite3.connect(draft)
            connection.execute("pragma journal_mode=off")
            connection.execute("pragma synchronous=off")
            connection.execute(
                "create table event(key text, time integer, kind text, code text, system text, value real, unit text, name text)"
            )
            connection.execute("create table noted(patient text primary key) without rowid")
            for chunk in _chunks(events):
                connection.executemany("insert into event values(?,?,?,?,?,?,?,?)", map(_row, chunk))
            for patients in _chunks(noted):
                connection.executemany(
                    "insert or ignore into noted values(?)", [(name,) for name in patients]
                )
            connection.execute("create index by_key on event(key, time)")
            connection.commit()
            connection.close()
            draft.replace(path)
        except sqlite3.Error:
            draft.unlink(missing_ok=True)
            raise InputError(path, "the events cannot be stored (is the disk full?)") from None
        store = cls(path)
        if temporary:
            weakref.finalize(store, path.unlink, missing_ok=True)
        return store

    def has_notes(self, patient: str) -> bool:
        """Return whether a patient has a note or report in the export."""
        found = self._query("select 1 from noted where patient = ?", patient)
        return next(found, None) is not None

    def _history(self, patient: str) -> tuple[Event, ...]:
        """Return all events of a patient in order of time."""
        rows = self._query(
            "select * from event where key = ? order by time, kind, code, name, value", patient
        )
        return tuple(_event(row, None) for row in rows)

    def _mentions(self, record_id: str) -> tuple[tuple[Any, ...], ...]:
        """Return what is known of one note, as rows without a time of their own."""
        return tuple(
            self._query("select * from event where key = ? order by code, name", f"note:{record_id}")
        )

    def of_record(self, record: Any) -> tuple[Event, ...]:
        """Return the events a record may see: its patient's up to its time, and its own mentions."""
        moment = record.time
        found = self.history(str(record.patient_id)) if record.patient_id is not None else ()
        seen = [event for event in found if moment is None or event.time <= moment]
        seen += [_event(row, moment or _EPOCH) for row in self.mentions(str(record.id))]
        return tuple(seen)

    def _query(self, sql: str, key: str) -> Iterator[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, check_same_thread=False)
            weakref.finalize(self, self._connection.close)
        return iter(self._connection.execute(sql, (key,)).fetchall())


def _row(event: EventRow) -> tuple[Any, ...]:
    time = None if event.time is None else (event.time - _EPOCH) // _TICK
    return (event.key, time, event.kind, event.code, event.system, event.value, event.unit, event.name)


def _event(row: tuple[Any, ...], moment: datetime | None) -> Event:
    _, time, kind, code, system, value, unit, name = row
    at = moment if time is None and moment is not None else _EPOCH + timedelta(microseconds=time or 0)
    return Event(kind, code, at, system, value, unit, name)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    chunk: list[Any] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
