"""The label model: accuracies of functions from their agreements, and class probabilities from both."""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import Moments, one_hot

from .balance import ClassBalance, known_balance
from .base import VoteModel
from .completion import Convergence, PairTable, complete

SMALLEST = 1e-6
"""Probabilities are cut off here before their logarithm is taken."""


class LabelModelWarning(UserWarning):
    """The label model could not do what it is for, and says what it did instead."""


class LabelModel(VoteModel):
    """Class probabilities from votes, by matrix completion.

    How often two functions vote together, compared with chance, tells how well both follow the class; the pairs
    of all functions tell it of each one, without any gold label.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.
    shrinkage : float, default 8
        Pull of a function's accuracy towards the first guess, per vote it casts. Functions written by people err
        together, and more records make their agreement no more trustworthy, so the pull grows with the votes.
        0 suits functions that are independent given the class.

    Attributes
    ----------
    posterior_of_vote_ : ndarray of shape (n_functions, cardinality, cardinality)
        P(class | the function votes v): function, v, class.
    vote_rates_ : ndarray of shape (n_functions, cardinality)
        P(function votes v).
    prior_ : ndarray of shape (cardinality,)
        Class balance: given or estimated.
    convergence_ : Convergence
        How the fit ended.
    violators_ : tuple of (str, int)
        Functions and classes they vote for whose vote makes the class less likely; such a vote is not counted.

    References
    ----------
    Ratner, Hancock, Dunnmon, Sala, Pandey, Re: Training Complex Models with Multi-Task Weak Supervision (2019).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 2000)
    >>> right = rng.random((2000, 5)) < [0.9, 0.8, 0.8, 0.7, 0.6]
    >>> votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    >>> model = LabelModel(cardinality=2, shrinkage=0).fit(votes)
    >>> np.round(model.get_weights(), 1).tolist()
    [0.9, 0.8, 0.8, 0.7, 0.6]
    """

    posterior_of_vote_: NDArray[np.float64]
    vote_rates_: NDArray[np.float64]
    working_prior_: NDArray[np.float64]
    convergence_: Convergence
    violators_: tuple[tuple[str, int], ...]

    _records: ClassVar[dict[str, Any]] = {**VoteModel._records, "convergence_": Convergence}

    def __init__(self, cardinality: int = 2, shrinkage: float = 8.0) -> None:
        super().__init__(cardinality)
        if not shrinkage >= 0:
            raise ValueError(f"shrinkage is {shrinkage}; it is 0 or more")
        self.shrinkage = float(shrinkage)

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
        progress_bar: bool = True,
        n_epochs: int = 500,
        lr: float = 0.01,
        l2: float = 5.0,
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
            What is known of the class frequencies; see `ClassBalance.given`.
        n_epochs : int, default 500
            Most iterations of the optimiser.
        l2 : float, default 5
            Pull of the accuracies towards `prec_init`, in votes.
        prec_init : float, default 0.7
            How often a vote is right as long as nothing is known of its function and classes are equally frequent.
        progress_bar, lr, optimizer, lr_scheduler, seed, log_freq, mu_eps
            Taken so that scripts written for Snorkel run; nothing depends on them.
        """
        del progress_bar, lr, optimizer, lr_scheduler, seed, log_freq, mu_eps
        votes = self._start(L_train)
        k = self.cardinality
        moments = Moments.of(votes)
        known = known_balance(class_balance, Y_dev, votes.schema)
        working = np.full(k, 1 / k) if known is None else np.asarray(known.vector)
        guess = _first_guess(moments.n_functions, working, prec_init)
        usable = int((moments.singles.sum(axis=1) > 0).sum())
        if usable < 3:
            warnings.warn(
                f"{usable} function(s) that ever vote: accuracies cannot be told from agreements of fewer than 3, "
                f"so every vote counts as right {prec_init:.0%} of the time",
                LabelModelWarning,
                stacklevel=2,
            )
            q, self.convergence_ = guess, Convergence(True, 0, 0.0, 0.0)
        else:
            pull = (l2 / k + self.shrinkage * moments.singles.ravel()).astype(np.float64)
            q, self.convergence_ = complete(
                PairTable.of(moments), working, guess, pull, max_iterations=n_epochs
            )
        self.posterior_of_vote_ = q.reshape(moments.n_functions, k, k)
        self.vote_rates_ = moments.singles / max(1, moments.n_records)
        self.working_prior_ = working
        self.violators_ = self._list_violators(votes.names)
        self._remember(L_train, votes, known or ClassBalance.uniform(k))
        if known is None:
            self._remember(L_train, votes, self._estimate_balance(votes))
        return self

    def get_weights(self) -> NDArray[np.float64]:
        """Return how often each function's votes are right, shape (n_functions,); NaN where it never votes."""
        self._check_fitted()
        right = np.einsum("jv,jvv->j", self.vote_rates_, self.posterior_of_vote_)
        cast = self.vote_rates_.sum(axis=1)
        return np.asarray(np.where(cast > 0, right / np.where(cast > 0, cast, 1.0), np.nan), dtype=np.float64)

    def get_conditional_probs(self) -> NDArray[np.float64]:
        """Return P(vote | class), shape (n_functions, cardinality + 1, cardinality); row 0 is abstaining."""
        self._check_fitted()
        joint = self.vote_rates_[:, :, None] * self.posterior_of_vote_
        emitted = joint / self.working_prior_
        crowded = np.maximum(emitted.sum(axis=1, keepdims=True), 1.0)
        emitted = emitted / crowded
        table: NDArray[np.float64] = np.concatenate([1 - emitted.sum(axis=1, keepdims=True), emitted], axis=1)
        return table

    def _posterior(self, votes: VoteMatrix) -> NDArray[np.float64]:
        scores = one_hot(votes) @ self._log_odds() + np.log(self.working_prior_)
        scores -= scores.max(axis=1, keepdims=True)
        proba = np.exp(scores)
        return np.asarray(proba / proba.sum(axis=1, keepdims=True), dtype=np.float64)

    def _log_odds(self) -> NDArray[np.float64]:
        """Return what each vote adds to the log probability of each class, shape (functions * classes, classes)."""
        k = self.cardinality
        gain = np.log(np.maximum(self.posterior_of_vote_, SMALLEST)) - np.log(self.working_prior_)
        for function, vote in self.violators_:
            gain[self.names_.index(function), vote] = 0.0
        return np.asarray(gain.reshape(-1, k))

    def _list_violators(self, names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        """Return the votes that make their own class less likely than it is without them."""
        own = np.einsum("jvv->jv", self.posterior_of_vote_)
        below = (own < self.working_prior_) & (self.vote_rates_ > 0)
        return tuple((names[j], int(v)) for j, v in np.argwhere(below))

    def _estimate_balance(self, votes: VoteMatrix) -> ClassBalance:
        """Return the mean posterior over covered records, one record of every class added."""
        covered = votes.covered()
        total = self._posterior(votes)[covered].sum(axis=0) + 1.0
        return ClassBalance(tuple(map(float, total / total.sum())), "estimated")


def _first_guess(n_functions: int, prior: NDArray[np.float64], precision: float) -> NDArray[np.float64]:
    """Return P(class | vote) when each vote multiplies its class's odds alike, shape (functions * classes, classes)."""
    k = len(prior)
    ratio = precision / (1 - precision) * (k - 1)
    lifted = prior * np.where(np.eye(k, dtype=bool), ratio, 1.0)
    return np.tile(lifted / lifted.sum(axis=1, keepdims=True), (n_functions, 1))
