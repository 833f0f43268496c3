"""Columns of an export as slices: one a value, one a range of numbers, one for what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .matrix import SliceMatrix

MISSING = "missing"


def strata(
    columns: Mapping[str, Sequence[Any]],
    *,
    n_bins: int = 3,
    most: int = 12,
    least: int = 2,
    separator: str = "|",
    ids: ArrayLike | None = None,
) -> SliceMatrix:
    """Turn columns into slices: one a value, one a range of numbers, and one for what is missing.

    Parameters
    ----------
    columns : mapping of str to sequence of shape (n_records,)
        Subclasses, devices, sites, ages. A cell may name several values, joined by `separator`.
    n_bins : int, default 3
        Ranges of about equally many records that a column of many numbers is cut into.
    most : int, default 12
        Values of a column that become slices of their own; the rarer ones together are "other".
    least : int, default 2
        Records a value needs to become a slice.
    separator : str, default "|"
        What joins several values in a cell.
    ids : array-like of shape (n_records,), optional
        Record ids, for the matrix.

    Examples
    --------
    >>> found = strata({"device": ["A", "B", "A|B", None]}, least=1)
    >>> found.names, found.counts()["device = A"]
    (('device = A', 'device = B', 'device missing'), 2)
    """
    members: dict[str, NDArray[np.bool_]] = {}
    n_records = None
    for name, cells in columns.items():
        if n_records is not None and len(cells) != n_records:
            raise ValueError(f"column {name!r} has {len(cells)} cells; there are {n_records} records")
        n_records = len(cells)
        numbers = _numbers(cells)
        if numbers is not None and len(np.unique(numbers[~np.isnan(numbers)])) > most:
            found = _ranges(name, numbers, n_bins)
        else:
            found = _values(name, cells, most, least, separator)
        gone = np.array([is_absent(cell) for cell in cells], dtype=bool)
        if gone.any():
            found[f"{name} {MISSING}"] = gone
        members |= found
    values = (
        np.stack(list(members.values()), axis=1) if members else np.zeros((n_records or 0, 0), dtype=bool)
    )
    return SliceMatrix(values, tuple(members), None if ids is None else np.asarray(ids).astype(np.str_))


def cell_parts(cell: str, separator: str) -> set[str]:
    """Return the values that a cell names."""
    return {part.strip() for part in cell.split(separator) if part.strip()}


def is_absent(cell: Any) -> bool:
    """Return whether a cell holds nothing."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def _numbers(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return a column of numbers with NaN where a cell is empty; None when it holds words."""
    found = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if is_absent(cell):
            continue
        if isinstance(cell, bool):
            return None
        try:
            found[row] = float(cell)
        except (TypeError, ValueError):
            return None
    return found


def _ranges(name: str, numbers: NDArray[np.float64], n_bins: int) -> dict[str, NDArray[np.bool_]]:
    known = numbers[~np.isnan(numbers)]
    cuts = np.unique(np.quantile(known, np.arange(1, n_bins) / n_bins, method="nearest"))
    edges = [-np.inf, *cuts.tolist(), np.inf]
    found = {}
    for low, high in pairwise(edges):
        inside = (numbers > low) & (numbers <= high)
        if not inside.any():
            continue
        if np.isinf(low):
            told = f"{name} ≤ {high:g}"
        elif np.isinf(high):
            told = f"{name} > {low:g}"
        else:
            told = f"{low:g} < {name} ≤ {high:g}"
        found[told] = inside
    return found


def _values(
    name: str, cells: Sequence[Any], most: int, least: int, separator: str
) -> dict[str, NDArray[np.bool_]]:
    parts = [set() if is_absent(cell) else cell_parts(_word(cell), separator) for cell in cells]
    seen = Counter(part for held in parts for part in held)
    common = [value for value, n in seen.most_common() if n >= least][:most]
    found = {
        f"{name} = {value}": np.array([value in held for held in parts], dtype=bool)
        for value in sorted(common)
    }
    others = set(seen) - set(common)
    if others:
        found[f"{name} other"] = np.array([bool(held & others) for held in parts], dtype=bool)
    return found


def _word(cell: Any) -> str:
    """Return a cell as people write it: 1.0 is 1."""
    if isinstance(cell, float) and cell == int(cell):
        return str(int(cell))
    return str(cell)
