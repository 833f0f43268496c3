"""What is thought of a function before anything is learned of it, and what the others' record says of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import FunctionInfo

Array = NDArray[np.float64]


def first_guess(prior: Array, precision: float) -> Array:
    """Return P(class | vote) of a function of which nothing is known, shape (n_classes of the vote, n_classes).

    With equally frequent classes a vote is right with probability `precision`. A vote for a rarer class multiplies
    its odds by as much, and is right at least that often all the same: nobody keeps a function whose word for a rare
    finding is mostly wrong. A vote for a common class is never worth less than its frequency.
    """
    k = len(prior)
    ratio = precision / (1 - precision) * (k - 1)
    own = np.minimum(np.maximum(ratio * prior / (1 + (ratio - 1) * prior), precision), 0.99)
    return spread_errors(own, prior)


def spread_errors(own: Array, prior: Array) -> Array:
    """Return P(class | vote) when wrong votes fall on the other classes by their frequency.

    Parameters
    ----------
    own : ndarray of shape (..., n_classes)
        Probability that a vote for each class is right.
    prior : ndarray of shape (n_classes,)
        Class balance.

    Returns
    -------
    ndarray of shape (..., n_classes, n_classes): vote, class
    """
    k = len(prior)
    rest = (1 - own) / np.maximum(1 - prior, 1e-12)
    table = rest[..., None] * prior
    table[..., np.arange(k), np.arange(k)] = own
    return np.asarray(table, dtype=np.float64)


def shared_skill(
    q: Array,
    singles: NDArray[np.int64],
    prior: Array,
    two_sided: NDArray[np.bool_],
    guess: Array,
    *,
    alike: bool = False,
) -> Array:
    """Return a guess for each function that takes it to be equally skilled in all classes.

    An annotator's skill in one class says much of the skill in the next. Skill is the share of the way from the
    class balance to certainty, averaged over the function's votes.

    Parameters
    ----------
    q : ndarray of shape (n_functions, n_classes, n_classes)
        P(class | vote) as fitted so far: function, vote, class.
    singles : ndarray of int of shape (n_functions, n_classes)
        How often each function voted for each class.
    prior : ndarray of shape (n_classes,)
        Class balance.
    two_sided : ndarray of bool of shape (n_functions,)
        Functions to which this applies; the others keep `guess`.
    guess : ndarray of shape (n_functions, n_classes, n_classes)
        The guess so far.
    alike : bool, default False
        Take all of them to be equally skilled: their differences cannot be told from their dependence.
    """
    own = np.einsum("jvv->jv", q)
    gained = ((own - prior) / (1 - prior) * singles).sum(axis=1)
    cast = singles.sum(axis=1)
    skill = gained / np.maximum(cast, 1)
    if alike:
        skill[two_sided] = gained[two_sided].sum() / max(1, cast[two_sided].sum())
    shared = spread_errors(np.clip(prior + skill[:, None] * (1 - prior), 0.02, 0.98), prior)
    return np.where(two_sided[:, None, None], shared, guess)


def read_beliefs(
    functions: tuple[FunctionInfo, ...], accuracies: Mapping[str, float | tuple[float, float]], usual: float
) -> tuple[Array, Array]:
    """Return the accuracies that authors or the user expect, NaN where none, and how many votes each is worth."""
    names = [function.name for function in functions]
    expected, worth = np.full(len(names), np.nan), np.full(len(names), float(usual))
    for j, function in enumerate(functions):
        if function.accuracy is not None:
            expected[j], worth[j] = function.accuracy
    for name, belief in accuracies.items():
        if name not in names:
            raise ValueError(f"accuracies names {name}; the functions are {', '.join(names)}")
        j = names.index(name)
        expected[j], worth[j] = belief if isinstance(belief, tuple) else (belief, usual)
        if not 0 < expected[j] < 1 or not worth[j] > 0:
            raise ValueError(
                f"accuracies has {belief} for {name}; an accuracy lies between 0 and 1, and is worth more than 0 votes"
            )
    return expected, worth
