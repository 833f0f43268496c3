"""The words that plain functions ask for with `requires=`, looked for in the run's one pass."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..faults import FunctionError
from ..function import OnError, RecordFunction
from ..nlp import NLPLabelingFunction
from ..record import Record
from .words import DECIDES, fold, longest_safe

_SHORTEST = 2
"""Shorter words stand nearly everywhere: noting each would cost more than the function's own look."""


class RequiredWords:
    """Stands in a pass for a plain function: proposes the records that the function is to be asked about.

    The function looks for itself whether the record holds a word, so a proposal too many changes no vote.

    Parameters
    ----------
    function : RecordFunction
        One for which `can_be_proposed` holds.
    """

    field = "text"

    def __init__(self, function: RecordFunction) -> None:
        self.required = tuple(word.lower() for word in function.requires)

    def words(self) -> list[tuple[str, int]]:
        """Return what a folded text must hold a piece of."""
        return [(_piece(word), DECIDES) for word in self.required]


def can_be_proposed(function: Any) -> bool:
    """Whether a function may be asked only about the records that hold one of its required words."""
    kind = type(function)
    return (
        isinstance(function, RecordFunction)
        and bool(function.requires)
        and kind.evaluate in _ASKED_RECORD_BY_RECORD
        and kind._answer is RecordFunction._answer
        and kind._holds_required is RecordFunction._holds_required
        and all(len(_piece(word.lower())) >= _SHORTEST for word in function.requires)
    )


_ASKED_RECORD_BY_RECORD = (RecordFunction.evaluate, NLPLabelingFunction.evaluate)


def ask_about(
    function: RecordFunction,
    records: Sequence[Record],
    wanted: list[int],
    first_row: int,
    on_error: OnError,
) -> tuple[list[Any], Counter[str]]:
    """Return what `evaluate` does, where the function has nothing to say of records other than those wanted.

    Parameters
    ----------
    function : RecordFunction
        One for which `can_be_proposed` holds.
    records : sequence of Record
        A batch.
    wanted : list of int
        Positions in the batch, in order.
    first_row : int
        The batch's first row in the run.
    on_error : {"raise", "abstain"}
        As for `evaluate`.
    """
    answers: list[Any] = [None] * len(records)
    if not wanted:
        return answers, Counter()
    moved = None
    try:
        found, faults = function.evaluate([records[row] for row in wanted], 0, on_error)
    except FunctionError as fault:
        moved = FunctionError(fault.function, first_row + wanted[fault.row], fault.problem)
    if moved is not None:
        raise moved
    for row, answer in zip(wanted, found, strict=True):
        answers[row] = answer
    return answers, faults


def _piece(lowered: str) -> str:
    """Return the longest piece of a word that stands in every folded text whose lower case holds the word."""
    return longest_safe(fold(lowered))
