"""Sets of intervals with what is known of each: the values from which rules over time are composed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .interval import Interval, as_interval
from .interval_table import from_table, read_table, to_table, write_table
from .merging import merge_bounds, runs


class IntervalSet:
    """A multiset of intervals, kept as columns and sorted along the primary axis; every operator returns a new one.

    Parameters
    ----------
    intervals : iterable of Interval or (lo, hi) or (lo, hi, payload)
        In any order.
    axis : str, default "t"
        Name of the primary axis.

    Examples
    --------
    >>> from sidelight.labeling.intervals import during
    >>> sleep = IntervalSet([(0, 30), (40, 60)])
    >>> spikes = IntervalSet([(5, 6), (20, 21), (35, 36)])
    >>> [(i.lo, i.hi) for i in spikes.filter_against(sleep, during())]
    [(5.0, 6.0), (20.0, 21.0)]
    >>> sleep.minus(IntervalSet([(10, 20)])).measure()
    40.0
    """

    def __init__(self, intervals: Iterable[Any] = (), *, axis: str = "t") -> None:
        rows = [as_interval(item) for item in intervals]
        names = list(dict.fromkeys(name for row in rows for name in row.axes))
        missing = {name for name in names for row in rows if name not in row.axes}
        if missing:
            raise ValueError(f"some intervals lack the axis {', '.join(sorted(missing))} that others have")
        if axis in names:
            raise ValueError(f"{axis!r} is the primary axis; its bounds are lo and hi")
        self.axis = axis
        self.bounds = {
            axis: _columns([(row.lo, row.hi) for row in rows]),
            **{name: _columns([row.axes[name] for row in rows]) for name in names},
        }
        self.payload: tuple[Mapping[str, Any], ...] = tuple(row.payload for row in rows)
        self.source: tuple[str, ...] = tuple(row.source for row in rows)
        self.score: NDArray[np.float64] = np.array(
            [np.nan if row.score is None else row.score for row in rows], dtype=float
        )
        for name, (lo, hi) in self.bounds.items():
            if not (lo <= hi).all():  # NaN fails this too
                raise ValueError(
                    f"interval {int(np.argmax(~(lo <= hi)))} ends before it begins on axis {name!r}"
                )
        order = self._order()
        if (order != np.arange(len(rows))).any():
            self._take_in_place(order)

    @classmethod
    def _of(
        cls,
        bounds: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
        payload: Sequence[Mapping[str, Any]],
        source: Sequence[str],
        score: NDArray[np.float64],
        axis: str,
    ) -> Self:
        """Build a set from columns, and sort it."""
        made = cls.__new__(cls)
        made.axis = axis
        made.bounds = dict(bounds)
        made.payload, made.source, made.score = tuple(payload), tuple(source), np.asarray(score, dtype=float)
        made._take_in_place(made._order())
        return made

    # -- looking at it -----------------------------------------------------------------------------

    @property
    def lo(self) -> NDArray[np.float64]:
        """Beginnings on the primary axis, sorted."""
        return self.bounds[self.axis][0]

    @property
    def hi(self) -> NDArray[np.float64]:
        """Ends on the primary axis."""
        return self.bounds[self.axis][1]

    def __len__(self) -> int:
        return len(self.payload)

    def __getitem__(self, position: int) -> Interval:
        axes = {name: (float(lo[position]), float(hi[position])) for name, (lo, hi) in self.bounds.items()}
        own = axes.pop(self.axis)
        score = float(self.score[position])
        return Interval(
            *own, axes, self.payload[position], self.source[position], None if np.isnan(score) else score
        )

    def __iter__(self) -> Iterator[Interval]:
        return (self[position] for position in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalSet) and self.axis == other.axis and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        span = f" from {self.lo[0]:g} to {self.hi.max():g}" if len(self) else ""
        return f"IntervalSet({len(self)} on {', '.join(self.bounds)}{span})"

    def measure(self, axis: str = "") -> float:
        """Return the length of the union, which overlaps do not inflate."""
        lo, hi = self.bounds[axis or self.axis]
        starts, ends = merge_bounds(lo, hi, 0.0)
        return float((ends - starts).sum())

    # -- operators on one set ----------------------------------------------------------------------

    def take(self, keep: NDArray[Any]) -> Self:
        """Return some of the intervals, by mask or positions."""
        at = np.arange(len(self))[keep]
        return self._of(
            {name: (lo[at], hi[at]) for name, (lo, hi) in self.bounds.items()},
            [self.payload[i] for i in at],
            [self.source[i] for i in at],
            self.score[at],
            self.axis,
        )

    def map(self, f: Callable[[Interval], Any]) -> IntervalSet:
        """Return what `f` makes of each interval."""
        return IntervalSet([f(interval) for interval in self], axis=self.axis)

    def map_payload(self, f: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Self:
        """Return the same intervals with other payloads."""
        return self._of(
            self.bounds, [f(payload) for payload in self.payload], self.source, self.score, self.axis
        )

    def filter(self, p: Callable[[Interval], bool]) -> Self:
        """Return the intervals that pass a test, such as those of `predicates`."""
        return self.take(np.array([bool(p(interval)) for interval in self], dtype=bool))

    def filter_size(self, lo: float = 0.0, hi: float = np.inf, axis: str = "") -> Self:
        """Return the intervals whose length lies in [lo, hi]."""
        begin, end = self.bounds[axis or self.axis]
        return self.take((end - begin >= lo) & (end - begin <= hi))

    def split(self, f: Callable[[Interval], Iterable[Any]]) -> IntervalSet:
        """Return the union of the intervals that `f` makes of each: windows of a recording, say."""
        return IntervalSet([piece for interval in self for piece in f(interval)], axis=self.axis)

    def union(self, other: IntervalSet) -> IntervalSet:
        """Return the intervals of both; doubles stay."""
        self.check_axes(other)
        if not len(self) or not len(other):
            return self if len(self) else other
        return self._of(
            {
                name: (
                    np.concatenate([lo, other.bounds[name][0]]),
                    np.concatenate([hi, other.bounds[name][1]]),
                )
                for name, (lo, hi) in self.bounds.items()
            },
            self.payload + other.payload,
            self.source + other.source,
            np.concatenate([self.score, other.score]),
            self.axis,
        )

    def dilate(self, before: float, after: float | None = None, axis: str = "") -> Self:
        """Return the intervals grown at both ends, or shrunk where negative; what becomes empty is dropped."""
        name = axis or self.axis
        lo, hi = self.bounds[name]
        new = (lo - before, hi + (before if after is None else after))
        grown = self._of({**self.bounds, name: new}, self.payload, self.source, self.score, self.axis)
        begin, end = grown.bounds[name]
        return (
            grown.take(begin <= end)
            if before >= 0 and (after is None or after >= 0)
            else grown.take(begin < end)
        )

    def coalesce(
        self,
        *,
        gap: float = 0.0,
        by: Callable[[Mapping[str, Any]], Any] | str | None = None,
        merge_payload: Callable[[list[Mapping[str, Any]]], Mapping[str, Any]] | None = None,
    ) -> IntervalSet:
        """Merge intervals that overlap, touch or lie within `gap` on the primary axis.

        Parameters
        ----------
        gap : float, default 0
            Greatest distance that is bridged.
        by : callable or str, optional
            Only intervals of the same group are merged: a function of the payload, or one of its keys.
        merge_payload : callable, optional
            Makes one payload of those merged, in order; the first one's when not given.
        """
        groups: dict[str, list[int]] = {}
        for position, payload in enumerate(self.payload):
            value = None if by is None else payload.get(by) if isinstance(by, str) else by(payload)
            groups.setdefault(repr(value), []).append(position)
        merged = []
        for members in groups.values():
            at = np.array(members)
            for part in runs(self.lo[at], self.hi[at], gap):
                rows = at[part]
                payloads = [self.payload[i] for i in rows]
                scores = self.score[rows]
                merged.append(
                    Interval(
                        float(self.lo[rows[0]]),
                        float(self.hi[rows].max()),
                        {
                            name: (float(lo[rows].min()), float(hi[rows].max()))
                            for name, (lo, hi) in self.bounds.items()
                            if name != self.axis
                        },
                        payloads[0] if merge_payload is None else merge_payload(payloads),
                        self.source[rows[0]],
                        None if np.isnan(scores).all() else float(np.nanmax(scores)),
                    )
                )
        return IntervalSet(merged, axis=self.axis)

    def invert(self, lo: float, hi: float) -> IntervalSet:
        """Return the gaps between the intervals within [lo, hi)."""
        whole = IntervalSet([(lo, hi)], axis=self.axis)
        bare = IntervalSet(list(zip(self.lo.tolist(), self.hi.tolist(), strict=True)), axis=self.axis)
        return whole.minus(bare)

    def group_by(
        self, key: Callable[[Interval], Any], agg: Callable[[IntervalSet], Any] | None = None
    ) -> IntervalSet:
        """Return one interval for each group, spanning it; `agg` makes it, or the payload holds the group's set."""
        groups: dict[str, list[int]] = {}
        for position, interval in enumerate(self):
            groups.setdefault(repr(key(interval)), []).append(position)
        made = []
        for members in groups.values():
            part = self.take(np.array(members))
            made.append(
                agg(part)
                if agg is not None
                else Interval(float(part.lo.min()), float(part.hi.max()), self._span(part), {"group": part})
            )
        return IntervalSet(made, axis=self.axis)

    def group_by_axis(self, axis: str = "") -> IntervalSet:
        """Return one interval for each different pair of bounds on an axis; the payload holds the group's set."""
        name = axis or self.axis
        return self.group_by(lambda i: (i.lo, i.hi) if name == self.axis else i.axes[name])

    def fold(self, f: Callable[[Any, Interval], Any], init: Any) -> Any:
        """Return what `f` makes of a state and each interval, in order."""
        state = init
        for interval in self:
            state = f(state, interval)
        return state

    # -- operators on two sets (see joins.py) ------------------------------------------------------

    def join(self, other: IntervalSet, p: Any, merge: Any = "span", **options: Any) -> IntervalSet:
        """Return a merged interval for each pair that `p` holds for (see `sidelight.labeling.intervals.joins`)."""
        from .joins import join

        return join(self, other, p, merge, **options)

    def filter_against(self, other: IntervalSet, p: Any) -> Self:
        """Return the intervals for which `p` holds with some interval of `other`."""
        from .joins import matched

        return self.take(matched(self, other, p))

    def anti(self, other: IntervalSet, p: Any) -> Self:
        """Return the intervals for which `p` holds with none of `other`."""
        from .joins import matched

        return self.take(~matched(self, other, p))

    def collect(self, other: IntervalSet, p: Any, *, into: str = "matches", keep_empty: bool = False) -> Self:
        """Return the intervals with the set of those of `other` that `p` holds with in their payload."""
        from .joins import collect

        return collect(self, other, p, into, keep_empty)  # type: ignore[return-value]

    def minus(self, other: IntervalSet, p: Any = None) -> IntervalSet:
        """Remove from each interval the union of `other` on the primary axis: no, one or more pieces are left."""
        from .joins import minus

        return minus(self, other, p)

    # -- files -------------------------------------------------------------------------------------

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain values, a dict an interval."""
        return [
            {"lo": i.lo, "hi": i.hi, "axes": {k: list(v) for k, v in i.axes.items()}, "payload": dict(i.payload), "source": i.source, "score": i.score}
            for i in self
        ]  # fmt: skip

    @classmethod
    def from_json(cls, rows: Iterable[Mapping[str, Any]], *, axis: str = "t") -> IntervalSet:
        """Read what `to_json` wrote."""
        return cls(
            (
                Interval(r["lo"], r["hi"], {k: (v[0], v[1]) for k, v in r["axes"].items()}, r["payload"], r["source"], r["score"])
                for r in rows
            ),
            axis=axis,
        )  # fmt: skip

    def to_table(self) -> Any:
        """Return an Arrow table, a row an interval; what is known of it as JSON.

        Raises
        ------
        TypeError
            When a payload holds what JSON has no form for; names the interval.
        """
        return to_table(self.bounds, self.axis, self.payload, self.source, self.score)

    @classmethod
    def from_table(cls, table: Any) -> Self:
        """Return the set that `to_table` made a table of; ValueError for any other table."""
        bounds, axis, payload, source, score = from_table(table)
        return cls._of(bounds, payload, source, score, axis)

    def write(self, path: str | Path) -> Path:
        """Write the set as one Parquet file, whole or not at all, readable by its owner only."""
        return write_table(self.to_table(), path)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        InputError
            When the file is missing, damaged or holds something else.
        """
        bounds, axis, payload, source, score = read_table(path)
        return cls._of(bounds, payload, source, score, axis)

    # -- helpers -----------------------------------------------------------------------------------

    def check_axes(self, other: IntervalSet) -> None:
        """Raise where two sets lie on different axes."""
        if self.axis != other.axis or (len(self) and len(other) and set(self.bounds) != set(other.bounds)):
            raise ValueError(
                f"the sets lie on different axes: {', '.join(self.bounds)} and {', '.join(other.bounds)}"
            )

    def _span(self, part: IntervalSet) -> dict[str, tuple[float, float]]:
        return {
            name: (float(lo.min()), float(hi.max()))
            for name, (lo, hi) in part.bounds.items()
            if name != part.axis
        }

    def _order(self) -> NDArray[np.intp]:
        """Return the order of the intervals: by bounds, and equal ones by content, whatever order they came in."""
        lo, hi = self.bounds[self.axis]
        keys = [bound for name, pair in self.bounds.items() if name != self.axis for bound in pair[::-1]]
        tie = np.zeros(len(lo), dtype=np.intp)
        if len(lo) and len(np.unique(np.column_stack([lo, hi]), axis=0)) < len(lo):
            texts = [
                f"{s}|{c}|{_text(p)}" for s, c, p in zip(self.source, self.score, self.payload, strict=True)
            ]
            ranks = {text: rank for rank, text in enumerate(sorted(set(texts)))}
            tie = np.array([ranks[text] for text in texts], dtype=np.intp)
        return np.lexsort((tie, *keys, hi, lo))

    def _take_in_place(self, order: NDArray[np.intp]) -> None:
        self.bounds = {name: (lo[order], hi[order]) for name, (lo, hi) in self.bounds.items()}
        self.payload = tuple(self.payload[i] for i in order)
        self.source = tuple(self.source[i] for i in order)
        self.score = self.score[order]


def _columns(pairs: list[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = np.array(pairs, dtype=float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _text(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, sort_keys=True, default=repr)
