"""Whether the label model's probabilities are good enough to train on, or a model of the reports should speak for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import auroc

from .text_model import TextModel

if TYPE_CHECKING:
    from .recurrent_text import RecurrentTextModel


@dataclass(frozen=True, eq=False)
class TextDecision:
    """Whose probabilities become the labels, and why.

    Parameters
    ----------
    proba : ndarray of shape (n_records, n_classes)
        The labels to train on.
    covered : ndarray of bool of shape (n_records,)
        Which of them count: once the text model has spoken, all that have a text.
    used : bool
        Whether the text model's probabilities were taken.
    reason : str
        In words.
    coverage, auroc : float
        Of the label model: share of covered records, and area under the ROC curve on dev (NaN without dev gold).
    dev_loss : mapping from name to float
        Log loss on dev of "label model" and "text model"; empty without dev gold, or when no text model was tried.
    model : TextModel, RecurrentTextModel or None
        The text model, where one was trained.
    """

    proba: NDArray[np.float64]
    covered: NDArray[np.bool_]
    used: bool
    reason: str
    coverage: float
    auroc: float
    dev_loss: dict[str, float]
    model: TextModel | RecurrentTextModel | None

    def to_json(self) -> dict[str, Any]:
        """Return the decision without the probabilities."""
        return {
            "used": self.used,
            "reason": self.reason,
            "coverage": self.coverage,
            "auroc": None if np.isnan(self.auroc) else self.auroc,
            "dev_loss": self.dev_loss,
        }


def decide_labels(
    texts: Sequence[str],
    proba: ArrayLike,
    covered: ArrayLike,
    *,
    dev: Sequence[Any] | None = None,
    triggers: Sequence[str] = (),
    least_coverage: float = 0.90,
    least_auroc: float = 0.90,
    fill: bool = False,
    recurrent: bool = False,
    seed: int = 0,
) -> TextDecision:
    """Take the label model's probabilities, or a text model's where they cover or know too little.

    A text model is trained when the label model covers less than `least_coverage` of the records or its area on dev is
    below `least_auroc`. With dev gold, its probabilities are taken only if their log loss there is the smaller one. A
    record whose text is blank keeps what the label model said: no model of words knows more.

    Parameters
    ----------
    texts : sequence of str
        Reports of the training records.
    proba : array-like of shape (n_records, n_classes)
        The label model's probabilities.
    covered : array-like of bool of shape (n_records,)
        Where any labeling function voted.
    dev : (texts, proba, gold) or (texts, proba, gold, covered), optional
        Reports of other patients, the label model's probabilities for them, and their classes, -1 where unknown; with
        `fill` also where any function voted.
    triggers : sequence of str, optional
        See `TextModel`.
    least_coverage, least_auroc : float, default 0.90
        The rule's limits.
    fill : bool, default False
        The text model speaks only for records that no function covers; with `dev`, it is judged on such records.
    recurrent : bool, default False
        Also train a `RecurrentTextModel`, which needs torch, and take it where its log loss on dev is the smaller one.
    seed : int, default 0
        Of the text model.

    References
    ----------
    Dunnmon et al., "Cross-modal data programming enables rapid medical machine learning", Patterns 2020; limits are those
    of the code released with it.
    """
    chance = np.asarray(proba, dtype=np.float64)
    present = np.asarray(covered, dtype=bool)
    coverage = float(present.mean()) if len(present) else 0.0
    area = float("nan")
    if dev is not None:
        dev_texts = list(dev[0])
        dev_proba, gold = np.asarray(dev[1], dtype=np.float64), np.asarray(dev[2])
        known = gold >= 0
        area = _area(gold[known], dev_proba[known])
    weak = [
        words
        for words, is_weak in (
            (f"coverage {coverage:.2f} is below {least_coverage:.2f}", coverage < least_coverage),
            (f"dev AUROC {area:.2f} is below {least_auroc:.2f}", area < least_auroc),
        )
        if is_weak
    ]
    if not weak:
        reason = f"coverage is {coverage:.2f}" + ("" if np.isnan(area) else f" and dev AUROC {area:.2f}")
        return TextDecision(
            chance, present, False, f"{reason}: no text model is needed", coverage, area, {}, None
        )
    worded = _worded(texts)
    model: TextModel | RecurrentTextModel = TextModel(triggers, seed=seed)
    model.fit(texts, chance, present & worded)
    why, losses, better = " and ".join(weak), {}, True
    if dev is not None:
        rows = np.flatnonzero(known & _worded(dev_texts))
        if fill and len(dev) == 4:
            rows = rows[~np.asarray(dev[-1], dtype=bool)[rows]]
        if len(rows):
            losses = {
                "label model": _log_loss(gold[rows], dev_proba[rows]),
                "text model": _log_loss(gold[rows], model.predict_proba([dev_texts[row] for row in rows])),
            }
            if recurrent:
                other = _recurrent(triggers, seed).fit(texts, chance, present & worded)
                loss = _log_loss(gold[rows], other.predict_proba([dev_texts[row] for row in rows]))
                if loss < losses["text model"]:
                    model, losses["text model"] = other, loss
            better = losses["text model"] < losses["label model"]
            why += (
                f"; dev log loss {losses['text model']:.3f} of the text model against "
                f"{losses['label model']:.3f}"
            )
    if not better:
        return TextDecision(
            chance, present, False, f"{why}: the label model stays", coverage, area, losses, model
        )
    told = worded & ~present if fill else worded
    chance = chance.copy()
    if told.any():
        chance[told] = model.predict_proba([texts[row] for row in np.flatnonzero(told).tolist()])
    return TextDecision(chance, present | told, True, why, coverage, area, losses, model)


def _recurrent(triggers: Sequence[str], seed: int) -> RecurrentTextModel:
    from .recurrent_text import RecurrentTextModel

    return RecurrentTextModel(triggers, seed=seed)


def _worded(texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([bool(text and text.strip()) for text in texts], dtype=bool)


def _area(gold: NDArray[Any], proba: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve, the mean over classes against the rest when there are more than two."""
    classes = [1] if proba.shape[1] == 2 else range(proba.shape[1])
    areas = [auroc(gold == k, proba[:, k]) for k in classes if 0 < (gold == k).sum() < len(gold)]
    return float(np.mean(areas)) if areas else float("nan")


def _log_loss(gold: NDArray[Any], proba: NDArray[np.float64]) -> float:
    return float(-np.log(np.clip(proba[np.arange(len(gold)), gold.astype(int)], 1e-6, 1)).mean())
