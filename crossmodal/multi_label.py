"""Several findings at once, each present or absent on its own: targets, loss and probabilities of multi-label tasks."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from numpy.typing import ArrayLike, NDArray
from scipy import special
from torch import Tensor

from .batches import Batch
from .calibration import fit_temperature
from .soft_loss import RowLoss
from .targets import Targets


class BinaryCrossEntropy(RowLoss):
    """Cross-entropy of each finding by itself, averaged over the findings whose label is known.

    Parameters
    ----------
    positive_weight : sequence of float, optional
        Weight of each finding's presence against its absence.
    smoothing : float, default 0
        Share of each label that is spread evenly over presence and absence.

    Examples
    --------
    >>> batch = Batch(torch.zeros(1, 1, 1), torch.tensor([[1.0, float("nan")]]), torch.ones(1), torch.zeros(1))
    >>> round(float(BinaryCrossEntropy()(torch.zeros(1, 2), batch)), 4)        # the second finding is not known
    0.6931
    """

    def __init__(self, positive_weight: list[float] | None = None, *, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing is {smoothing}; it is from 0 to below 1")
        self.smoothing = smoothing
        self.positive_weight: Tensor | None
        self.register_buffer(
            "positive_weight", None if positive_weight is None else torch.tensor(positive_weight)
        )

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss over each row's known findings; 0 where none is."""
        known = ~torch.isnan(batch.target)
        target = torch.where(known, batch.target, 0.0) * (1 - self.smoothing) + self.smoothing / 2
        losses = F.binary_cross_entropy_with_logits(
            logits.float(), target.float(), pos_weight=self.positive_weight, reduction="none"
        )
        return torch.where(known, losses, 0.0).sum(dim=1) / known.sum(dim=1).clamp_min(1)


def as_multi_label(
    labels: ArrayLike, covered: ArrayLike | None = None, *, n_classes: int | None = None
) -> Targets:
    """Return labels of several findings as `Targets`, NaN where a finding is not known.

    Parameters
    ----------
    labels : array-like of shape (n_records, n_findings)
        Probability of each finding, or 0 and 1; NaN or -1 where it is not known.
    covered : array-like of shape (n_records, n_findings) or (n_records,), optional
        False where no function voted on the finding, or on the record.
    n_classes : int, optional
        Number of findings there must be.

    Examples
    --------
    >>> as_multi_label([[1, 0], [-1, 1], [-1, -1]]).weight.tolist()
    [1.0, 1.0, 0.0]
    """
    values = np.array(labels, dtype=np.float32)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(
            f"labels have shape {values.shape}; of several findings they are (n_records, n_findings)"
        )
    if n_classes is not None and values.shape[1] != n_classes:
        raise ValueError(f"labels are of {values.shape[1]} findings; the model has {n_classes}")
    weight = np.ones(len(values), dtype=np.float32)
    values[values == -1] = np.nan
    if covered is not None:
        given = np.asarray(covered)
        if given.shape == values.shape:
            values[~given.astype(bool)] = np.nan
        elif given.shape == (len(values),):
            weight = given.astype(np.float32)
        else:
            raise ValueError(f"covered has shape {given.shape} for labels of shape {values.shape}")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("covered holds weights below 0 or not finite")
    weight = weight * (~np.isnan(values)).any(axis=1)
    wrong = (values < 0) | (values > 1)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ValueError(
            f"labels[{row}, {column}] is no probability: 0 to 1, or -1 or NaN where it is not known"
        )
    return Targets(values, weight, multi_label=True)


def scaled_sigmoid(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return sigmoid(logits / temperature) in float64: the probability of each finding."""
    return np.asarray(special.expit(np.asarray(logits, dtype=np.float64) / temperature), dtype=np.float64)


def fit_multi_label_temperature(logits: NDArray[np.float64], targets: Targets) -> float:
    """Return the one temperature that makes the probabilities of all known findings fit best."""
    known = ~np.isnan(targets.proba) & (targets.weight > 0)[:, None]
    chance = targets.proba[known].astype(np.float64)
    # a finding's sigmoid is a softmax over (absent: 0, present: logit)
    pairs = np.stack([np.zeros(len(chance)), logits[known]], axis=1)
    weight = np.broadcast_to(targets.weight[:, None], known.shape)[known]
    return fit_temperature(pairs, np.stack([1 - chance, chance], axis=1), weight)
