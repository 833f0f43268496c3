"""Gold labels as people bring them, brought into the order and numbers of the votes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faults import UsageError
from .schema import ABSTAIN, LabelSchema
from .votes import VoteMatrix


def encode_gold(gold: Any, schema: LabelSchema) -> NDArray[np.int64]:
    """Return gold labels as integers, -1 where missing.

    Parameters
    ----------
    gold : sequence of shape (n_records,)
        Class names, integers, or missing values (None, NaN, "", -1); a missing label is never an error.
    schema : LabelSchema
        The classes.

    Raises
    ------
    UsageError
        When a label is neither; names its row, not the label.
    """
    values: Sequence[Any] = gold.tolist() if hasattr(gold, "tolist") else list(gold)
    numbered = {name: index for index, name in enumerate(schema.classes)}
    encoded = np.full(len(values), ABSTAIN, dtype=np.int64)
    for row, value in enumerate(values):
        if value is None or value != value or value == "":  # NaN is the one value that differs from itself
            continue
        if isinstance(value, str) and value in numbered:
            encoded[row] = numbered[value]
            continue
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = schema.cardinality
        if not ABSTAIN <= number < schema.cardinality or (isinstance(value, float) and value != number):
            raise UsageError(
                f"gold label of row {row} is no class; it is one of {list(schema.classes)}, "
                f"0..{schema.cardinality - 1}, or missing"
            )
        encoded[row] = number
    return encoded


def align_gold(gold: Any, votes: VoteMatrix) -> NDArray[np.int64]:
    """Return gold labels in the order of the votes' rows, -1 where missing.

    Parameters
    ----------
    gold : array-like of shape (n_records,), mapping from id to label, or pandas Series
        A Series whose index is not a plain count, and a mapping, are matched by record id; anything else by position.
    votes : VoteMatrix
        The votes the labels belong to.
    """
    by_id = isinstance(gold, Mapping)
    if hasattr(gold, "index") and hasattr(gold, "items") and not by_id:
        labels = [str(value) for value in gold.index]
        by_id = votes.ids is not None and labels != [str(row) for row in range(len(labels))]
    if by_id:
        if votes.ids is None:
            raise UsageError("gold labels are known by record id, but these votes carry no ids")
        known = {str(key): value for key, value in gold.items()}
        return encode_gold([known.get(str(name)) for name in votes.ids], votes.schema)
    encoded = encode_gold(gold, votes.schema)
    if len(encoded) != votes.n_records:
        raise UsageError(f"{len(encoded)} gold labels for {votes.n_records} records")
    return encoded
