"""Relations between intervals (Allen's, spatial, on payloads) that joins evaluate for whole columns at once."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interval import Interval
from .interval_set import IntervalSet

Mask = NDArray[np.bool_]
Window = tuple[float, float]
"""How far before its beginning and after its end an interval's partners may lie; (inf, inf) for anywhere."""
ANYWHERE: Window = (np.inf, np.inf)


@dataclass(frozen=True)
class Pairs:
    """Pairs of intervals: positions `i` of `left` beside positions `j` of `right`, and the axis that is looked at."""

    left: IntervalSet
    right: IntervalSet
    i: NDArray[np.intp]
    j: NDArray[np.intp]
    axis: str = ""

    def bounds(self, axis: str = "") -> tuple[NDArray[np.float64], ...]:
        """Return lo and hi of the left intervals, and of the right ones."""
        name = axis or self.axis or self.left.axis
        a, b = self.left.bounds[name], self.right.bounds[name]
        return a[0][self.i], a[1][self.i], b[0][self.j], b[1][self.j]


class Predicate:
    """A relation between two intervals; combines by ``&``, ``|`` and ``~``.

    Parameters
    ----------
    test : callable
        Takes `Pairs`, returns a mask.
    window : (float, float), default anywhere
        Where partners can lie on the primary axis; what is outside is not even looked at.
    """

    def __init__(self, test: Callable[[Pairs], Mask], window: Window = ANYWHERE) -> None:
        self.test = test
        self.window = window

    def __call__(self, a: Interval, b: Interval) -> bool:
        """Whether the relation holds between two intervals."""
        one = np.zeros(1, dtype=np.intp)
        return bool(self.test(Pairs(IntervalSet([a]), IntervalSet([b]), one, one))[0])

    def __and__(self, other: Predicate) -> Predicate:
        window = (min(self.window[0], other.window[0]), min(self.window[1], other.window[1]))
        return Predicate(lambda pairs: self.test(pairs) & other.test(pairs), window)

    def __or__(self, other: Predicate) -> Predicate:
        window = (max(self.window[0], other.window[0]), max(self.window[1], other.window[1]))
        return Predicate(lambda pairs: self.test(pairs) | other.test(pairs), window)

    def __invert__(self) -> Predicate:
        return Predicate(lambda pairs: ~self.test(pairs))


# -- Allen's thirteen relations; exactly one holds between two intervals that have a length ------------


def _allen(test: Callable[..., Mask], window: Window) -> Predicate:
    def checked(pairs: Pairs) -> Mask:
        s, e, p, q = pairs.bounds()
        return test(s, e, p, q) & (s < e) & (p < q)

    return Predicate(checked, window)


def before(min_gap: float = 0.0, max_gap: float = np.inf) -> Predicate:
    """Ends before the other begins, with a gap in [min_gap, max_gap] that is not zero; instants take part."""

    def test(pairs: Pairs) -> Mask:
        _, e, p, _ = pairs.bounds()
        return (p - e > 0) & (p - e >= min_gap) & (p - e <= max_gap)

    return Predicate(test, (0.0, max_gap))


def after(min_gap: float = 0.0, max_gap: float = np.inf) -> Predicate:
    """Begins after the other has ended, with a gap in [min_gap, max_gap] that is not zero; instants take part."""

    def test(pairs: Pairs) -> Mask:
        s, _, _, q = pairs.bounds()
        return (s - q > 0) & (s - q >= min_gap) & (s - q <= max_gap)

    return Predicate(test, (max_gap, 0.0))


def meets(tol: float = 0.0) -> Predicate:
    """Ends where the other begins, give or take `tol`."""
    return _allen(lambda s, e, p, q: np.abs(p - e) <= tol, (tol, tol))


def met_by(tol: float = 0.0) -> Predicate:
    """Begins where the other ends, give or take `tol`."""
    return _allen(lambda s, e, p, q: np.abs(s - q) <= tol, (tol, tol))


def overlaps() -> Predicate:
    """Begins first, and ends within the other."""
    return _allen(lambda s, e, p, q: (s < p) & (p < e) & (e < q), (0.0, 0.0))


def overlapped_by() -> Predicate:
    """Begins within the other, and ends last."""
    return _allen(lambda s, e, p, q: (p < s) & (s < q) & (q < e), (0.0, 0.0))


def starts(tol: float = 0.0) -> Predicate:
    """Begins with the other, give or take `tol`, and ends first."""
    return _allen(lambda s, e, p, q: (np.abs(s - p) <= tol) & (e < q), (tol, tol))


def started_by(tol: float = 0.0) -> Predicate:
    """Begins with the other, give or take `tol`, and ends last."""
    return _allen(lambda s, e, p, q: (np.abs(s - p) <= tol) & (e > q), (tol, tol))


def finishes(tol: float = 0.0) -> Predicate:
    """Ends with the other, give or take `tol`, and begins last."""
    return _allen(lambda s, e, p, q: (np.abs(e - q) <= tol) & (s > p), (tol, tol))


def finished_by(tol: float = 0.0) -> Predicate:
    """Ends with the other, give or take `tol`, and begins first."""
    return _allen(lambda s, e, p, q: (np.abs(e - q) <= tol) & (s < p), (tol, tol))


def strictly_during() -> Predicate:
    """Begins after the other and ends before it: Allen's "during"."""
    return _allen(lambda s, e, p, q: (s > p) & (e < q), (0.0, 0.0))


def strictly_contains() -> Predicate:
    """Begins before the other and ends after it: Allen's "contains"."""
    return _allen(lambda s, e, p, q: (s < p) & (e > q), (0.0, 0.0))


def equal() -> Predicate:
    """Has the bounds of the other."""
    return _allen(lambda s, e, p, q: (s == p) & (e == q), (0.0, 0.0))


ALLEN: dict[str, Callable[[], Predicate]] = {
    "before": before, "after": after, "meets": meets, "met_by": met_by, "overlaps": overlaps, "overlapped_by": overlapped_by,
    "starts": starts, "started_by": started_by, "finishes": finishes, "finished_by": finished_by, "during": strictly_during,
    "contains": strictly_contains, "equal": equal,
}  # fmt: skip
"""The thirteen relations by name."""

# -- relations that people ask for -------------------------------------------------------------------


def during() -> Predicate:
    """Lies within the other, borders included; an instant does where it falls in [lo, hi)."""

    def test(pairs: Pairs) -> Mask:
        s, e, p, q = pairs.bounds()
        return np.where(s == e, (p <= s) & (s < q), (p <= s) & (e <= q))

    return Predicate(test, (0.0, 0.0))


def contains() -> Predicate:
    """Holds the other, borders included."""

    def test(pairs: Pairs) -> Mask:
        s, e, p, q = pairs.bounds()
        return np.where(p == q, (s <= p) & (p < e), (s <= p) & (q <= e))

    return Predicate(test, (0.0, 0.0))


def intersects() -> Predicate:
    """Shares a stretch of some length with the other."""
    return Predicate(lambda pairs: _common(pairs) > 0, (0.0, 0.0))


def touches() -> Predicate:
    """Intersects the other, or ends where it begins, or the other way round."""

    def test(pairs: Pairs) -> Mask:
        s, e, p, q = pairs.bounds()
        return (s <= q) & (p <= e)

    return Predicate(test, (0.0, 0.0))


def overlap_fraction(least: float) -> Predicate:
    """Has at least this share of its own length in common with the other."""

    def test(pairs: Pairs) -> Mask:
        s, e, _, _ = pairs.bounds()
        return (_common(pairs) >= least * (e - s)) & (e > s) & (_common(pairs) > 0)

    return Predicate(test, (0.0, 0.0))


def iou(least: float, axes: tuple[str, ...] = ()) -> Predicate:
    """Has at least this intersection over union with the other, on one axis or as a box on several."""

    def test(pairs: Pairs) -> Mask:
        names = axes or (pairs.axis or pairs.left.axis,)
        common = np.prod([_common(pairs, name) for name in names], axis=0)
        a = np.prod([pairs.bounds(name)[1] - pairs.bounds(name)[0] for name in names], axis=0)
        b = np.prod([pairs.bounds(name)[3] - pairs.bounds(name)[2] for name in names], axis=0)
        return np.asarray((common > 0) & (common >= least * (a + b - common)), dtype=bool)

    return Predicate(test)


def within(distance: float) -> Predicate:
    """Begins at most so far from the other's beginning, before or after it."""

    def test(pairs: Pairs) -> Mask:
        s, _, p, _ = pairs.bounds()
        return np.abs(s - p) <= distance

    return Predicate(test, (distance, distance))


def on(axis: str, predicate: Predicate) -> Predicate:
    """Return a relation that looks at another axis: ``on("ch", intersects())``."""
    return Predicate(lambda pairs: predicate.test(Pairs(pairs.left, pairs.right, pairs.i, pairs.j, axis)))


# -- boxes; y grows downward, as in images -----------------------------------------------------------


def left_of() -> Predicate:
    """Ends left of where the other begins."""
    return on("x", before() | meets())


def right_of() -> Predicate:
    """Begins right of where the other ends."""
    return on("x", after() | met_by())


def above() -> Predicate:
    """Ends above where the other begins."""
    return on("y", before() | meets())


def below() -> Predicate:
    """Begins below where the other ends."""
    return on("y", after() | met_by())


def inside() -> Predicate:
    """Lies in the other's box."""
    return on("x", during()) & on("y", during())


def same_size(axis: str, tol: float = 0.0) -> Predicate:
    """Has the other's length on an axis, give or take `tol`."""

    def test(pairs: Pairs) -> Mask:
        s, e, p, q = pairs.bounds(axis)
        return np.abs((e - s) - (q - p)) <= tol

    return Predicate(test)


# -- payloads ----------------------------------------------------------------------------------------


def pair(p: Callable[[Interval, Interval], bool]) -> Predicate:
    """Return a relation from a function of two intervals; slow, so join it with a temporal one by ``&``."""

    def test(pairs: Pairs) -> Mask:
        return np.array(
            [bool(p(pairs.left[i], pairs.right[j])) for i, j in zip(pairs.i, pairs.j, strict=True)],
            dtype=bool,
        )

    return Predicate(test)


def same(key: str) -> Predicate:
    """Both payloads have a value under `key`, and it is the same."""

    def test(pairs: Pairs) -> Mask:
        left = [payload.get(key) for payload in pairs.left.payload]
        right = [payload.get(key) for payload in pairs.right.payload]
        return np.array(
            [left[i] is not None and left[i] == right[j] for i, j in zip(pairs.i, pairs.j, strict=True)],
            dtype=bool,
        )

    return Predicate(test)


def key(name: str, test: Callable[[Any], bool] | Container[Any]) -> Callable[[Interval], bool]:
    """Return a test for `IntervalSet.filter`: the payload's value under `name` passes, or is one of some values."""
    if callable(test):
        return lambda interval: name in interval.payload and bool(test(interval.payload[name]))
    return lambda interval: interval.payload.get(name) in test


def score_at_least(least: float) -> Callable[[Interval], bool]:
    """Return a test for `IntervalSet.filter`: the score is known and at least so high."""
    return lambda interval: interval.score is not None and interval.score >= least


def _common(pairs: Pairs, axis: str = "") -> NDArray[np.float64]:
    """Return the length that two intervals share on an axis."""
    s, e, p, q = pairs.bounds(axis)
    return np.asarray(np.maximum(np.minimum(e, q) - np.maximum(s, p), 0.0))
