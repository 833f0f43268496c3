"""How sure the learned accuracies and the class balance are: from the likelihood's curvature, or by resampling patients."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, VoteMatrix
from sidelight.labeling.moments import one_hot
from sidelight.labeling.seeds import generator

Array = NDArray[np.float64]

CHUNK = 1 << 14
"""Records whose scores are held at once."""


@dataclass(frozen=True, eq=False)
class ModelIntervals:
    """Intervals of a fitted label model.

    Parameters
    ----------
    accuracy, accuracy_low, accuracy_high : ndarray of shape (n_functions,)
        How often each function's votes are right, and its bounds; NaN where a function never votes, and the bounds of
        "bootstrap" also where its accuracy is assumed, as where it never votes beside another or fewer than three
        functions vote: no refit could show how wrongly.
    prior, prior_low, prior_high : ndarray of shape (n_classes,)
        Class balance and its bounds; equal to it where the balance was given.
    level : float
        Confidence level.
    method : str
        "fisher" or "bootstrap".
    """

    accuracy: Array
    accuracy_low: Array
    accuracy_high: Array
    prior: Array
    prior_low: Array
    prior_high: Array
    level: float
    method: str


def fisher_intervals(model: Any, votes: VoteMatrix, level: float) -> ModelIntervals:
    """Return intervals from the information that the records and the prior hold on the parameters of a fit by likelihood.

    The outcomes of function j in class y (abstaining among them) and the class balance are logits; the score of a
    record is P(y | votes) (1[outcome] - P(outcome | y)), and P(y | votes) - P(y). The inverse of the sum of their
    outer products is carried over to accuracies and balance by the delta method, accuracies on the logit scale.

    Parameters
    ----------
    model : LabelModel
        Refined by likelihood on `votes`.
    votes : VoteMatrix
        Votes the model was fitted on.
    level : float
        Confidence level.
    """
    emitted, prior = model.emitted_, model.prior_
    m, k, _ = emitted.shape
    prior_known = model.balance_.source != "estimated"
    n_outcomes = m * k * k
    covariance = fisher_covariance(model, votes)
    size = len(covariance)
    z = _normal_quantile(level)
    joint = emitted * prior
    cast, right = joint.sum(axis=(1, 2)), np.einsum("jvv->j", joint)
    voted = cast > 0
    accuracy = np.where(voted, right / np.where(voted, cast, 1.0), np.nan)
    deviation = np.zeros(m)
    for j in np.flatnonzero(voted):
        towards = (np.eye(k) - accuracy[j]) / cast[j]  # d accuracy / d joint(v, y)
        slope = np.zeros(size)
        by_outcome = towards * prior * emitted[j]
        block = by_outcome - emitted[j] * by_outcome.sum(axis=0, keepdims=True)
        slope[j * k * k : (j + 1) * k * k] = block.ravel()
        if not prior_known:
            by_class = (towards * joint[j]).sum(axis=0)
            slope[n_outcomes:] = by_class - prior * by_class.sum()
        deviation[j] = np.sqrt(max(float(slope @ covariance @ slope), 0.0))
    low, high = _on_logits(accuracy, deviation, z)
    if prior_known:
        prior_low = prior_high = prior
    else:
        turn = np.diag(prior) - np.outer(prior, prior)
        spread = np.sqrt(np.maximum(np.diag(turn @ covariance[n_outcomes:, n_outcomes:] @ turn), 0.0))
        prior_low, prior_high = _on_logits(prior, spread, z)
    return ModelIntervals(accuracy, low, high, prior, prior_low, prior_high, level, "fisher")


def fisher_covariance(model: Any, votes: VoteMatrix) -> Array:
    """Return the covariance of the logits of a fit: of each outcome against abstaining, and of the balance if learned.

    Outcomes are in the order of `emitted_`, the balance's logits come last; arguments are those of `fisher_intervals`.
    """
    emitted, prior = model.emitted_, model.prior_
    m, k, _ = emitted.shape
    prior_known = model.balance_.source != "estimated"
    hot = one_hot(votes)
    silent = np.maximum(1 - emitted.sum(axis=1), 1e-9)
    log_silent = np.log(silent)
    gain = (np.log(np.maximum(emitted, 1e-9)) - log_silent[:, None, :]).reshape(m * k, k)
    n_outcomes = m * k * k
    size = n_outcomes + (0 if prior_known else k)
    information = np.zeros((size, size))
    for start in range(0, hot.shape[0], CHUNK):
        part = hot[start : start + CHUNK]
        scores = part @ gain + (np.log(np.maximum(prior, 1e-12)) + log_silent.sum(axis=0))
        scores -= scores.max(axis=1, keepdims=True)
        posterior = np.exp(scores)
        posterior /= posterior.sum(axis=1, keepdims=True)
        surprise = part.toarray()[:, :, None] - emitted.reshape(1, m * k, k)
        score = (posterior[:, None, :] * surprise).reshape(len(posterior), n_outcomes)
        if not prior_known:
            score = np.concatenate([score, posterior - prior], axis=1)
        information += score.T @ score
    information *= model.n_fitted_ / max(1, votes.n_records)
    _add_prior(information, emitted, model.coverage_pull_, model.vote_pull_)
    if not model.one_coin_:
        return np.linalg.pinv(information, rcond=1e-10, hermitian=True)
    slopes = np.concatenate([_coin_slopes(emitted, size), np.eye(size)[:, n_outcomes:]], axis=1)
    about_coins = np.linalg.pinv(slopes.T @ information @ slopes, rcond=1e-10, hermitian=True)
    return np.asarray(slopes @ about_coins @ slopes.T, dtype=np.float64)


def _coin_slopes(emitted: Array, size: int) -> Array:
    """Return how outcomes' logits move with the log odds that functions vote, and that they are right, in all classes.

    Shape (size, 2 n_functions); rows beyond the outcomes are 0.
    """
    m, k, _ = emitted.shape
    cast = np.maximum(emitted.sum(axis=(1, 2)), 1e-9)
    accuracy = np.einsum("jvv->j", emitted) / cast
    slopes = np.zeros((size, 2 * m))
    for j in range(m):
        outcomes = slice(j * k * k, (j + 1) * k * k)
        slopes[outcomes, j] = 1.0
        slopes[outcomes, m + j] = (np.eye(k) - accuracy[j]).ravel()
    return slopes


def _add_prior(information: Array, emitted: Array, coverage_pull: Array, vote_pull: Array) -> None:
    """Add what a fit's prior knew, in place: functions vote alike often in all classes, and are alike in accuracy.

    A pull of so many records on the share of them that a function votes on, and one of so many votes on which it casts,
    know as much of the outcomes' logits as that many observations of either.
    """
    m, k, _ = emitted.shape
    for j in range(m):
        for y in range(k):
            outcome = np.maximum(emitted[j, :, y], 1e-9)
            covered = outcome.sum()
            share = outcome / covered
            known = coverage_pull[j, y] * covered * max(1 - covered, 0.0) * np.outer(share, share)
            known += vote_pull[j, y] * (np.diag(share) - np.outer(share, share))
            at = (j * k + np.arange(k)) * k + y
            information[np.ix_(at, at)] += known


def bootstrap_intervals(
    model: Any, votes: VoteMatrix, *, class_balance: Any, n_draws: int, level: float, seed: int
) -> ModelIntervals:
    """Return intervals from refitting a model on patients drawn with replacement (on records, where patients are unknown).

    They show how much the fit would change with other patients, and hold the fit itself. Shrinkage towards the first guess is part of the
    fit, so they do not cover the error that it leaves.

    Parameters
    ----------
    model : LabelModel
        Fitted; it is left as it is.
    votes : VoteMatrix
        Votes the model was fitted on.
    class_balance : optional
        As it was given to `fit`; None when it was estimated.
    n_draws : int
        Refits.
    level : float
        Confidence level.
    seed : int
        Of the draws.
    """
    refits = list(bootstrap_refits(model, votes, class_balance=class_balance, n_draws=n_draws, seed=seed))
    accuracies = [again.get_weights() for again in refits]
    priors = [again.prior_ for again in refits]
    tails = [50 * (1 - level), 100 - 50 * (1 - level)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = np.nanpercentile(np.array(accuracies), tails, axis=0)
    accuracy, prior = model.get_weights(), model.prior_
    alone = ~(votes.dense()[votes.n_votes() > 1] != ABSTAIN).any(axis=0)
    assumed = alone if model.assumed_ is None else alone | model.assumed_
    low, high = np.where(assumed, np.nan, [np.minimum(low, accuracy), np.maximum(high, accuracy)])
    prior_low, prior_high = np.percentile(np.array(priors), tails, axis=0)
    bounds = (low, high, prior, np.minimum(prior_low, prior), np.maximum(prior_high, prior))
    return ModelIntervals(accuracy, *bounds, level, "bootstrap")


def bootstrap_refits(
    model: Any, votes: VoteMatrix, *, class_balance: Any, n_draws: int, seed: int
) -> Iterator[Any]:
    """Yield models fitted on patients drawn with replacement; arguments are those of `bootstrap_intervals`."""
    groups = np.arange(votes.n_records)
    if votes.patient_ids is not None and (votes.patient_ids != "").any():
        named = np.where(votes.patient_ids == "", np.char.add("\x00", groups.astype(str)), votes.patient_ids)
        _, groups = np.unique(named, return_inverse=True)
    order = np.argsort(groups, kind="stable")
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    starts = np.searchsorted(groups[order], np.arange(n_groups + 1))
    random = generator(seed, "label model", "bootstrap")
    values = votes.dense()
    for _ in range(n_draws):
        drawn = random.integers(0, n_groups, n_groups)
        rows = np.concatenate([order[starts[g] : starts[g + 1]] for g in drawn]) if n_groups else drawn
        sample = VoteMatrix(values[rows], votes.schema, votes.functions)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = type(model)(**model.get_params()).fit(sample, class_balance=class_balance)
        yield fitted


def _on_logits(share: Array, deviation: Array, z: float) -> tuple[Array, Array]:
    """Return bounds of shares whose standard deviations are known, symmetric on the logit scale."""
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    logit = np.log(inside / (1 - inside))
    reach = z * deviation / (inside * (1 - inside))
    low, high = (1 / (1 + np.exp(-(logit + side * np.minimum(reach, 30)))) for side in (-1, 1))
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def _normal_quantile(level: float) -> float:
    """Return the two-sided quantile of the normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
