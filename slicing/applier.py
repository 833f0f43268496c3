"""Running slicing functions over records and collecting who belongs where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.applier import check_fields, check_functions
from sidelight.labeling.batches import RecordBatch, iter_batches
from sidelight.labeling.faults import FunctionError
from sidelight.labeling.fused import FusedPlan, ask_about
from sidelight.labeling.schema import ABSTAIN

from .function import SlicingFunction
from .matrix import SliceMatrix

OnSliceError: TypeAlias = Literal["raise", "exclude"]


class SFApplier:
    """Runs slicing functions over records.

    Parameters
    ----------
    sfs : sequence of SlicingFunction
        At least one; names are unique. Columns follow this order.

    Examples
    --------
    >>> from sidelight.slicing import slicing_function
    >>> @slicing_function
    ... def elderly(record):
    ...     return record.age >= 80
    >>> S = SFApplier([elderly]).apply([{"id": "a", "age": 84}, {"id": "b", "age": 31}])
    >>> S["elderly"].tolist(), S.ids.tolist()
    ([True, False], ['a', 'b'])
    """

    def __init__(self, sfs: Sequence[SlicingFunction]) -> None:
        self.sfs: tuple[SlicingFunction, ...] = check_functions(sfs, SlicingFunction)

    def apply(self, data: Any, *, on_error: OnSliceError = "raise") -> SliceMatrix:
        """Return the membership of all records in all slices.

        Parameters
        ----------
        data : list, DataFrame, Arrow table, Reading or path of an export
            The records, in the order the rows will have.
        on_error : {"raise", "exclude"}, default "raise"
            A call that raises is an error naming function and row; or "not a member", counted in `errors`.

        Raises
        ------
        FunctionError
            When a function raises, or returns what is no membership.
        """
        if on_error not in ("raise", "exclude"):
            raise ValueError(f"on_error is {on_error!r}; it is 'raise' or 'exclude'")
        blocks: list[NDArray[np.bool_]] = []
        batches: list[tuple[NDArray[np.str_] | None, NDArray[np.str_] | None, int]] = []
        errors = dict.fromkeys([function.name for function in self.sfs], 0)
        policy: Literal["raise", "abstain"] = "raise" if on_error == "raise" else "abstain"
        plan = FusedPlan(self.sfs)
        for function in self.sfs:
            function.setup()
        for batch in iter_batches(data):
            check_fields(self.sfs, batch)
            block = np.zeros((len(batch.records), len(self.sfs)), dtype=np.bool_)
            wanted = plan.propose(batch.records)
            for column, function in enumerate(self.sfs):
                rows = wanted.get(column)
                if rows is None:
                    answers, faults = function.evaluate(batch.records, batch.first_row, policy)
                else:
                    answers, faults = ask_about(function, batch.records, rows, batch.first_row, policy)
                errors[function.name] += faults.total()
                block[:, column] = _members(function, answers, batch)
            blocks.append(block)
            batches.append((batch.column("id"), batch.column("patient_id"), len(batch.records)))
        values = np.concatenate(blocks) if blocks else np.zeros((0, len(self.sfs)), dtype=np.bool_)
        ids = [ids for ids, _, _ in batches]
        return SliceMatrix(
            values,
            tuple(function.name for function in self.sfs),
            ids=_joined(ids, [n for _, _, n in batches]) if all(part is not None for part in ids) else None,
            patient_ids=_joined([patients for _, patients, _ in batches], [n for _, _, n in batches]),
            errors={name: count for name, count in errors.items() if count},
        )


class PandasSFApplier(SFApplier):
    """Snorkel's name for `SFApplier` over a pandas DataFrame."""


def slice_dataframe(frame: Any, slicing_function: SlicingFunction) -> Any:
    """Return the rows of a pandas DataFrame that belong to a slice.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a record.
    slicing_function : SlicingFunction
        Says who belongs.
    """
    return frame[SFApplier([slicing_function]).apply(frame).values[:, 0]]


def _members(function: SlicingFunction, answers: list[Any], batch: RecordBatch) -> list[bool]:
    """Return answers as booleans, refusing what is neither membership nor its absence."""
    members = []
    for position, answer in enumerate(answers):
        if answer is None:
            members.append(False)
            continue
        if isinstance(answer, bool | np.bool_):
            members.append(bool(answer))
            continue
        if isinstance(answer, int | np.integer) and answer in (ABSTAIN, 0, 1):
            members.append(answer == 1)
            continue
        kind = str(int(answer)) if isinstance(answer, int | np.integer) else f"a {type(answer).__name__}"
        problem = f"returned {kind}; a slicing function returns True or False (0, -1 and None are False)"
        raise FunctionError(function.name, batch.first_row + position, problem)
    return members


def _joined(parts: list[NDArray[np.str_] | None], sizes: list[int]) -> NDArray[np.str_] | None:
    """Concatenate a column's pieces, "" where a piece has none; None when no piece has any."""
    if all(part is None for part in parts):
        return None
    filled = [np.full(n, "") if part is None else part for part, n in zip(parts, sizes, strict=True)]
    return np.concatenate(filled)
