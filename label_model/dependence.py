"""Functions that depend on each other: found when they are near copies, given by the user, and discounted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sidelight.labeling.moments import Moments

from .pair_table import covotes
from .triplets import skills

Array = NDArray[np.float64]

SAME_VOTES = 0.98
"""Share of common records on which near copies agree."""

SAME_RECORDS = 0.9
"""Share of the records either votes on, on which near copies both vote."""

FEWEST = 30
"""Common votes below which nobody is called a copy: two good annotators of one batch may well agree throughout."""


def near_copies(moments: Moments) -> NDArray[np.bool_]:
    """Return which pairs of functions are near copies of each other, shape (n_functions, n_functions).

    Copies vote on the same records and agree there, although each of them agrees with other functions far less.
    """
    both, same = covotes(moments), _same_votes(moments)
    total = moments.singles.sum(axis=1).astype(np.float64)
    either = total[:, None] + total[None, :] - both
    agreement = np.where(both > 0, same / np.where(both > 0, both, 1.0), np.nan)
    m = len(total)
    usual = np.ones(m)
    for j in range(m):
        others = np.delete(np.where(both[j] >= FEWEST, agreement[j], np.nan), j)
        known = others[~np.isnan(others)]
        usual[j] = np.quantile(known, 0.25) if len(known) else 0.0
    always = (moments.singles > 0).sum(axis=1) <= 1
    unusual = (usual <= 0.9) | always
    found = (both >= FEWEST) & (both >= SAME_RECORDS * either) & (same >= SAME_VOTES * both)
    found &= unusual[:, None] & unusual[None, :]
    np.fill_diagonal(found, False)
    return np.asarray(found, dtype=np.bool_)


def linked_annotators(moments: Moments, sided: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pairs of annotators agree far more often than their skills explain, shape as of `near_copies`.

    Skills are medians over triplets, which groups of copiers do not move as long as most pairs are independent. A
    pair is linked when it agrees beyond them by four standard errors and by a tenth of what was left to agree on.
    """
    k = moments.schema.cardinality
    both, same = covotes(moments), _same_votes(moments)
    skill = skills(moments)
    agreement = np.clip((1 + (k - 1) * np.outer(skill, skill)) / k, 0.02, 0.98)
    expected = both * agreement
    excess = same - expected
    deviation = np.sqrt(np.maximum(both * agreement * (1 - agreement), 1e-9))
    found = (both >= FEWEST) & (excess > 4 * deviation) & (excess > 0.1 * (both - expected))
    return np.asarray(found & annotator_pairs(sided), dtype=np.bool_)


def annotator_pairs(sided: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pairs of functions that both choose between classes, shape (n_functions, n_functions)."""
    return np.asarray(~sided[:, None] & ~sided[None, :] & ~np.eye(len(sided), dtype=bool), dtype=np.bool_)


def read_groups(dependencies: Any, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which pairs of functions a user declared dependent, from groups of names or of column numbers."""
    m = len(names)
    pairs = np.zeros((m, m), dtype=np.bool_)
    if isinstance(dependencies, str) or not isinstance(dependencies, Sequence):
        raise TypeError("dependencies is a sequence of groups, each of function names or column numbers")
    for group in dependencies:
        if isinstance(group, str) or not isinstance(group, Sequence) or len(group) < 2:
            raise ValueError("a group in dependencies holds at least two function names or column numbers")
        columns = []
        for member in group:
            if isinstance(member, str):
                if member not in names:
                    raise ValueError(f"dependencies names {member}; the functions are {', '.join(names)}")
                columns.append(names.index(member))
            elif 0 <= int(member) < m:
                columns.append(int(member))
            else:
                raise ValueError(f"dependencies holds column {member}; there are {m}")
        pairs[np.ix_(columns, columns)] = True
    np.fill_diagonal(pairs, False)
    return pairs


def discounts(moments: Moments, pairs: NDArray[np.bool_], emitted: Array, prior: Array) -> Array:
    """Return by how much each function's votes are scaled for what others repeat, shape (n_functions,).

    A function's share of repetition by another is the part of its votes that the other casts too, beyond what the
    classes explain; the factor is 1 / (1 + sum of these shares), so that g exact copies count as one function.

    Parameters
    ----------
    moments : Moments
        Counts of votes and pairs.
    pairs : ndarray of bool of shape (n_functions, n_functions)
        Which functions depend on each other.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class): function, vote, class.
    prior : ndarray of shape (n_classes,)
        Class balance.
    """
    n = moments.n_records
    total = moments.singles.sum(axis=1).astype(np.float64)
    expected = n * np.einsum("ivy,jvy,y->ij", emitted, emitted, prior)
    room = np.maximum(total[:, None] - expected, 1e-9)
    share = np.clip((_same_votes(moments) - expected) / room, 0.0, 1.0)
    return np.asarray(1 / (1 + np.where(pairs, share, 0.0).sum(axis=1)), dtype=np.float64)


def evened(discounts: Array, moments: Moments, who: NDArray[np.bool_]) -> Array:
    """Return the same discounts, but for the functions `who` their mean over votes."""
    cast = np.where(who, moments.singles.sum(axis=1), 0).astype(np.float64)
    return np.where(who, float(discounts @ cast) / max(1.0, float(cast.sum())), discounts)


def group_numbers(pairs: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return a number for each function; those linked by dependent pairs share it."""
    _, numbers = connected_components(sparse.csr_array(pairs), directed=False)
    return np.asarray(numbers, dtype=np.intp)


def _same_votes(moments: Moments) -> Array:
    """Return on how many records two functions cast the same vote, shape (n_functions, n_functions)."""
    return moments.same_vote().astype(np.float64)


def known_pairs(moments: Moments, dependencies: Any) -> NDArray[np.bool_]:
    """Return which functions depend on each other: near copies, and those that the user names; none where None is given."""
    names = moments.names
    if dependencies is None:
        return np.zeros((len(names), len(names)), dtype=np.bool_)
    found = near_copies(moments)
    if not isinstance(dependencies, str):
        found |= read_groups(dependencies, names)
    return found
