"""Predicting from several changed views of a study, weighed by what they are worth."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from sidelight.labeling.seeds import derive_seed

from .batches import Augment
from .inputs import Inputs, as_inputs
from .targets import as_targets


class PredictsLogits(Protocol):
    """A fitted classifier, or a bundle."""

    def predict_logits(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return logits of shape (n_records, n_classes)."""
        ...


def view_logits(
    model: PredictsLogits, signals: Inputs | ArrayLike, augment: Augment, n_views: int = 8, *, seed: int = 0
) -> NDArray[np.float64]:
    """Return logits of shape (n_records, n_views, n_classes): of the study itself first, then of changed ones.

    Parameters
    ----------
    model : CrossModalClassifier or Bundle
        Fitted.
    signals : SignalSet, StudyFiles or array-like
        What `model` takes.
    augment : callable
        Takes inputs and a torch generator; `SignalAugment` or `ImageAugment`, for example.
    n_views : int, default 8
        The study itself included.
    seed : int, default 0
        Of the changes.
    """
    if n_views < 1:
        raise ValueError(f"n_views is {n_views}; at least 1 is needed")
    inputs = as_inputs(signals)
    views = [model.predict_logits(inputs)]
    for view in range(1, n_views):
        draw = torch.Generator().manual_seed(derive_seed(seed, "crossmodal", "views", str(view)))
        views.append(model.predict_logits(_Changed(inputs, augment, draw)))
    return np.stack(views, axis=1)


class _Changed:
    """Inputs whose every batch is changed when it is asked for."""

    def __init__(self, inputs: Inputs, augment: Augment, draw: torch.Generator) -> None:
        self.inputs, self.augment, self.draw = inputs, augment, draw
        self.contract = inputs.contract

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        return np.asarray(self.augment(torch.from_numpy(self.inputs.batch(rows)), self.draw).numpy())

    def __len__(self) -> int:
        return len(self.inputs)


def fit_view_weights(logits: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return weights of shape (n_views,), at least 0 and adding up to 1, that fit the labels of dev best.

    Parameters
    ----------
    logits : array-like of shape (n_records, n_views, n_classes)
        From `view_logits`.
    labels : array-like of shape (n_records,) or (n_records, n_classes)
        Gold of records that were not trained on, -1 where unknown.

    References
    ----------
    D. Shanmugam et al., "Better aggregation in test-time augmentation", ICCV 2021: one weight a view, by cross-entropy.

    Examples
    --------
    >>> good, bad = [[3.0, -3.0], [-3.0, 3.0]], [[-1.0, 1.0], [1.0, -1.0]]
    >>> fit_view_weights(np.stack([good, bad], axis=1), [0, 1]).round(2).tolist()
    [1.0, 0.0]
    """
    views = np.asarray(logits, dtype=np.float64)
    targets = as_targets(labels, n_classes=views.shape[2])
    rows = targets.used
    views, proba = views[rows], targets.proba[rows].astype(np.float64)
    n_views = views.shape[1]
    if n_views == 1 or not len(rows):
        return np.full(n_views, 1 / n_views)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        mixed = np.einsum("nak,a->nk", views, weights)
        wrong = special.softmax(mixed, axis=1) - proba
        value = -(proba * special.log_softmax(mixed, axis=1)).sum(axis=1).mean()
        return float(value), np.einsum("nk,nak->a", wrong, views) / len(views)

    even = np.full(n_views, 1 / n_views)
    found = optimize.minimize(
        loss,
        even,
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * n_views,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like},
    )
    weights: NDArray[np.float64] = np.clip(found.x, 0, None)
    weights = weights / weights.sum()
    return weights if loss(weights)[0] <= loss(even)[0] else even


def weighted_logits(logits: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Return logits of shape (n_records, n_classes): the views' weighted sum."""
    return np.asarray(np.einsum("nak,a->nk", np.asarray(logits, dtype=np.float64), np.asarray(weights)))


def corrections(gold: ArrayLike, before: ArrayLike, after: ArrayLike) -> tuple[int, int]:
    """Return how many predictions became right and how many became wrong; a net gain hides the second.

    Examples
    --------
    >>> corrections([0, 1, 1, -1], before=[1, 1, 0, 0], after=[0, 0, 1, 1])
    (2, 1)
    """
    truth, first, second = np.asarray(gold), np.asarray(before), np.asarray(after)
    known = truth >= 0
    was, now = (first == truth) & known, (second == truth) & known
    return int((~was & now).sum()), int((was & ~now).sum())
