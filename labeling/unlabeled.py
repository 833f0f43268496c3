"""Choosing records by what was voted on them: those that any function covers, those of each combination of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .votes import VoteMatrix, as_votes


def filter_unlabeled_dataframe(X: Any, y: Any, L: VoteMatrix | ArrayLike) -> tuple[Any, Any]:
    """Return the records that a function voted on, and what belongs to them; Snorkel's name.

    Parameters
    ----------
    X : pandas.DataFrame, ndarray or sequence of length n_records
        The records.
    y : ndarray or sequence of length n_records
        Their labels or probabilities.
    L : VoteMatrix or array-like of int of shape (n_records, n_functions)
        The votes, -1 where a function abstains. A vote for a set of classes counts.

    Returns
    -------
    (X, y)
        Of the kinds that were given, in the same order; a frame keeps its index.

    Examples
    --------
    >>> notes, labels = filter_unlabeled_dataframe(["a", "b", "c"], np.array([0, 1, 1]), [[0, -1], [-1, -1], [1, 1]])
    >>> notes, labels.tolist()
    (['a', 'c'], [0, 1])
    """
    votes = as_votes(L)
    keep = votes.covered()
    if votes.class_sets is not None:
        keep = keep | (votes.class_sets != 0).any(axis=(1, 2))
    for name, values in (("X", X), ("y", y)):
        if len(values) != votes.n_records:
            raise ValueError(
                f"{name} has {len(values)} rows, L has {votes.n_records}; they belong together by row"
            )
    return _rows(X, keep), _rows(y, keep)


def get_label_buckets(*labels: ArrayLike) -> dict[tuple[int, ...], NDArray[np.intp]]:
    """Return the rows of each combination of labels that occurs; Snorkel's name.

    Parameters
    ----------
    *labels : array-like of int of shape (n_records,)
        Votes of functions, predictions, gold labels.

    Examples
    --------
    >>> buckets = get_label_buckets([1, 0, 1], [1, 1, 0])  # two functions, or gold and predictions
    >>> buckets[1, 0].tolist(), (0, 0) in buckets
    ([2], False)
    """
    columns = [np.asarray(column) for column in labels]
    if not columns or any(column.shape != (len(columns[0]),) for column in columns):
        shapes = ", ".join(str(column.shape) for column in columns) or "none"
        raise ValueError(f"labels have shapes {shapes}; each has one label for each of the same records")
    found, place = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    place = place.reshape(-1)
    return {tuple(map(int, key)): np.flatnonzero(place == number) for number, key in enumerate(found)}


def _rows(values: Any, keep: NDArray[np.bool_]) -> Any:
    if hasattr(values, "loc"):
        return values.loc[keep]
    if isinstance(values, np.ndarray):
        return values[keep]
    chosen = [value for value, kept in zip(values, keep, strict=True) if kept]
    return tuple(chosen) if isinstance(values, tuple) else chosen
