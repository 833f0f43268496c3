"""One interval: a stretch of time, and of other axes, with what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Interval:
    """A stretch of one or more axes, half-open: ``lo`` belongs to it, ``hi`` does not.

    Parameters
    ----------
    lo, hi : float
        On the primary axis; equal for an instant, such as a laboratory draw.
    axes : mapping from axis to (lo, hi), optional
        Further axes: channels, frequencies, the sides of a box.
    payload : mapping, optional
        What is known of it.
    source : str
        Where it comes from.
    score : float, optional
        How sure the source is, in [0, 1].
    """

    lo: float
    hi: float
    axes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    score: float | None = None

    @property
    def size(self) -> float:
        """Length on the primary axis."""
        return self.hi - self.lo

    @property
    def is_instant(self) -> bool:
        """Whether it has no length."""
        return self.lo == self.hi


def as_interval(item: Any) -> Interval:
    """Return an interval given as one, or as (lo, hi) or (lo, hi, payload)."""
    if isinstance(item, Interval):
        return item
    lo, hi, *rest = item
    return Interval(float(lo), float(hi), {}, rest[0] if rest else {})
