"""In which order a label model believes votes: by likelihood where they are as assumed, by their pairs, or warily."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.cast_votes import CastVotes

from .camps import SecondFactor, second_factor
from .dependence import annotator_pairs, group_numbers, linked_annotators
from .refinement import refined
from .soft_moments import SoftMoments
from .solver import (
    FITS,
    HUMAN_SPREAD,
    ROUGHLY,
    Fit,
    Problem,
    enough_to_refine,
    explains_covotes,
    solve,
    wariness,
)

UNEVEN = 1.5
"""Times its equal share of the votes that a class must have before unequal classes are expected."""

FAR_BETTER = 0.15
"""Gain in annotators' accuracy from which a fit is the more plausible for it."""


@dataclass(frozen=True, eq=False)
class Learned:
    """What was learned, and how far it was believed.

    Parameters
    ----------
    fit : Fit
        Accuracies and class balance.
    refined : bool
        Whether the votes were what the likelihood assumes, and the fit follows it.
    dependent : ndarray of bool of shape (n_functions, n_functions)
        Pairs of functions that repeat each other, or are taken to.
    wary : bool
        Whether annotators' agreement was mistrusted.
    camps : tuple of tuples of int
        Annotators who agree among themselves beyond the classes, where that was the reason.
    """

    fit: Fit
    refined: bool
    dependent: NDArray[np.bool_]
    wary: bool
    camps: tuple[tuple[int, ...], ...]

    def of_one_mind(self, annotators: NDArray[np.bool_]) -> bool:
        """Return whether most annotators are in one camp: then that they agree is no reason to hear them less."""
        return bool(self.camps) and 2 * len(self.camps[0]) > annotators.sum()


@dataclass(frozen=True, eq=False)
class Attempt:
    """What trying the likelihood showed.

    Parameters
    ----------
    fit : Fit or None
        A fit to go on with; None where it is to be found from pairs.
    refined : bool
        Whether it follows the likelihood.
    ignore : bool
        Whether abstentions are to be taken for chance.
    explained : bool
        Whether the classes alone explain who votes on what.
    """

    fit: Fit | None
    refined: bool
    ignore: bool
    explained: bool


def learn(
    problem: Problem,
    cast: CastVotes | None,
    labels: NDArray[np.int64],
    dependent: NDArray[np.bool_],
    *,
    abstentions: str,
    seek: bool,
) -> Learned:
    """Solve a problem as far as its votes can be believed.

    Where a class is rare, pairs of annotators may not tell "it is rare, and they are good" from "classes are equally
    frequent, and they are poor". So two class balances are expected in turn, equal ones and what annotators choose: the
    second is believed when it alone explains the votes, or makes annotators far better, for people keep those who are.

    Parameters
    ----------
    problem : Problem
        What is to be solved, without groups.
    cast : CastVotes or None
        Votes of the records; None where only counts are known.
    labels : ndarray of int of shape (n_records,)
        Gold labels, -1 where unknown.
    dependent : ndarray of bool of shape (n_functions, n_functions)
        Pairs known to depend on each other.
    abstentions : {"auto", "informative", "ignored"}
        As in `LabelModel`.
    seek : bool
        Whether annotators who copy from each other are looked for.
    """
    problem = problem.with_groups(group_numbers(dependent))
    if mostly_rules(problem):
        return Learned(solve(problem, ignore=True, halve=True), False, dependent, False, ())

    def believed(problem: Problem) -> Learned:
        return believe(problem, cast, labels, dependent, abstentions=abstentions, seek=seek)

    found = believed(problem)
    if problem.known is not None or problem.chosen.max() * len(problem.chosen) < UNEVEN:
        return found
    other = believed(replace(problem, expected=problem.chosen))
    gained = other.fit.accuracy(problem.rates) - found.fit.accuracy(problem.rates)
    better = other.refined > found.refined or (other.refined == found.refined and gained > FAR_BETTER)
    return other if better else found


def believe(
    problem: Problem,
    cast: CastVotes | None,
    labels: NDArray[np.int64],
    dependent: NDArray[np.bool_],
    *,
    abstentions: str,
    seek: bool,
) -> Learned:
    """Solve a problem of annotators, from one expectation of the class balance; arguments are those of `learn`."""
    moments, sided = problem.moments, problem.sided
    tried = try_likelihood(problem, cast, labels, bool(dependent.any()), abstentions)
    fit = tried.fit or solve(problem, ignore=tried.ignore, halve=False)
    follows = tried.refined

    def factor(pairs: NDArray[np.bool_]) -> SecondFactor:
        aside = sided | problem.told  # a belief that the votes do not bear out looks like a factor of its own
        return second_factor(moments, fit.emitted, fit.prior, aside, pairs)

    whole = not (isinstance(moments, SoftMoments) or moments.noisy)  # else agreement is diluted by noise
    split = whole and tried.explained and factor(dependent).found
    ignore = tried.ignore
    if split and follows:
        ignore, follows = abstentions != "informative", False
        fit = solve(problem, ignore=ignore, halve=False)
    if seek and (split or fit.misfit > FITS):
        linked = linked_annotators(moments, sided)
        if (linked & ~dependent).any():
            dependent = dependent | linked
            problem = problem.with_groups(group_numbers(dependent))
            fit = solve(problem, ignore=ignore, halve=False)
            split = split and factor(dependent).found
    wary = HUMAN_SPREAD if split else wariness(fit)
    if not wary:
        return Learned(fit, follows, dependent, False, ())
    shared = factor(dependent) if whole else None
    camps = shared.groups() if shared and shared.found else ()
    fit = solve(problem, ignore=ignore, halve=True, wary=wary)
    return Learned(fit, False, dependent | annotator_pairs(sided), True, camps)


def try_likelihood(
    problem: Problem, cast: CastVotes | None, labels: NDArray[np.int64], copies: bool, abstentions: str
) -> Attempt:
    """Try whether the classes alone explain who votes on what, and follow the likelihood where they do.

    Where functions copy from each other, or only counts are known, it is not followed.
    """
    asked = abstentions == "informative"
    if abstentions == "ignored":
        return Attempt(None, False, True, False)
    if not enough_to_refine(problem.moments):
        return Attempt(None, False, not asked, False)
    fit = solve(problem, ignore=False, halve=False, last=ROUGHLY)
    explained = explains_covotes(problem, fit)
    if not (asked or explained):
        return Attempt(None, False, True, False)
    if copies or cast is None or isinstance(problem.moments, SoftMoments):
        return Attempt(fit, False, False, explained)
    better = refined(problem, fit, cast, labels)
    if better is not None:
        return Attempt(better, True, False, True)
    return Attempt(fit if asked else None, False, not asked, explained)


def mostly_rules(problem: Problem) -> bool:
    """Return whether one-sided functions cast most of the votes."""
    cast = problem.moments.singles.sum(axis=1)
    return bool(cast[problem.sided].sum() >= 0.5 * cast.sum())
