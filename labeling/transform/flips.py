"""A check that a transformation changes no labeling function's vote."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..applier import LFApplier
from ..function import LabelingFunction
from ..record import Record
from ..schema import LabelSchema


class Flip(NamedTuple):
    """A vote that a transformation changed.

    Parameters
    ----------
    function : str
        The labeling function.
    id, parent_id : str
        The record that was made, and the one it was made of.
    before, after : int
        The votes, -1 for an abstention.
    """

    function: str
    id: str
    parent_id: str
    before: int
    after: int


def find_flips(
    functions: Sequence[LabelingFunction], records: Iterable[Record], *, schema: LabelSchema | None = None
) -> list[Flip]:
    """Return the votes that differ between a record and those made of it.

    Parameters
    ----------
    functions : sequence of LabelingFunction
        The functions whose votes are to stay.
    records : iterable of Record
        What `TFApplier.apply` returned, with the records themselves (``keep_original=True``).
    schema : LabelSchema, optional
        The classes.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> from sidelight.labeling.transform import ApplyOnePolicy, TFApplier, transformation_function
    >>> @transformation_function
    ... def drop_no(record):
    ...     record.text = record.text.replace("no ", "")
    ...     return record
    >>> made = TFApplier([drop_no], ApplyOnePolicy()).apply([{"id": "a", "text": "no effusion"}])
    >>> find_flips([keyword_lf("effusion", ["effusion"], 1, negated=False)], made)
    [Flip(function='effusion', id='a~1', parent_id='a', before=-1, after=1)]
    """
    found = list(records)
    parents = {record.id: row for row, record in enumerate(found) if record.get("parent_id") is None}
    votes = LFApplier(functions, schema=schema).apply(found).dense() if found else None
    flips = []
    for row, record in enumerate(found):
        parent = record.get("parent_id")
        if parent is None or votes is None:
            continue
        if parent not in parents:
            raise ValueError(
                f"record {row} was made of one that is not among the records; keep the originals"
            )
        for column, function in enumerate(functions):
            before, after = int(votes[parents[parent], column]), int(votes[row, column])
            if before != after:
                flips.append(Flip(function.name, record.id, parent, before, after))
    return flips
