"""One person's desk: the record on it, what may be done with it, and the guard against labels nobody meant."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .context import Context
from .people import Person
from .queues import Queue, next_row, second_opinions
from .store import LabelEvent, Ledger, new_event_id

SHORTEST_LOOK = 0.4
"""Seconds a record must have been on screen, and the keys at rest, before a label is believed."""


@dataclass
class Sight:
    """What one browser tab has been shown. Losing it loses no label: the guard then starts anew.

    `asked` are the records whose evidence was asked for.
    """

    first_shown: dict[str, float] = field(default_factory=dict)
    event_ids: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    last_refusal: float = float("-inf")
    last_undo: float = float("-inf")
    wanted: str = ""
    said: str = ""

    def show(self, item_id: str, now: float) -> None:
        """Note that a record came on screen."""
        self.first_shown.setdefault(item_id, now)

    def leave(self, item_id: str) -> None:
        """Note that a record left the screen."""
        self.first_shown.pop(item_id, None)

    def event_id(self, item_id: str, kind: str) -> str:
        """Return the id of the next event on a record: the same until it was stored, so that repeats count once."""
        return self.event_ids.setdefault(f"{kind}:{item_id}", new_event_id())


class Desk:
    """What one person does in one tab.

    Parameters
    ----------
    context : Context
        Records and store.
    person : Person
        Who works here.
    sight : Sight
        What the tab has shown.
    clock : callable, optional
        Monotonic seconds.
    """

    def __init__(
        self, context: Context, person: Person, sight: Sight, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.context = context
        self.person = person
        self.sight = sight
        self._clock = clock

    @property
    def ledger(self) -> Ledger:
        """What stands in the store now."""
        return self.context.store.ledger()

    def now(self) -> float:
        """Return the time by this desk's clock."""
        return self._clock()

    def queues(self) -> dict[str, Queue]:
        """Return the queues this person can work on."""
        others = second_opinions(self.context.workspace, self.ledger, self.person.name)
        own = {others.name: others} if len(others.order) else {}
        return {**self.context.queues, **own}

    def next(self, queue: Queue) -> tuple[int | None, str]:
        """Return the row to show now, and the queue it came from."""
        ledger, records = self.ledger, self.context.workspace.records
        mine = ledger.decided(self.person.name)
        wanted = records.rows.get(self.sight.wanted)
        if wanted is not None and self.sight.wanted not in mine:
            return wanted, queue.name
        full = self._full(ledger) if queue.name != "second" else frozenset()

        def is_open(row: int) -> bool:
            return records.ids[row] not in mine and records.ids[row] not in full

        return next_row(queue, self.context.uniform, is_open, len(mine))

    def _full(self, ledger: Ledger) -> frozenset[str]:
        """Return the records that enough others have labeled."""
        if not self.context.readers:
            return frozenset()
        return frozenset(
            item for item, people in ledger.labels().items()
            if len(people.keys() - {self.person.name}) >= self.context.readers
        )  # fmt: skip

    # -- what can be done ------------------------------------------------------------------------------

    def decide(
        self,
        item_id: str,
        kind: str,
        value: str,
        *,
        queue: str = "",
        suggestion: str = "",
        purpose: str = "label",
    ) -> bool:
        """Label or skip the record on screen; False when the guard does not believe it.

        Refused are a record that is not on screen or was decided meanwhile, one that came on screen less than 0.4
        seconds ago, and any press within 0.4 seconds of a refused one: a key held down never gets through.
        """
        now = self._clock()
        shown = self.sight.first_shown.get(item_id)
        standing = self.ledger.current(item_id, self.person.name, purpose)
        if shown is None or (standing is not None and purpose == "label"):
            self.sight.last_refusal = now
            return False
        if min(now - shown, now - self.sight.last_refusal) < SHORTEST_LOOK:
            self.sight.last_refusal = now
            self.sight.said = "That was too quick to have been read; press again."
            return False
        self._add(
            LabelEvent(
                self.sight.event_id(item_id, "decision"), item_id, self.person.name, kind, value,
                purpose=purpose, queue=queue, ms_on_screen=round((now - shown) * 1000), suggestion=suggestion,
                chance=self._chance(item_id, queue), evidence=(self.person.name, item_id) in self.context.seen,
            )
        )  # fmt: skip
        self.sight.event_ids.pop(f"decision:{item_id}", None)
        self.sight.leave(item_id)
        if self.sight.wanted == item_id:
            self.sight.wanted = ""
        self.sight.said = ""
        return True

    def _chance(self, item_id: str, queue: str) -> float | None:
        """Return the chance a record had to come up in a queue, None where it was chosen."""
        if not queue:
            return None
        if queue == "random":
            return 1 / len(self.context.workspace.records)
        found = self.context.queues.get(queue)
        row = self.context.workspace.records.rows.get(item_id)
        return None if found is None or row is None else found.chances.get(row)

    def undo(self, purpose: str = "label") -> bool:
        """Take back this person's latest decision and put its record on the desk again."""
        now, last = self._clock(), self.ledger.latest(self.person.name, purpose)
        held = now - self.sight.last_undo < SHORTEST_LOOK
        self.sight.last_undo = now
        if last is None or held:
            return False
        undo = LabelEvent(
            new_event_id(), last.item_id, self.person.name, "undo", last.event_id, purpose=purpose
        )
        self._add(undo)
        self.sight.wanted = last.item_id
        if last.evidence:
            self.saw_evidence(last.item_id)  # perhaps before this server was started
        self.sight.said = "Taken back; here it is again."
        return True

    @property
    def may_show_evidence(self) -> bool:
        """Whether there are functions whose votes can be shown, and the project lets people see them."""
        workspace = self.context.workspace
        return bool(workspace.functions) and workspace.evidence != "never"

    def shows_evidence(self, item_id: str, *, always: bool = False) -> bool:
        """Return whether the votes on a record are to be shown, and note that they then were seen.

        `always` is the page's switch for every record.
        """
        shown = self.may_show_evidence and (always or item_id in self.sight.asked)
        if shown:
            self.saw_evidence(item_id)
        return shown

    def saw_evidence(self, item_id: str) -> None:
        """Note that this person saw how functions vote on a record: their label of it will say so."""
        self.context.seen.add((self.person.name, item_id))

    def ask_for_evidence(self, item_id: str) -> None:
        """Show how functions vote on this one record from now on."""
        self.sight.asked.add(item_id)

    def flag(self, item_id: str) -> bool:
        """Flag a record, or take this person's flag away; return whether it is flagged now."""
        flagged = self.person.name in self.ledger.flagged(item_id)
        kind = "unflag" if flagged else "flag"
        self._add(LabelEvent(new_event_id(), item_id, self.person.name, kind))
        return not flagged

    def comment(self, item_id: str, words: str) -> bool:
        """Keep a comment; nothing is kept of an empty one."""
        if not words.strip():
            return False
        self._add(LabelEvent(new_event_id(), item_id, self.person.name, "comment", words.strip()))
        return True

    def _add(self, event: LabelEvent) -> None:
        self.context.store.add(event)
