"""What is measured in a slice: the metrics, each with what it counts and which way is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind: TypeAlias = Literal["share", "mean", "area", "custom"]


@dataclass(frozen=True)
class Metric:
    """A number computed from gold and predictions.

    Parameters
    ----------
    name : str
        How tables and files call it.
    title : str
        How people call it.
    kind : {"share", "mean", "area", "custom"}
        A proportion of records, a mean over records, an area under the ROC curve, or any `function`.
    higher_is_better : bool, default True
        Which way is better.
    function : callable, optional
        For "custom": takes gold and predictions, returns a number. In a task of two classes gold is 0/1 and
        predictions are the probability of the positive class; with more classes they are class numbers and
        probabilities of shape (n, n_classes).
    """

    name: str
    title: str
    kind: Kind = "custom"
    higher_is_better: bool = True
    function: Callable[[NDArray[Any], NDArray[Any]], float] | None = None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("auroc", "AUROC", "area"),
        Metric("accuracy", "Accuracy", "share"),
        Metric("sensitivity", "Sensitivity", "share"),
        Metric("specificity", "Specificity", "share"),
        Metric("precision", "Precision", "share"),
        Metric("brier", "Brier score", "mean", higher_is_better=False),
    )
}
"""Metrics by name."""

DEFAULT_METRICS = ("auroc", "sensitivity", "specificity", "brier")


def as_metrics(metrics: Iterable[str | Metric | Callable[..., float]]) -> tuple[Metric, ...]:
    """Return metrics from names, `Metric`s and bare functions ``f(y, p)``."""
    found = []
    for metric in [metrics] if isinstance(metrics, str) else metrics:
        if isinstance(metric, Metric):
            found.append(metric)
        elif callable(metric):
            name = str(getattr(metric, "__name__", "metric"))
            found.append(Metric(name, name.replace("_", " "), function=metric))
        elif metric in METRICS:
            found.append(METRICS[metric])
        else:
            raise ValueError(
                f"no metric called {metric!r}; there are {', '.join(METRICS)}, or pass a function"
            )
    names = [metric.name for metric in found]
    if len(set(names)) != len(names):
        raise ValueError(f"a metric is asked for twice: {', '.join(names)}")
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Task:
    """Gold and predictions of the records that have both, in the forms that metrics need.

    Parameters
    ----------
    gold : ndarray of int of shape (n,)
        Class of each record.
    positive : ndarray of bool of shape (n,)
        Whether it is the positive class.
    score : ndarray of float of shape (n,)
        Predicted probability of the positive class.
    decision : ndarray of int of shape (n,)
        Predicted class.
    called : ndarray of bool of shape (n,)
        Whether the positive class was predicted.
    proba : ndarray of shape (n, n_classes)
        Predicted probabilities.
    rows : ndarray of int of shape (n,)
        Where these records stand among all that were given.
    """

    gold: NDArray[np.int64]
    positive: NDArray[np.bool_]
    score: NDArray[np.float64]
    decision: NDArray[np.int64]
    called: NDArray[np.bool_]
    proba: NDArray[np.float64]
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.gold)

    def parts(self, metric: Metric) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Return which records count towards a share or mean, and what each of them adds."""
        everyone = np.ones(len(self), dtype=bool)
        if metric.name == "accuracy":
            return everyone, (self.decision == self.gold).astype(np.float64)
        if metric.name == "sensitivity":
            return self.positive, self.called.astype(np.float64)
        if metric.name == "specificity":
            return ~self.positive, (~self.called).astype(np.float64)
        if metric.name == "precision":
            return self.called, self.positive.astype(np.float64)
        if metric.name == "brier":
            if self.proba.shape[1] == 2:
                return everyone, (self.score - self.positive) ** 2
            onehot = np.eye(self.proba.shape[1])[self.gold]
            return everyone, ((self.proba - onehot) ** 2).sum(axis=1)
        raise ValueError(f"metric {metric.name!r} of kind {metric.kind!r} has no parts")

    def arguments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return gold and predictions as a custom metric takes them."""
        if self.proba.shape[1] == 2:
            return self.positive.astype(np.int64), self.score
        return self.gold, self.proba


def as_task(y: ArrayLike, proba: ArrayLike, *, positive: int = 1, threshold: float = 0.5) -> Task:
    """Return the records that have gold and a prediction; what is missing is left out, never an error.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        Class numbers; None, NaN and -1 are missing gold.
    proba : array-like of shape (n_records,) or (n_records, n_classes)
        Probabilities, of the positive class when there is one column; a NaN is a missing prediction.
    positive : int, default 1
        The class that sensitivity, specificity, precision and AUROC are about.
    threshold : float, default 0.5
        Two classes: positive is predicted at this probability and above. More classes: the likeliest is.
    """
    gold = _gold(y)
    values = np.asarray(proba, dtype=np.float64)
    if values.ndim == 1:
        values = np.column_stack([1 - values, values])
        if positive != 1:
            raise ValueError(f"positive is {positive}; with one column of probabilities it is 1")
    if values.ndim != 2 or len(values) != len(gold):
        raise ValueError(f"proba has shape {np.shape(proba)}; there are {len(gold)} records in y")
    n_classes = values.shape[1]
    if not 0 <= positive < n_classes:
        raise ValueError(f"positive is {positive}; the classes are 0..{n_classes - 1}")
    wrong = gold >= n_classes
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"y[{row}] is {gold[row]}; proba has the classes 0..{n_classes - 1}")
    off = (values < -1e-6) | (values > 1 + 1e-6)
    if off.any():
        row = int(np.argwhere(off)[0, 0])
        raise ValueError(f"proba[{row}] holds {values[row].max():g}; probabilities lie in 0..1")
    rows = np.flatnonzero((gold >= 0) & ~np.isnan(values).any(axis=1))
    gold, values = gold[rows], values[rows]
    score = values[:, positive]
    if n_classes == 2:
        called = score >= threshold
        decision = np.where(called, positive, 1 - positive).astype(np.int64)
    else:
        decision = values.argmax(axis=1).astype(np.int64)
        called = decision == positive
    return Task(gold, gold == positive, score, decision, called, values, rows)


def _gold(y: ArrayLike) -> NDArray[np.int64]:
    """Return gold as class numbers, -1 where it is missing."""
    values = np.asarray(y)
    if values.ndim != 1:
        raise ValueError(f"y has {values.ndim} dimensions; it is (n_records,)")
    if values.dtype.kind in "OUS":
        given = [
            None if value is None or value != value or value == "" else value for value in values.tolist()
        ]
        if any(isinstance(value, str | bytes) for value in given):
            raise TypeError(
                "y holds strings; encode them with the schema: [schema.index(name) for name in y]"
            )
        values = np.array([-1 if value is None else value for value in given], dtype=np.float64)
    numbers = np.nan_to_num(values.astype(np.float64), nan=-1.0)
    wrong = (numbers < -1) | (numbers != np.floor(numbers))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"y[{row}] is {numbers[row]:g}; gold is a class number, or -1, None, NaN where missing"
        )
    return numbers.astype(np.int64)
