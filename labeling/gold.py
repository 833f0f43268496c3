"""Gold labels as people bring them, brought into the order and numbers of the votes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
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
    if getattr(gold, "ndim", 1) != 1:
        raise UsageError(
            f"gold labels have shape {gold.shape}; one column is needed, a label for each record"
        )
    values: Sequence[Any] = gold.tolist() if hasattr(gold, "tolist") else list(gold)
    numbered = {name: index for index, name in enumerate(schema.classes)}
    encoded = np.full(len(values), ABSTAIN, dtype=np.int64)
    for row, value in enumerate(values):
        if _is_missing(value):
            continue
        if isinstance(value, str) and value in numbered:
            encoded[row] = numbered[value]
            continue
        number = schema.cardinality
        with suppress(TypeError, ValueError):
            number = int(float(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value)
        if not ABSTAIN <= number < schema.cardinality or (isinstance(value, float) and value != number):
            raise UsageError(
                f"gold label of row {row} is no class; it is one of {list(schema.classes)}, "
                f"0..{schema.cardinality - 1}, or missing"
            )
        encoded[row] = number
    return encoded


_WHOLE = re.compile(r"\s*-?\d+\.0+\s*")
"""A whole number as tools write it that keep a column with gaps as decimals."""


def _is_missing(value: Any) -> bool:
    """Whether a value stands for no label: None, NaN, pandas' NA or an empty string."""
    try:
        return value is None or bool(value != value) or bool(value == "")  # NaN alone differs from itself
    except TypeError:  # NA answers no comparison
        return True


def align_gold(gold: Any, votes: VoteMatrix) -> NDArray[np.int64]:
    """Return gold labels in the order of the votes' rows, -1 where missing.

    Parameters
    ----------
    gold : array-like of shape (n_records,), mapping from id to label, or pandas Series
        A mapping is matched by record id, and so is a Series, unless its index is a plain count that are no ids of
        these records; anything else is matched by position.
    votes : VoteMatrix
        The votes the labels belong to.
    """
    by_id = isinstance(gold, Mapping)
    if hasattr(gold, "index") and hasattr(gold, "items") and not by_id:
        labels = [str(value) for value in gold.index]
        counted = labels == [str(row) for row in range(len(labels))]
        by_id = votes.ids is not None and (not counted or set(labels) == set(votes.ids.tolist()))
    if by_id:
        if votes.ids is None:
            raise UsageError("gold labels are known by record id, but these votes carry no ids")
        known = {str(key): value for key, value in gold.items()}
        if known and not any(str(name) in known for name in votes.ids):
            raise UsageError("none of the gold labels is of a record of these votes: no id is the same")
        return encode_gold([known.get(str(name)) for name in votes.ids], votes.schema)
    encoded = encode_gold(gold, votes.schema)
    if len(encoded) != votes.n_records:
        raise UsageError(f"{len(encoded)} gold labels for {votes.n_records} records")
    return encoded
