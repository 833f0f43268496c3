"""The one thread that writes: events wait in a queue, go in together, and are acknowledged after the commit."""

import queue
import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from sidelight.labeling import UsageError

from .database import EVENTS, hold_lock
from .events import LabelEvent

MOST_AT_ONCE = 256
"""Events a transaction takes at most."""

_Waiting = tuple[LabelEvent, "Future[tuple[int, bool]]"]


class Writer:
    """Adds events to the table, many in one transaction when many wait.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        One whose transactions take the write lock at their beginning.
    task : str
        The task whose labels are kept.
    """

    def __init__(self, engine: sa.Engine, task: str) -> None:
        self._engine = engine
        self._task = task
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="label-writer", daemon=True)
        self._thread.start()

    def submit(self, event: LabelEvent) -> "Future[tuple[int, bool]]":
        """Return what will hold the event's number and whether it was new, once it is committed."""
        acknowledged: Future[tuple[int, bool]] = Future()
        with self._lock:
            if self._closed:
                raise UsageError("this store of labels is closed")
            self._waiting.put((event, acknowledged))
        return acknowledged

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch, ended = self._take()
            if batch:
                self._write(batch)
            if ended:
                return

    def _take(self) -> tuple[list[_Waiting], bool]:
        """Wait for one event and take all that came with it."""
        first = self._waiting.get()
        if first is None:
            return [], True
        batch = [first]
        while len(batch) < MOST_AT_ONCE:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return batch, True
            batch.append(following)
        return batch, False

    def _write(self, batch: list[_Waiting]) -> None:
        """Commit a batch; when it fails, each event alone, so that one bad event fails for itself."""
        try:
            receipts = self._commit([event for event, _ in batch])
        except Exception as error:
            if len(batch) > 1:
                for single in batch:
                    self._write([single])
            else:
                batch[0][1].set_exception(error)
            return
        for (_, acknowledged), receipt in zip(batch, receipts, strict=True):
            if isinstance(receipt, UsageError):
                acknowledged.set_exception(receipt)
            else:
                acknowledged.set_result(receipt)

    def _commit(self, events: list[LabelEvent]) -> list[tuple[int, bool] | UsageError]:
        """Add what is new in one transaction: not what is there already, nor what repeats a person's last word."""
        with self._engine.begin() as connection:
            hold_lock(connection)
            known, last = self._find(connection, events)
            fresh: list[LabelEvent] = []
            places: list[LabelEvent | UsageError] = []
            for event in events:
                same_id = known.get(event.event_id)
                spoken = last.get((event.item_id, event.annotator))
                if same_id is not None:
                    wrong = UsageError("an event id was used for two different events")
                    places.append(same_id if event.says_the_same(same_id) else wrong)
                elif spoken is not None and event.says_the_same(spoken):
                    places.append(spoken)
                else:
                    fresh.append(event)
                    places.append(event)
                    known[event.event_id] = last[event.item_id, event.annotator] = event
            numbers = self._insert(connection, fresh)
        new = {id(event) for event in fresh}
        receipts: list[tuple[int, bool] | UsageError] = []
        for event, place in zip(events, places, strict=True):
            if isinstance(place, UsageError):
                receipts.append(place)
            else:
                receipts.append((place.seq or numbers[place.event_id], place is event and id(event) in new))
                new.discard(id(event))
        return receipts

    def _find(
        self, connection: sa.Connection, events: list[LabelEvent]
    ) -> tuple[dict[str, LabelEvent], dict[tuple[str, str], LabelEvent]]:
        """Return stored events of these ids, and the last stored event of each person on each of these records."""
        table = EVENTS.c
        pairs = list({(event.item_id, event.annotator) for event in events})
        same = table.event_id.in_([event.event_id for event in events])
        theirs = sa.and_(table.task == self._task, sa.tuple_(table.item_id, table.annotator).in_(pairs))
        known: dict[str, LabelEvent] = {}
        last: dict[tuple[str, str], LabelEvent] = {}
        for row in connection.execute(sa.select(EVENTS).where(same)):
            event = row_to_event(row)
            known[event.event_id] = event if row.task == self._task else _of_another_task(event)
        for row in connection.execute(sa.select(EVENTS).where(theirs).order_by(table.seq)):
            event = row_to_event(row)
            last[event.item_id, event.annotator] = event
        return known, last

    def _insert(self, connection: sa.Connection, events: list[LabelEvent]) -> dict[str, int]:
        """Insert events in order and return their numbers by id."""
        if not events:
            return {}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        rows = []
        for event in events:
            values = {name: value for name, value in event.to_json().items() if name != "seq"}
            rows.append({**values, "task": self._task, "at": event.at or now})
        statement = EVENTS.insert().returning(EVENTS.c.event_id, EVENTS.c.seq, sort_by_parameter_order=True)
        return {event_id: int(seq) for event_id, seq in connection.execute(statement, rows)}


def _of_another_task(event: LabelEvent) -> LabelEvent:
    """Return an event that says the same as no event of this task."""
    return replace(event, item_id=f"{event.item_id} of another task")


def row_to_event(row: "sa.Row[tuple[object, ...]]") -> LabelEvent:
    """Return a row of the table as an event."""
    return LabelEvent.from_json(dict(row._mapping))
