"""From moments to accuracies and class balance: matrix completion, and whether votes are as the likelihood assumes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.moments import Moments

from .balance import ClassBalance
from .completion import Convergence, balance_that_fits, complete
from .guess import first_guess, shared_skill, spread_errors
from .likelihood import Pseudo
from .pair_table import PairTable, covote_misfit

Array = NDArray[np.float64]

HUMAN_SPREAD = 1.0
"""Share of a lift by which dependence throws it off where one-sided functions take part. People who write functions
look at the same phrases; more records make that no smaller, so their pairs are never trusted beyond it."""

ANNOTATOR_SPREAD = 0.0
"""The same for functions that choose between classes: sampling error is all that their pairs show."""

FITS = 1.25
"""Mean squared residual, in sampling variances, up to which votes are taken to be what the model assumes."""

ROUGHLY = 1e-5
"""Relative fall of the objective at which fits stop that are only steps towards the last one."""

FINELY = 1e-11
"""Relative fall at which the last one stops."""

BALANCE_STEPS = 6
"""Most rounds of accuracies and class balance in turn."""

FEWEST_TO_LEARN = 3
"""Functions below which agreements tell of none how right it is."""

FEWEST_RECORDS = 100
"""Covered records for each class, and pairs of votes, below which nothing is refined: too few to see whether the model fits."""

FEWEST_FUNCTIONS = 4
"""Functions below which nothing is refined: the likelihood of three explains whatever pairs they show."""

FEWEST_OF_EACH = 20
"""Votes for a class, on average over the functions, below which nothing is refined, if there are any."""

FEWEST_IN_CELL = 5
"""The same for each cell of the functions' tables, vote by class. The likelihood of fewer follows chance."""

WARY = 10.0
"""How many times the measured spread of annotators' pairs they are mistrusted by."""

BALANCE_TRUST = 0.5
"""Power to which an estimated balance is raised where functions are one-sided: half-way to equal classes."""

VOTES_TRUST = 0.25
"""Power for the share of votes for each of two classes beside it; of more, the least precise function has most votes."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be solved: moments, and what is known beside them.

    Parameters
    ----------
    moments : Moments
        Counts of votes and pairs.
    sided : ndarray of bool of shape (n_functions,)
        One-sided functions.
    groups : ndarray of int of shape (n_functions,)
        Functions with the same number depend on each other.
    known : ClassBalance or None
        The class balance, where it is known.
    iterations : int
        Most iterations of the optimiser.
    pull : float
        Pull of the accuracies towards the first guess, in observations.
    precision : float
        How often a vote is right as long as nothing is known and classes are equally frequent.
    accuracies : ndarray of shape (n_functions,)
        Accuracies that the user expects, NaN where none.
    worth : ndarray of shape (n_functions,)
        How many votes each of these beliefs is worth.
    gold : ndarray of shape (n_functions, n_classes, n_classes)
        Votes on gold rows: function, vote, gold class.
    gold_classes : ndarray of shape (n_classes,)
        Gold rows of each class.
    repeats : int
        How many times over each record counted stands in the votes; see `Moments.repeats`.
    expected : ndarray of shape (n_classes,), optional
        Class balance that an estimate of it is pulled towards; equal classes by default.
    """

    moments: Moments
    sided: NDArray[np.bool_]
    groups: NDArray[np.intp]
    known: ClassBalance | None
    iterations: int
    pull: float
    precision: float
    accuracies: Array
    worth: Array
    gold: Array
    gold_classes: Array
    repeats: int = 1
    expected: Array | None = None

    @property
    def rates(self) -> Array:
        """P(function votes v), shape (n_functions, n_classes)."""
        return np.asarray(self.moments.singles / max(1, self.moments.n_records), dtype=np.float64)

    def guess(self, prior: Array) -> Array:
        """Return P(class | vote) before anything is learned, shape (n_functions, n_classes, n_classes)."""
        table = np.tile(first_guess(prior, self.precision), (self.moments.n_functions, 1, 1))
        if self.told.any():
            own = np.repeat(np.clip(self.accuracies[self.told], 0.02, 0.99)[:, None], len(prior), axis=1)
            table[self.told] = spread_errors(own, prior)
        return table

    @property
    def centre(self) -> Array:
        """Class balance that an estimate is pulled towards: the expected one, else equal classes, shape (n_classes,)."""
        k = self.moments.schema.cardinality
        return np.full(k, 1 / k) if self.expected is None else self.expected

    @property
    def told(self) -> NDArray[np.bool_]:
        """Functions whose accuracy the user expects, shape (n_functions,)."""
        return ~np.isnan(self.accuracies)

    def unchecked(self, *, alone: bool = False) -> NDArray[np.bool_]:
        """Return which functions nothing tells the accuracy of: no vote beside theirs, no gold, not the user.

        `alone` says that the votes beside theirs told nothing.
        """
        votes = self.moments.singles.sum(axis=1)
        both = self.moments.both_voted()
        met = np.zeros(len(votes), dtype=bool) if alone else both.sum(axis=1) > np.diagonal(both)
        return np.asarray((votes > 0) & ~met & ~self.told & ~(self.gold.sum(axis=(1, 2)) > 0), dtype=np.bool_)

    @property
    def chosen(self) -> Array:
        """How often functions that choose between classes choose each, one vote added to each, shape (n_classes,)."""
        cast = self.moments.singles[~self.sided].sum(axis=0) + 1.0
        return np.asarray(cast / cast.sum(), dtype=np.float64)

    @property
    def spoken(self) -> Array:
        """Shares of two classes in the votes, shape (2,), as far as they do not hang on how many functions each has.

        Of the shares in all votes and in those of one function for each class, the ones nearer to equal; equal where the two
        do not agree which class is more frequent, or only one is voted for.
        """
        cast, functions = self.moments.singles.sum(axis=0) + 1.0, (self.moments.singles > 0).sum(axis=0)
        if (functions == 0).any():
            return np.full(2, 0.5)
        both = np.stack([cast / cast.sum(), cast / functions / (cast / functions).sum()])
        beyond = both[:, 0] - 0.5
        nearer = both[np.abs(beyond).argmin()]
        return np.asarray(nearer if beyond.prod() > 0 else np.full(2, 0.5), dtype=np.float64)

    @property
    def pulls(self) -> Array:
        """Pull of each function's votes for a class towards the first guess, in observations, shape (n_functions,)."""
        n_voted = np.maximum((self.moments.singles > 0).sum(axis=1), 1)
        return np.where(self.told, self.worth / n_voted, self.pull)

    def with_groups(self, groups: NDArray[np.intp]) -> Problem:
        """Return the same problem with other dependent functions."""
        return replace(self, groups=groups)


@dataclass(frozen=True, eq=False)
class Fit:
    """Accuracies and class balance found from one table of pairs.

    Parameters
    ----------
    table : PairTable
        The pairs they were found from.
    emitted : ndarray of shape (n_functions, n_classes, n_classes)
        P(vote | class): function, vote, class.
    prior : ndarray of shape (n_classes,)
        Class balance.
    guess : ndarray of shape (n_functions, n_classes, n_classes)
        P(class | vote) that the accuracies were pulled towards.
    misfit : float
        Mean squared residual of the pairs in sampling variances.
    convergence : Convergence
        How the optimiser ended.
    pseudo : Pseudo, optional
        Prior of a fit that follows the likelihood.
    one_coin : bool, default False
        Whether such a fit has each function err alike in all classes; see `one_coin.one_coin`.
    """

    table: PairTable
    emitted: Array
    prior: Array
    guess: Array
    misfit: float
    convergence: Convergence
    pseudo: Pseudo | None = None
    one_coin: bool = False

    @property
    def right(self) -> Array:
        """How often each vote is right, P(class = vote | vote), shape (n_functions, n_classes)."""
        return np.asarray(np.einsum("jvv->jv", posterior_of_vote(self.emitted, self.prior)), dtype=np.float64)

    def accuracy(self, rates: Array) -> float:
        """Return how often a vote is right over all functions, given P(function votes v)."""
        return float((rates * self.right).sum() / max(float(rates.sum()), 1e-12))

    def lift(self, rates: Array) -> float:
        """Return how much more often votes are right than their classes are frequent, summed over the functions."""
        return float((rates * (self.right - self.prior)).sum())


def guessed(problem: Problem) -> Fit:
    """Return the fit that keeps to the first guess and the gold rows, for functions too few to learn from."""
    k = problem.moments.schema.cardinality
    prior = np.full(k, 1 / k) if problem.known is None else np.asarray(problem.known.vector)
    guess = problem.guess(prior)
    table = PairTable.of(problem.moments, problem.sided)
    pulls = problem.pulls[:, None, None]
    q = (pulls * guess + problem.gold) / (pulls + problem.gold.sum(axis=2, keepdims=True))
    emitted = _emitted(q, problem.rates, prior, bounded=False)
    return Fit(table, emitted, prior, guess, 0.0, Convergence(True, 0, 0.0, 0.0))


def solve(problem: Problem, *, ignore: bool, halve: bool, wary: float = 0.0, last: float = FINELY) -> Fit:
    """Complete the matrix of lifts, with the class balance when it is not known.

    Parameters
    ----------
    problem : Problem
        What is to be solved.
    ignore : bool
        Whether who votes on what is taken for chance.
    halve : bool
        Whether an estimated balance is moved half-way to equal classes.
    wary : float, default 0
        Share of a lift by which dependence throws it off among annotators too; see `wariness`.
    last : float
        Relative fall of the objective at which the last fit stops.
    """
    moments, sided = problem.moments, problem.sided
    m, k = moments.singles.shape
    table = PairTable.of(moments, sided, ignore_abstentions=ignore, groups=problem.groups)
    spread = np.where(table.human, HUMAN_SPREAD, max(ANNOTATOR_SPREAD, wary))
    gold = problem.gold.reshape(m * k, k)[table.votes]
    pull = problem.pulls[table.votes // k]

    def live(whole: Array) -> Array:
        return np.asarray(whole.reshape(m * k, k)[table.votes], dtype=np.float64)

    def whole(part: Array, guess: Array) -> Array:
        table_of_all = guess.copy().reshape(m * k, k)
        table_of_all[table.votes] = part
        return table_of_all.reshape(m, k, k)

    def fitted(
        prior: Array, guess: Array, pull: Array, start: Array | None = None, tolerance: float = ROUGHLY
    ) -> tuple[Array, Array, Convergence]:
        weight = table.weight(lifts(table.seen(guess, prior), prior), spread)
        target = pull[:, None] * guess + gold
        strength = target.sum(axis=1)
        q, report = complete(
            table, weight, prior, target / strength[:, None], strength,
            start=start, max_iterations=problem.iterations, tolerance=tolerance,
        )  # fmt: skip
        return q, weight, report

    prior = problem.centre if problem.known is None else np.asarray(problem.known.vector)
    if problem.known is None:
        q: Array | None = None
        for _ in range(BALANCE_STEPS):
            q, weight, _report = fitted(prior, live(problem.guess(prior)), pull, q)
            seen = table.seen(q, prior)
            before, prior = (
                prior,
                balance_that_fits(table, weight, seen, prior, problem.pull * problem.centre),
            )
            if np.abs(prior - before).max() < 1e-3:
                break
        if halve:
            heard = problem.spoken**VOTES_TRUST if k == 2 and not wary else 1.0
            prior = prior**BALANCE_TRUST * heard / (prior**BALANCE_TRUST * heard).sum()
        prior = (problem.pull * prior + problem.gold_classes) / (problem.pull + problem.gold_classes.sum())
    guess = problem.guess(prior)
    found, _weight, report = fitted(prior, live(guess), pull, tolerance=last if sided.all() else ROUGHLY)
    if not sided.all():
        free = ~sided & ~problem.told
        guess = shared_skill(whole(found, guess), moments.singles, prior, free, guess, alike=wary > 0)
        stronger = np.where(free[table.votes // k], 3, 1) * pull
        found, _weight, report = fitted(prior, live(guess), stronger, found, last)
    emitted = _emitted(
        whole(found, guess), problem.rates, prior, bounded=problem.known is not None or not halve
    )
    return Fit(table, emitted, prior, guess, table.misfit(lifts(table.seen(found, prior), prior)), report)


def wariness(fit: Fit) -> float:
    """Return how far annotators' pairs are to be mistrusted: 0 where they fit, up to as far as those of rules.

    What throws lifts off beyond sampling is measured after a fit that followed it in part, hence the factor.
    """
    if fit.misfit <= FITS:
        return 0.0
    k = len(fit.prior)
    q = posterior_of_vote(fit.emitted, fit.prior).reshape(-1, k)[fit.table.votes]
    return min(HUMAN_SPREAD, WARY * fit.table.spread_of(lifts(fit.table.seen(q, fit.prior), fit.prior)))


def enough_to_refine(moments: Moments) -> bool:
    """Return whether votes are many enough for the likelihood to be worth following."""
    k = moments.schema.cardinality
    pairs = np.triu(moments.both_voted(), 1).sum()
    active = (moments.singles.sum(axis=1) > 0).sum()
    for_class = moments.singles.sum(axis=0)
    return bool(
        moments.n_covered >= FEWEST_RECORDS * k
        and pairs >= FEWEST_RECORDS
        and active >= FEWEST_FUNCTIONS
        and (for_class[for_class > 0] >= active * max(FEWEST_IN_CELL * k, FEWEST_OF_EACH)).all()
    )


def explains_covotes(problem: Problem, fit: Fit) -> bool:
    """Return whether the classes alone explain which functions vote on the same records."""
    strays, chance = covote_misfit(problem.moments, fit.emitted.sum(axis=1), fit.prior)
    return strays <= chance


def lifts(q: Array, prior: Array) -> Array:
    """Return the lifts that P(class | vote) imply."""
    return np.asarray((q / prior) @ q.T, dtype=np.float64)


def posterior_of_vote(emitted: Array, prior: Array) -> Array:
    """Return P(class | vote) from P(vote | class); the prior where a vote is never cast."""
    joint = emitted * prior
    total = joint.sum(axis=2, keepdims=True)
    return np.asarray(np.where(total > 0, joint / np.where(total > 0, total, 1.0), prior), dtype=np.float64)


def _emitted(q: Array, rates: Array, prior: Array, *, bounded: bool) -> Array:
    """Return P(vote | class) from P(class | vote).

    A function that votes for a class more often than there are records of it must be wrong at times: what is too much
    falls on the other classes, by the records left there. That binds only where the class balance is known; an
    estimated one is too rough to hold it against a function.
    """
    emitted = rates[:, :, None] * q / prior
    if bounded:
        emitted = emitted / np.maximum(emitted.sum(axis=1, keepdims=True), 1.0)
        missing = np.maximum(rates - emitted @ prior, 0.0)
        room = prior * np.maximum(1 - emitted.sum(axis=1), 0.0)
        share = room / np.maximum(room.sum(axis=1, keepdims=True), 1e-12)
        emitted = emitted + missing[:, :, None] * share[:, None, :] / prior
    return np.asarray(emitted, dtype=np.float64)
