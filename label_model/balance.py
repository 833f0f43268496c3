"""What is known of how frequent the classes are: given, counted on a development sample, or estimated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import LabelSchema

SMALLEST = 1e-3
"""No class is taken to be rarer than this: nothing could ever be labeled with it."""


@dataclass(frozen=True)
class ClassBalance:
    """Frequencies of the classes, and where they come from.

    Parameters
    ----------
    vector : tuple of float
        One frequency a class; they sum to 1.
    source : {"given", "dev", "interval", "estimated", "uniform"}
        Where they come from.
    low, high : tuple of float
        Bounds of each frequency: those given, or a 95 % interval; empty where there are none.

    Examples
    --------
    >>> schema = LabelSchema(["normal", "abnormal"])
    >>> ClassBalance.given({"abnormal": 0.3, "normal": 0.7}, schema).vector
    (0.7, 0.3)
    """

    vector: tuple[float, ...]
    source: str
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def uniform(cls, cardinality: int) -> Self:
        """Return equal frequencies."""
        return cls((1 / cardinality,) * cardinality, "uniform")

    @classmethod
    def given(cls, balance: Any, schema: LabelSchema) -> Self:
        """Read what a user knows.

        Parameters
        ----------
        balance : sequence or mapping
            One frequency a class, in order or by class name. Each is a number or a pair (low, high) of bounds; of
            pairs the midpoints are used, moved within the bounds so that they sum to 1.
        schema : LabelSchema
            The classes.

        Raises
        ------
        ValueError, TypeError
            When a class is missing, a frequency lies outside [0, 1], or they do not sum to 1.
        """
        k = schema.cardinality
        if isinstance(balance, Mapping):
            missing = [name for name in schema.classes if name not in balance]
            unknown = [str(name) for name in balance if name not in schema.classes]
            if missing or unknown:
                said = [f"lacks {', '.join(missing)}"] if missing else []
                said += [f"names {', '.join(unknown)}"] if unknown else []
                raise ValueError(
                    f"class_balance {' and '.join(said)}; the classes are {list(schema.classes)}"
                )
            entries: list[Any] = [balance[name] for name in schema.classes]
        elif isinstance(balance, str) or not isinstance(balance, Sequence | np.ndarray):
            raise TypeError(
                "class_balance is a sequence in class order, or a mapping from class name to frequency"
            )
        else:
            entries = list(balance)
        if len(entries) != k:
            raise ValueError(f"class_balance has {len(entries)} entries for {k} classes")
        pairs = [np.ndim(entry) == 1 for entry in entries]
        if any(pairs):
            return cls._from_bounds(
                [entry if pair else (entry, entry) for entry, pair in zip(entries, pairs, strict=True)]
            )
        vector = np.asarray(entries, dtype=np.float64)
        _check_shares(vector)
        if abs(vector.sum() - 1) > 0.01:
            raise ValueError(f"class_balance sums to {vector.sum():.4g}, not to 1")
        return cls(_floored(vector), "given")

    @classmethod
    def _from_bounds(cls, bounds: Sequence[Any]) -> Self:
        """Return the point within the bounds that sums to 1 and keeps the midpoints' proportions as far as it may."""
        if any(len(pair) != 2 for pair in bounds):
            raise ValueError("a class's bounds in class_balance are a pair (low, high)")
        low, high = (np.array([float(pair[side]) for pair in bounds]) for side in (0, 1))
        _check_shares(low)
        _check_shares(high)
        if (low > high).any() or low.sum() > 1 + 1e-9 or high.sum() < 1 - 1e-9:
            raise ValueError("no class balance that sums to 1 lies within the bounds of class_balance")
        middle = (low + high) / 2
        room = np.where(middle.sum() < 1, high - middle, middle - low)
        share = (1 - middle.sum()) / room.sum() if room.sum() else 0.0
        return cls(
            _floored(middle + share * room), "interval", tuple(map(float, low)), tuple(map(float, high))
        )

    @classmethod
    def of_dev(cls, Y_dev: ArrayLike, schema: LabelSchema) -> Self:
        """Count gold labels, one added to each class so that an unseen class stays possible."""
        gold = np.asarray(Y_dev)
        if gold.ndim != 1 or (gold.size and gold.dtype.kind not in "iu"):
            raise TypeError("Y_dev is a one-dimensional array of integer classes, -1 where unknown")
        if gold.size and (gold.min() < -1 or gold.max() >= schema.cardinality):
            raise ValueError(f"Y_dev holds a label outside 0..{schema.cardinality - 1}")
        counts = np.bincount(gold[gold >= 0], minlength=schema.cardinality) + 1.0
        total = counts.sum()
        share = counts / total
        spread = 1.96 * np.sqrt(share * (1 - share) / total)
        return cls(
            _floored(share),
            "dev",
            tuple(map(float, np.clip(share - spread, 0, 1))),
            tuple(map(float, np.clip(share + spread, 0, 1))),
        )


def known_balance(
    class_balance: Any, Y_dev: ArrayLike | None, schema: LabelSchema, gold: ArrayLike | None = None
) -> ClassBalance | None:
    """Return what the user knows of the class balance, None where it is to be estimated.

    Parameters
    ----------
    class_balance : ClassBalance, sequence, mapping, "dev", "uniform" or None
        As given to `fit`; "dev" insists on `Y_dev`.
    Y_dev : array-like of int, optional
        Gold labels of a development sample.
    schema : LabelSchema
        The classes.
    gold : array-like of int, optional
        Gold rows of the fit itself, which stand in for `Y_dev` under "dev".
    """
    if isinstance(class_balance, ClassBalance):
        if len(class_balance.vector) != schema.cardinality:
            raise ValueError(
                f"class_balance is of {len(class_balance.vector)} classes, not {schema.cardinality}"
            )
        return class_balance
    sample = Y_dev if Y_dev is not None else gold
    if isinstance(class_balance, str):
        if class_balance == "uniform":
            return ClassBalance.uniform(schema.cardinality)
        if class_balance != "dev":
            raise ValueError(f'class_balance is {class_balance!r}; as a word it is "dev" or "uniform"')
        if sample is None:
            raise ValueError('class_balance="dev" needs gold labels in Y_dev')
        return ClassBalance.of_dev(sample, schema)
    if class_balance is not None:
        return ClassBalance.given(class_balance, schema)
    return None if Y_dev is None else ClassBalance.of_dev(Y_dev, schema)


def _check_shares(shares: NDArray[np.float64]) -> None:
    """Raise unless all are numbers from 0 to 1."""
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    if len(wrong):
        raise ValueError(f"class_balance of class {wrong[0]} is {shares[wrong[0]]}; it is from 0 to 1")


def _floored(shares: NDArray[np.float64]) -> tuple[float, ...]:
    """Return shares that sum to 1, none below `SMALLEST`; those that are fine already stay untouched."""
    if abs(shares.sum() - 1) < 1e-12 and (shares >= SMALLEST).all():
        return tuple(map(float, shares))
    raised = np.maximum(shares, SMALLEST)
    return tuple(map(float, raised / raised.sum()))
