"""Keeping the plain model where training for slices did not pay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal.calibration import fit_temperature, scaled_softmax
from sidelight.crossmodal.classifier import CrossModalClassifier
from sidelight.crossmodal.multi_label import as_multi_label, fit_multi_label_temperature, scaled_sigmoid
from sidelight.crossmodal.targets import as_targets

from .membership import as_membership

LEAST = 5
"""Members that a slice needs among the validation rows to be asked about."""


def keep_better(
    plain: CrossModalClassifier,
    emphasized: CrossModalClassifier,
    validation: Sequence[Any],
    slices: Any,
) -> CrossModalClassifier:
    """Return whichever of two fitted models does better on records that neither was trained on; `plain` in doubt.

    Better is a lower mean of two losses: that of all rows, and the mean of the slices' own. A slice that gains cannot buy
    more than as much of a loss elsewhere, and where few records or wrong labels make emphasis useless nothing is lost.

    Parameters
    ----------
    plain, emphasized : CrossModalClassifier
        Fitted.
    validation : (signals, labels) or (signals, labels, covered)
        Records that neither was trained on.
    slices : SliceMatrix, mapping of name to bools, or array of shape (n_records, n_slices)
        Their membership. A slice with fewer than five members there is not asked about.

    References
    ----------
    The score, half of all records and half of the slices, is the one by which arXiv 1909.06349's models are chosen.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> signals = random.normal(size=(40, 2, 64)) * (1 + 3 * y[:, None, None])
    >>> idle = CrossModalClassifier(max_epochs=1, learning_rate=1e-9, accelerator="cpu").fit(signals, y)
    >>> model = CrossModalClassifier(max_epochs=6, accelerator="cpu").fit(signals, y)
    >>> keep_better(idle, model, (signals, y), {"late": np.arange(40) > 30}) is model
    True
    """
    members = as_membership(slices, n_records=len(validation[1]))
    mine, theirs = (_score(model, validation, members.values) for model in (plain, emphasized))
    return emphasized if theirs < mine else plain


def _score(model: CrossModalClassifier, validation: Sequence[Any], members: NDArray[np.float32]) -> float:
    """Return half of the mean loss of all rows, and half of the mean of the slices' mean losses, at its best temperature."""
    logits = model.predict_logits(validation[0])
    if model.multi_label:
        targets = as_multi_label(*validation[1:], n_classes=model.n_classes_)
        label = targets.proba.astype(np.float64)
        proba = _inside(scaled_sigmoid(logits, fit_multi_label_temperature(logits, targets)))
        known = ~np.isnan(label)
        surprise = np.where(known, -label * np.log(proba) - (1 - label) * np.log(1 - proba), 0.0)
        losses = surprise.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    else:
        targets = as_targets(*validation[1:], n_classes=model.n_classes_)
        proba = _inside(scaled_softmax(logits, fit_temperature(logits, targets.proba, targets.weight)))
        losses = -(np.nan_to_num(targets.proba) * np.log(proba)).sum(axis=1)
    weight = targets.weight.astype(np.float64)
    inside = members * weight[:, None]
    asked = inside[:, inside.sum(axis=0) >= LEAST]
    overall = float(losses @ weight / max(weight.sum(), 1e-12))
    if not asked.shape[1]:
        return overall
    return 0.5 * overall + 0.5 * float((losses @ asked / asked.sum(axis=0)).mean())


def _inside(proba: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(proba, 1e-7, 1 - 1e-7)
