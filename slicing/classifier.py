"""Snorkel's slice-aware classifier: any network body, and heads that learn from slicing functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sidelight.crossmodal.classifier import CrossModalClassifier
from sidelight.crossmodal.inputs import Inputs, as_inputs
from sidelight.crossmodal.multi_label import as_multi_label
from sidelight.crossmodal.targets import as_targets

from .heads import SliceHeads
from .membership import Membership, as_membership
from .recipes import emphasize
from .scorer import Scorer
from .visibility import switch_off_unseen


class SliceAwareClassifier:
    """A body with slice heads, trained and scored slice by slice.

    For those who come from Snorkel: the arguments up to `slice_names` and `scorer` are the same. Data are arrays
    instead of a `DictDataset`, `fit` stands in the place of `make_slice_dataloader` and `Trainer`, there may be more
    than two classes, labels may be probabilities, and predicting runs no slicing function.

    Parameters
    ----------
    base_architecture : Module
        Maps inputs to features of shape (n_rows, head_dim); copied at each fit.
    head_dim : int
        Width of the features.
    slice_names : sequence of str
        Slices that the heads learn; columns of the membership by name.
    scorer : Scorer, optional
        What `score` and `score_slices` compute; accuracy and F1 by default.
    balanced : bool, default True
        Draw rows so that slices and labels are met alike, as the recipe "slice-heads" of `train_robustly` does.
    head : mapping, optional
        More arguments of `SliceHeads`, such as ``{"attention": "paper"}``.
    **training
        Arguments of `CrossModalClassifier`: `max_epochs`, `learning_rate`, `seed` and so on; `schedule` is "constant"
        unless given, as in the recipes of `train_robustly`.

    Attributes
    ----------
    model_ : CrossModalClassifier
        What was fitted.
    areas_ : dict of str to float
        How well each indicator tells its slice on the validation rows, where their membership was given.

    Examples
    --------
    >>> body = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.ReLU())
    >>> X = np.random.default_rng(0).normal(size=(60, 1, 4))
    >>> Y, S = (X[:, 0, 0] > 0).astype(int), {"late": np.arange(60) > 40}
    >>> model = SliceAwareClassifier(body, 8, ["late"], max_epochs=2, accelerator="cpu").fit(X, Y, S)
    >>> sorted(model.score_slices(X, Y, S))
    ['late', 'overall']
    """

    model_: CrossModalClassifier
    areas_: dict[str, float]

    def __init__(
        self,
        base_architecture: nn.Module,
        head_dim: int,
        slice_names: Sequence[str],
        *,
        scorer: Scorer | None = None,
        balanced: bool = True,
        head: dict[str, Any] | None = None,
        **training: Any,
    ) -> None:
        if isinstance(slice_names, str):
            raise TypeError("slice_names is one string; give a sequence of names")
        self.base_architecture, self.head_dim = base_architecture, head_dim
        self.slice_names = tuple(slice_names)
        self.scorer = scorer or Scorer(["accuracy", "f1"])
        self.balanced, self.head = balanced, dict(head or {})
        self.training = {"schedule": "constant"} | training

    def fit(
        self,
        X: Inputs | ArrayLike,
        Y: ArrayLike,
        S: Any,
        *,
        validation: Sequence[Any] | None = None,
        validation_slices: Any = None,
    ) -> Self:
        """Train on inputs, labels (class numbers or probabilities) and membership.

        Parameters
        ----------
        X, Y, validation
            As for `CrossModalClassifier.fit`.
        S : SliceMatrix, record array, mapping of name to bools, or array of shape (n_records, n_slices)
            Membership, bools or chances in [0, 1]; it holds the slices of `slice_names`, and may hold others.
        validation_slices : the same, of the validation rows, optional
            Experts of slices that the indicators cannot see there are switched off (`switch_off_unseen`).
        """
        if validation_slices is not None and validation is None:
            raise ValueError("validation_slices is given without validation rows")
        multi_label = bool(self.training.get("multi_label", False))
        targets = as_multi_label(Y) if multi_label else as_targets(Y)
        slices = self._membership(S, len(targets.proba))
        model = CrossModalClassifier(self.base_architecture, **self.training)
        if self.balanced and self.slice_names:
            emphasize(model, X, targets, slices, "slice-heads", **({"seed": 0} | self.head))
            model.schedule = self.training["schedule"]
        else:
            rates = slices.values[targets.used].mean(axis=0).tolist()
            settings: dict[str, Any] = {"rates": rates, "multi_label": multi_label} | self.head
            model.head = partial(SliceHeads, slices=self.slice_names, **settings)
        make: Any = model.head

        def heads(n_features: int, n_classes: int) -> nn.Module:
            if n_features != self.head_dim:
                raise ValueError(f"the body gives {n_features} features; head_dim is {self.head_dim}")
            head: nn.Module = make(n_features, n_classes)
            return head

        model.head = heads
        self.model_ = model.fit(X, Y, validation=validation, membership=slices.values)
        self.areas_ = {}
        if validation is not None and validation_slices is not None:
            members = self._membership(validation_slices, len(as_inputs(validation[0])))
            self.areas_ = switch_off_unseen(self.model_, validation, members.values)
        return self

    def predict_proba(self, X: Inputs | ArrayLike) -> NDArray[np.float64]:
        """Return probabilities of shape (n_records, n_classes)."""
        if not hasattr(self, "model_"):
            raise ValueError("this SliceAwareClassifier is not fitted yet; call fit first")
        return self.model_.predict_proba(X)

    def predict(self, X: Inputs | ArrayLike) -> NDArray[np.int64]:
        """Return the likeliest class of each record."""
        if not hasattr(self, "model_"):
            raise ValueError("this SliceAwareClassifier is not fitted yet; call fit first")
        return self.model_.predict(X)

    def score(self, X: Inputs | ArrayLike, Y: ArrayLike) -> dict[str, float]:
        """Return the scorer's metrics over all records; -1 in `Y` leaves a record out."""
        proba = self.predict_proba(X)
        return self.scorer.score(Y, proba.argmax(axis=1), proba)

    def score_slices(
        self,
        X: Inputs | ArrayLike,
        Y: ArrayLike,
        S: Any,
        as_dataframe: bool = False,
    ) -> Any:
        """Return the scorer's metrics over all records and in every slice; see `Scorer.score_slices`."""
        proba = self.predict_proba(X)
        return self.scorer.score_slices(S, Y, proba.argmax(axis=1), proba, as_dataframe)

    def _membership(self, given: Any, n_records: int) -> Membership:
        """Return the slices of the heads, in their order; an array without names holds just these."""
        found = as_membership(given, n_records=n_records)
        if set(self.slice_names) <= set(found.names):
            columns = [found.names.index(name) for name in self.slice_names]
            return Membership(found.values[:, columns], self.slice_names)
        if not isinstance(given, np.ndarray) or given.dtype.names or found.n_slices != len(self.slice_names):
            absent = sorted(set(self.slice_names) - set(found.names))
            raise ValueError(f"the membership has no slice called {', '.join(absent)}")
        return Membership(found.values, self.slice_names)
