"""The label model: accuracies of functions from their agreements, and class probabilities from both."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import FunctionInfo, VoteMatrix, as_votes
from sidelight.labeling.cast_votes import CastVotes
from sidelight.labeling.moments import Moments
from sidelight.labeling.patterns import Patterns

from .balance import ClassBalance, known_balance
from .base import LabelModelWarning, check_gold
from .dependence import discounts, evened, known_pairs
from .fitted import FittedLabelModel
from .guess import read_beliefs
from .learning import learn, mostly_rules
from .pair_table import one_sided
from .soft_moments import SoftMoments, count_votes_as_meant, less_than_sure, sure_votes
from .solver import FEWEST_TO_LEARN, Fit, Problem, guessed
from .temperature import foretold, temperature_by_density, temperature_by_prediction

Array = NDArray[np.float64]

SAYS_LITTLE = 3.0
"""Standard errors by which annotators' votes foretell each other, up to which nothing is learned of who is right how often."""

RARE = 0.2
"""Times its equal share below which a class is too rare for that to show."""


class LabelModel(FittedLabelModel):
    """Class probabilities from votes, by matrix completion.

    How often two functions vote together, compared with chance, tells how well both follow the class; the pairs of
    all functions tell it of each one, without any gold label. What the pairs show is believed as far as they can
    be believed:

    - Functions that vote for one class or say nothing (rules that people wrote) share their errors, however many
      records there are. The model allows for that, and takes abstaining for part of what they say.
    - Functions that choose between classes (annotators, models) are trusted up to sampling error, as long as their
      pairs show no dependence. Where they do, all are taken to be alike, and those that agree beyond the classes
      count for less: which of two camps follows the class cannot be told from votes. Who votes on what is taken for
      chance, unless the classes alone explain it; then the fit is refined by likelihood. Where a test of all functions
      together finds no more than that each is right so often, the same in all classes, this is all that is learned
      of them, each in the light of the others (`one_coin_`).
    - A vote of less than full confidence counts for as much less, in learning too, and a vote for a set of classes
      for the votes in it.
    - Votes on one record repeat each other, so their evidence is tempered: by the number of votes on the record for
      the first kind, by how well votes predict each other for the second. Where these say next to nothing of each
      other, all count alike.

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
    n_gold_ : int
        Gold labels learned from.
    n_fitted_ : int
        Records learned from; when every record stands there twice, or oftener, each counts once.
    prior_ : ndarray of shape (cardinality,)
        Class balance: given or estimated.
    temperature_ : float
        Share of the votes' evidence that counts.
    per_record_ : bool
        Whether each record has a share of its own, by the number of its votes; then that is the usual one's.
    discounts_ : ndarray of shape (n_functions,)
        Share of each function's evidence that counts, below 1 where another function repeats it.
    one_sided_ : ndarray of bool of shape (n_functions,)
        Functions that vote for one class or say nothing.
    misfit_ : float
        Mean squared residual of the pairs in units of sampling variance: about 1 or below where functions are
        independent given the class.
    refined_ : bool
        Whether the votes were what the model assumes, and the fit was refined by likelihood.
    one_coin_ : bool
        Whether such votes showed no more than that each function is right so often, the same in all classes.
    convergence_ : Convergence
        How the fit ended.
    violators_ : tuple of (str, int)
        Functions and classes they vote for whose vote makes the class less likely.
    coverage_pull_, vote_pull_ : ndarray of shape (n_functions, cardinality)
        How many records and votes a refined fit's prior was worth, function and class; 0 where it was not refined.
    assumed_ : ndarray of bool of shape (n_functions,)
        Functions whose accuracy was assumed: no agreement with others, no gold row and no belief of the user's told of it.
    camps_ : tuple of tuples of str
        Annotators who agree among themselves beyond what the classes explain, where that made the model wary.

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

    _counted: Moments | None = None

    def __init__(
        self,
        cardinality: int = 2,
        abstentions: str = "auto",
        dependencies: Any = "copies",
        guard: bool = True,
        *,
        verbose: bool = True,
        device: str = "cpu",
    ) -> None:
        del verbose, device  # Snorkel's, taken so that its scripts run
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
        gold: ArrayLike | None = None,
        accuracies: Mapping[str, float | tuple[float, float]] | None = None,
    ) -> Self:
        """Learn accuracies from votes and return the model.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains.
        Y_dev : array-like of int, optional
            Gold labels of other records; only their class frequencies are used.
        class_balance : optional
            What is known of the class frequencies; see `ClassBalance.given`. Else they are estimated: the lift of
            two votes for one class tells how rare it is at most. For one-sided functions the estimate is moved
            half-way towards equal classes; their votes' shares of two classes are heard a little. Where annotators
            choose one class far more often than others, that balance is tried too; see `learning.learn`.
        n_epochs : int, default 500
            Most iterations of the optimiser.
        l2 : float, default 20
            Pull of the accuracies towards `prec_init`, in observations.
        prec_init : float, default 0.7
            How often a vote is right as long as nothing is known of its function and classes are equally frequent.
        progress_bar, lr, optimizer, lr_scheduler, seed, log_freq, mu_eps
            Taken so that scripts written for Snorkel run; nothing depends on them.
        gold : array-like of int of shape (n_records,), optional
            Gold labels of some of these records, -1 elsewhere: any number, drawn at random among them. They count
            as observations of accuracies and, where it is not given, of the class balance.
        accuracies : mapping of function name to float or (float, float), optional
            How often the user expects a function's votes to be right, and how many votes that belief is worth
            (`l2` of them where only the first is said); takes the place of what the function declared, which takes
            the place of `prec_init`.
        """
        del progress_bar, lr, optimizer, lr_scheduler, seed, log_freq, mu_eps
        votes = self._start(L_train)
        self._counted = None
        soft = less_than_sure(votes)
        cast = CastVotes.of(sure_votes(votes) if soft else votes)
        moments = SoftMoments.of(votes) if soft else Moments.of_cast(votes, cast)
        repeats = moments.repeats()
        labels = (
            np.full(votes.n_records, -1)
            if gold is None
            else check_gold(gold, self.cardinality, votes.n_records, votes)
        )
        known = known_balance(class_balance, Y_dev, votes.schema, None if gold is None else labels)
        problem = self._problem(
            moments.over(repeats),
            votes.functions,
            known,
            n_epochs,
            l2,
            prec_init,
            accuracies,
            cast,
            labels,
            repeats,
        )
        self._learn(problem, cast, labels)
        self._remember(L_train, votes, known or self._estimated())
        self.violators_ = self._list_violators()
        self._watch(votes)
        return self

    def fit_moments(
        self,
        moments: Moments,
        class_balance: Any = None,
        *,
        patterns: Patterns | None = None,
        functions: tuple[FunctionInfo, ...] = (),
    ) -> Self:
        """Learn from counts alone, such as the sum of the counts of several sites, and return the model.

        With `patterns` that is what `fit` learns from the records, if no vote is less than sure. Without them nothing is
        refined by likelihood, and the temperature follows from the number of votes on a record.

        Parameters
        ----------
        moments : Moments
            Counts of votes and pairs; see `Moments.stream` and addition.
        class_balance : optional
            As in `fit`.
        patterns : Patterns, optional
            The distinct rows of votes that were counted.
        functions : tuple of FunctionInfo, optional
            What is known of the functions besides their names.
        """
        k, schema = self.cardinality, moments.schema
        if schema.cardinality != k:
            raise ValueError(f"the counts are of {schema.cardinality} classes, not of {k}")
        if patterns is not None and patterns.n_records != moments.n_records:
            raise ValueError(f"patterns of {patterns.n_records} records, but counts of {moments.n_records}")
        functions = functions or tuple(map(FunctionInfo, moments.names))
        empty = VoteMatrix(np.zeros((0, moments.n_functions), np.int8), schema, functions)
        votes = self._start(empty)
        known = known_balance(class_balance, None, schema)
        repeats, none = moments.repeats(), np.zeros(0, dtype=np.int64)
        problem = self._problem(
            moments.over(repeats), votes.functions, known, 500, 20.0, 0.7, None, None, none, repeats
        )
        self._learn(problem, None if patterns is None else CastVotes.of_patterns(patterns), none)
        self._remember(empty, votes, known or self._estimated())
        self.violators_ = self._list_violators()
        if patterns is not None:
            self._watch(patterns.as_votes(), patterns.counts)
        return self

    def partial_fit(self, L: VoteMatrix | ArrayLike, class_balance: Any = None) -> Self:
        """Add the counts of more records to those of earlier calls, and learn from all of them.

        The order of the calls does not matter. Votes of less than full confidence, and for sets of classes, count in
        part, as in `fit`. The counts live in this object and are not saved with the model.
        """
        counted = count_votes_as_meant(as_votes(L, cardinality=self.cardinality))
        total = counted if self._counted is None else self._counted + counted
        self.fit_moments(total, class_balance)
        self._counted = total
        self.named_ = isinstance(L, VoteMatrix) or hasattr(L, "columns")
        return self

    # -- learning ------------------------------------------------------------------------------------

    def _problem(
        self,
        moments: Moments,
        functions: tuple[FunctionInfo, ...],
        known: ClassBalance | None,
        n_epochs: int,
        l2: float,
        prec_init: float,
        accuracies: Mapping[str, float | tuple[float, float]] | None,
        cast: CastVotes | None,
        labels: NDArray[np.int64],
        repeats: int,
    ) -> Problem:
        """Check the settings of a fit and put together what is to be solved."""
        if not 0.5 <= prec_init < 1 or not l2 > 0 or n_epochs < 1:
            raise ValueError("prec_init is from 0.5 to below 1, l2 above 0 and n_epochs at least 1")
        m, k = moments.singles.shape
        expected, worth = read_beliefs(functions, accuracies or {}, l2)
        rows = np.flatnonzero(labels >= 0)
        truth = np.eye(k)[labels[rows]]
        gold = (
            np.asarray(cast.take(rows).T @ truth).reshape(m, k, k)
            if cast and len(rows)
            else np.zeros((m, k, k))
        )
        self.one_sided_ = one_sided(moments, tuple(function.polarity for function in functions))
        self.vote_rates_ = moments.singles / max(1, moments.n_records)
        self.n_fitted_ = moments.n_records
        alone = np.arange(m, dtype=np.intp)
        return Problem(
            moments, self.one_sided_, alone, known, int(n_epochs), float(l2), float(prec_init), expected,
            worth, gold / repeats, truth.sum(axis=0) / repeats, repeats,
        )  # fmt: skip

    def _learn(self, problem: Problem, cast: CastVotes | None, labels: NDArray[np.int64]) -> None:
        """Fit accuracies, class balance and temperature."""
        self.n_gold_ = int((labels >= 0).sum())
        moments = problem.moments
        usable = int((moments.singles.sum(axis=1) > 0).sum())
        if usable < FEWEST_TO_LEARN:
            warnings.warn(
                f"{usable} function(s) that ever vote: accuracies cannot be told from agreements of fewer than {FEWEST_TO_LEARN}, "
                f"so every vote counts as right {problem.precision:.0%} of the time",
                LabelModelWarning,
                stacklevel=3,
            )
            self._keep_guess(problem)
            return
        found = learn(
            problem,
            cast,
            labels,
            known_pairs(moments, self.dependencies),
            abstentions=self.abstentions,
            seek=self.dependencies is not None,
        )
        self._take(found.fit)
        self.assumed_ = problem.unchecked()
        self.refined_ = self.silent_evidence_ = found.refined
        self.camps_ = tuple(tuple(moments.names[j] for j in camp) for camp in found.camps)
        if self.camps_:
            groups = "; ".join(", ".join([*camp[:5], *["..."] * (len(camp) > 5)]) for camp in self.camps_)
            warnings.warn(
                f"annotators agree among themselves beyond what the classes explain ({groups}): who of them follows the "
                "classes cannot be told from votes, so all count alike; gold rows or accuracies would tell",
                LabelModelWarning,
                stacklevel=3,
            )
        if found.dependent.any():
            self.discounts_ = discounts(moments, found.dependent, self.emitted_, self.prior_)
            if found.of_one_mind(~self.one_sided_):
                self.discounts_ = evened(self.discounts_, moments, ~self.one_sided_)
        in_effect = float(moments.singles.sum(axis=1) @ self.discounts_)
        density = temperature_by_density(in_effect / max(1, moments.n_covered))
        self.per_record_ = mostly_rules(problem)
        if cast is None or self.per_record_:
            self.temperature_ = density
            return
        gain, silence = self._evidence()
        given = (cast.spread_out(), gain, silence, np.log(self.prior_), self.emitted_, problem.repeats)
        best = temperature_by_prediction(*given, cautious=not self.one_coin_)
        steady = min(density, best) if found.wary else float(np.sqrt(best * density))
        seen = self.prior_.min() * len(self.prior_) > RARE
        if found.refined and seen and not self.n_gold_ and foretold(*given) <= SAYS_LITTLE:
            warnings.warn("votes say next to nothing of each other: all count alike", LabelModelWarning, 3)
            self._keep_guess(problem)
        self.temperature_ = best if self.refined_ else steady

    def _keep_guess(self, problem: Problem) -> None:
        """Go on with what was assumed before anything was learned."""
        self._take(guessed(problem))
        self.assumed_ = problem.unchecked(alone=True)

    def _estimated(self) -> ClassBalance:
        """Return the class balance that was learned, or equal classes where none could be."""
        if (self.vote_rates_.sum(axis=1) > 0).sum() < FEWEST_TO_LEARN:
            return ClassBalance.uniform(self.cardinality)
        return ClassBalance(tuple(map(float, self.prior_)), "estimated")

    def _take(self, fit: Fit) -> None:
        """Keep what a fit found."""
        self.emitted_ = fit.emitted
        self.prior_ = fit.prior
        self.misfit_ = fit.misfit
        none = np.zeros(fit.emitted.shape[::2])
        self.coverage_pull_, self.vote_pull_ = (none, none) if fit.pseudo is None else fit.pseudo.strengths
        self.convergence_ = fit.convergence
        self.discounts_ = np.ones(len(fit.emitted))
        self.temperature_ = 1.0
        self.per_record_ = False
        self.silent_evidence_ = False
        self.refined_ = False
        self.one_coin_ = fit.one_coin
        self.violators_ = ()
        self.camps_ = ()
