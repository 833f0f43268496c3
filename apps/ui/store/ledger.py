"""What the events add up to: who decided what of which record, now that all undos are counted."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from .events import LabelEvent


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds for a record after all annotators and the adjudicator were heard.

    Parameters
    ----------
    label : str
        The class.
    source : str
        "adjudicated", "agreed" (two or more annotators, one class) or "single".
    annotators : tuple of str
        Whose word it rests on.
    """

    label: str
    source: str
    annotators: tuple[str, ...]


class Ledger:
    """The present state of all labels, kept up to date event by event.

    The current label of a record by an annotator is the latest label or skip that was not undone.
    """

    def __init__(self) -> None:
        self.last_seq = 0
        self.n_events = 0
        self._lock = threading.RLock()
        self._live: dict[tuple[str, str, str], list[LabelEvent]] = defaultdict(list)
        self._by_person: dict[str, list[LabelEvent]] = defaultdict(list)
        self._decided: dict[tuple[str, str], dict[str, LabelEvent]] = defaultdict(dict)
        self._flags: dict[str, dict[str, LabelEvent]] = defaultdict(dict)
        self._comments: dict[str, list[LabelEvent]] = defaultdict(list)

    def take(self, events: Iterable[LabelEvent]) -> None:
        """Count further events, in the order of the store; those counted already are passed over."""
        with self._lock:
            for event in events:
                if event.seq > self.last_seq:
                    self._count(event)
                    self.last_seq = event.seq
                    self.n_events += 1

    def _count(self, event: LabelEvent) -> None:
        key = (event.item_id, event.annotator, event.purpose)
        if event.kind in ("label", "skip"):
            self._live[key].append(event)
            self._by_person[event.annotator].append(event)
        elif event.kind == "flag":
            self._flags[event.item_id][event.annotator] = event
        elif event.kind == "unflag":
            self._flags[event.item_id].pop(event.annotator, None)
        elif event.kind == "comment":
            self._comments[event.item_id].append(event)
        elif event.kind == "undo":
            for stack in (self._live[key], self._by_person[event.annotator]):
                stack[:] = [earlier for earlier in stack if earlier.event_id != event.value]
        if event.kind in ("label", "skip", "undo"):
            standing = self._decided[event.annotator, event.purpose]
            if self._live[key]:
                standing[event.item_id] = self._live[key][-1]
            else:
                standing.pop(event.item_id, None)

    # -- one person ----------------------------------------------------------------------------------

    def current(self, item_id: str, annotator: str, purpose: str = "label") -> LabelEvent | None:
        """Return a person's label or skip of a record as it stands, None when there is none."""
        with self._lock:
            stack = self._live.get((item_id, annotator, purpose))
            return stack[-1] if stack else None

    def decided(self, annotator: str, purpose: str = "label") -> dict[str, LabelEvent]:
        """Return the standing label or skip of every record a person decided."""
        with self._lock:
            return dict(self._decided.get((annotator, purpose), {}))

    def latest(self, annotator: str, purpose: str = "label") -> LabelEvent | None:
        """Return a person's latest label or skip that still stands: what undo takes back."""
        with self._lock:
            mine = self._by_person.get(annotator, ())
            return next((event for event in reversed(mine) if event.purpose == purpose), None)

    # -- all people ----------------------------------------------------------------------------------

    def annotators(self) -> tuple[str, ...]:
        """Return everyone whose labels stand, in order of name."""
        with self._lock:
            found = {
                e.annotator for events in self._by_person.values() for e in events if e.purpose == "label"
            }
        return tuple(sorted(found))

    def labels(
        self, purpose: str = "label", *, evidence: bool | None = None
    ) -> dict[str, dict[str, LabelEvent]]:
        """Return the standing labels of each record by person; skips are no labels.

        With `evidence`, only those given after the page had shown how functions vote (True), or without (False).
        """
        found: dict[str, dict[str, LabelEvent]] = {}
        with self._lock:
            for (item_id, annotator, why), stack in self._live.items():
                if why != purpose or not stack or stack[-1].kind != "label":
                    continue
                if evidence is None or stack[-1].evidence is evidence:
                    found.setdefault(item_id, {})[annotator] = stack[-1]
        return found

    def flagged(self, item_id: str) -> dict[str, LabelEvent]:
        """Return who flagged a record."""
        with self._lock:
            return dict(self._flags.get(item_id, {}))

    def flagged_items(self) -> tuple[str, ...]:
        """Return the records somebody flagged."""
        with self._lock:
            return tuple(item_id for item_id, people in self._flags.items() if people)

    def comments(self, item_id: str) -> tuple[LabelEvent, ...]:
        """Return the comments on a record, oldest first."""
        with self._lock:
            return tuple(self._comments.get(item_id, ()))

    def in_dispute(self) -> dict[str, dict[str, LabelEvent]]:
        """Return the records whose annotators differ, with what each said."""
        return {
            item_id: people
            for item_id, people in self.labels().items()
            if len({event.value for event in people.values()}) > 1
        }

    def decisions(self, *, evidence: bool | None = None) -> dict[str, Decision]:
        """Return the label of each record: the adjudicator's, else the annotators' where they agree.

        With `evidence`, as if only the labels had been given that `labels` then returns.
        """
        settled: dict[str, Decision] = {}
        for item_id, people in self.labels(evidence=evidence).items():
            said = {event.value for event in people.values()}
            if len(said) == 1:
                source = "agreed" if len(people) > 1 else "single"
                settled[item_id] = Decision(said.pop(), source, tuple(sorted(people)))
        for item_id, people in self.labels("adjudicate", evidence=evidence).items():
            last = max(people.values(), key=lambda event: event.seq)
            settled[item_id] = Decision(last.value, "adjudicated", (last.annotator,))
        return settled
