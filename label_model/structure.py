"""Which functions depend on each other beyond the class: found one pair after the other, by what it explains."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from sidelight.labeling import VoteMatrix, as_votes

from .base import LabelModelWarning
from .likelihood import normalise
from .matrix_completion import LabelModel

Array = NDArray[np.float64]

MOST_RECORDS = 20_000
"""Records looked at at most."""

FEWEST = 30
"""Common votes below which nothing is said of a pair."""

LEAST_EXCESS = 0.1
"""Share of what was left to agree on that a pair must agree on beyond the classes; less changes no label."""

SMALLEST = 1e-6


@dataclass(frozen=True)
class Dependencies:
    """What `learn_dependencies` found.

    Parameters
    ----------
    groups : tuple of tuples of str
        Names of functions that depend on each other, as `LabelModel(dependencies=...)` takes them.
    pairs : tuple of (str, str, float)
        The pairs in the order they were found, with the log likelihood that each explained.
    """

    groups: tuple[tuple[str, ...], ...]
    pairs: tuple[tuple[str, str, float], ...]


def learn_dependencies(
    votes: VoteMatrix | ArrayLike, cardinality: int = 2, class_balance: Any = None, most_pairs: int = 40
) -> Dependencies:
    """Find functions that agree more often than their accuracies explain, among those that choose between classes.

    Of functions that vote for one class only, or say nothing, whatever two agree on looks alike; `LabelModel` never
    trusts their agreement much, and finds their copies.

    A model is fitted; for each pair of functions the other functions say what each record's class may be, and so how
    often the two should agree. The pair whose surplus of agreement raises the likelihood most is taken for dependent
    if it is worth its parameter by the Bayesian information criterion, over all pairs that were looked at; then the
    model is fitted again without trusting the pair, until no pair is left.

    Parameters
    ----------
    votes : VoteMatrix or array-like of int of shape (n_records, n_functions)
        Votes, -1 where a function abstains.
    cardinality : int, default 2
        Number of classes; those of a VoteMatrix are its own.
    class_balance : optional
        As in `LabelModel.fit`.
    most_pairs : int, default 40
        Pairs after which to stop.

    References
    ----------
    Varma, Sala, He, Ratner, Re: Learning Dependency Structures for Weak Supervision Models (2019), for the problem.
    Schwarz: Estimating the dimension of a model (1978), for the criterion.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, (3000, 1))
    >>> votes = np.where(rng.random((3000, 8)) < 0.7, truth, 1 - truth)
    >>> votes[:2000, 3] = votes[:2000, 1]                            # function 3 copies function 1 most of the time
    >>> learn_dependencies(votes.astype(np.int8)).groups
    (('lf_1', 'lf_3'),)
    """
    matrix = as_votes(votes, cardinality=None if isinstance(votes, VoteMatrix) else cardinality)
    stride = max(1, -(-matrix.n_records // MOST_RECORDS))
    matrix = matrix.take_rows(np.arange(0, matrix.n_records, stride))
    names, values = matrix.names, matrix.dense()
    m = len(names)
    linked = np.zeros((m, m), dtype=np.bool_)
    found: list[tuple[str, str, float]] = []
    while len(found) < most_pairs:
        pairs = [[int(i), int(j)] for i, j in np.argwhere(np.triu(linked))]
        model = LabelModel(matrix.schema.cardinality, dependencies=pairs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelModelWarning)
            model.fit(matrix, class_balance=class_balance)
        gains = _gains(model, values)
        gains[_connected(linked)] = 0.0
        worth = np.log(max(2, len(values))) / 2 + np.log(max(1, m * (m - 1) / 2))
        i, j = np.unravel_index(gains.argmax(), gains.shape) if m else (0, 0)
        if not m or gains[i, j] <= worth:
            break
        linked[i, j] = linked[j, i] = True
        found.append((names[min(i, j)], names[max(i, j)], float(gains[i, j])))
    _, number = connected_components(sparse.csr_array(linked), directed=False)
    groups = [
        tuple(names[j] for j in np.flatnonzero(number == g)) for g in range(number.max() + 1 if m else 0)
    ]
    return Dependencies(tuple(group for group in groups if len(group) > 1), tuple(found))


def _gains(model: LabelModel, values: NDArray[np.int8]) -> Array:
    """Return by how much each pair's own agreement would raise the log likelihood, shape (n_functions, n_functions)."""
    m, k = values.shape[1], model.cardinality
    gain, silence = model._evidence()
    gain = gain.reshape(m, k, k)
    each = (
        np.stack([np.where((values[:, [j]] >= 0), gain[j][values[:, j]], 0.0) for j in range(m)])
        if m
        else gain
    )
    total = each.sum(axis=0) + silence.sum(axis=0) + np.log(model.prior_)
    shares = model.emitted_ / np.maximum(model.emitted_.sum(axis=1, keepdims=True), SMALLEST)
    found = np.zeros((m, m))
    for i in range(m):
        for j in range(i + 1, m):
            rows = np.flatnonzero((values[:, i] >= 0) & (values[:, j] >= 0))
            if len(rows) < FEWEST or model.one_sided_[i] or model.one_sided_[j]:
                continue
            others = (total[rows] - each[i, rows] - each[j, rows]) * model.temperature_
            normalise(others)
            expected = np.clip(others @ (shares[i] * shares[j]).sum(axis=0), SMALLEST, 1 - SMALLEST)
            surplus = float((values[rows, i] == values[rows, j]).sum() - expected.sum())
            room = len(rows) - float(expected.sum())
            if surplus > LEAST_EXCESS * room:
                found[i, j] = found[j, i] = surplus**2 / (2 * float((expected * (1 - expected)).sum()))
    return found


def _connected(linked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pairs are in one group already, each function with itself among them."""
    _, number = connected_components(sparse.csr_array(linked), directed=False)
    return np.asarray(number[:, None] == number[None, :], dtype=np.bool_)
