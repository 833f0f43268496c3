"""How far a record's votes may be multiplied: votes on one record repeat each other, and posteriors must not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.cast_votes import CastVotes

Array = NDArray[np.float64]

STEPS = (1.0, 0.85, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)
"""Temperatures that are tried, from full to a tenth of the evidence."""

MOST_VOTES = 60_000
"""Votes that are predicted at most; more would not change the choice."""


def temperature_by_density(votes_per_record: float) -> float:
    """Return 1 over the root of the votes per covered record: half-way between one vote's weight and all of theirs."""
    return float(1 / np.sqrt(max(1.0, votes_per_record)))


def temperature_by_record(sizes: Array, squares: Array) -> Array:
    """Return 1 over the root of the votes in effect on each record, shape (n_records,).

    A record's one vote is not tempered: nothing repeats it. Where all votes say as much, as many are in effect as are
    cast; votes that say little count for less (Kish's effective sample size).

    Parameters
    ----------
    sizes, squares : ndarray of shape (n_records,)
        Sum over the record's votes of how much each says, and of the squares.

    References
    ----------
    Kish: Survey Sampling (1965).
    """
    in_effect = np.divide(sizes**2, squares, out=np.ones_like(sizes), where=squares > 0)
    return np.asarray(1 / np.sqrt(np.maximum(1.0, in_effect)), dtype=np.float64)


def temperature_by_prediction(
    cast: CastVotes,
    gain: Array,
    silence: Array,
    log_prior: Array,
    emitted: Array,
    repeats: int = 1,
    *,
    cautious: bool = True,
) -> float:
    """Return the temperature at which each vote is best predicted from the others on its record.

    Records that are hard for everybody, and annotators who share their errors, show here.

    Parameters
    ----------
    cast : CastVotes
        Votes of the records.
    gain : ndarray of shape (n_functions * n_classes, n_classes)
        What each vote adds to the log probability of each class, beyond what abstaining would have added.
    silence : ndarray of shape (n_functions, n_classes)
        What abstaining adds.
    log_prior : ndarray of shape (n_classes,)
        Logarithm of the class balance.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class): function, vote, class.
    repeats : int, default 1
        How many times over each record stands in the votes.
    cautious : bool, default True
        Whether of all that predict as well, within two standard errors over the records, the lowest is taken.
    """
    record, predicted = _predicted(STEPS, cast, gain, silence, log_prior, emitted)
    if not len(record):
        return 1.0
    totals = [float(values.sum()) for values in predicted]
    best = predicted[int(np.argmax(totals))]
    chosen = STEPS[int(np.argmax(totals))]
    if not cautious:
        return chosen
    for temperature, values in zip(STEPS, predicted, strict=True):
        loss = np.bincount(record, weights=best - values)
        if loss.sum() <= 2 * np.sqrt(repeats * (loss**2).sum()):
            chosen = temperature
    return chosen


def foretold(
    cast: CastVotes, gain: Array, silence: Array, log_prior: Array, emitted: Array, repeats: int = 1
) -> float:
    """Return by how many standard errors each vote is better predicted from the others on its record than without them.

    Arguments are those of `temperature_by_prediction`. Where it is little, who is right how often cannot be told.
    """
    record, (alone, *others) = _predicted((0.0, *STEPS), cast, gain, silence, log_prior, emitted)
    if not len(record):
        return 0.0
    gained = np.bincount(record, weights=max(others, key=lambda values: float(values.sum())) - alone)
    return float(gained.sum() / max(np.sqrt(repeats * (gained**2).sum()), 1e-12))


def _predicted(
    temperatures: tuple[float, ...],
    cast: CastVotes,
    gain: Array,
    silence: Array,
    log_prior: Array,
    emitted: Array,
) -> tuple[NDArray[np.intp], list[Array]]:
    """Return the record of each vote, and each vote's log probability given the others, one array a temperature."""
    k = len(log_prior)
    stride = max(1, -(-cast.n_votes // MOST_VOTES))
    part = cast.take(np.arange(0, cast.n_records, stride))
    record = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
    cell = part.indices
    choice = emitted / np.maximum(emitted.sum(axis=1, keepdims=True), 1e-12)
    likely = choice.reshape(-1, k)[cell]
    evidence = part @ gain + silence.sum(axis=0)
    others = evidence[record] - gain[cell] - silence[cell // k]
    predicted = []
    for temperature in temperatures:
        scores = temperature * others + log_prior
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        predicted.append(np.log(np.maximum((scores * likely).sum(axis=1), 1e-9)))
    return record, predicted
