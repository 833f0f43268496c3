"""Metrics by Snorkel's names, over all records and slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.schema import ABSTAIN
from sidelight.labeling.statistics import auroc

from .matrix import as_slices

Columns = Mapping[str, NDArray[Any] | None]


class Scorer:
    """Computes metrics from gold, predictions and probabilities; names, order and meaning are Snorkel's.

    Parameters
    ----------
    metrics : sequence of str, optional
        Names in `Scorer.METRICS`; none when not given.
    custom_metric_funcs : mapping of str to callable, optional
        Each takes golds, preds and probs.
    abstain_label : int, optional, default -1
        Records with this gold are left out, and those with this prediction too (but for "coverage"); None keeps all.

    Examples
    --------
    >>> scorer = Scorer(["accuracy", "f1"])
    >>> scorer.score([1, 0, 1, -1], [1, 0, 0, 1])["accuracy"]
    0.6666666666666666
    >>> scorer.score_slices({"late": [0, 0, 1, 1]}, [1, 0, 1, 0], [1, 0, 0, 0])["late"]["accuracy"]
    0.5
    """

    METRICS = (
        "accuracy", "coverage", "f1", "f1_macro", "f1_micro", "matthews_corrcoef", "precision", "recall", "roc_auc"
    )  # fmt: skip
    """Metrics by name; those of two classes are about class 1."""

    def __init__(
        self,
        metrics: Sequence[str] | None = None,
        custom_metric_funcs: Mapping[str, Callable[..., float]] | None = None,
        abstain_label: int | None = ABSTAIN,
    ) -> None:
        for metric in metrics or ():
            if metric not in self.METRICS:
                raise ValueError(f"metric is {metric!r}; known by name: {', '.join(self.METRICS)}")
        self.metrics = tuple(metrics or ())
        self.custom_metric_funcs = dict(custom_metric_funcs or {})
        self.abstain_label = abstain_label

    def score(
        self, golds: ArrayLike, preds: ArrayLike | None = None, probs: ArrayLike | None = None
    ) -> dict[str, float]:
        """Return each metric; NaN where it needs what is not given, or what no record has.

        Parameters
        ----------
        golds, preds : array-like of int of shape (n_records,)
            Class numbers.
        probs : array-like of shape (n_records, n_classes), optional
            Needed by "roc_auc".
        """
        gold = np.asarray(golds)
        predicted = None if preds is None else np.asarray(preds)
        proba = None if probs is None else np.asarray(probs, dtype=np.float64)
        for name, column in (("preds", predicted), ("probs", proba)):
            if column is not None and len(column) != len(gold):
                raise ValueError(f"{name} has {len(column)} rows for {len(gold)} golds")
        known = np.ones(len(gold), dtype=bool)
        if self.abstain_label is not None:
            known = gold != self.abstain_label
        voted = known
        if predicted is not None and self.abstain_label is not None:
            voted = known & (predicted != self.abstain_label)
        scores: dict[str, float] = {}
        for metric in self.metrics:
            if metric == "coverage":
                scores[metric] = _share(voted[known]) if predicted is not None else float("nan")
            elif metric == "roc_auc":
                scores[metric] = _roc_auc(gold[known], None if proba is None else proba[known])
            else:
                answer = None if predicted is None else predicted[voted]
                scores[metric] = float("nan") if answer is None else _measure(metric, gold[voted], answer)
        for name, function in self.custom_metric_funcs.items():
            scores[name] = float(
                function(
                    gold[voted],
                    None if predicted is None else predicted[voted],
                    None if proba is None else proba[voted],
                )
            )
        return scores

    def score_slices(
        self,
        S: Any,
        golds: ArrayLike,
        preds: ArrayLike,
        probs: ArrayLike | None = None,
        as_dataframe: bool = False,
    ) -> Any:
        """Return the metrics over all records ("overall") and in every slice.

        Parameters
        ----------
        S : SliceMatrix, record array, mapping of name to bools, or array of shape (n_records, n_slices)
            Membership.
        golds, preds, probs
            As for `score`.
        as_dataframe : bool, default False
            A pandas DataFrame with one row a slice, instead of a dict of dicts.

        Notes
        -----
        A number of a small slice says little; `audit` adds intervals, gaps and what could have been seen.
        """
        gold = np.asarray(golds)
        slices = as_slices(S, n_records=len(gold))
        rows = {"overall": np.ones(len(gold), dtype=bool)}
        rows |= {name: slices[name] for name in slices.names}
        scores = {
            name: self.score(
                gold[inside], np.asarray(preds)[inside], None if probs is None else np.asarray(probs)[inside]
            )
            for name, inside in rows.items()
        }
        if not as_dataframe:
            return scores
        import pandas as pd

        return pd.DataFrame.from_dict(scores, orient="index")


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else float("nan")


def _roc_auc(gold: NDArray[Any], proba: NDArray[np.float64] | None) -> float:
    if proba is None:
        return float("nan")
    score = proba if proba.ndim == 1 else proba[:, 1]
    return auroc(gold == 1, score) if len(gold) else float("nan")


def _measure(metric: str, gold: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return a metric of class numbers."""
    if not len(gold):
        return float("nan")
    if metric in ("accuracy", "f1_micro"):  # with one label a record they are the same
        return float(np.mean(gold == predicted))
    if metric == "f1_macro":
        classes = np.unique(np.concatenate([gold, predicted]))
        return float(np.mean([_f1(gold == code, predicted == code) for code in classes]))
    truth, answer = gold == 1, predicted == 1
    if metric == "f1":
        return _f1(truth, answer)
    if metric == "precision":
        return _share(truth[answer]) if answer.any() else 0.0
    if metric == "recall":
        return _share(answer[truth]) if truth.any() else 0.0
    return _matthews(gold, predicted)


def _f1(truth: NDArray[np.bool_], answer: NDArray[np.bool_]) -> float:
    total = int(truth.sum() + answer.sum())
    return 2 * int((truth & answer).sum()) / total if total else 0.0


def _matthews(gold: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the correlation of gold and prediction over any number of classes."""
    classes = np.unique(np.concatenate([gold, predicted]))
    truth = (gold[:, None] == classes).astype(float)
    answer = (predicted[:, None] == classes).astype(float)
    truth, answer = truth - truth.mean(axis=0), answer - answer.mean(axis=0)
    spread = float(np.sqrt((truth**2).sum() * (answer**2).sum()))
    return float((truth * answer).sum()) / spread if spread else 0.0
