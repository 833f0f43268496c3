"""The words that plain functions ask for with `requires=`, looked for in the run's one pass."""

from typing import Any

from ..function import RecordFunction
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
        and kind.evaluate is RecordFunction.evaluate
        and kind._answer is RecordFunction._answer
        and kind._holds_required is RecordFunction._holds_required
        and all(len(_piece(word.lower())) >= _SHORTEST for word in function.requires)
    )


def _piece(lowered: str) -> str:
    """Return the longest piece of a word that stands in every folded text whose lower case holds the word."""
    return longest_safe(fold(lowered))
