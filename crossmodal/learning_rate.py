"""How the learning rate moves in a training."""

import math
from typing import Literal

Course = Literal["one-cycle", "constant", "averaged", "cycles"]
"""How the learning rate moves: up and down along cosines, not at all (last or averaged weights), or down again and again."""

CONSTANT = frozenset({"constant", "averaged"})
"""Courses in which it does not move."""

Patience = int | Literal["auto"] | None
"""Epochs without a better validation loss after which a training ends; see `epochs_of_patience`."""

LOWEST_START = 0.04
"""Share of the highest learning rate that training starts with."""

FIRST_CYCLE = 2
"""Epochs of the first of several cycles; each takes twice as long as the one before."""


def one_cycle(step: int, n_steps: int, warm_up: float = 0.2) -> float:
    """Return the share of the highest learning rate at `step`: up along a cosine, then down along another.

    Examples
    --------
    >>> [round(one_cycle(step, n_steps=10), 2) for step in (0, 1, 2, 6, 10)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    rise = max(1.0, warm_up * n_steps)
    if step < rise:
        return LOWEST_START + (1 - LOWEST_START) * (1 - math.cos(math.pi * step / rise)) / 2
    fall = min(1.0, (step - rise) / max(1.0, n_steps - rise))
    return (1 + math.cos(math.pi * fall)) / 2


def restarts(step: int, steps_per_epoch: float) -> float:
    """Return the share of the highest learning rate at `step`: down along a cosine, each time for twice as long.

    The first cycle takes two epochs, so that cycles end after 2, 6, 14 and 30.

    Examples
    --------
    >>> [round(restarts(step, steps_per_epoch=1), 2) for step in (0, 1, 2, 4, 6)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    past, length = float(step), FIRST_CYCLE * steps_per_epoch
    while past >= length - 1e-9:
        past, length = past - length, 2 * length
    return (1 + math.cos(math.pi * past / length)) / 2


def epochs_of_patience(patience: Patience, course: Course) -> int | None:
    """Return how many epochs without a better validation loss end a training, None where none does.

    A cycle that ends before its rate has come down has learned little, so that only a constant rate is watched unless
    asked for; cycles give their weights at their ends, and are never cut.

    Examples
    --------
    >>> epochs_of_patience("auto", "constant"), epochs_of_patience("auto", "one-cycle"), epochs_of_patience(3, "one-cycle")
    (10, None, 3)
    """
    if course == "cycles":
        return None
    if patience == "auto":
        return 10 if course in CONSTANT else None
    return patience
