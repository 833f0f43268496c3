"""From probabilities to one class a record, with Snorkel's policies for records where classes tie."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import ABSTAIN
from sidelight.labeling.seeds import generator

TIE_POLICIES = ("abstain", "random", "true-random")
TIE_WIDTH = 1e-5
"""Two probabilities closer than this tie."""


def break_ties(
    proba: NDArray[np.float64],
    policy: str = "abstain",
    *,
    ids: NDArray[np.str_] | None = None,
    seed: int = 0,
    tol: float = TIE_WIDTH,
) -> NDArray[np.int64]:
    """Return the likeliest class of each row.

    Parameters
    ----------
    proba : ndarray of shape (n_records, n_classes)
        Class probabilities.
    policy : {"abstain", "random", "true-random"}, default "abstain"
        What a row gets whose best classes tie: -1, a class drawn by a hash of the record's id (of its row number
        where there are no ids), or a class drawn from a random stream below `seed`.
    ids : ndarray of str of shape (n_records,), optional
        Record ids, so that "random" gives a record the same class wherever it stands.
    seed : int, default 0
        Of the stream that "true-random" draws from.
    tol : float
        How close to the best a class ties with it.

    Returns
    -------
    ndarray of int64 of shape (n_records,)

    Examples
    --------
    >>> break_ties(np.array([[0.2, 0.8], [0.5, 0.5]])).tolist()
    [1, -1]
    """
    if policy not in TIE_POLICIES:
        raise ValueError(f"tie_break_policy is {policy!r}; it is one of {', '.join(TIE_POLICIES)}")
    if len(proba) == 0:
        return np.zeros(0, dtype=np.int64)
    best = proba >= proba.max(axis=1, keepdims=True) - tol
    labels: NDArray[np.int64] = best.argmax(axis=1).astype(np.int64)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    if policy == "abstain":
        labels[tied] = ABSTAIN
        return labels
    draws = generator(seed, "ties").random(len(tied)) if policy == "true-random" else None
    for position, row in enumerate(tied):
        choices = np.flatnonzero(best[row])
        share = _hashed(str(row if ids is None else ids[row])) if draws is None else draws[position]
        labels[row] = choices[int(share * len(choices))]
    return labels


def probs_to_preds(
    probs: ArrayLike, tie_break_policy: str = "random", tol: float = TIE_WIDTH
) -> NDArray[np.int64]:
    """Return the likeliest class of each row; Snorkel's name and arguments.

    Parameters
    ----------
    probs : array-like of shape (n_records, n_classes)
        Class probabilities.
    tie_break_policy : {"random", "true-random", "abstain"}, default "random"
        See `break_ties`. The default differs from that of `LabelModel.predict`, as it does in Snorkel.
    tol : float
        How close to the best a class ties with it.

    Examples
    --------
    >>> probs_to_preds([[0.2, 0.8], [0.5, 0.5]], tie_break_policy="abstain").tolist()
    [1, -1]
    """
    proba = np.asarray(probs, dtype=np.float64)
    if proba.ndim != 2 or not proba.shape[1]:
        raise ValueError(f"probs has shape {proba.shape}; it is (n_records, n_classes)")
    if np.isnan(proba).any():
        raise ValueError(f"probs[{int(np.isnan(proba).any(axis=1).argmax())}] holds NaN")
    return break_ties(proba, tie_break_policy, tol=tol)


def _hashed(name: str) -> float:
    """Return a number in [0, 1) that depends on `name` alone."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2.0**53
