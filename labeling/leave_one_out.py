"""What each labeling function is worth to the others: the score without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .schema import ABSTAIN

Aggregate: TypeAlias = Callable[[NDArray[np.int8]], NDArray[np.int64]]
"""Takes votes of shape (n_records, n_functions), returns a class for each record, -1 for none."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What changes when a function is left out.

    Parameters
    ----------
    function : str
        The function's name.
    accuracy, coverage : float
        Of the others' labels, on the records with gold: share that are right among those labeled, share labeled.
    gain : float
        Right labels minus wrong ones that the function brings, as a share of the records with gold: above 0, it helps.
    """

    function: str
    accuracy: float
    coverage: float
    gain: float


def leave_one_out(
    votes: NDArray[np.int8],
    names: tuple[str, ...],
    gold: NDArray[np.int64],
    aggregate: Aggregate | None = None,
) -> list[Worth]:
    """Return the worth of each function, the most harmful first; `aggregate` is the majority vote if not given."""
    settle = majority if aggregate is None else aggregate
    known = gold != ABSTAIN
    if not known.any():
        raise ValueError("there is no gold label to score against")
    votes, gold = votes[known], gold[known]
    whole = _net(settle(votes), gold)
    found = []
    for column, name in enumerate(names):
        labels = settle(np.delete(votes, column, axis=1))
        labeled = labels != ABSTAIN
        right = float((labels[labeled] == gold[labeled]).mean()) if labeled.any() else float("nan")
        found.append(Worth(name, right, float(labeled.mean()), whole - _net(labels, gold)))
    return sorted(found, key=lambda worth: (worth.gain, worth.function))


def majority(votes: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the class most functions voted for, -1 for a tie or no vote."""
    n_classes = int(votes.max(initial=0)) + 1
    counts = np.stack([(votes == c).sum(axis=1) for c in range(n_classes)], axis=1)
    best = counts.max(axis=1)
    winner = counts.argmax(axis=1)
    tied = (counts == best[:, None]).sum(axis=1) > 1
    return np.where((best == 0) | tied, ABSTAIN, winner).astype(np.int64)


def _net(labels: NDArray[np.int64], gold: NDArray[np.int64]) -> float:
    right = labels == gold
    return float(right.mean() - ((labels != ABSTAIN) & ~right).mean())
