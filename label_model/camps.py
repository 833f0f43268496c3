"""Groups of annotators who agree among themselves beyond what the classes explain: a second factor in their agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.moments import Moments

from .dependence import annotator_pairs

Array = NDArray[np.float64]

FEWEST = 4
"""Annotators below whom two groups cannot be told from one."""

BEYOND_CHANCE = 1.15
"""Times what chance makes of the largest factor, from which it is believed; independent annotators reached 1.05 at most
in 240 simulated sets of 5 to 40."""


@dataclass(frozen=True, eq=False)
class SecondFactor:
    """The largest common factor in what a fit leaves of annotators' agreements.

    Parameters
    ----------
    strength : float
        Its size in units of what chance makes of it (the edge of the semicircle of random matrices): about 1 or below
        where the classes explain all agreement.
    loading : ndarray of shape (n_functions,)
        How far each function takes part, 0 for one-sided ones. Functions of one sign agree among themselves more
        often than the classes explain, and less often with those of the other sign.
    """

    strength: float
    loading: Array

    @property
    def found(self) -> bool:
        """Whether there is more than chance."""
        return self.strength > BEYOND_CHANCE

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Return the functions of either sign that take part markedly, the larger group first."""
        marked = np.abs(self.loading) > 0.5 * np.abs(self.loading).max(initial=0.0)
        sides = [tuple(map(int, np.flatnonzero(marked & (side * self.loading > 0)))) for side in (1, -1)]
        return tuple(sorted((side for side in sides if len(side) > 1), key=lambda side: (-len(side), side)))


def second_factor(
    moments: Moments, emitted: Array, prior: Array, sided: NDArray[np.bool_], linked: NDArray[np.bool_]
) -> SecondFactor:
    """Return the largest factor that annotators share beyond the classes.

    Pairs of annotators agree on a share of their common records that the fit foretells; what is left, in standard
    deviations, has no structure if the classes are all that they share. A cue that some of them follow shows in many
    pairs at once, each too weak to be seen.

    Parameters
    ----------
    moments : Moments
        Counts of votes and pairs.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class) of a fit by likelihood: function, vote, class.
    prior : ndarray of shape (n_classes,)
        Class balance.
    sided : ndarray of bool of shape (n_functions,)
        Functions that are left out, such as one-sided ones, whose agreement is another matter.
    linked : ndarray of bool of shape (n_functions, n_functions)
        Pairs known to depend on each other, which tell nothing.

    References
    ----------
    Wigner: On the distribution of the roots of certain symmetric matrices (1958).
    """
    both, same = moments.both_voted().astype(np.float64), moments.same_vote().astype(np.float64)
    covered = emitted.sum(axis=1)
    shares = emitted / np.maximum(covered, 1e-9)[:, None, :]
    agree = np.zeros_like(both)
    meet = np.zeros_like(both)
    for y, share in enumerate(prior):
        met = share * np.outer(covered[:, y], covered[:, y])
        agree += met * (shares[:, :, y] @ shares[:, :, y].T)
        meet += met
    expected = np.clip(agree / np.maximum(meet, 1e-12), 0.01, 0.99)
    seen = annotator_pairs(sided) & ~linked & (both > 0)
    left = np.where(seen, (same - both * expected) / np.sqrt(both * expected * (1 - expected) + 1), 0.0)
    taking_part = seen.any(axis=1)
    if taking_part.sum() < FEWEST:
        return SecondFactor(0.0, np.zeros(len(left)))
    sizes, axes = np.linalg.eigh(left)
    partners = seen.sum() / taking_part.sum()
    loading = axes[:, -1] * (1.0 if axes[:, -1].sum() >= 0 else -1.0)
    return SecondFactor(float(sizes[-1] / (2 * np.sqrt(partners))), loading)
