"""Whether the labels' errors can be told from the signal: if so, the network learns the errors too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import Interval, auroc, clustered_bootstrap, group_codes

N_FOLDS = 5
LIMIT = 0.6


@dataclass(frozen=True)
class ErrorCheck:
    """How well features of the signal tell wrong labels from right ones of the same class.

    Parameters
    ----------
    auroc : Interval
        0.5 when errors have nothing to do with what the network sees.
    n_wrong, n_records : int
        What the check rests on.
    """

    auroc: Interval
    n_wrong: int
    n_records: int

    @property
    def warns(self) -> bool:
        """Whether the area is above 0.6 and its interval above 0.5."""
        return bool(self.auroc.estimate > LIMIT and self.auroc.low > 0.5)

    @property
    def message(self) -> str:
        """The finding in words."""
        if np.isnan(self.auroc.estimate):
            return f"too few wrong labels to tell ({self.n_wrong} of {self.n_records}): {self.auroc.reason}"
        if self.warns:
            return (
                f"wrong labels can be told from the signal (AUROC {self.auroc}): a network will learn these errors; look for "
                "what the wrong ones share, such as a device or a kind of report"
            )
        return f"errors cannot be told from the signal (AUROC {self.auroc})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "auroc": self.auroc.to_json(),
            "n_wrong": self.n_wrong,
            "n_records": self.n_records,
            "warns": self.warns,
        }


def check_label_errors(
    embeddings: ArrayLike,
    labels: ArrayLike,
    gold: ArrayLike,
    patient_ids: ArrayLike | None = None,
    *,
    n_draws: int = 500,
    seed: int = 0,
) -> ErrorCheck:
    """Try to tell wrong labels from features of the signal, among records of the same true class.

    Labels from reports may be wrong, as long as their errors are the same for all signals of a class. Where they are not
    (reports of portable films are shorter, and a function judges by length), the network learns the error. A logistic
    regression on the features, cross-validated by patient, predicts which labels are wrong; its area is computed within
    each class, since the class itself may be seen in the signal and may be harder to label.

    Parameters
    ----------
    embeddings : array-like of shape (n_records, n_features)
        For example ``CrossModalClassifier.embed`` of a network that was trained on other records.
    labels : array-like of shape (n_records,) or (n_records, n_classes)
        Labels from reports: class numbers, -1 where there is none, or probabilities.
    gold : array-like of shape (n_records,)
        True classes, -1 where unknown.
    patient_ids : array-like of shape (n_records,), optional
        Patients are kept whole.

    References
    ----------
    The assumption that votes and signal are independent given the class: Dunnmon et al., "Cross-modal data programming
    enables rapid medical machine learning", Patterns 2020.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, truth = np.asarray(embeddings, dtype=np.float64), np.asarray(gold)
    given = np.asarray(labels)
    given = given.argmax(axis=1) if given.ndim == 2 else given
    if features.ndim != 2 or not len(features) == len(given) == len(truth):
        raise ValueError(
            f"{len(features)} embeddings, {len(given)} labels and {len(truth)} gold classes differ"
        )
    known = (truth >= 0) & (given >= 0)
    features, truth, wrong = features[known], truth[known], (given != truth)[known]
    patients = (
        np.arange(len(truth))
        if patient_ids is None
        else group_codes(np.asarray(patient_ids)[known], len(truth))[0]
    )
    n_wrong = int(wrong.sum())
    if min(n_wrong, len(wrong) - n_wrong) < 2 * N_FOLDS or len(np.unique(patients)) < N_FOLDS:
        few = Interval.missing("at least ten wrong and ten right labels are needed", n=len(wrong))
        return ErrorCheck(few, n_wrong, len(wrong))
    scores = np.zeros(len(wrong))
    classes = np.eye(int(truth.max()) + 1)[truth]
    for train, test in GroupKFold(N_FOLDS).split(features, wrong, patients):
        if len(np.unique(wrong[train])) == 2:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
            model.fit(np.column_stack([features, classes])[train], wrong[train])
            scores[test] = model.decision_function(np.column_stack([features, classes])[test])
    area = clustered_bootstrap(_within_classes, patients, wrong, scores, truth, n_draws=n_draws, seed=seed)
    return ErrorCheck(area, n_wrong, len(wrong))


def _within_classes(wrong: NDArray[Any], scores: NDArray[np.float64], truth: NDArray[Any]) -> float:
    """Return the area within each class, averaged by how many pairs of wrong and right it compares."""
    total = pairs = 0.0
    for one in np.unique(truth):
        mine = truth == one
        n_pairs = float(wrong[mine].sum()) * float((~wrong[mine].astype(bool)).sum())
        if n_pairs:
            total += n_pairs * auroc(wrong[mine], scores[mine])
            pairs += n_pairs
    return total / pairs if pairs else float("nan")
