"""Refinement by likelihood of a fit by moments, with a prior that the functions are alike as far as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.cast_votes import CastVotes

from .likelihood import Pseudo, refine
from .one_coin import freedom, one_coin
from .pooling import learned_pulls
from .solver import FITS, Fit, Problem, explains_covotes, lifts, posterior_of_vote

Array = NDArray[np.float64]

FEWEST_STEPS_TO_POOL = 5
"""Steps of refinement below which its pulls stay as they are: so many votes need none."""

REFINE_WORK = 40_000_000
"""Additions that refinement by likelihood may cost; large sets take fewer steps, from a start that is the better."""


def refined(problem: Problem, fit: Fit, cast: CastVotes, labels: NDArray[np.int64]) -> Fit | None:
    """Refine a fit by likelihood; None where the result shows that the votes are not what the likelihood assumes.

    Parameters
    ----------
    problem : Problem
        What was solved.
    fit : Fit
        Where to start.
    cast : CastVotes
        Votes of the records, or distinct rows of votes with their counts.
    labels : ndarray of int of shape (n_records,)
        Gold labels, -1 where unknown.
    """
    k = len(fit.prior)
    counts = None if cast.counts is None else cast.counts.astype(np.float64)
    worth = np.where(problem.told, problem.worth / k, problem.pull / 4)
    pseudo = Pseudo.of_records(_pseudo_records(fit.guess, problem.rates, fit.prior, worth))
    steps = max(2, min(100, REFINE_WORK // max(1, 2 * k * cast.n_votes)))
    pull = problem.repeats * problem.pull * problem.centre if problem.known is None else None
    emitted, prior, history = refine(
        cast, counts, fit.emitted, fit.prior, pseudo.times(problem.repeats),
        labels=labels, balance_pull=pull, iterations=steps,
    )  # fmt: skip
    coins = None
    if len(history) < steps and not (problem.told.any() or problem.sided.any()):
        coins = one_coin(
            cast, counts, emitted, prior, history[-1] - pseudo.times(problem.repeats).of(emitted),
            freedom(problem.moments.singles, problem.moments.n_records),
            labels=labels, balance_pull=pull, iterations=steps, repeats=problem.repeats,
        )  # fmt: skip
    if coins is not None:
        emitted, prior, pseudo = coins
    elif steps >= FEWEST_STEPS_TO_POOL:
        records = cast.spread_out()
        share = records.n_records / (records.n_records if counts is None else max(1.0, counts.sum()))
        learned = learned_pulls(records, emitted, prior, pseudo, problem.told, problem.repeats * share)
        if learned is not None:
            pseudo = learned
            emitted, prior, _ = refine(
                cast, counts, emitted, prior, pseudo.times(problem.repeats),
                labels=labels, balance_pull=pull, iterations=steps,
            )  # fmt: skip
    q = posterior_of_vote(emitted, prior).reshape(-1, k)[fit.table.votes]
    misfit = fit.table.misfit(lifts(q, prior))
    better = replace(
        fit, emitted=emitted, prior=prior, misfit=misfit, pseudo=pseudo, one_coin=coins is not None
    )
    upright = better.lift(problem.rates) > 0
    return better if upright and better.misfit <= FITS and explains_covotes(problem, better) else None


def _pseudo_records(guess: Array, rates: Array, prior: Array, strength: Array) -> Array:
    """Return records that hold `strength` votes of a function in each class, spread as its guess has it."""
    strength_of = strength / np.maximum(rates.sum(axis=1), 1e-6)
    emitted = rates[:, :, None] * guess / prior
    emitted = emitted / np.maximum(emitted.sum(axis=1, keepdims=True), 1.0)
    silent = 1 - emitted.sum(axis=1, keepdims=True)
    return np.asarray(
        strength_of[:, None, None] * np.concatenate([silent, emitted], axis=1), dtype=np.float64
    )
