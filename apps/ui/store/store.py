"""The store of labels that pages and commands use: add an event, wait for its commit, read what stands."""

from collections.abc import Iterable
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from sidelight.labeling import InputError, SidelightError

from .database import EVENTS, open_engine, prepare, store_url
from .events import LabelEvent
from .ledger import Ledger
from .writer import Writer, row_to_event

PATIENCE = 30.0
"""Seconds to wait for a commit before saying that the label was not saved."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an event is on disk.

    Parameters
    ----------
    seq : int
        Its place in the store.
    new : bool
        False when the event was there already, or repeated the person's last word on the record.
    """

    seq: int
    new: bool


class LabelStore:
    """Labels of one task, as events that are only ever added.

    Parameters
    ----------
    place : path-like or str
        A SQLite file, made when it is missing, or a `postgresql://` URL for several servers.
    task : str, default "label"
        Name of the task; one store may hold several.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home, LabelStore(f"{home}/labels.sqlite") as store:
    ...     _ = store.add(LabelEvent("e1", "note-7", "anna", "label", "normal"))
    ...     again = store.add(LabelEvent("e1", "note-7", "anna", "label", "normal"))   # a repeated click
    ...     again.new, store.ledger().decisions()["note-7"].label
    (False, 'normal')
    """

    def __init__(self, place: str | Path, task: str = "label") -> None:
        self.url = store_url(place)
        self.task = task
        self._writing = open_engine(self.url, writing=True)
        prepare(self._writing)
        self._reading = open_engine(self.url, writing=False)
        self._writer = Writer(self._writing, task)
        self._ledger = Ledger()

    def add(self, event: LabelEvent) -> Receipt:
        """Add an event and return once it is committed.

        Raises
        ------
        InputError
            When it could not be committed; adding the same event again is safe.
        UsageError
            When its id belongs to another event.
        """
        return self.add_all([event])[0]

    def add_all(self, events: Iterable[LabelEvent]) -> list[Receipt]:
        """Add events, in order, and return once all are committed."""
        waiting = [self._writer.submit(event) for event in events]
        receipts = []
        problem = ""
        for acknowledged in waiting:
            try:
                receipts.append(Receipt(*acknowledged.result(PATIENCE)))
            except SidelightError:
                raise
            except NotInTime:
                problem = f"no commit within {PATIENCE:.0f} seconds; the label is not saved"
            except Exception as error:  # the driver's message may hold what was to be written
                problem = f"could not be written ({type(error).__name__}); the label is not saved"
        if problem:
            raise InputError(self.url.database or "database", problem)
        return receipts

    def events(self, after: int = 0) -> list[LabelEvent]:
        """Return the events committed after number `after`, in order."""
        rows = self._query(
            sa.select(EVENTS).where(EVENTS.c.task == self.task, EVENTS.c.seq > after).order_by(EVENTS.c.seq)
        )
        return [row_to_event(row) for row in rows]

    def ledger(self) -> Ledger:
        """Return what stands now: everything committed by this process or another is counted."""
        self._ledger.take(self.events(self._ledger.last_seq))
        return self._ledger

    def close(self) -> None:
        """Write what waits and let go of the database."""
        self._writer.close()
        self._writing.dispose()
        self._reading.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def _query(self, statement: "sa.Select[tuple[object, ...]]") -> list["sa.Row[tuple[object, ...]]"]:
        problem = ""
        try:
            with self._reading.connect() as connection:
                return list(connection.execute(statement).all())
        except sa.exc.SQLAlchemyError as error:
            problem = f"cannot be read ({type(error).__name__})"
        raise InputError(self.url.database or "database", problem)
