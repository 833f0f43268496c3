"""What every label model has in common: votes in, class probabilities out, and a folder it can be kept in."""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import ABSTAIN, LabelSchema, VoteMatrix, align_gold, as_votes
from sidelight.labeling.cast_votes import covered_records

from .balance import ClassBalance
from .files import fingerprint_state, read_state, write_state
from .metrics import METRICS
from .overruled import Overruled, describe, find_overruled, one_class
from .ties import break_ties


class LabelModelWarning(UserWarning):
    """A label model could not do what it is for, and says what it did instead."""


class VoteModel(ABC):
    """Base of the label models: learns from votes alone, then gives each record a distribution over the classes.

    A model writes `fit`, which ends with `_remember`, and `_posterior`. What holds for all of them stands here:

    - A record without votes gets the class balance from `predict_proba` and -1 from `predict`.
    - Functions are known by name where the votes carry names: columns in another order are put right, further
      columns are left out, and missing ones refused.
    - Fitting is deterministic, touches no global random state, and returns the model.
    - Where no record is labeled with a class although every vote on some is for it, or classes seem swapped, `fit`
      warns, and `overruled_` says which.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.

    Attributes
    ----------
    prior_ : ndarray of shape (cardinality,)
        Class balance that the model works with.
    balance_ : ClassBalance
        The same, with where it came from.
    schema_ : LabelSchema
        The classes.
    names_ : tuple of str
        Names of the functions, in the order of the learned parameters.
    overruled_ : tuple of Overruled
        Classes whose votes are overruled on the records learned from; see `find_overruled`.
    assumed_ : ndarray of bool of shape (n_functions,) or None
        Functions of whose accuracy nothing was learned; None where a model learns no accuracies.
    """

    prior_: NDArray[np.float64]
    balance_: ClassBalance
    schema_: LabelSchema
    names_: tuple[str, ...]
    named_: bool
    overruled_: tuple[Overruled, ...] = ()  # of models saved before it was kept
    assumed_: NDArray[np.bool_] | None = None

    _kinds: ClassVar[dict[str, type[VoteModel]]] = {}
    _records: ClassVar[dict[str, Any]] = {
        "balance_": ClassBalance,
        "schema_": LabelSchema.from_json,
        "overruled_": lambda found: tuple(Overruled(**entry) for entry in found),
    }
    _wants_choice: ClassVar[bool] = False
    """Whether functions that vote for one class alone teach it nothing."""
    why_assumed: ClassVar[str] = ""
    """Why accuracies are assumed, where one reason is all there is."""

    def __init__(self, cardinality: int = 2) -> None:
        if isinstance(cardinality, bool) or not isinstance(cardinality, int | np.integer) or cardinality < 2:
            raise ValueError(f"cardinality is {cardinality!r}; it is the number of classes, at least 2")
        self.cardinality = int(cardinality)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        VoteModel._kinds[cls.__name__] = cls

    @abstractmethod
    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
    ) -> Self:
        """Learn from votes and return the model.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains.
        Y_dev : array-like of int, optional
            Gold labels of a development sample; only their class frequencies are used.
        class_balance : optional
            What is known of the class frequencies; see `ClassBalance.given`.
        """

    @abstractmethod
    def _posterior(self, votes: VoteMatrix) -> NDArray[np.float64]:
        """Return probabilities of shape (n_records, cardinality); rows without votes are overwritten."""

    # -- use ---------------------------------------------------------------------------------------

    def predict_proba(self, L: VoteMatrix | ArrayLike) -> NDArray[np.float64]:
        """Return P(class) of each record, shape (n_records, cardinality); rows sum to 1.

        A record on which no function voted gets the class balance.
        """
        self._check_fitted()
        votes = self.check_votes(L)
        proba = self._posterior(votes)
        proba[~self.covered(votes)] = self.prior_
        return proba

    def predict(
        self,
        L: VoteMatrix | ArrayLike,
        return_probs: bool = False,
        tie_break_policy: str = "abstain",
    ) -> Any:
        """Return the likeliest class of each record, -1 where no function voted.

        Parameters
        ----------
        L : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains.
        return_probs : bool, default False
            Return the probabilities as well.
        tie_break_policy : {"abstain", "random", "true-random"}, default "abstain"
            What a record gets whose best classes tie: -1, a class drawn by a hash of its id or row number, or a
            class drawn from a fixed random stream.

        Returns
        -------
        ndarray of int64 of shape (n_records,), or a pair of it and the probabilities
        """
        votes = self.check_votes(L)
        proba = self.predict_proba(votes)
        labels = break_ties(proba, tie_break_policy, ids=votes.ids)
        labels[~self.covered(votes)] = ABSTAIN
        return (labels, proba) if return_probs else labels

    def score(
        self,
        L: VoteMatrix | ArrayLike,
        Y: ArrayLike,
        metrics: Sequence[str] = ("accuracy",),
        tie_break_policy: str = "abstain",
    ) -> dict[str, float]:
        """Compare with gold labels.

        Parameters
        ----------
        L : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes, -1 where a function abstains.
        Y : array-like of shape (n_records,), Series or mapping from id to label
            Gold labels as numbers or class names; -1, None or NaN where there is none.
        metrics : sequence of str, default ("accuracy",)
            Any of "accuracy", "coverage", "precision", "recall", "f1" (binary), "f1_macro", "f1_micro", "roc_auc",
            "log_loss" and "brier". As in Snorkel, records left without a label take no part in the first group;
            ask for "coverage" beside them. The last three judge the probabilities of all records with votes.
        tie_break_policy : str, default "abstain"
            As in `predict`.

        Returns
        -------
        dict of str to float
        """
        unknown = [name for name in metrics if name not in METRICS]
        if unknown:
            raise ValueError(f"no metric called {', '.join(unknown)}; there are {', '.join(METRICS)}")
        votes = self.check_votes(L)
        labels, proba = self.predict(votes, return_probs=True, tie_break_policy=tie_break_policy)
        gold = check_gold(Y, self.cardinality, votes.n_records, votes)
        known = gold >= 0
        covered = self.covered(votes)[known]
        return {name: METRICS[name](gold[known], labels[known], proba[known], covered) for name in metrics}

    def covered(self, votes: VoteMatrix) -> NDArray[np.bool_]:
        """Return which records this model has something to say of, shape (n_records,)."""
        return covered_records(votes)

    def check_votes(self, L: VoteMatrix | ArrayLike) -> VoteMatrix:
        """Return `L` as votes whose columns are the functions this model was fitted on.

        Raises
        ------
        ValueError
            When a function is missing, the number of columns differs, or the classes do.
        """
        votes = as_votes(L, cardinality=self.cardinality)
        if not hasattr(self, "names_"):
            return votes
        named = _has_names(L)
        if named and votes.schema.classes != self.schema_.classes and self.named_:
            raise ValueError(
                f"the votes are of classes {list(votes.schema.classes)}, the model of {list(self.schema_.classes)}"
            )
        if not (named and self.named_):
            if votes.n_functions != len(self.names_):
                raise ValueError(
                    f"votes of {votes.n_functions} functions for a model fitted on {len(self.names_)}"
                )
            return votes
        if votes.names == self.names_:
            return votes
        missing = [name for name in self.names_ if name not in votes.names]
        if missing:
            raise ValueError(f"the model was fitted on functions that are missing here: {', '.join(missing)}")
        return votes.take_functions(self.names_)

    def __repr__(self) -> str:
        changed = self.get_params()
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            if name != "cardinality" and name in changed and changed[name] is parameter.default:
                del changed[name]
        given = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        fitted = f"fitted on {len(self.names_)} functions" if hasattr(self, "names_") else "not fitted"
        return f"<{type(self).__name__}({given}), {fitted}>"

    # -- parameters, state and files -----------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments by name (scikit-learn's habit)."""
        del deep
        left_out = (
            "self",
            "verbose",
            "device",
        )  # the last two are taken for Snorkel's sake, and decide nothing
        names = [name for name in inspect.signature(type(self).__init__).parameters if name not in left_out]
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments in place and return the model; fit anew afterwards."""
        unknown = sorted(set(params) - set(self.get_params()))
        if unknown:
            raise ValueError(
                f"no parameter called {', '.join(unknown)}; there are {', '.join(self.get_params())}"
            )
        fresh = type(self)(**{**self.get_params(), **params})
        for name in params:
            setattr(self, name, getattr(fresh, name))
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the kind of model, its parameters and everything it learned."""
        return fingerprint_state(type(self).__name__, self.get_params(), self._state())

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model to a folder: `model.json` and `arrays.npz`, versioned, without pickle."""
        self._check_fitted()
        return write_state(folder, type(self).__name__, self.get_params(), self._state(), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote; `VoteModel.load` reads any kind of model.

        Raises
        ------
        InputError
            When the folder holds no model of this kind, or one of a newer version.
        """
        kind, params, state = read_state(folder, {k: v for k, v in cls._kinds.items() if issubclass(v, cls)})
        model = cls._kinds[kind](**params)
        for name, value in state.items():
            make = model._records.get(name)
            setattr(model, name, value if make is None or value is None else _remake(make, value))
        assert isinstance(model, cls)  # noqa: S101
        return model

    def _state(self) -> dict[str, Any]:
        """Return everything learned: the attributes whose names end in an underscore."""
        return {name: value for name, value in sorted(vars(self).items()) if name.endswith("_")}

    def _remember(self, L: VoteMatrix | ArrayLike, votes: VoteMatrix, balance: ClassBalance) -> None:
        """Keep what `check_votes` and uncovered records need; every `fit` calls it."""
        self.schema_ = votes.schema
        self.names_ = votes.names
        self.named_ = _has_names(L)
        self.balance_ = balance
        self.prior_ = np.asarray(balance.vector, dtype=np.float64)

    def _watch(self, votes: VoteMatrix, counts: NDArray[np.int64] | None = None) -> None:
        """Keep which classes' votes the fit overrules, and warn of it; every `fit` that learns accuracies ends with it."""
        self.overruled_ = find_overruled(self, votes, counts)
        if self.overruled_:
            sided = one_class(votes) if self._wants_choice else np.zeros(votes.n_functions, dtype=np.bool_)
            names = [name for name, alone in zip(votes.names, sided, strict=True) if alone]
            warnings.warn(describe(self.overruled_, names), LabelModelWarning, stacklevel=3)

    def _start(self, L: VoteMatrix | ArrayLike) -> VoteMatrix:
        """Forget an earlier fit and return the votes to learn from."""
        for name in self._state():
            delattr(self, name)
        return as_votes(L, cardinality=self.cardinality)

    def _check_fitted(self) -> None:
        """Raise when `fit` was not called."""
        if not hasattr(self, "names_"):
            raise ValueError(f"this {type(self).__name__} is not fitted; call fit(votes) first")


def check_gold(
    Y: Any, cardinality: int, n_records: int | None = None, votes: VoteMatrix | None = None
) -> NDArray[np.int64]:
    """Return gold labels as int64, -1 where there is none, or say which one is no class.

    With `votes`, gold may also come as `align_gold` takes it: class names, numbers with gaps, a Series or mapping by id.
    """
    if votes is not None and (hasattr(Y, "items") or np.asarray(Y).dtype.kind not in "iu"):
        return align_gold(Y, votes)
    gold = np.asarray(Y)
    if gold.ndim != 1 or (n_records is not None and len(gold) != n_records):
        raise ValueError(f"gold labels have shape {gold.shape}; there is one for each of {n_records} records")
    if gold.size and gold.dtype.kind not in "iu":
        raise TypeError(f"gold labels are {gold.dtype}; they are integers, -1 where unknown")
    wrong = np.flatnonzero((gold < ABSTAIN) | (gold >= cardinality))
    if len(wrong):
        raise ValueError(
            f"gold[{wrong[0]}] is {gold[wrong[0]]}; with cardinality={cardinality} it is 0..{cardinality - 1} or -1"
        )
    return gold.astype(np.int64)


def _has_names(L: Any) -> bool:
    """Return whether the columns of these votes carry names of their own."""
    return isinstance(L, VoteMatrix) or hasattr(L, "columns")


def _remake(make: Any, value: Any) -> Any:
    """Build a small dataclass again from what its file held."""
    return make(**value) if isinstance(make, type) else make(value)
