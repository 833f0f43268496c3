"""Operators on two sets of intervals: a sweep finds the pairs that can matter, and relations judge them by column."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .interval import Interval
from .interval_set import IntervalSet
from .merging import merge_bounds
from .predicates import Pairs, Predicate

Merge: TypeAlias = Literal["span", "intersect", "left", "right"]
_MANY = 1_000_000
_BLOCK = 2_000_000


def join(
    left: IntervalSet,
    right: IntervalSet,
    p: Predicate,
    merge: Merge | Callable[[Interval, Interval], Any] = "span",
    *,
    payload: Callable[[Interval, Interval], dict[str, Any]] | None = None,
) -> IntervalSet:
    """Return a merged interval for each pair that a relation holds for.

    Parameters
    ----------
    left, right : IntervalSet
        The sets.
    p : Predicate
        The relation, asked of (left, right).
    merge : {"span", "intersect", "left", "right"} or callable, default "span"
        The bounds of the result, on every axis; pairs whose intersection is empty are dropped. A callable makes the
        interval itself.
    payload : callable, optional
        Makes the payload of the result; the left one's when not given. Its score is the smaller of the two.
    """
    left.check_axes(right)
    made = []
    for i, j in _pairs(left, right, p):
        for a_at, b_at in zip(i.tolist(), j.tolist(), strict=True):
            a, b = left[a_at], right[b_at]
            merged = merge(a, b) if callable(merge) else _merge(a, b, merge)
            if merged is None:
                continue
            if isinstance(merged, Interval) and not callable(merge):
                scores = [score for score in (a.score, b.score) if score is not None]
                merged = replace(
                    merged,
                    payload=a.payload if payload is None else payload(a, b),
                    score=min(scores) if scores else None,
                )
            made.append(merged)
    return IntervalSet(made, axis=left.axis)


def matched(left: IntervalSet, right: IntervalSet, p: Predicate) -> NDArray[np.bool_]:
    """Return which intervals of `left` have a partner in `right`."""
    found = np.zeros(len(left), dtype=bool)
    for i, _ in _pairs(left, right, p):
        found[i] = True
    return found


def collect(left: IntervalSet, right: IntervalSet, p: Predicate, into: str, keep_empty: bool) -> IntervalSet:
    """Return the intervals of `left` with the set of their partners in the payload."""
    partners: list[list[int]] = [[] for _ in range(len(left))]
    for i, j in _pairs(left, right, p):
        for a, b in zip(i.tolist(), j.tolist(), strict=True):
            partners[a].append(b)
    made = [
        replace(interval, payload={**interval.payload, into: right.take(np.array(found, dtype=np.intp))})
        for interval, found in zip(left, partners, strict=True)
        if found or keep_empty
    ]
    return IntervalSet(made, axis=left.axis)


def minus(left: IntervalSet, right: IntervalSet, p: Predicate | None = None) -> IntervalSet:
    """Remove from each interval of `left` the union of `right`, or of those of `right` for which `p` holds."""
    if left.axis != right.axis:
        raise ValueError(f"the sets lie on different axes: {left.axis} and {right.axis}")
    partners: list[list[int]] | None = None
    if p is None:
        begin, end = merge_bounds(right.lo, right.hi, 0.0)
    else:
        partners = [[] for _ in range(len(left))]
        for i, j in _pairs(left, right, p):
            for a, b in zip(i.tolist(), j.tolist(), strict=True):
                partners[a].append(b)
    made = []
    for position, interval in enumerate(left):
        if partners is not None:
            rows = np.array(partners[position], dtype=np.intp)
            begin, end = merge_bounds(right.lo[rows], right.hi[rows], 0.0)
        if interval.is_instant:  # a moment has no length to cut: it goes where something covers it
            if not ((begin <= interval.lo) & (interval.lo < end)).any():
                made.append(interval)
            continue
        first = int(np.searchsorted(end, interval.lo, side="right"))
        last = int(np.searchsorted(begin, interval.hi, side="left"))
        current = interval.lo
        for cut_lo, cut_hi in zip(begin[first:last].tolist(), end[first:last].tolist(), strict=True):
            if cut_lo > current:
                made.append(replace(interval, lo=current, hi=cut_lo))
            current = max(current, cut_hi)
        if current < interval.hi:
            made.append(replace(interval, lo=current))
    return IntervalSet(made, axis=left.axis)


def _merge(a: Interval, b: Interval, how: Merge) -> Interval | None:
    if how == "left":
        return a
    if how == "right":
        return b
    lo, hi = _combine((a.lo, a.hi), (b.lo, b.hi), how)
    axes = {name: _combine(a.axes[name], b.axes[name], how) for name in a.axes}
    if lo > hi or any(low > high for low, high in axes.values()):
        return None
    if how == "intersect" and (
        (lo == hi and not (a.is_instant or b.is_instant)) or any(low == high for low, high in axes.values())
    ):
        return None
    return Interval(lo, hi, axes, a.payload, a.source)


def _combine(a: tuple[float, float], b: tuple[float, float], how: Merge) -> tuple[float, float]:
    if how == "span":
        return min(a[0], b[0]), max(a[1], b[1])
    if how == "intersect":
        return max(a[0], b[0]), min(a[1], b[1])
    raise ValueError(f"merge is 'span', 'intersect', 'left', 'right' or a function, not {how!r}")


def _pairs(
    left: IntervalSet, right: IntervalSet, p: Predicate
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the pairs a relation holds for, in order, in blocks.

    A partner within a window begins before the interval's end plus the one side and ends after its beginning minus the
    other. `right` is sorted by beginning, and the running maximum of its ends is sorted too, so both bounds are found by
    bisection; one very long interval makes the ranges longer, never wrong.
    """
    if not len(left) or not len(right):
        return
    ahead, behind = p.window
    stop = np.searchsorted(right.lo, left.hi + behind, side="right")
    start = np.searchsorted(np.maximum.accumulate(right.hi), left.lo - ahead, side="left")
    counts = np.maximum(stop - start, 0)
    if not np.isfinite(p.window).any() and counts.sum() > _MANY:
        warnings.warn(
            f"a relation without a window compares {int(counts.sum()):,} pairs of intervals; join it by & with one that "
            "has a window, such as within(...)",
            RuntimeWarning,
            stacklevel=3,
        )
    done = 0
    edges = np.cumsum(counts)
    while done < len(left):
        first = edges[done] - counts[done]
        upto = max(done + 1, int(np.searchsorted(edges, first + _BLOCK, side="right")))
        part = counts[done:upto]
        i = np.repeat(np.arange(done, upto), part)
        offset = np.arange(part.sum()) - np.repeat(np.cumsum(part) - part, part)
        j = np.repeat(start[done:upto], part) + offset
        if len(i):
            keep = p.test(Pairs(left, right, i, j))
            yield i[keep], j[keep]
        done = upto
