"""Who is in which slice, in numbers that training can use: sure, likely, or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import SliceMatrix, named_columns


@dataclass(frozen=True, eq=False)
class Membership:
    """How sure it is that each record belongs to each slice.

    Parameters
    ----------
    values : ndarray of float32 of shape (n_records, n_slices)
        In [0, 1].
    names : tuple of str
        The slices.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]

    @property
    def n_slices(self) -> int:
        """Number of slices."""
        return len(self.names)

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Who is a member rather than not."""
        return np.asarray(self.values >= 0.5)


def as_membership(slices: Any, *, n_records: int) -> Membership:
    """Return slices as numbers: what training does with what it is given.

    Parameters
    ----------
    slices : SliceMatrix, DataFrame, record array, mapping of name to column, or array of shape (n_records, n_slices)
        Booleans, or chances of being a member in [0, 1], such as a label model gives that joined several slicing
        functions. A -1, None or NaN is "not a member".
    n_records : int
        How many rows there must be.

    Examples
    --------
    >>> as_membership({"paced": [1, 0.5, None, -1]}, n_records=4).values.ravel().tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    if isinstance(slices, SliceMatrix):
        columns: dict[str, Any] = {name: slices[name] for name in slices.names}
    else:
        columns = named_columns(slices)
    values = np.zeros((n_records, len(columns)), dtype=np.float32)
    for place, (name, column) in enumerate(columns.items()):
        if len(column) != n_records:
            raise ValueError(f"the slices have {len(column)} rows; there are {n_records} records")
        values[:, place] = _chances(name, column)
    return Membership(values, tuple(columns))


def _chances(name: str, column: Any) -> NDArray[np.float64]:
    try:
        given = np.array(
            [-1.0 if value is None else value for value in np.asarray(column).tolist()], dtype=float
        )
    except (TypeError, ValueError):
        raise TypeError(f"slice {name!r} holds something that is no truth value and no chance") from None
    given = np.nan_to_num(given, nan=-1.0, posinf=np.inf, neginf=-np.inf)
    wrong = ~((given >= 0) & (given <= 1) | (given == -1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"slice {name!r} holds {given[row]:g} in row {row}; membership lies between 0 and 1")
    chances: NDArray[np.float64] = np.maximum(given, 0.0)
    return chances
