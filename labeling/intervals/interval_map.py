"""Interval sets by patient, recording or video: clocks that are the same within a key, and only there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .interval_set import IntervalSet


class IntervalMap:
    """Interval sets by key; operators of `IntervalSet` work key by key, and a key that is missing is an empty set.

    Parameters
    ----------
    sets : mapping from key to IntervalSet or iterable of intervals
        The intervals of each patient, recording or video.
    unit : str
        What the primary axis is counted in, such as "s" or "d"; maps of different units do not mix.
    epoch : str, default ""
        What it is counted from, such as "start of recording".

    Examples
    --------
    >>> pain = IntervalMap({"p1": [(40, 40)], "p2": [(400, 400)]}, unit="d")
    >>> implant = IntervalMap({"p1": [(0, 0)], "p2": [(0, 0)]}, unit="d")
    >>> from sidelight.labeling.intervals import after
    >>> pain.filter_against(implant, after(30, 365)).counts()
    {'p1': 1, 'p2': 0}
    """

    def __init__(self, sets: Mapping[Any, Any], *, unit: str, epoch: str = "") -> None:
        self.sets = {
            key: found if isinstance(found, IntervalSet) else IntervalSet(found)
            for key, found in sets.items()
        }
        self.unit = unit
        self.epoch = epoch

    def __getitem__(self, key: Any) -> IntervalSet:
        return self.sets.get(key, IntervalSet())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sets)

    def __len__(self) -> int:
        return len(self.sets)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IntervalMap) and (self.unit, self.epoch, self.sets) == (
            other.unit,
            other.epoch,
            other.sets,
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"IntervalMap({len(self)} keys, {sum(map(len, self.sets.values()))} intervals in {self.unit})"

    def counts(self) -> dict[Any, int]:
        """Return how many intervals each key has."""
        return {key: len(found) for key, found in self.sets.items()}

    def apply(self, f: Callable[[IntervalSet], IntervalSet]) -> "IntervalMap":
        """Return what `f` makes of each key's set."""
        return IntervalMap(
            {key: f(found) for key, found in self.sets.items()}, unit=self.unit, epoch=self.epoch
        )

    def union(self, other: "IntervalMap") -> "IntervalMap":
        """Return the intervals of both, key by key."""
        self._check(other)
        keys = dict.fromkeys([*self.sets, *other.sets])
        return IntervalMap(
            {key: self[key].union(other[key]) for key in keys}, unit=self.unit, epoch=self.epoch
        )

    def join(self, other: "IntervalMap", p: Any, merge: Any = "span", **options: Any) -> "IntervalMap":
        """Join key by key (see `IntervalSet.join`)."""
        return self._with(other, lambda a, b: a.join(b, p, merge, **options))

    def filter_against(self, other: "IntervalMap", p: Any) -> "IntervalMap":
        """Keep the intervals that `p` holds for with one of the same key."""
        return self._with(other, lambda a, b: a.filter_against(b, p))

    def anti(self, other: "IntervalMap", p: Any) -> "IntervalMap":
        """Keep the intervals that `p` holds for with none of the same key."""
        return self._with(other, lambda a, b: a.anti(b, p))

    def collect(self, other: "IntervalMap", p: Any, **options: Any) -> "IntervalMap":
        """Collect partners key by key (see `IntervalSet.collect`)."""
        return self._with(other, lambda a, b: a.collect(b, p, **options))

    def minus(self, other: "IntervalMap", p: Any = None) -> "IntervalMap":
        """Remove the other's intervals, key by key."""
        return self._with(other, lambda a, b: a.minus(b, p))

    def _with(
        self, other: "IntervalMap", f: Callable[[IntervalSet, IntervalSet], IntervalSet]
    ) -> "IntervalMap":
        self._check(other)
        return IntervalMap(
            {key: f(found, other[key]) for key, found in self.sets.items()}, unit=self.unit, epoch=self.epoch
        )

    def _check(self, other: "IntervalMap") -> None:
        if (self.unit, self.epoch) != (other.unit, other.epoch):
            raise ValueError(
                f"the maps count in {self.unit!r} from {self.epoch!r} and in {other.unit!r} from {other.epoch!r}; "
                "bring them to one clock first"
            )


def _unary(name: str) -> Any:
    def operator(self: IntervalMap, *arguments: Any, **options: Any) -> IntervalMap:
        return self.apply(lambda found: getattr(found, name)(*arguments, **options))

    operator.__name__ = name
    operator.__doc__ = f"Apply `IntervalSet.{name}` to the set of each key."
    return operator


for _name in (
    "map",
    "map_payload",
    "filter",
    "filter_size",
    "split",
    "dilate",
    "coalesce",
    "invert",
    "group_by",
    "group_by_axis",
):
    setattr(IntervalMap, _name, _unary(_name))
