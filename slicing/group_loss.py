"""A loss that follows the group which fares worst."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sidelight.crossmodal.batches import Batch
from sidelight.crossmodal.soft_loss import cross_entropy_with_probs


class GroupDRO(nn.Module):
    """Cross-entropy of groups, weighted towards those whose loss stays high.

    Parameters
    ----------
    groups : array-like of int of shape (n_records,)
        The group of each training record, such as `label_groups` returns; -1 for none, which does not count.
    step : float, default 0.01
        How fast the weights of the groups move.
    adjustment : float, default 1
        A group of n records counts as if its loss were higher by this over the square root of n.

    References
    ----------
    S. Sagawa et al., "Distributionally robust neural networks for group shifts", ICLR 2020, arXiv 1911.08731,
    algorithm 1: q is `weights_`, eta_q `step`, C `adjustment`.

    Examples
    --------
    >>> loss = GroupDRO([0, 0, 1])
    >>> loss.weights_.tolist()
    [0.5, 0.5]
    """

    groups: Tensor
    sizes: Tensor
    weights_: Tensor

    def __init__(self, groups: Any, *, step: float = 0.01, adjustment: float = 1.0) -> None:
        super().__init__()
        codes = np.asarray(groups)
        if codes.ndim != 1 or codes.dtype.kind not in "iu" or codes.max(initial=-1) < 0:
            raise ValueError("groups holds one number of a group for each record, -1 for none")
        n_groups = int(codes.max()) + 1
        self.step, self.adjustment = step, adjustment
        self.register_buffer("groups", torch.from_numpy(codes.astype(np.int64)), persistent=False)
        sizes = np.bincount(codes[codes >= 0], minlength=n_groups)
        self.register_buffer("sizes", torch.from_numpy(sizes).clamp_min(1).float(), persistent=False)
        self.register_buffer("weights_", torch.full((n_groups,), 1 / n_groups))

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the groups' losses, weighted; in training the weights move first."""
        losses = cross_entropy_with_probs(logits, batch.target, reduction="none")
        group = self.groups[batch.rows]
        weight = batch.weight * (group >= 0)
        place = group.clamp_min(0)
        mass = torch.zeros_like(self.weights_).index_add(0, place, weight)
        total = torch.zeros_like(self.weights_).index_add(0, place, weight * losses)
        mean = total / mass.clamp_min(1e-12)
        if self.training:
            with torch.no_grad():
                seen = (mean.detach() + self.adjustment / self.sizes.sqrt()) * (mass > 0)
                moved = self.weights_ * torch.exp(self.step * seen)
                self.weights_.copy_(moved / moved.sum())
        return (self.weights_ * mean).sum()


def label_groups(labels: Any, membership: Any) -> NDArray[np.int64]:
    """Return a group for each record: its likeliest class, and which slices it is in.

    Parameters
    ----------
    labels : array-like of shape (n_records,) or (n_records, n_classes)
        Class numbers, -1 where there is none, or probabilities.
    membership : SliceMatrix or array-like of shape (n_records, n_slices)
        Of at least 0.5 to be a member.

    Examples
    --------
    >>> label_groups([0, 1, 1, -1], [[0], [0], [1], [1]]).tolist()
    [0, 1, 2, -1]
    """
    values = np.asarray(labels)
    classes = values.argmax(axis=1) if values.ndim == 2 else values
    member = np.asarray(getattr(membership, "values", membership), dtype=np.float64) >= 0.5
    known = classes >= 0
    groups = np.full(len(classes), -1, dtype=np.int64)
    if known.any():
        keys = np.column_stack([classes[known], member[known]])
        groups[known] = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return groups
