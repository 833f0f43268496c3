"""How alike functions are, and a function's classes: pulls towards what they share, as strong as the votes show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.cast_votes import CastVotes

from .likelihood import Pseudo, normalise

Array = NDArray[np.float64]

SMALLEST = 1e-9

MOST_RECORDS = 100_000
"""Records looked at at most; more would not change the strengths."""

MOST_PRODUCTS = 8_000_000
"""Products of two classes' probabilities held at once; with many classes fewer records are looked at."""

LEAST_SPREAD = 0.05
"""Spread of the functions' accuracies below which none is believed: people differ by this much at least."""

INFORMED = 4.0
"""How many times a function's pull its votes must be worth, before it is taken to show anything of its own."""

TAILS = 4.0
"""Degrees of freedom of the prior on functions' accuracies."""

STRONGEST = 1e4
"""Most records that a pull weighs as much as; classes that differ in nothing would make it endless."""


@dataclass(frozen=True, eq=False)
class Information:
    """What the records tell of a fit's parameters, with the classes known only in probability.

    Parameters
    ----------
    coverage : ndarray of shape (n_classes, n_classes)
        Sum over records of P(y | votes) P(y' | votes).
    votes : ndarray of shape (n_functions, n_classes, n_classes, n_classes)
        The same over the records on which a function casts a vote: function, vote, y, y'.
    """

    coverage: Array
    votes: Array

    @classmethod
    def of(cls, cast: CastVotes, emitted: Array, prior: Array, share: float = 1.0) -> Information:
        """Sum over the records, or over every so manieth of them, each counting for `share` of a record."""
        m, k, _ = emitted.shape
        stride = max(1, -(-cast.n_records // min(MOST_RECORDS, max(1, MOST_PRODUCTS // k**2))))
        part = cast.take(np.arange(0, cast.n_records, stride))
        silent = np.log(np.maximum(1 - emitted.sum(axis=1), SMALLEST))
        gain = (np.log(np.maximum(emitted, SMALLEST)) - silent[:, None, :]).reshape(m * k, k)
        scores = part @ gain + (np.log(np.maximum(prior, SMALLEST)) + silent.sum(axis=0))
        normalise(scores)
        squares = (scores[:, :, None] * scores[:, None, :]).reshape(len(scores), k * k)
        votes = np.asarray(part.T @ squares).reshape(m, k, k, k)
        return cls(share * stride * (scores.T @ scores), share * stride * votes)


def learned_pulls(
    cast: CastVotes,
    emitted: Array,
    prior: Array,
    first: Pseudo,
    told: NDArray[np.bool_],
    repeats: float = 1.0,
) -> Pseudo | None:
    """Return a prior on coverage and accuracies whose strengths come from how far the fitted ones differ.

    How far a function's coverage and accuracy differ between classes, and accuracies between functions, is measured
    against what sampling alone would make of them (method of moments, as in meta-analysis). Where there is nothing
    beyond sampling the prior ties, where there is much it gives way. None where most functions show hardly more than
    the pulls that they were fitted with.

    Parameters
    ----------
    cast : CastVotes
        Votes of the records.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class) at the likelihood's maximum: function, vote, class.
    prior : ndarray of shape (n_classes,)
        Class balance.
    first : Pseudo
        The prior that they were fitted with; at most as many votes now pull each function towards its own accuracy,
        the same in all classes.
    told : ndarray of bool of shape (n_functions,)
        Functions whose accuracy the user expects; they keep to their prior.
    repeats : float, default 1.0
        How many times over each record stands in the votes; below 1 for a sample of them.

    References
    ----------
    DerSimonian, Laird: Meta-analysis in clinical trials (1986). Efron, Morris: Stein's paradox in statistics (1977).
    """
    k = len(prior)
    known = Information.of(cast, emitted, prior, 1 / repeats)
    covered = emitted.sum(axis=1)
    rates = np.clip(covered @ prior, SMALLEST, 1 - SMALLEST)
    variance = np.maximum(rates * (1 - rates), SMALLEST)
    strays = (covered - rates[:, None]) / np.sqrt(variance)[:, None]
    open_to_chance = (rates > 1e-6) & (rates < 1 - 1e-6)
    records = _strength(strays[open_to_chance], np.broadcast_to(known.coverage, (open_to_chance.sum(), k, k)))
    accuracy = np.einsum("jyy->jy", emitted) / np.maximum(covered, SMALLEST)
    skill, about, sampling = _skills(accuracy, known)
    usual = skill * (1 - skill)
    worth = usual / sampling
    telling = ~told & (worth > INFORMED * first.votes.sum(axis=(1, 2)))
    if telling.sum() < max(3, 0.5 * (~told & np.isfinite(sampling)).sum()):
        return None
    strength = np.zeros(len(skill))
    mean, strength[telling] = _shared_accuracy(skill[telling], sampling[telling])
    strays = (accuracy - skill[:, None]) / np.sqrt(usual)[:, None]
    between = _strength(strays[telling], (about * usual[:, None, None])[telling])
    same = np.eye(k, dtype=bool)
    shared = strength[:, None, None] * prior * np.where(same, mean, (1 - mean) / (k - 1))
    steady = first.votes.sum(axis=1, keepdims=True)
    own = np.where(same, skill[:, None, None], ((1 - skill) / (k - 1))[:, None, None])
    return Pseudo(
        records * np.repeat((1 - rates)[:, None], k, axis=1),
        records * np.repeat(rates[:, None], k, axis=1),
        np.where(told[:, None, None], first.votes, shared + np.minimum(steady, between) * own),
    )


def _strength(deviation: Array, information: Array) -> float:
    """Return how many records a pull of classes towards a common value weighs as much as.

    Parameters
    ----------
    deviation : ndarray of shape (n_functions, n_classes)
        How far each class lies from the common value, in units of one record's standard deviation.
    information : ndarray of shape (n_functions, n_classes, n_classes)
        Inverse of their sampling covariance.
    """
    ones = information.sum(axis=2)
    total = np.maximum(ones.sum(axis=1), SMALLEST)[:, None, None]
    about_differences = information - ones[:, :, None] * ones[:, None, :] / total
    strays = np.einsum("ja,jab,jb->j", deviation, about_differences, deviation)
    excess = float((strays - (deviation.shape[1] - 1)).sum())
    slope = float(np.einsum("jaa->", about_differences))
    spread = max(excess, 0.0) / max(slope, SMALLEST)
    return float(np.clip(1 / max(spread, SMALLEST) - 1, 0.0, STRONGEST))


def _skills(accuracy: Array, known: Information) -> tuple[Array, Array, Array]:
    """Return functions' accuracies over their classes, the information on each class's, and the sampling variances."""
    m, k = accuracy.shape
    skill = np.clip(accuracy.mean(axis=1), 0.02, 0.98)
    about = np.zeros((m, k, k))
    total = np.zeros(m)
    for _ in range(2):
        hit = np.eye(k)[None] - skill[:, None, None]  # function, vote, class: 1[vote = class] - accuracy
        about = np.einsum("jvab,jva,jvb->jab", known.votes, hit, hit)
        about /= ((skill * (1 - skill)) ** 2)[:, None, None]
        weight = about.sum(axis=2)
        total = weight.sum(axis=1)
        pooled = (weight * accuracy).sum(axis=1) / np.where(total > 0, total, 1.0)
        skill = np.clip(np.where(total > 0, pooled, skill), 0.02, 0.98)
    return skill, about, np.where(total > 0, 1 / np.where(total > 0, total, 1.0), np.inf)


def _shared_accuracy(skill: Array, sampling: Array) -> tuple[float, Array]:
    """Return the mean accuracy of the functions, and how many votes a pull towards it weighs as much as for each.

    Functions far from the others are pulled less, as under a prior with the tails of Student's t; and with few
    functions, whose spread is hardly known, all are (the factor of James and Stein).
    """
    weight = 1 / sampling
    mean = (weight * skill).sum() / weight.sum()
    excess = (weight * (skill - mean) ** 2).sum() - (len(skill) - 1)
    slope = weight.sum() - (weight**2).sum() / weight.sum()
    spread = max(excess / max(slope, SMALLEST), LEAST_SPREAD**2)
    weight = 1 / (sampling + spread)
    mean = float(np.clip((weight * skill).sum() / weight.sum(), 0.02, 0.98))
    strength = max(mean * (1 - mean) / float(spread) - 1, 0.0) * max(1 - 3 / len(skill), 0.0)
    far = (skill - mean) ** 2 / (spread + sampling)
    return mean, strength * np.minimum((TAILS + 1) / (TAILS + far), 1.0)
