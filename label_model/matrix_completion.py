"""The label model: accuracies of functions from their agreements, and class probabilities from both."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import Moments, one_hot

from .balance import ClassBalance, known_balance
from .base import VoteModel
from .completion import Convergence, balance_that_fits, complete
from .dependence import discounts, group_numbers, linked_annotators, near_copies, read_groups
from .explain import Explanation, explain_record
from .guess import first_guess, shared_skill
from .likelihood import refine
from .pair_table import PairTable, covote_misfit, one_sided
from .temperature import temperature_by_density, temperature_by_prediction
from .uncertainty import ModelIntervals, bootstrap_intervals, fisher_intervals

Array = NDArray[np.float64]

SMALLEST = 1e-6
"""Probabilities are cut off here before their logarithm is taken."""

HUMAN_SPREAD = 1.0
"""Share of a lift by which dependence throws it off where one-sided functions take part. People who write functions
look at the same phrases; more records make that no smaller, so their pairs are never trusted beyond it."""

ANNOTATOR_SPREAD = 0.0
"""The same for functions that choose between classes: sampling error is all that their pairs show."""

FITS = 1.25
"""Mean squared residual, in sampling variances, up to which votes are taken to be what the model assumes."""

ROUGHLY = 1e-7
"""Relative fall of the objective at which fits stop that are only steps towards the last one."""

FINELY = 1e-11
"""Relative fall at which the last one stops."""

BALANCE_STEPS = 6
"""Most rounds of accuracies and class balance in turn."""

FEWEST_TO_REFINE = 100
"""Records below which nothing is refined: too few to tell whether the votes are what the model assumes."""

BALANCE_TRUST = 0.5
"""Power to which an estimated balance is raised where functions are one-sided: half-way to equal classes."""

REFINE_WORK = 40_000_000
"""Additions that refinement by likelihood may cost; large sets take fewer steps, from a start that is the better."""


class LabelModelWarning(UserWarning):
    """The label model could not do what it is for, and says what it did instead."""


class LabelModel(VoteModel):
    """Class probabilities from votes, by matrix completion.

    How often two functions vote together, compared with chance, tells how well both follow the class; the pairs of
    all functions tell it of each one, without any gold label. What the pairs show is believed as far as they can
    be believed:

    - Functions that vote for one class or say nothing (rules that people wrote) share their errors, however many
      records there are. The model allows for that, and takes abstaining for part of what they say.
    - Functions that choose between classes (annotators, models) are trusted up to sampling error. Who votes on what
      is taken for chance, unless the classes alone explain it; then the fit is refined by likelihood.
    - Votes on one record repeat each other, so their evidence is tempered: by the number of votes for the first
      kind, by how well votes predict each other for the second.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    abstentions : {"auto", "informative", "ignored"}, default "auto"
        Whether that a function abstains says something of the class. "auto" decides for annotators from their votes.
    dependencies : {"copies"} or sequence of groups or None, default "copies"
        Functions that depend on each other beyond the class: near copies are found, and annotators who copy from each
        other; or groups of names or column numbers are given, and copies are found too; or none are sought.
    guard : bool, default True
        Whether a vote that seems to speak against its own class counts for nothing. Only annotators who are wrong
        far beyond chance, by three standard errors, are believed to be, and turned around.

    Attributes
    ----------
    emitted_ : ndarray of shape (n_functions, cardinality, cardinality)
        P(function votes v | class y): function, v, y.
    vote_rates_ : ndarray of shape (n_functions, cardinality)
        P(function votes v).
    n_fitted_ : int
        Records learned from.
    prior_ : ndarray of shape (cardinality,)
        Class balance: given or estimated.
    temperature_ : float
        Share of the votes' evidence that counts.
    discounts_ : ndarray of shape (n_functions,)
        Share of each function's evidence that counts, below 1 where another function repeats it.
    one_sided_ : ndarray of bool of shape (n_functions,)
        Functions that vote for one class or say nothing.
    misfit_ : float
        Mean squared residual of the pairs in units of sampling variance: about 1 or below where functions are
        independent given the class.
    refined_ : bool
        Whether the votes were what the model assumes, and the fit was refined by likelihood.
    convergence_ : Convergence
        How the fit ended.
    violators_ : tuple of (str, int)
        Functions and classes they vote for whose vote makes the class less likely.

    References
    ----------
    Ratner, Hancock, Dunnmon, Sala, Pandey, Re: Training Complex Models with Multi-Task Weak Supervision (2019).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 2000)
    >>> right = rng.random((2000, 5)) < [0.9, 0.8, 0.8, 0.7, 0.6]
    >>> votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    >>> model = LabelModel(cardinality=2).fit(votes)
    >>> np.round(model.get_weights(), 1).tolist()
    [0.9, 0.8, 0.8, 0.7, 0.6]
    """

    emitted_: Array
    vote_rates_: Array
    n_fitted_: int
    temperature_: float
    discounts_: Array
    one_sided_: NDArray[np.bool_]
    silent_evidence_: bool
    misfit_: float
    refined_: bool
    convergence_: Convergence
    violators_: tuple[tuple[str, int], ...]

    _records: ClassVar[dict[str, Any]] = {**VoteModel._records, "convergence_": Convergence}

    def __init__(
        self,
        cardinality: int = 2,
        abstentions: str = "auto",
        dependencies: Any = "copies",
        guard: bool = True,
    ) -> None:
        super().__init__(cardinality)
        if abstentions not in ("auto", "informative", "ignored"):
            raise ValueError(f'abstentions is {abstentions!r}; it is "auto", "informative" or "ignored"')
        if isinstance(dependencies, str) and dependencies != "copies":
            raise ValueError(
                f'dependencies is {dependencies!r}; it is "copies", groups of functions, or None'
            )
        self.abstentions = abstentions
        self.dependencies = dependencies
        self.guard = bool(guard)

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
        progress_bar: bool = True,
        n_epochs: int = 500,
        lr: float = 0.01,
        l2: float = 20.0,
        optimizer: str = "lbfgs",
        lr_scheduler: str = "constant",
        prec_init: float = 0.7,
        seed: int = 0,
        log_freq: int = 10,
        mu_eps: float | None = None,
    ) -> Self:
        """Learn accuracies from votes and return the model.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains.
        Y_dev : array-like of int, optional
            Gold labels of a development sample; only their class frequencies are used.
        class_balance : optional
            What is known of the class frequencies; see `ClassBalance.given`. Else they are estimated: the lift of
            two votes for one class tells how rare it is at most. For one-sided functions the estimate is moved
            half-way towards equal classes, because their coverage says more of the functions than of the classes.
        n_epochs : int, default 500
            Most iterations of the optimiser.
        l2 : float, default 20
            Pull of the accuracies towards `prec_init`, in observations.
        prec_init : float, default 0.7
            How often a vote is right as long as nothing is known of its function and classes are equally frequent.
        progress_bar, lr, optimizer, lr_scheduler, seed, log_freq, mu_eps
            Taken so that scripts written for Snorkel run; nothing depends on them.
        """
        del progress_bar, lr, optimizer, lr_scheduler, seed, log_freq, mu_eps
        if not 0.5 <= prec_init < 1 or not l2 > 0 or n_epochs < 1:
            raise ValueError("prec_init is from 0.5 to below 1, l2 above 0 and n_epochs at least 1")
        votes = self._start(L_train)
        k = self.cardinality
        hot = one_hot(votes)
        moments = Moments.of_one_hot(votes, hot)
        known = known_balance(class_balance, Y_dev, votes.schema)
        self.one_sided_ = one_sided(moments, tuple(function.polarity for function in votes.functions))
        self.vote_rates_ = moments.singles / max(1, moments.n_records)
        self.n_fitted_ = moments.n_records
        usable = int((moments.singles.sum(axis=1) > 0).sum())
        if usable < 3:
            warnings.warn(
                f"{usable} function(s) that ever vote: accuracies cannot be told from agreements of fewer than 3, "
                f"so every vote counts as right {prec_init:.0%} of the time",
                LabelModelWarning,
                stacklevel=2,
            )
            prior = np.full(k, 1 / k) if known is None else np.asarray(known.vector)
            self._take(_Fit.of_guess(first_guess(prior, prec_init), moments, prior))
        else:
            self._learn(hot, moments, known, _Settings(n_epochs, l2, prec_init))
        prior = self.prior_
        self._remember(L_train, votes, known or ClassBalance(tuple(map(float, prior)), "estimated"))
        self.violators_ = self._list_violators()
        return self

    def get_weights(self) -> Array:
        """Return how often each function's votes are right, shape (n_functions,); NaN where it never votes."""
        self._check_fitted()
        joint = self.emitted_ * self.prior_
        cast = joint.sum(axis=(1, 2))
        right = np.einsum("jvv->j", joint)
        voted = self.vote_rates_.sum(axis=1) > 0
        return np.asarray(np.where(voted, right / np.where(voted, cast, 1.0), np.nan), dtype=np.float64)

    def get_conditional_probs(self) -> Array:
        """Return P(vote | class), shape (n_functions, cardinality + 1, cardinality); row 0 is abstaining."""
        self._check_fitted()
        cast = self.emitted_ / np.maximum(self.emitted_.sum(axis=1, keepdims=True), 1.0)
        silent = np.maximum(1 - cast.sum(axis=1, keepdims=True), 0.0)
        return np.asarray(np.concatenate([silent, cast], axis=1), dtype=np.float64)

    def explain(self, L: VoteMatrix | ArrayLike, row: int) -> Explanation:
        """Return what each function added to one record's log probabilities, with the evidence its vote carries."""
        votes = self.check_votes(L)
        one = votes.take_rows([row])
        label, proba = self.predict(one, return_probs=True)
        gain, silence = (self.temperature_ * part for part in self._evidence())
        if not one.covered()[0]:
            silence = np.zeros_like(silence)
        row = int(np.arange(votes.n_records)[row])
        return explain_record(votes, row, int(label[0]), proba[0], gain, silence, np.log(self.prior_))

    def intervals(
        self,
        L_train: VoteMatrix | ArrayLike,
        *,
        method: str = "auto",
        level: float = 0.95,
        class_balance: Any = None,
        n_draws: int = 200,
        seed: int = 0,
    ) -> ModelIntervals:
        """Return intervals for the accuracies and the class balance.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            The votes the model was fitted on.
        method : {"auto", "fisher", "bootstrap"}, default "auto"
            Curvature of the likelihood, for fits that were refined by it; or refits on resampled patients, which
            show how the fit would change with other patients, not how far its assumptions are off.
        level : float, default 0.95
            Confidence level.
        class_balance : optional
            As it was given to `fit`, for refits.
        n_draws : int, default 200
            Refits of the bootstrap.
        seed : int, default 0
            Of the bootstrap's draws.
        """
        self._check_fitted()
        if method not in ("auto", "fisher", "bootstrap"):
            raise ValueError(f'method is {method!r}; it is "auto", "fisher" or "bootstrap"')
        if not 0 < level < 1 or n_draws < 2:
            raise ValueError("level lies between 0 and 1, and n_draws is at least 2")
        votes = self.check_votes(L_train)
        if method == "fisher" and not self.refined_:
            raise ValueError('these votes are not what the likelihood assumes; use method="bootstrap"')
        if self.refined_ and method != "bootstrap":
            known = self.balance_.source != "estimated"
            return fisher_intervals(votes, self.emitted_, self.prior_, prior_known=known, level=level)
        return bootstrap_intervals(
            self, votes, class_balance=class_balance, n_draws=n_draws, level=level, seed=seed
        )

    # -- learning ------------------------------------------------------------------------------------

    def _learn(self, hot: Any, moments: Moments, known: ClassBalance | None, settings: "_Settings") -> None:
        """Fit accuracies, class balance and temperature."""
        human = self._mostly_human(moments)
        copies = self._dependent_pairs(moments, moments.names)
        groups = group_numbers(copies)
        fit, refined, ignore = self._first_fit(hot, moments, copies, groups, human, known, settings)
        if fit is None:
            fit = _solve(moments, self.one_sided_, groups, known, settings, ignore=ignore, halve=human)
        if fit.misfit > FITS and self.dependencies is not None and not human:
            linked = linked_annotators(moments, self.one_sided_)
            if (linked & ~copies).any():
                copies = copies | linked
                groups = group_numbers(copies)
                fit = _solve(moments, self.one_sided_, groups, known, settings, ignore=ignore, halve=human)
        self._take(fit)
        self.refined_ = refined
        self.silent_evidence_ = refined
        if copies.any():
            self.discounts_ = discounts(moments, copies, self.emitted_, self.prior_)
        self.violators_ = ()
        density = float(moments.singles.sum()) / max(1, moments.n_covered)
        if human:
            self.temperature_ = temperature_by_density(density)
        else:
            gain, silence = self._evidence()
            self.temperature_ = temperature_by_prediction(
                hot, gain, silence, np.log(self.prior_), self.emitted_
            )
            if not refined:
                self.temperature_ = float(np.sqrt(self.temperature_ * temperature_by_density(density)))

    def _first_fit(
        self,
        hot: Any,
        moments: Moments,
        copies: NDArray[np.bool_],
        groups: NDArray[np.intp],
        human: bool,
        known: ClassBalance | None,
        settings: "_Settings",
    ) -> tuple["_Fit | None", bool, bool]:
        """Try whether the classes alone explain who votes on what; say whether abstentions are to be ignored else."""
        if self.abstentions == "ignored" or human:
            return None, False, True
        if moments.n_covered < FEWEST_TO_REFINE:
            return None, False, self.abstentions == "auto"
        fit = _solve(
            moments, self.one_sided_, groups, known, settings, ignore=False, halve=False, last=ROUGHLY
        )
        informative, fit, refined = self._refine(hot, moments, copies, fit, known, settings)
        return (fit if informative else None), refined, not informative

    def _mostly_human(self, moments: Moments) -> bool:
        """Return whether one-sided functions cast most of the votes."""
        cast = moments.singles.sum(axis=1)
        return bool(cast[self.one_sided_].sum() >= 0.5 * cast.sum())

    def _dependent_pairs(self, moments: Moments, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return which functions are taken to depend on each other."""
        if self.dependencies is None:
            return np.zeros((len(names), len(names)), dtype=np.bool_)
        found = near_copies(moments)
        if not isinstance(self.dependencies, str):
            found |= read_groups(self.dependencies, names)
        return found

    def _refine(
        self,
        hot: Any,
        moments: Moments,
        copies: NDArray[np.bool_],
        fit: "_Fit",
        known: ClassBalance | None,
        settings: "_Settings",
    ) -> tuple[bool, "_Fit", bool]:
        """Refine a fit by likelihood where the votes are what the model assumes.

        Returns whether abstentions are to be taken as informative, the fit to use, and whether it was refined.
        """
        asked = self.abstentions == "informative"
        strays, chance = covote_misfit(moments, fit.emitted.sum(axis=1), fit.prior)
        if strays > chance and not asked:
            return False, fit, False
        if copies.any():
            return True, fit, False
        k = self.cardinality
        rates = moments.singles / max(1, moments.n_records)
        pseudo = _pseudo_records(fit.guess, rates, fit.prior, settings.pull / 4)
        steps = max(2, min(100, REFINE_WORK // max(1, 2 * k * int(hot.nnz))))
        emitted, prior, _ = refine(
            hot,
            np.ones(hot.shape[0]),
            fit.emitted,
            fit.prior,
            pseudo,
            balance_pull=settings.pull if known is None else None,
            iterations=steps,
        )
        q = _posterior_of_vote(emitted, prior)
        lifts = _lifts(q.reshape(-1, k)[fit.table.votes], prior)
        strays, chance = covote_misfit(moments, emitted.sum(axis=1), prior)
        misfit = fit.table.misfit(lifts)
        if misfit > FITS or strays > chance:
            return asked, fit, False
        better = _Fit(fit.table, emitted, prior, fit.guess, misfit, fit.convergence)
        return True, better, True

    def _take(self, fit: "_Fit") -> None:
        """Keep what a fit found."""
        self.emitted_ = fit.emitted
        self.prior_ = fit.prior
        self.misfit_ = fit.misfit
        self.convergence_ = fit.convergence
        self.discounts_ = np.ones(len(fit.emitted))
        self.temperature_ = 1.0
        self.silent_evidence_ = False
        self.refined_ = False
        self.violators_ = ()

    # -- use -----------------------------------------------------------------------------------------

    def _posterior(self, votes: VoteMatrix) -> Array:
        gain, silence = self._evidence()
        scores: Array = one_hot(votes) @ (self.temperature_ * gain)
        scores += self.temperature_ * silence.sum(axis=0) + np.log(self.prior_)
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def _evidence(self) -> tuple[Array, Array]:
        """Return what votes add to the log probability of each class, and what abstentions add."""
        k = self.cardinality
        q = _posterior_of_vote(self.emitted_, self.prior_)
        gain = np.log(np.maximum(q, SMALLEST)) - np.log(self.prior_)
        gain[self.vote_rates_ == 0] = 0.0
        silence = np.zeros((len(gain), k))
        if self.silent_evidence_:
            rates = self.vote_rates_.sum(axis=1)
            silent = np.maximum(1 - self.emitted_.sum(axis=1), SMALLEST)
            spoken = rates < 1 - SMALLEST
            silence[spoken] = (
                np.log(silent[spoken]) - np.log(np.maximum(1 - rates[spoken], SMALLEST))[:, None]
            )
        if self.guard:
            gain = np.where(self._unbelieved(q)[:, :, None], silence[:, None, :], gain)
        gain = (gain - silence[:, None, :]) * self.discounts_[:, None, None]
        return gain.reshape(-1, k), silence * self.discounts_[:, None]

    def _unbelieved(self, q: Array) -> NDArray[np.bool_]:
        """Return which votes speak against their class without proof, shape (n_functions, cardinality)."""
        own = np.einsum("jvv->jv", q)
        cast = np.maximum(self.vote_rates_ * self.n_fitted_, 1.0)
        margin = 3 * np.sqrt(self.prior_ * (1 - self.prior_) / cast)
        proven = ~self.one_sided_[:, None] & (own < self.prior_ - margin)
        return np.asarray((own < self.prior_) & ~proven, dtype=np.bool_)

    def _list_violators(self) -> tuple[tuple[str, int], ...]:
        """Return the votes that make their own class less likely than it is without them."""
        own = np.einsum("jvv->jv", _posterior_of_vote(self.emitted_, self.prior_))
        below = (own < self.prior_) & (self.vote_rates_ > 0)
        return tuple((self.names_[j], int(v)) for j, v in np.argwhere(below))


@dataclass(frozen=True)
class _Settings:
    """What a user may turn in `fit`."""

    iterations: int
    pull: float
    precision: float


@dataclass(frozen=True, eq=False)
class _Fit:
    """Accuracies and class balance found from one table of pairs."""

    table: PairTable
    emitted: Array
    prior: Array
    guess: Array
    misfit: float
    convergence: Convergence

    @classmethod
    def of_guess(cls, guess: Array, moments: Moments, prior: Array) -> "_Fit":
        """Return the fit that keeps to the first guess."""
        m = moments.n_functions
        table = PairTable.of(moments, np.zeros(m, dtype=np.bool_))
        q = np.tile(guess, (m, 1, 1))
        report = Convergence(True, 0, 0.0, 0.0)
        return cls(table, _emitted(q, moments, prior, bounded=False), prior, q, 0.0, report)


def _solve(
    moments: Moments,
    sided: NDArray[np.bool_],
    groups: NDArray[np.intp],
    known: ClassBalance | None,
    settings: _Settings,
    *,
    ignore: bool,
    halve: bool,
    last: float = FINELY,
) -> _Fit:
    """Complete the matrix of lifts, with the class balance when it is not known."""
    m, k = moments.singles.shape
    table = PairTable.of(moments, sided, ignore_abstentions=ignore, groups=groups)
    pull = np.full(len(table.votes), settings.pull)
    spread = np.where(table.human, HUMAN_SPREAD, ANNOTATOR_SPREAD)

    def fitted(
        prior: Array, guess: Array, pull: Array, start: Array | None = None, tolerance: float = ROUGHLY
    ) -> tuple[Array, Array, Convergence]:
        weight = table.weight(_lifts(guess, prior), spread)
        q, report = complete(
            table,
            weight,
            prior,
            guess,
            pull,
            start=start,
            max_iterations=settings.iterations,
            tolerance=tolerance,
        )
        return q, weight, report

    def guessed(prior: Array) -> Array:
        return np.tile(first_guess(prior, settings.precision), (m, 1, 1))

    def live(whole: Array) -> Array:
        return np.asarray(whole.reshape(m * k, k)[table.votes], dtype=np.float64)

    prior = np.full(k, 1 / k) if known is None else np.asarray(known.vector)
    if known is None:
        q = None
        for _ in range(BALANCE_STEPS):
            q, weight, _report = fitted(prior, live(guessed(prior)), pull, q)
            before, prior = prior, balance_that_fits(table, weight, q, prior, settings.pull)
            if np.abs(prior - before).max() < 1e-3:
                break
        if halve:
            prior = prior**BALANCE_TRUST / (prior**BALANCE_TRUST).sum()
    guess = guessed(prior)
    q, _weight, report = fitted(prior, live(guess), pull, tolerance=last if sided.all() else ROUGHLY)
    if not sided.all():
        whole = guess.copy().reshape(m * k, k)
        whole[table.votes] = q
        guess = shared_skill(whole.reshape(m, k, k), moments.singles, prior, ~sided, guess)
        stronger = np.where(sided[table.votes // k], settings.pull, 3 * settings.pull)
        q, _weight, report = fitted(prior, live(guess), stronger, q, last)
    whole = guess.copy().reshape(m * k, k)
    whole[table.votes] = q
    found = whole.reshape(m, k, k)
    emitted = _emitted(found, moments, prior, bounded=known is not None or not halve)
    return _Fit(table, emitted, prior, guess, table.misfit(_lifts(q, prior)), report)


def _lifts(q: Array, prior: Array) -> Array:
    """Return the lifts that P(class | vote) imply."""
    return np.asarray((q / prior) @ q.T, dtype=np.float64)


def _emitted(q: Array, moments: Moments, prior: Array, *, bounded: bool) -> Array:
    """Return P(vote | class) from P(class | vote).

    A function that votes for a class more often than there are records of it must be wrong at times. That binds only
    where the class balance is known; an estimated one is too rough to hold it against a function.
    """
    rates = moments.singles / max(1, moments.n_records)
    emitted = rates[:, :, None] * q / prior
    most = np.maximum(emitted.sum(axis=1, keepdims=True), 1.0) if bounded else 1.0
    return np.asarray(emitted / most, dtype=np.float64)


def _posterior_of_vote(emitted: Array, prior: Array) -> Array:
    """Return P(class | vote) from P(vote | class); the prior where a vote is never cast."""
    joint = emitted * prior
    total = joint.sum(axis=2, keepdims=True)
    return np.asarray(np.where(total > 0, joint / np.where(total > 0, total, 1.0), prior), dtype=np.float64)


def _pseudo_records(guess: Array, rates: Array, prior: Array, strength: float) -> Array:
    """Return records that hold `strength` votes of each function in each class, spread as its guess has it."""
    strength_of = strength / np.maximum(rates.sum(axis=1), 1e-6)
    emitted = rates[:, :, None] * guess / prior
    emitted = emitted / np.maximum(emitted.sum(axis=1, keepdims=True), 1.0)
    silent = 1 - emitted.sum(axis=1, keepdims=True)
    return np.asarray(
        strength_of[:, None, None] * np.concatenate([silent, emitted], axis=1), dtype=np.float64
    )
