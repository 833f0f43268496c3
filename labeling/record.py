"""One row of an export, as labeling and slicing functions see it: read-only, by attribute or by item."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa

from .faults import UsageError

CANONICAL = ("id", "patient_id", "time", "text")
"""The columns every record has, whatever its export calls them; all but `id` may be None."""


@dataclass(frozen=True, slots=True)
class Event:
    """One structured fact of a patient's record: a condition, drug, lab value or procedure.

    Parameters
    ----------
    kind : str
        "condition", "drug", "lab", "procedure", or another kind the export knows.
    code : str
        The code of what happened, such as an ICD-10-CM code.
    time : datetime
        When it happened, in UTC.
    system : str
        The code's system, empty when the export does not say.
    value : float or None
        Measured value.
    unit : str
        Unit of the value.
    name : str
        What the export calls it.
    """

    kind: str
    code: str
    time: datetime
    system: str = ""
    value: float | None = None
    unit: str = ""
    name: str = ""


class Record:
    """A read-only view of one row; `record.age` and `record["age"]` are the same.

    `id`, `patient_id`, `time` (of the document, UTC: its index time) and `text` are always there; other
    columns under the names the export gives them. `events` holds the patient's structured rows up to
    `time`, in order of time: what happened later is not to be seen when a document is labeled.

    Examples
    --------
    >>> record = next(iter_records([{"id": "r1", "text": "Sinus rhythm.", "age": 61}]))
    >>> record.id, record["age"], record.patient_id, record.events
    ('r1', 61, None, ())
    """

    id: str
    patient_id: str | None
    time: datetime | None
    text: str | None

    # Values live in the instance's __dict__, so that reading `record.text` costs what any attribute costs;
    # columns that few functions read are fetched on first use by __getattr__. Names with a leading underscore
    # are our own there, so an export's columns of such names are kept apart and read by item.
    def __init__(
        self, values: Mapping[str, Any], columns: "Mapping[str, Any] | None" = None, row: int = 0
    ) -> None:
        own = self.__dict__
        own.update(values)
        clashing = [name for name in values if name[:1] == "_"]
        if clashing:
            columns = {**(columns or {}), **{name: {row: own.pop(name)} for name in clashing}}
        own["_columns"] = columns
        own["_row"] = row

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":  # protocols that Python asks for, never a column
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(self._unknown(name)) from None

    def __getitem__(self, name: str) -> Any:
        own = self.__dict__
        ours = name[:1] == "_"
        if name in own and not ours:
            return own[name]
        if name == "events":
            return self.events
        columns = own.get("_columns")
        if columns is not None and name in columns:
            value = columns[name][own["_row"]]
            if not ours:
                own[name] = value
            return value
        if name in CANONICAL:
            return None
        raise KeyError(self._unknown(name))

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field called `name`, or `default` when there is none or it is empty."""
        value = self[name] if name in self.fields else None
        return default if value is None else value

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of all fields, sorted."""
        columns = self.__dict__["_columns"]
        own = {name for name in self.__dict__ if not name.startswith("_")}
        return tuple(sorted(own | set(columns or ()) | set(CANONICAL)))

    @property
    def events(self) -> tuple[Event, ...]:
        """The patient's structured events up to `time` (all of them when the record has no time)."""
        cached: tuple[Event, ...] | None = self.__dict__.get("_events")
        if cached is None:
            columns = self.__dict__["_columns"]
            raw: Any = ()
            if columns is not None and "events" in columns:
                raw = columns["events"][self.__dict__["_row"]]
            elif columns is not None and getattr(columns, "history", None) is not None:
                raw = columns.history(self)
            cached = self.__dict__["_events"] = _until(raw or (), self.time, self.__dict__["_row"])
        return cached

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"a record is read-only: {name} cannot be set (use a preprocessor to add fields)"
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a record is read-only: {name} cannot be deleted")

    def with_fields(self, **fields: Any) -> "Record":
        """Return a copy with more fields, or other values in some: what a preprocessor returns."""
        values = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        copy = Record({**values, **fields}, self.__dict__["_columns"], self.__dict__["_row"])
        if "_events" in self.__dict__:
            copy.__dict__["_events"] = self.__dict__["_events"]
        return copy

    def __repr__(self) -> str:
        return f"Record(row {self.__dict__['_row']}, fields {', '.join(self.fields)})"  # never the values

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: self[name] for name in self.fields if name != "events"}
        return (_rebuild, (values, self.events, self.__dict__["_row"]))

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.fields, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"a record of this export has no field {name!r}{hint} (fields: {', '.join(self.fields)})"


class Columns(Mapping[str, Sequence[Any]]):
    """The columns of one batch as Python lists, each converted when first read."""

    def __init__(self, batch: pa.RecordBatch, history: Callable[[Record], Any] | None = None) -> None:
        self.history = history
        self._batch = batch
        self._names = frozenset(batch.schema.names)
        self._lists: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> Sequence[Any]:
        found = self._lists.get(name)
        if found is None:
            if name not in self._names:
                raise KeyError(name)
            found = self._lists[name] = self._batch.column(name).to_pylist()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._batch.schema.names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)


def batch_records(batch: pa.RecordBatch, history: Callable[[Record], Any] | None = None) -> list[Record]:
    """Return the rows of an Arrow batch as records; `history` gives the events that each may see."""
    columns = Columns(batch, history)
    names = [name for name in CANONICAL if name in columns]
    rows = (
        zip(*(columns[name] for name in names), strict=True) if names else (() for _ in range(batch.num_rows))
    )
    records = []
    for row, values in enumerate(rows):  # what Record.__init__ does, for names that are never our own
        record = Record.__new__(Record)
        own = record.__dict__
        own.update(zip(names, values, strict=True))
        own["_columns"] = columns
        own["_row"] = row
        records.append(record)
    return records


def iter_records(rows: Sequence[Any]) -> Iterator[Record]:
    """Yield records from mappings, named tuples, data classes, namespaces or records, in order."""
    for row, item in enumerate(rows):
        if isinstance(item, Record):
            yield item
            continue
        values = dict(_values(item, row))
        events = values.pop("events", ())
        if values.get("time") is not None:
            values["time"] = as_moment(values["time"])
        record = Record(values, None, row)
        if events:
            record.__dict__["_events"] = _until(events, record.time, row)
        yield record


def as_moment(value: Any) -> Any:
    """Return a time given as datetime, date or ISO text in UTC (a naive one is taken as UTC), else `value` itself."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return value
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return value
    if value != value:  # pandas' NaT, the one moment that differs from itself
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _until(events: Iterable[Any], moment: Any, row: int) -> tuple[Event, ...]:
    """Return events up to a moment, in order; refuse a moment that cannot be compared with, as the future would show."""
    moment = as_moment(moment)
    if moment is not None and not isinstance(moment, datetime):
        raise UsageError(f"row {row}: its time cannot be read, so its events cannot be cut off there")
    found = [
        event if isinstance(event, Event) else _event(event, f"row {row}, event {number}")
        for number, event in enumerate(events)
    ]
    return tuple(sorted((e for e in found if moment is None or e.time <= moment), key=_order))


def _values(item: object, row: int) -> Mapping[str, Any]:
    """Return the fields of a row of any of the usual kinds."""
    if isinstance(item, Mapping):
        return {str(name): value for name, value in item.items()}
    if hasattr(item, "_asdict"):
        return dict(item._asdict())
    if hasattr(item, "__dict__"):
        return {name: value for name, value in vars(item).items() if not name.startswith("_")}
    if isinstance(item, str):
        return {"text": item}
    raise TypeError(
        f"row {row}: a record is a mapping or an object with attributes, not a {type(item).__name__}"
    )


def _event(data: Any, place: str) -> Event:
    """Build an event from plain values, reading an ISO time and taking a naive one as UTC."""
    if not isinstance(data, Mapping):
        raise UsageError(f"{place} is a {type(data).__name__}; it is an Event, or a mapping with a time")
    moment = as_moment(data.get("time"))
    if not isinstance(moment, datetime):
        raise UsageError(f"{place}: its time cannot be read; it is a datetime or ISO text")
    value = data.get("value")
    is_number = True
    try:
        value = None if value is None else float(value)
    except (TypeError, ValueError):  # its message would quote the record
        is_number = False
    if not is_number:
        raise UsageError(f"{place}: its value is no number")
    return Event(
        kind=str(data.get("kind", "")),
        code=str(data.get("code", "")),
        time=moment,
        system=str(data.get("system") or ""),
        value=value,
        unit=str(data.get("unit") or ""),
        name=str(data.get("name") or ""),
    )


def _order(event: Event) -> tuple[datetime, str, str]:
    return (event.time, event.kind, event.code)


def _rebuild(values: dict[str, Any], events: tuple[Event, ...], row: int) -> Record:
    record = Record(values, None, row)
    record.__dict__["_events"] = events
    return record
