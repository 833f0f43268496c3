"""Labeling functions from queries over intervals: a record is a stretch of time, or a patient's whole line."""

import re
from collections.abc import Callable, Iterable
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
) -> LabelingFunction:
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

    def judge(record: Record) -> Any:
        lo, hi = float(record[bounds[0]]), float(record[bounds[1]])
        if observed is not None and _covered(observed(record), lo, hi) <= 0:
            return None
        found = query(record)
        if min_count is not None:
            hit = int(
                (
                    (found.lo < hi) & (found.hi > lo)
                    | (found.lo == found.hi) & (found.lo >= lo) & (found.lo < hi)
                ).sum()
            )
            return vote if hit >= min_count else else_
        return vote if _covered(found, lo, hi) >= (0.5 if min_cover is None else min_cover) else else_

    polarity = [value for value in (vote, else_) if value is not None]
    keywords.setdefault("polarity", polarity)
    return LabelingFunction(name, judge, **keywords)


def timeline_lf(
    name: str,
    query: Query,
    vote: Any,
    *,
    min_count: int = 1,
    else_: Any = None,
    observed: Query | None = None,
    **keywords: Any,
) -> LabelingFunction:
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

    def judge(record: Record) -> Any:
        if len(query(record)) >= min_count:
            return vote
        return else_ if observed is None or len(observed(record)) else None

    keywords.setdefault("polarity", [value for value in (vote, else_) if value is not None])
    return LabelingFunction(name, judge, **keywords)


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
) -> LabelingFunction:
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

    def judge(record: Record) -> Any:
        found = query(record)
        keep = ~np.isnan(found.score)
        lo, hi = found.lo, found.hi
        if bounds is not None:
            begin, end = float(record[bounds[0]]), float(record[bounds[1]])
            lo, hi = np.maximum(lo, begin), np.minimum(hi, end)
            keep &= hi > lo
        if not keep.any():
            return None
        sizes = (hi - lo)[keep]
        even = how == "max" or not sizes.sum()
        score = (
            float(found.score[keep].max())
            if how == "max"
            else float(np.average(found.score[keep], weights=None if even else sizes))
        )
        if score >= above:
            return positive
        return negative if score < below else None

    keywords.setdefault("polarity", [value for value in (positive, negative) if value is not None])
    return LabelingFunction(name, judge, **keywords)


def _covered(found: IntervalSet, lo: float, hi: float) -> float:
    """Return the share of [lo, hi) that the union of some intervals covers."""
    begin, end = merge_bounds(np.clip(found.lo, lo, hi), np.clip(found.hi, lo, hi), 0.0)
    return float((end - begin).sum() / (hi - lo)) if hi > lo else 0.0


def _count(moment: datetime, since: datetime, unit: str) -> float:
    return (moment - since).total_seconds() / _SECONDS[unit]
