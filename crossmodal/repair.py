"""Two more ways to choose what to look at by hand: what resampled models disagree on, and whose repair moves most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from sidelight.labeling.seeds import generator

from .targets import Targets, as_targets


def bootstrap_uncertainty(
    embeddings: ArrayLike,
    labels: ArrayLike,
    annotators: ArrayLike | None = None,
    *,
    make: Callable[[], Any] | None = None,
    n_models: int = 10,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return how much models trained on resampled labels disagree about each record: the variance of their votes.

    With several annotators, it is these that are resampled, with all they said: what hangs on one person's habits counts
    as unsure, which resampling of records would not show.

    Parameters
    ----------
    embeddings : array-like of shape (n_records, n_features)
        Of all records, labeled or not; for example ``CrossModalClassifier.embed``.
    labels : array-like of int of shape (n_records,) or (n_records, n_annotators)
        Hand labels, -1 where there is none; a column for each annotator.
    annotators : array-like of shape (n_records,), optional
        Who gave each label, where labels are one column; records are resampled without.
    make : callable, optional
        Returns an unfitted classifier of scikit-learn's kind; logistic regression by default.
    n_models : int, default 10
        Resamples.
    seed : int, default 0
        Of the resampling.

    Returns
    -------
    ndarray of shape (n_records,)
        Expected squared distance of a model's vote from the share of all models' votes; 0 where all agree.

    References
    ----------
    B. Mozafari et al., "Scaling up crowd-sourcing to very large datasets: a case for active learning", PVLDB 2014, the score
    called uncertainty: q (1 - q) for two classes.

    Examples
    --------
    >>> points = np.linspace(-1, 1, 41)[:, None]
    >>> labels = np.where(np.arange(41) % 4 == 0, points[:, 0] > 0, -1)
    >>> unsure = bootstrap_uncertainty(points, labels)
    >>> bool(unsure[18:23].max() > unsure[[0, 40]].max())
    True
    """
    features, given = np.asarray(embeddings, dtype=np.float64), np.asarray(labels)
    if len(given) != len(features) or given.ndim not in (1, 2):
        raise ValueError(f"labels have shape {given.shape} for {len(features)} records")
    if n_models < 2:
        raise ValueError(f"n_models is {n_models}; at least 2 can disagree")
    rows, values, groups = _said(given, annotators)
    classes = np.unique(values)
    if len(classes) < 2:
        raise ValueError("labels hold less than two classes: nothing can be told apart")
    random = generator(seed, "crossmodal", "bootstrap uncertainty")
    names, place = np.unique(groups, return_inverse=True)
    votes = np.zeros((len(features), len(classes)))
    n_fitted = 0
    for _ in range(n_models):
        times = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))[place]
        drawn = np.repeat(np.arange(len(rows)), times)
        if len(np.unique(values[drawn])) < 2:
            continue
        model = _logistic() if make is None else make()
        model.fit(features[rows[drawn]], values[drawn])
        votes += model.predict(features)[:, None] == classes
        n_fitted += 1
    if n_fitted < 2:
        raise ValueError("resamples of these labels rarely hold two classes; label more, or by more people")
    share = votes / n_fitted
    return np.asarray((share * (1 - share)).sum(axis=1) / 2, dtype=np.float64)


def repair_scores(
    embeddings: ArrayLike, proba: ArrayLike, repaired: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return how far a repair of each label is expected to move a linear model, for draws with `select_next`.

    The length of the change in the record's gradient when its label is set right, in expectation over what is right: half
    the label's own word, half that of a linear model fitted to all labels, with the repairs done so far.

    Parameters
    ----------
    embeddings : array-like of shape (n_records, n_features)
        For a deep network, its features: what holds for convex models holds for its last layer.
    proba : array-like of shape (n_records, n_classes)
        Labels as they are.
    repaired : array-like of int of shape (n_records,), optional
        Classes of records looked at already, -1 for the others; these get a score of 0.

    References
    ----------
    S. Krishnan et al., "ActiveClean: interactive data cleaning for statistical modeling", PVLDB 2016, there in proportion to
    the estimated length of the clean gradient itself, which is short where the model knows better already.
    """
    features, targets = _standard(embeddings), as_targets(proba)
    if len(features) != len(targets.proba):
        raise ValueError(f"{len(features)} embeddings but {len(targets.proba)} rows of labels")
    done = np.full(len(features), -1) if repaired is None else np.asarray(repaired)
    weights = fit_repaired(features, targets, done)
    model = special.softmax(_with_one(features) @ weights, axis=1)
    lengths = np.linalg.norm(_with_one(features), axis=1)
    changed = np.stack(
        [np.linalg.norm(targets.proba - clean, axis=1) for clean in np.eye(targets.n_classes)], axis=1
    )
    right = 0.5 * (model + targets.proba)
    score = lengths * (right * changed).sum(axis=1)
    return np.where(done >= 0, 0.0, score)


def fit_repaired(
    embeddings: ArrayLike,
    proba: ArrayLike | Targets,
    repaired: ArrayLike,
    chances: ArrayLike | None = None,
    *,
    strength: float = 1.0,
    n_steps: int = 100,
) -> NDArray[np.float64]:
    """Return weights of a linear model that learns from labels as they are and from those set right.

    Each step's gradient is that of the labels as they are, and the repaired records' correction of it, each divided by the
    chance with which it was drawn: the gradient has no bias towards what was chosen for repair.

    Parameters
    ----------
    embeddings : array-like of shape (n_records, n_features)
        Features.
    proba : array-like of shape (n_records, n_classes)
        Labels as they are.
    repaired : array-like of int of shape (n_records,)
        Classes of repaired records, -1 for the others.
    chances : array-like of shape (n_records,), optional
        Chance of each to be drawn, `Queue.chances` at the repaired ones; 1 by default, which corrects only these.
    strength : float, default 1.0
        Inverse of the penalty on the weights.
    n_steps : int, default 100
        Gradient steps of length one over the largest curvature.

    Returns
    -------
    ndarray of shape (n_features + 1, n_classes)
        The last row holds the intercepts.

    Examples
    --------
    >>> points = np.array([[-1.0], [1.0], [1.0], [1.0]])
    >>> wrong = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], dtype=float)
    >>> weights = fit_repaired(points, wrong, [-1, 1, -1, -1], chances=[1, 1 / 3, 1, 1])
    >>> bool((weights[0, 1] - weights[0, 0]) > 0)               # one repair in three speaks for all three
    True
    """
    features = _with_one(np.asarray(embeddings, dtype=np.float64))
    targets = proba if isinstance(proba, Targets) else as_targets(proba)
    truth = np.asarray(repaired)
    drawn = np.ones(len(features)) if chances is None else np.asarray(chances, dtype=np.float64)
    known = truth >= 0
    if truth.shape != (len(features),) or drawn.shape != (len(features),) or not (drawn[known] > 0).all():
        raise ValueError("repaired and chances have one entry a record; chances of repaired ones are above 0")
    moved = corrected(targets.proba.astype(np.float64) * targets.weight[:, None], truth, drawn)
    mass = np.where(known, 1.0, targets.weight)
    curvature = 0.5 * float(np.linalg.eigvalsh((features * mass[:, None]).T @ features)[-1]) + 1 / strength
    weights = np.zeros((features.shape[1], targets.n_classes))
    for _ in range(n_steps):
        model = special.softmax(features @ weights, axis=1) * mass[:, None]
        weights -= (features.T @ (model - moved) + weights / strength) / curvature
    return weights


def corrected(
    labels: NDArray[np.float64], repaired: NDArray[Any], chances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return labels whose sums, in expectation over the draw of repairs, are those of labels all set right.

    Examples
    --------
    >>> corrected(np.array([[1.0, 0.0]]), np.array([1]), np.array([0.5])).tolist()
    [[-1.0, 2.0]]
    """
    known = repaired >= 0
    moved = labels.copy()
    right = np.eye(labels.shape[1])[repaired[known]]
    moved[known] += (right - labels[known]) / chances[known, None]
    return moved


def _said(
    given: NDArray[Any], annotators: ArrayLike | None
) -> tuple[NDArray[np.intp], NDArray[Any], NDArray[Any]]:
    """Return row, label and who or what is resampled with it, one entry for each label given."""
    if given.ndim == 2:
        rows, columns = np.nonzero(given >= 0)
        return rows, given[rows, columns], columns
    rows = np.flatnonzero(given >= 0)
    groups = rows if annotators is None else np.asarray(annotators).astype(np.str_)[rows]
    return rows, given[rows], groups


def _standard(embeddings: ArrayLike) -> NDArray[np.float64]:
    features = np.asarray(embeddings, dtype=np.float64)
    return np.asarray((features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9))


def _with_one(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([features, np.ones((len(features), 1))], axis=1)


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=300)
