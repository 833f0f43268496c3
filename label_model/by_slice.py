"""Where functions and the label model are right: slice by slice, because a rule that works in one ward may not in the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.statistics import wilson_interval

from .base import VoteModel, check_gold

if TYPE_CHECKING:
    import pandas as pd

MODEL = "(label model)"
"""What stands for the label model in the column of functions."""


@dataclass(frozen=True)
class SliceAccuracy:
    """How often one function, or the label model, is right within one slice.

    Parameters
    ----------
    slice : str
        Name of the slice; "(all)" for all records.
    function : str
        Name of the function, "(label model)" for the model's own labels.
    n_votes : int
        Votes (labels) in the slice.
    coverage : float
        Share of the slice's records that they cover.
    accuracy, low, high : float
        Share of right ones and its 95 % Wilson interval, on rows with gold; NaN without any.
    expected : float
        Share of right ones that the model expects, without gold.
    """

    slice: str
    function: str
    n_votes: int
    coverage: float
    accuracy: float
    low: float
    high: float
    expected: float


def accuracy_by_slice(
    model: VoteModel,
    votes: VoteMatrix | ArrayLike,
    slices: Mapping[str, ArrayLike],
    gold: ArrayLike | None = None,
) -> list[SliceAccuracy]:
    """Return how often each function and the model are right within each slice and overall.

    Parameters
    ----------
    model : VoteModel
        Fitted.
    votes : VoteMatrix or array-like of int of shape (n_records, n_functions)
        Votes, -1 where a function abstains.
    slices : mapping of name to array-like of bool of shape (n_records,)
        Which records belong to each slice.
    gold : array-like of int of shape (n_records,), optional
        Gold labels, -1 where unknown.

    Examples
    --------
    >>> from sidelight.label_model import MajorityLabelVoter
    >>> votes = np.array([[1, 1], [0, 1], [1, 1], [0, 1]], dtype=np.int8)
    >>> model = MajorityLabelVoter().fit(votes)
    >>> rows = accuracy_by_slice(model, votes, {"night": [False, True, False, True]}, gold=[1, 0, 1, 0])
    >>> [(row.slice, row.function, row.accuracy) for row in rows if row.function == "lf_1"]
    [('(all)', 'lf_1', 0.5), ('night', 'lf_1', 0.0)]
    """
    matrix = model.check_votes(votes)
    n, k = matrix.n_records, model.cardinality
    truth = np.full(n, -1) if gold is None else check_gold(gold, k, n, matrix)
    labels, proba = model.predict(matrix, return_probs=True)
    columns = {name: matrix.dense()[:, j] for j, name in enumerate(matrix.names)}
    columns[MODEL] = labels
    rows = []
    for slice_name, member in {"(all)": np.ones(n, dtype=np.bool_), **slices}.items():
        inside = np.asarray(member, dtype=np.bool_)
        if inside.shape != (n,):
            raise ValueError(
                f"slice {slice_name} has shape {inside.shape}; there is one entry for each of {n} records"
            )
        rows += [_count(slice_name, name, column, inside, truth, proba) for name, column in columns.items()]
    return rows


def to_frame(rows: list[SliceAccuracy]) -> pd.DataFrame:
    """Return the rows as a pandas DataFrame."""
    import pandas as pd

    return pd.DataFrame([vars(row) for row in rows])


def _count(
    slice_name: str,
    name: str,
    column: NDArray[np.int64] | NDArray[np.int8],
    inside: NDArray[np.bool_],
    truth: NDArray[np.int64],
    proba: NDArray[np.float64],
) -> SliceAccuracy:
    """Return one row of the table."""
    cast = inside & (column >= 0)
    judged = cast & (truth >= 0)
    right = int((column[judged] == truth[judged]).sum())
    total = int(judged.sum())
    nothing = float("nan")
    low, high = (nothing, nothing) if not total else map(float, wilson_interval(right, total))
    expected = float(proba[np.flatnonzero(cast), column[cast]].mean()) if cast.any() else nothing
    share = float(cast.sum() / inside.sum()) if inside.any() else nothing
    accuracy = right / total if total else nothing
    return SliceAccuracy(slice_name, name, int(cast.sum()), share, accuracy, low, high, expected)
