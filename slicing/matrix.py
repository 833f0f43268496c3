"""Which record belongs to which slice: booleans with the ids and names that keep rows and columns honest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class SliceMatrix:
    """Membership of shape (n_records, n_slices), bool.

    Parameters
    ----------
    values : ndarray of bool of shape (n_records, n_slices)
        True where the record belongs to the slice.
    names : tuple of str
        One unique name for each column.
    ids : ndarray of str of shape (n_records,), optional
        Record ids, unique.
    patient_ids : ndarray of str of shape (n_records,), optional
        The patient of each record, empty where unknown.
    errors : mapping of str to int
        Calls of each slicing function that raised and were counted as "not a member".

    Examples
    --------
    >>> S = as_slices({"old": [True, False, True], "paced": [False, False, True]})
    >>> S["old"].tolist(), S.names, np.asarray(S).sum(axis=0).tolist()
    ([True, False, True], ('old', 'paced'), [2, 1])
    """

    values: NDArray[np.bool_]
    names: tuple[str, ...]
    ids: NDArray[np.str_] | None = None
    patient_ids: NDArray[np.str_] | None = None
    errors: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what would make rows or columns ambiguous."""
        object.__setattr__(self, "names", tuple(self.names))
        if self.values.dtype != np.bool_ or self.values.ndim != 2:
            raise TypeError(f"membership is a bool array (n_records, n_slices), not {self.values.dtype}")
        if self.values.shape[1] != len(self.names):
            raise ValueError(f"{self.values.shape[1]} columns of membership but {len(self.names)} names")
        if len(set(self.names)) != len(self.names):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ValueError(f"two slices share a name: {', '.join(twice)}")
        for attribute in ("ids", "patient_ids"):
            column = getattr(self, attribute)
            if column is not None and len(column) != self.n_records:
                raise ValueError(f"{attribute} has {len(column)} entries for {self.n_records} records")
        if self.ids is not None and len(np.unique(self.ids)) != self.n_records:
            raise ValueError("ids holds an id twice; each record has its own")

    @property
    def n_records(self) -> int:
        """Number of records (rows)."""
        return int(self.values.shape[0])

    @property
    def n_slices(self) -> int:
        """Number of slices (columns)."""
        return len(self.names)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_records, n_slices)."""
        return (self.n_records, self.n_slices)

    def counts(self) -> dict[str, int]:
        """Return how many records each slice has."""
        return dict(zip(self.names, self.values.sum(axis=0).tolist(), strict=True))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Let NumPy see the membership."""
        return np.array(self.values, dtype=dtype, copy=bool(copy) or None)

    def __len__(self) -> int:
        return self.n_records

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        return iter(self.values)

    def __getitem__(self, key: Any) -> NDArray[np.bool_]:
        """Return one slice by name, or index the booleans as with a plain array; `take_rows` keeps ids."""
        if not isinstance(key, str):
            found: NDArray[np.bool_] = self.values[key]
            return found
        if key not in self.names:
            raise KeyError(f"no slice called {key!r}; there are {', '.join(self.names)}")
        return self.values[:, self.names.index(key)]

    def __repr__(self) -> str:
        return f"SliceMatrix({self.n_records} records, {self.counts()})"

    def take_rows(self, rows: ArrayLike) -> Self:
        """Return the membership of some records, by boolean mask or positions, with their ids."""
        keep = np.arange(self.n_records)[np.asarray(rows)]
        return type(self)(
            self.values[keep],
            self.names,
            None if self.ids is None else self.ids[keep],
            None if self.patient_ids is None else self.patient_ids[keep],
        )

    def take_slices(self, names: Sequence[str]) -> Self:
        """Return the slices called `names`, in that order."""
        columns = [self[name] for name in names]
        values = np.stack(columns, axis=1) if columns else np.zeros((self.n_records, 0), dtype=bool)
        return type(self)(values, tuple(names), self.ids, self.patient_ids)

    def align(self, ids: ArrayLike) -> Self:
        """Return the membership of the records called `ids`, in that order.

        Raises
        ------
        ValueError
            When these rows carry no ids, or a wanted record is not among them.
        """
        if self.ids is None:
            raise ValueError("this membership carries no record ids: rows are never joined by position")
        place = {str(name): row for row, name in enumerate(self.ids)}
        wanted = [str(name) for name in np.asarray(ids).tolist()]
        absent = [row for row, name in enumerate(wanted) if name not in place]
        if absent:
            raise ValueError(f"{len(absent)} records have no membership, the first in row {absent[0]}")
        return self.take_rows(np.array([place[name] for name in wanted], dtype=np.intp))


def as_slices(slices: Any, *, n_records: int | None = None, ids: ArrayLike | None = None) -> SliceMatrix:
    """Return `slices` as a `SliceMatrix`: what every public function does with what it is given.

    Parameters
    ----------
    slices : SliceMatrix, DataFrame, record array, mapping of name to column, or array of shape (n_records, n_slices)
        Booleans, or 0/1 numbers. A -1, None or NaN is "not a member"; anything else is an error.
    n_records : int, optional
        How many rows there must be.
    ids : array-like of str, optional
        Records the rows are wanted for; a `SliceMatrix` that knows ids is brought into this order.
    """
    if isinstance(slices, SliceMatrix):
        matrix = slices if ids is None or slices.ids is None else slices.align(ids)
    else:
        columns = named_columns(slices)
        if columns:
            values = np.stack([_membership(name, column) for name, column in columns.items()], axis=1)
        else:
            values = np.zeros((n_records or 0, 0), dtype=bool)
        matrix = SliceMatrix(values, tuple(columns))
    if n_records is not None and matrix.n_records != n_records:
        raise ValueError(f"the slices have {matrix.n_records} rows; there are {n_records} records")
    return matrix


def named_columns(slices: Any) -> dict[str, Any]:
    """Return named columns from any of the forms users bring."""
    if isinstance(slices, Mapping):
        return {str(name): column for name, column in slices.items()}
    names = getattr(getattr(slices, "dtype", None), "names", None)
    if names:  # what Snorkel's SFApplier returns
        return {str(name): slices[name] for name in names}
    if hasattr(slices, "columns"):
        return {str(name): slices[name].to_numpy() for name in slices.columns}
    values = np.asarray(slices)
    if values.ndim != 2:
        raise ValueError(f"slices have {values.ndim} dimension(s); they are (n_records, n_slices)")
    return {f"slice_{column}": values[:, column] for column in range(values.shape[1])}


def _membership(name: str, column: Any) -> NDArray[np.bool_]:
    """Return a column as bool; only True and 1 are membership."""
    values = np.asarray(column)
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind not in "iuf":
        values = np.array([-1.0 if value is None else value for value in values.tolist()], dtype=object)
        if not all(isinstance(value, bool | int | float | np.bool_ | np.number) for value in values):
            raise TypeError(f"slice {name!r} holds something that is no truth value")
        values = values.astype(np.float64)
    values = np.nan_to_num(values.astype(np.float64), nan=-1.0)
    wrong = ~np.isin(values, (-1.0, 0.0, 1.0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"slice {name!r} holds {values[row]:g} in row {row}; membership is True or False")
    return np.asarray(values == 1.0)
