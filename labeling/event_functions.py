"""Labeling functions over a patient's structured events: conditions, drugs, laboratory values, their rise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Unpack

from .codes import CodeSet
from .declared import DeclaredFunction, Metadata
from .faults import UsageError
from .function import Vote
from .record import Event, Record


class EventFunction(DeclaredFunction):
    """Votes for one class where enough events of a kind happened in time; made by `event_lf`."""

    def __init__(
        self,
        name: str,
        codes: CodeSet | Iterable[str] | None,
        vote: str | int,
        *,
        kind: str | None = None,
        system: str | None = None,
        within_days: float | None = None,
        above: float | None = None,
        below: float | None = None,
        units: Mapping[str, float] | None = None,
        at_least: int = 1,
        **metadata: Unpack[Metadata],
    ) -> None:
        self.codes = codes if codes is None or isinstance(codes, CodeSet) else CodeSet(codes)
        if self.codes is None and kind is None:
            raise UsageError(f"function {name!r}: give codes, a kind of event, or both")
        self.vote = vote
        self.kind = kind
        self.system = system
        self.within_days = within_days
        self.above, self.below = above, below
        self.units = None if units is None else {unit.lower(): float(f) for unit, f in units.items()}
        self.at_least = at_least
        content = {
            "codes": self.codes, "vote": vote, "kind": kind, "system": system, "within_days": within_days, "above": above,
            "below": below, "units": self.units, "at_least": at_least,
        }  # fmt: skip
        super().__init__(name, content, polarity=(vote,), **metadata)

    def describe(self) -> str:
        """Say which events count."""
        return f"Vote {self.vote!r} where the patient's events hold {self.codes or self.kind}."

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote, None where too few events count."""
        found = sum(1 for event in self.events(record) if self._in_range(self.value(event)))
        return Vote(self.vote) if found >= self.at_least else None

    def events(self, record: Record) -> list[Event]:
        """Return the events of the kind asked for, none of them after the record's time, in order."""
        moment = record.time
        first = (
            None if moment is None or self.within_days is None else moment - timedelta(days=self.within_days)
        )
        return [
            event
            for event in record.events
            if (self.kind is None or event.kind == self.kind)
            and (self.system is None or event.system == self.system)
            and (self.codes is None or event.code in self.codes)
            and (moment is None or event.time <= moment)
            and (first is None or event.time >= first)
        ]

    def value(self, event: Event) -> float | None:
        """Return an event's value in the unit of factor 1, None where it has none that is understood."""
        if event.value is None or self.units is None:
            return event.value
        factor = self.units.get(event.unit.lower())
        return None if factor is None else event.value * factor

    def _in_range(self, value: float | None) -> bool:
        if self.above is None and self.below is None:
            return True
        return (
            value is not None
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


class RiseFunction(EventFunction):
    """Votes for one class where a value rose by so much in so short a time; made by `rise_lf`."""

    def __init__(
        self,
        name: str,
        codes: CodeSet | Iterable[str],
        vote: str | int,
        *,
        by: float | None = None,
        ratio: float | None = None,
        hours: float,
        kind: str | None = "lab",
        system: str | None = None,
        within_days: float | None = None,
        units: Mapping[str, float] | None = None,
        **metadata: Unpack[Metadata],
    ) -> None:
        if (by is None) == (ratio is None):
            raise UsageError(f"function {name!r}: give by (a difference) or ratio, one of them")
        self.by, self.ratio, self.hours = by, ratio, hours
        super().__init__(
            name, codes, vote, kind=kind, system=system, within_days=within_days, units=units, **metadata
        )
        for unused in ("above", "below", "at_least"):
            del self.content[unused]
        self.content |= {"by": by, "ratio": ratio, "hours": hours}

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote, None where no value rose enough."""
        values = [
            (event.time, value) for event in self.events(record) if (value := self.value(event)) is not None
        ]
        window = timedelta(hours=self.hours)
        for position, (later, high) in enumerate(values):
            for earlier, low in values[:position]:
                if later - earlier <= window and self._rose(low, high):
                    return Vote(self.vote)
        return None

    def _rose(self, low: float, high: float) -> bool:
        if self.by is not None:
            return high - low >= self.by - 1e-9
        return low > 0 and self.ratio is not None and high / low >= self.ratio - 1e-9


def event_lf(
    name: str,
    codes: CodeSet | Iterable[str] | None,
    vote: str | int,
    *,
    kind: str | None = None,
    system: str | None = None,
    within_days: float | None = None,
    above: float | None = None,
    below: float | None = None,
    units: Mapping[str, float] | None = None,
    at_least: int = 1,
    **metadata: Unpack[Metadata],
) -> EventFunction:
    """Return a function that votes where the patient had a condition, drug, procedure or laboratory value.

    Events after the record's time are never seen: what became known later cannot label an earlier document.

    Parameters
    ----------
    name : str
        The function's name.
    codes : CodeSet or iterable of str, optional
        Codes that count, with all below them (see `CodeSet`); None for every event of the `kind`.
    vote : str or int
        The class voted for.
    kind : str, optional
        "condition", "drug", "lab", "procedure" or what else the export knows.
    system : str, optional
        The codes' system, as the export names it.
    within_days : float, optional
        How long before the record's time an event counts; ever, when not given.
    above, below : float, optional
        Range of the measured value.
    units : mapping from unit to factor, optional
        Units that are understood; a value in another one does not count.
    at_least : int, default 1
        How many such events it takes.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> infarction = event_lf("infarction", ["I21"], 1, kind="condition", within_days=30)
    >>> event = {"kind": "condition", "code": "I21.4", "time": "2020-01-10"}
    >>> infarction({"text": "", "time": "2020-01-15", "events": [event]})
    1
    >>> infarction({"text": "", "time": "2020-01-05", "events": [event]})  # not known yet
    """
    return EventFunction(
        name, codes, vote, kind=kind, system=system, within_days=within_days, above=above, below=below, units=units,
        at_least=at_least, **metadata,
    )  # fmt: skip


def rise_lf(
    name: str,
    codes: CodeSet | Iterable[str],
    vote: str | int,
    *,
    by: float | None = None,
    ratio: float | None = None,
    hours: float,
    kind: str | None = "lab",
    system: str | None = None,
    within_days: float | None = None,
    units: Mapping[str, float] | None = None,
    **metadata: Unpack[Metadata],
) -> RiseFunction:
    """Return a function that votes where a value rose by so much in so short a time, before the record's time.

    Parameters
    ----------
    name, codes, vote, kind, system, within_days, units
        As for `event_lf`.
    by : float, optional
        Smallest difference that counts.
    ratio : float, optional
        Smallest quotient that counts; one of the two is given.
    hours : float
        Most time between the two values.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    Examples
    --------
    >>> injury = rise_lf("kidney_injury", ["2160-0"], 1, by=0.3, hours=48)
    >>> values = [("2020-01-01T08:00", 0.9), ("2020-01-02T20:00", 1.3)]
    >>> events = [{"kind": "lab", "code": "2160-0", "time": t, "value": v} for t, v in values]
    >>> injury({"text": "", "time": "2020-01-03", "events": events})
    1
    """
    return RiseFunction(
        name, codes, vote, by=by, ratio=ratio, hours=hours, kind=kind, system=system, within_days=within_days,
        units=units, **metadata,
    )  # fmt: skip
