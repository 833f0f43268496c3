"""Functions that err alike in all classes: whether votes show nothing else, and the fit that takes them so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from sidelight.labeling.cast_votes import CastVotes

from .likelihood import SMALLEST, Pseudo, normalise, refine
from .skill_prior import in_the_light_of_all

Array = NDArray[np.float64]

LIKELY = 0.01
"""Probability under one coin for each function from which votes that look this different from it are taken to follow it."""

AT_ONCE = 4_000_000
"""Scores held at once."""


@dataclass(frozen=True)
class Coins:
    """What takes the place of a prior in `refine`: each function votes alike often, and errs alike, in all classes.

    Parameters
    ----------
    k : int
        Number of classes.
    repeats : int
        How many times over each record stands in the votes.
    """

    k: int
    repeats: int = 1

    def objective(self, silent: Array, covered: Array, emitted: Array) -> float:
        """Return 0: nothing is expected of how often functions are right."""
        del silent, covered, emitted
        return 0.0

    def step(self, said: Array, per_class: Array) -> Array:
        """Return the P(vote | class) that expected votes make likeliest; no function is taken to be always right."""
        cast = said.sum(axis=(1, 2))
        least = 1 / (cast / self.repeats + 2)
        share = np.einsum("jvv->j", said) / np.maximum(cast, SMALLEST)
        return one_coin_table(cast / per_class.sum(), np.clip(share, least, 1 - least), self.k)


def one_coin_table(rates: Array, accuracy: Array, k: int) -> Array:
    """Return P(vote | class) of functions that vote at `rates` and are right as often in all classes."""
    right = np.eye(k, dtype=bool)
    wrong = (1 - accuracy) / (k - 1)
    return np.asarray(rates[:, None, None] * np.where(right, accuracy[:, None, None], wrong[:, None, None]))


def freedom(singles: NDArray[np.int64], n_records: int) -> int:
    """Return how many more numbers tables of all functions hold than one coin for each and its coverage do."""
    k = singles.shape[1]
    outcomes = (singles > 0).sum(axis=1)
    silent = singles.sum(axis=1) < n_records
    return int(((outcomes - 1 + silent) * k - (1 + silent))[outcomes > 0].sum())


def one_coin(
    cast: CastVotes,
    counts: Array | None,
    emitted: Array,
    prior: Array,
    log_likelihood: float,
    degrees: int,
    *,
    labels: NDArray[np.int64],
    balance_pull: Array | None,
    iterations: int,
    repeats: int,
) -> tuple[Array, Array, Pseudo] | None:
    """Fit a coin to each function, unless the votes show that functions do more than toss one.

    A function then votes alike often whatever the class, is right alike often in each, and errs towards all others alike.
    All functions' tables together are held against that (likelihood ratio). Where it stands, a function is described
    by one number in place of k (k - 1), and the numbers of all tell what any one may be (`in_the_light_of_all`).

    Parameters
    ----------
    cast, counts, labels, balance_pull, iterations
        As in `refine`.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class) at the maximum of the likelihood: function, vote, class.
    prior : ndarray of shape (n_classes,)
        Class balance there.
    log_likelihood : float
        Its height.
    degrees : int
        See `freedom`.
    repeats : int
        How many times over each record stands in the votes.

    Returns
    -------
    tuple or None
        P(vote | class), the class balance, and a prior as strong as what the functions tell of each other; None where
        the votes speak against it, or the fit did not come to an end.

    References
    ----------
    Zhang, Chen, Zhou, Jordan: Spectral Methods Meet EM (2016), for the model.
    """
    k = len(prior)
    joint = emitted * prior
    rates = joint.sum(axis=(1, 2))
    right = np.einsum("jvv->j", joint) / np.maximum(rates, SMALLEST)
    tied, balance, history = refine(
        cast, counts, one_coin_table(rates, right, k), prior, Coins(k, repeats),
        labels=labels, balance_pull=balance_pull, iterations=iterations,
    )  # fmt: skip
    if len(history) == iterations:
        return None
    if not _likely(log_likelihood, history[-1], degrees, repeats):
        return None
    free = Pseudo(*(np.zeros(shape) for shape in (emitted.shape[::2], emitted.shape[::2], emitted.shape)))
    _, _, heights = refine(
        cast, counts, emitted, prior, free, labels=labels, balance_pull=balance_pull, iterations=iterations
    )
    if not _likely(heights[-1], history[-1], degrees, repeats):
        return None
    rates = tied.sum(axis=1).mean(axis=1)
    active = rates > 0
    accuracy = np.einsum("jvv->j", tied)[active] / k / rates[active]
    known = information(cast, counts, tied, balance, active, balance_known=balance_pull is None) / repeats
    sampling = np.diag(np.linalg.pinv(known, rcond=1e-10, hermitian=True))[: len(accuracy)]
    usual = accuracy * (1 - accuracy)
    n_votes = rates[active] * (cast.n_records if counts is None else counts.sum()) / repeats
    worth = np.minimum(1 / np.maximum(usual * sampling, SMALLEST), n_votes)
    mean, variance = in_the_light_of_all(accuracy, worth, mirrored=k == 2)
    shared = np.zeros(len(tied))
    shared[active] = np.maximum(mean * (1 - mean) / variance - worth, 0.0)
    skill = np.full(len(tied), 1 / k)
    skill[active] = mean
    none = np.zeros((len(tied), k))
    pull = Pseudo(none, none, one_coin_table(shared / k, skill, k))
    return one_coin_table(rates, skill, k), balance, pull


def _likely(free: float, tied: float, degrees: int, repeats: int) -> bool:
    """Return whether chance alone may raise the log likelihood so far where tables are free."""
    return bool(chdtrc(degrees, max(2 * (free - tied) / repeats, 0.0)) >= LIKELY)


def information(
    cast: CastVotes,
    counts: Array | None,
    tied: Array,
    prior: Array,
    active: NDArray[np.bool_],
    *,
    balance_known: bool,
) -> Array:
    """Return what the records tell of the log odds that functions are right, and of the balance: outer products of scores.

    Parameters
    ----------
    cast, counts
        As in `refine`.
    tied : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class) of one coin for each function.
    prior : ndarray of shape (n_classes,)
        Class balance.
    active : ndarray of bool of shape (n_functions,)
        Functions that ever vote.
    balance_known : bool
        Whether the balance is no parameter.
    """
    k = len(prior)
    m = int(active.sum())
    accuracy = np.einsum("jvv->j", tied)[active] / np.maximum(tied[active].sum(axis=(1, 2)), SMALLEST)
    gain = np.log(np.maximum(tied, SMALLEST)).reshape(-1, k)
    size = m if balance_known else m + k - 1
    found = np.zeros((size, size))
    step = max(1, AT_ONCE // (cast.n_columns + k))
    for start in range(0, cast.n_records, step):
        rows = np.arange(start, min(start + step, cast.n_records))
        part = cast.take(rows)
        posterior = part @ gain + np.log(np.maximum(prior, SMALLEST))
        normalise(posterior)
        said = part.toarray().reshape(len(rows), -1, k)[:, active]
        score = np.einsum("njv,nv->nj", said, posterior) - said.sum(axis=2) * accuracy
        if not balance_known:
            score = np.concatenate([score, (posterior - prior)[:, 1:]], axis=1)
        weighted = score if counts is None else score * counts[rows, None]
        found += weighted.T @ score
    return found
