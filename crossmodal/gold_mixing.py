"""Few hand labels beside many from reports: how much each should count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import auroc

from .split import patient_folds
from .targets import Targets, as_targets

SHARES = tuple(round(step / 10, 1) for step in range(11))
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, eq=False)
class GoldShare:
    """The share of hand labels that did best, and how all did.

    Parameters
    ----------
    share : float
        0 for labels from reports alone, 1 for hand labels alone.
    shares, scores : ndarray of shape (n_shares,)
        What was tried, and each one's area on held-out hand labels.
    """

    share: float
    shares: NDArray[np.float64]
    scores: NDArray[np.float64]


def mix_gold(labels: ArrayLike, gold: ArrayLike, share: float, covered: ArrayLike | None = None) -> Targets:
    """Return labels in which hand labels, where there are any, stand for the others and have `share` of the weight.

    Parameters
    ----------
    labels : array-like of shape (n_records, n_classes)
        Probabilities from reports.
    gold : array-like of shape (n_records,)
        Hand labels, -1 where there is none.
    share : float
        From 0 to 1. At 0 records with a hand label keep their label from reports.
    covered : array-like of shape (n_records,), optional
        False where no function voted.

    References
    ----------
    S. Chen et al., "CrossTrainer: practical domain adaptation with loss reweighting", DEEM 2019: weights `share` of the
    target's and (1 - share) n_target / n_source of the source's records.

    Examples
    --------
    >>> mixed = mix_gold([[0.4, 0.6]] * 4, [1, -1, -1, -1], 0.5)
    >>> mixed.proba[0].tolist(), mixed.weight.astype(float).round(2).tolist()
    ([0.0, 1.0], [2.0, 0.67, 0.67, 0.67])
    """
    targets, truth = as_targets(labels, covered), np.asarray(gold)
    if truth.shape != (len(targets.proba),):
        raise ValueError(f"gold has shape {truth.shape} for {len(targets.proba)} records")
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it is from 0 to 1")
    by_hand = truth >= 0
    if share == 0 or not by_hand.any():
        return targets
    one_hot = np.eye(targets.n_classes, dtype=np.float32)[np.where(by_hand, truth, 0)]
    proba = np.where(by_hand[:, None], one_hot, targets.proba)
    weak = targets.weight * ~by_hand
    weight = by_hand * share + weak * (1 - share) * by_hand.sum() / max(float(weak.sum()), 1e-12)
    weight = weight * ((weight > 0).sum() / max(float(weight.sum()), 1e-12))
    return Targets(proba.astype(np.float32), weight.astype(np.float32))


def search_gold_share(
    embeddings: ArrayLike,
    labels: ArrayLike,
    gold: ArrayLike,
    patient_ids: ArrayLike | None = None,
    *,
    covered: ArrayLike | None = None,
    shares: tuple[float, ...] | None = SHARES,
    n_folds: int = 5,
) -> GoldShare:
    """Find how much hand labels should count, with a logistic regression on features in place of the network.

    Each fold's hand labels are predicted by a model of the others' and of the labels from reports of other patients.

    Parameters
    ----------
    embeddings : array-like of shape (n_records, n_features)
        For example ``CrossModalClassifier.embed``.
    labels, gold, covered
        As for `mix_gold`; two classes.
    patient_ids : array-like of shape (n_records,), optional
        Patients are kept whole.
    shares : tuple of float, default 0, 0.1, ..., 1
        What to try; of equally good ones the one nearest to the middle is taken. None searches by golden section, as
        finely as a hundredth: for some 500 hand labels or more, since chance makes false peaks with fewer.
    n_folds : int, default 5
        Parts of the patients.

    References
    ----------
    S. Chen et al., "CrossTrainer: practical domain adaptation with loss reweighting", DEEM 2019.
    """
    from sklearn.linear_model import LogisticRegression

    features, truth = np.asarray(embeddings, dtype=np.float64), np.asarray(gold)
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    weak = as_targets(labels, covered)
    if weak.n_classes != 2:
        raise ValueError(f"the search compares two classes, not {weak.n_classes}")
    if len(np.unique(truth[truth >= 0])) < 2:
        raise ValueError("gold holds less than two classes: nothing can be compared")
    patients = np.arange(len(truth)).astype(str) if patient_ids is None else patient_ids
    folds = patient_folds(patients, n_folds)

    def score(share: float) -> float:
        guess = np.full(len(truth), np.nan)
        for fold in range(n_folds):
            train, test = folds != fold, (folds == fold) & (truth >= 0)
            mixed = mix_gold(weak.proba[train], truth[train], share, weak.weight[train])
            rows = mixed.used
            weight = mixed.weight[rows, None] * mixed.proba[rows]
            model = LogisticRegression(C=0.1, max_iter=500)
            model.fit(
                np.concatenate([features[train][rows]] * 2),
                np.repeat([0, 1], len(rows)),
                sample_weight=weight.T.ravel(),
            )
            if test.any():
                guess[test] = model.decision_function(features[test])
        return auroc(truth[truth >= 0], guess[truth >= 0])

    known = golden_section(score) if shares is None else {share: score(share) for share in shares}
    tried = np.array(sorted(known) if shares is None else shares)
    found = np.array([known[float(share)] for share in tried])
    best = np.flatnonzero(found >= found.max() - 1e-12)
    return GoldShare(float(tried[best[np.abs(tried[best] - 0.5).argmin()]]), tried, found)


def golden_section(score: Callable[[float], float], width: float = 0.01) -> dict[float, float]:
    """Return the score of every number from 0 to 1 that a search for the highest one tried.

    The range is halved towards its better end until its middle is no worse than both ends, then cut by golden section;
    a score with one peak is found to within `width`.

    Examples
    --------
    >>> found = golden_section(lambda share: -((share - 0.3) ** 2))
    >>> round(max(found, key=found.get), 2), len(found) < 20
    (0.3, True)
    """
    known: dict[float, float] = {}

    def at(share: float) -> float:
        if share not in known:
            known[share] = score(share)
        return known[share]

    low, high = 0.0, 1.0
    while high - low > width and at((low + high) / 2) < max(at(low), at(high)):
        middle = (low + high) / 2
        low, high = (low, middle) if at(low) >= at(high) else (middle, high)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    while high - low > width:
        if at(left) >= at(right):
            high, right = right, left
            left = high - GOLDEN * (high - low)
        else:
            low, left = left, right
            right = low + GOLDEN * (high - low)
    return known
