"""Labeling functions from queries over intervals: a record is a stretch of time, or a patient's whole line."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

import numpy as np

from ..codes import CodeSet
from ..function import LabelingFunction
from ..record import Record
from .interval import Interval
from .interval_set import IntervalSet
from .merging import merge_bounds

Query: TypeAlias = Callable[[Record], IntervalSet]
"""Takes a record, returns the intervals of a rule, on the clock of the record's own bounds."""
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def event_intervals(
    record: Record,
    codes: "CodeSet | Iterable[str] | None" = None,
    *,
    kind: str | None = None,
    unit: Literal["s", "min", "h", "d"] = "d",
) -> IntervalSet:
    """Return a patient's events as instants, counted from the record's time (so never above 0).

    Parameters
    ----------
    record : Record
        Needs a time.
    codes : CodeSet or iterable of str, optional
        Codes that count.
    kind : str, optional
        Kind of event.
    unit : {"s", "min", "h", "d"}, default "d"
        What time is counted in.

    Examples
    --------
    >>> from sidelight.labeling.record import iter_records
    >>> event = {"kind": "procedure", "code": "0SR9", "time": "2020-01-01"}
    >>> (record,) = iter_records([{"text": "", "time": "2020-03-01", "events": [event]}])
    >>> event_intervals(record, ["0SR"])[0].lo
    -60.0
    """
    wanted = codes if codes is None or isinstance(codes, CodeSet) else CodeSet(codes)
    moment = record.time
    if moment is None:
        raise ValueError("the record has no time to count from")
    return IntervalSet(
        Interval(at, at, {}, {"kind": e.kind, "code": e.code, "value": e.value, "name": e.name}, "events")
        for e in record.events
        if (kind is None or e.kind == kind) and (wanted is None or e.code in wanted)
        for at in [_count(e.time, moment, unit)]
    )


def mention_intervals(
    notes: Iterable[tuple[datetime, str]],
    pattern: "str | re.Pattern[str]",
    since: datetime,
    *,
    unit: Literal["s", "min", "h", "d"] = "d",
) -> IntervalSet:
    """Return the notes that mention something as instants, counted from a moment.

    Parameters
    ----------
    notes : iterable of (time, text)
        A patient's notes.
    pattern : str or re.Pattern
        What is looked for.
    since : datetime
        Where counting starts.
    unit : {"s", "min", "h", "d"}, default "d"
        What time is counted in.
    """
    compiled = re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern
    found = []
    for written, text in notes:
        spans = [match.span() for match in compiled.finditer(text)]
        if spans:
            at = _count(written, since, unit)
            found.append(Interval(at, at, {}, {"spans": spans}, "notes"))
    return IntervalSet(found)


def interval_lf(
    name: str,
    query: Query,
    vote: Any,
    *,
    bounds: tuple[str, str] = ("start", "end"),
    min_cover: float | None = 0.5,
    min_count: int | None = None,
    else_: Any = None,
    observed: Query | None = None,
    **keywords: Any,
) -> "IntervalFunction":
    """Return a function for records that are stretches of time, such as windows of a recording.

    Parameters
    ----------
    name : str
        The function's name.
    query : callable
        Takes the record, returns the intervals of the rule.
    vote : str or int
        The class voted for where the intervals cover enough of the record.
    bounds : (str, str), default ("start", "end")
        Fields with the record's own bounds, on the clock of the intervals.
    min_cover : float, optional
        Share of the record that the union of the intervals covers, 0.5 unless `min_count` is given.
    min_count : int, optional
        Number of intervals that meet the record; takes the place of `min_cover`.
    else_ : str or int, optional
        The class voted for otherwise; abstains when not given.
    observed : callable, optional
        Takes the record, returns when the source was looking: a record outside gets no vote, since there the absence of
        intervals says nothing.
    **keywords
        As for `LabelingFunction`.
    """
    cover = None if min_count is not None else 0.5 if min_cover is None else min_cover
    return IntervalFunction(name, _Window(query, vote, bounds, cover, min_count, else_, observed), keywords)


def timeline_lf(
    name: str,
    query: Query,
    vote: Any,
    *,
    min_count: int = 1,
    else_: Any = None,
    observed: Query | None = None,
    **keywords: Any,
) -> "IntervalFunction":
    """Return a function for records that stand for a patient: it votes where enough intervals are found.

    Parameters
    ----------
    name, query, vote, else_
        As for `interval_lf`.
    min_count : int, default 1
        Intervals it takes.
    observed : callable, optional
        Takes the record, returns when the source was looking; `else_` is voted only where that is not empty.
    **keywords
        As for `LabelingFunction`.

    Examples
    --------
    >>> from sidelight.labeling.intervals import after
    >>> def late_pain(record):
    ...     return event_intervals(record, ["M25"]).filter_against(event_intervals(record, ["0SR"]), after(30, 365))
    >>> pain = timeline_lf("late_pain", late_pain, 1)
    >>> events = [{"kind": "", "code": c, "time": t} for c, t in (("0SR9", "2020-01-01"), ("M25.5", "2020-03-01"))]
    >>> pain({"text": "", "time": "2020-04-01", "events": events})
    1
    """
    return IntervalFunction(name, _Timeline(query, vote, min_count, else_, observed), keywords)


def score_lf(
    name: str,
    query: Query,
    *,
    positive: Any,
    above: float,
    negative: Any = None,
    below: float = 0.0,
    bounds: tuple[str, str] | None = None,
    how: Literal["max", "mean"] = "max",
    **keywords: Any,
) -> "IntervalFunction":
    """Return a function that cuts the scores of a detector's intervals into votes.

    Parameters
    ----------
    name, query, bounds
        As for `interval_lf`; without bounds all of the query's intervals count.
    positive, negative : str or int
        The classes voted for where the score is at least `above`, and where it is below `below`.
    above, below : float
        The thresholds; between them the function abstains.
    how : {"max", "mean"}, default "max"
        The greatest score, or the mean weighted by length.
    **keywords
        As for `LabelingFunction`.
    """
    if below > above:
        raise ValueError(f"below is {below} and above is {above}; a score would earn both votes")

    return IntervalFunction(name, _Score(query, positive, above, negative, below, bounds, how), keywords)


@dataclass(frozen=True, slots=True)
class _Window:
    """Votes for a stretch of time: by the share of it that a query's intervals cover, or by how many meet it."""

    query: Query
    vote: Any
    bounds: tuple[str, str]
    min_cover: float | None
    min_count: int | None
    else_: Any
    observed: Query | None

    def __call__(self, record: Record) -> Any:
        lo, hi = float(record[self.bounds[0]]), float(record[self.bounds[1]])
        if self.observed is not None and _covered(self.observed(record), lo, hi) <= 0:
            return None
        found = self.query(record)
        if self.min_count is not None:
            is_instant = (found.lo == found.hi) & (found.lo >= lo) & (found.lo < hi)
            n_met = int(((found.lo < hi) & (found.hi > lo) | is_instant).sum())
            return self.vote if n_met >= self.min_count else self.else_
        assert self.min_cover is not None  # noqa: S101 - told the type checker
        return self.vote if _covered(found, lo, hi) >= self.min_cover else self.else_

    @property
    def votes(self) -> tuple[Any, ...]:
        return (self.vote, self.else_)


@dataclass(frozen=True, slots=True)
class _Timeline:
    """Votes for a patient by how many intervals a query finds."""

    query: Query
    vote: Any
    min_count: int
    else_: Any
    observed: Query | None

    def __call__(self, record: Record) -> Any:
        if len(self.query(record)) >= self.min_count:
            return self.vote
        return self.else_ if self.observed is None or len(self.observed(record)) else None

    @property
    def votes(self) -> tuple[Any, ...]:
        return (self.vote, self.else_)


@dataclass(frozen=True, slots=True)
class _Score:
    """Votes by the scores of a query's intervals."""

    query: Query
    positive: Any
    above: float
    negative: Any
    below: float
    bounds: tuple[str, str] | None
    how: Literal["max", "mean"]

    def __call__(self, record: Record) -> Any:
        found = self.query(record)
        keep = ~np.isnan(found.score)
        lo, hi = found.lo, found.hi
        if self.bounds is not None:
            begin, end = float(record[self.bounds[0]]), float(record[self.bounds[1]])
            lo, hi = np.maximum(lo, begin), np.minimum(hi, end)
            keep &= hi > lo
        if not keep.any():
            return None
        sizes = (hi - lo)[keep]
        if self.how == "max":
            score = float(found.score[keep].max())
        else:
            score = float(np.average(found.score[keep], weights=sizes if sizes.sum() else None))
        if score >= self.above:
            return self.positive
        return self.negative if score < self.below else None

    @property
    def votes(self) -> tuple[Any, ...]:
        return (self.positive, self.negative)


class IntervalFunction(LabelingFunction):
    """Votes by a query over intervals; made by `interval_lf`, `timeline_lf` and `score_lf`.

    It pickles where its query does: a function that a module defines by name, not a lambda.
    """

    def __init__(self, name: str, judge: _Window | _Timeline | _Score, keywords: dict[str, Any]) -> None:
        polarity = [vote for vote in judge.votes if vote is not None]
        super().__init__(name, judge, **{"polarity": polarity, **keywords})
        self._keywords = keywords
        self.__doc__ = judge.query.__doc__ or type(judge).__doc__

    def __reduce__(self) -> tuple[Any, ...]:
        return (IntervalFunction, (self.name, self.function, self._keywords))


def _covered(found: IntervalSet, lo: float, hi: float) -> float:
    """Return the share of [lo, hi) that the union of some intervals covers."""
    begin, end = merge_bounds(np.clip(found.lo, lo, hi), np.clip(found.hi, lo, hi), 0.0)
    return float((end - begin).sum() / (hi - lo)) if hi > lo else 0.0


def _count(moment: datetime, since: datetime, unit: str) -> float:
    return (moment - since).total_seconds() / _SECONDS[unit]
