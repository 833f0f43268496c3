"""Finding groups of intervals that stand to each other in a pattern: a spatial or temporal scene."""

from collections.abc import Callable, Mapping
from typing import Any

from .interval import Interval
from .interval_set import IntervalSet

MOST_PARTIAL = 100_000
"""Partial assignments after which a search gives up with an error."""


def match(
    intervals: IntervalSet,
    names: Mapping[str, Callable[[Interval], bool] | None],
    relations: Mapping[tuple[str, ...], Callable[..., bool]],
) -> list[dict[str, Interval]]:
    """Return every assignment of distinct intervals to names that satisfies all conditions.

    Parameters
    ----------
    intervals : IntervalSet
        What may be assigned.
    names : mapping from name to test or None
        The parts of the pattern, and what each must satisfy alone.
    relations : mapping from names to relation
        What some parts must satisfy together; a `Predicate` for two names, or any function of their intervals.

    Examples
    --------
    >>> faces = IntervalSet([Interval(0, 1, {"x": (0, 10)}), Interval(0, 1, {"x": (20, 30)})])
    >>> from sidelight.labeling.intervals import left_of
    >>> [found["host"].axes["x"] for found in match(faces, {"host": None, "guest": None}, {("host", "guest"): left_of()})]
    [(0.0, 10.0)]
    """
    unknown = {name for group in relations for name in group} - set(names)
    if unknown:
        raise ValueError(f"a relation names {', '.join(sorted(unknown))}, which the pattern does not have")
    items = list(intervals)
    partial: list[dict[str, int]] = [{}]
    done: set[str] = set()
    for name, test in names.items():
        candidates = [at for at, interval in enumerate(items) if test is None or test(interval)]
        done.add(name)
        due = [
            (group, relation) for group, relation in relations.items() if name in group and set(group) <= done
        ]
        grown = []
        for assigned in partial:
            for at in candidates:
                if at in assigned.values():
                    continue
                tried = {**assigned, name: at}
                if all(relation(*(items[tried[part]] for part in group)) for group, relation in due):
                    grown.append(tried)
                    if len(grown) > MOST_PARTIAL:
                        raise ValueError(
                            f"more than {MOST_PARTIAL} partial assignments; filter the intervals first, or name the rarest "
                            "part first"
                        )
        partial = grown
    return [{name: items[at] for name, at in assigned.items()} for assigned in partial]


def spanning(found: Mapping[str, Interval], payload: Mapping[str, Any] | None = None) -> Interval:
    """Return one interval over all parts of a match."""
    parts = list(found.values())
    axes = {
        name: (min(part.axes[name][0] for part in parts), max(part.axes[name][1] for part in parts))
        for name in parts[0].axes
    }
    lo, hi = min(part.lo for part in parts), max(part.hi for part in parts)
    return Interval(lo, hi, axes, payload or {})
