"""Unions of intervals along one axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def merge_bounds(
    lo: NDArray[np.float64], hi: NDArray[np.float64], gap: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of the union of intervals, bridging gaps of at most `gap`."""
    order = np.argsort(lo, kind="stable")
    lo, hi = lo[order], hi[order]
    parts = runs(lo, hi, gap)
    return np.array([lo[part[0]] for part in parts]), np.array([hi[part].max() for part in parts])


def runs(lo: NDArray[np.float64], hi: NDArray[np.float64], gap: float) -> list[NDArray[np.intp]]:
    """Return the positions of intervals that hang together; `lo` is sorted."""
    if not len(lo):
        return []
    reach = np.maximum.accumulate(hi)
    breaks = np.flatnonzero(lo[1:] > reach[:-1] + gap) + 1
    return np.split(np.arange(len(lo)), breaks)
