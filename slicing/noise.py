"""Noise on the signals of slices, so that few rows that come often are not learned by heart."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sidelight.crossmodal.augment import augmentation
from sidelight.crossmodal.batches import Augment, RowAugment, augmented
from sidelight.crossmodal.inputs import Inputs
from sidelight.crossmodal.targets import Targets

from .membership import Membership

STRENGTH = 0.3
"""Standard deviation of the noise on members of a slice that came often, as a share of the slice's own spread."""

OFTEN = 100.0
"""How often a member has come by then; before, noise is less in proportion."""

OUTSIDE = 0.5
"""Noise on other records, as a share of that on members."""

MOST = 100
"""Members of a slice, of each class, whose spread is measured."""


class SliceNoise:
    """An augmentation whose noise is as a slice's own signals vary, and grows with how often its members have come.

    A slice of few members that comes in each batch is learned by heart. Here members come a little different each
    time: each sample gets noise in proportion to its median absolute deviation among the slice's members of the same
    class. So noise is large where a slice leaves room, and nothing is moved where members agree. Others get
    half of the noise of a slice drawn at random: otherwise noise itself would tell who is a member.

    Goes to `CrossModalClassifier(augment=...)`; nothing of single signals is kept.

    Parameters
    ----------
    inputs : Inputs
        Signals of the training records.
    targets : Targets
        Their labels.
    membership : Membership of shape (n_records, n_slices)
        Of the training records.
    odds : ndarray of shape (n_used,)
        Chance of each record that counts at each draw (`SliceSampler.odds`).
    then : str, Augment, RowAugment or None
        What changes the inputs afterwards.
    seed : int, default 0
        Of the choice of members that are measured, and of the slice that each record follows in an epoch.

    Attributes
    ----------
    spread_ : Tensor of shape (n_slices, n_groups, ...)
        Median absolute deviation of each sample, in the units of a standard deviation; groups are classes, or one
        group for findings that do not exclude one another.
    often_ : ndarray of shape (n_slices,)
        How often a member comes in an epoch.
    """

    def __init__(
        self,
        inputs: Inputs,
        targets: Targets,
        membership: Membership,
        odds: NDArray[np.float64],
        then: str | Augment | RowAugment | None = None,
        *,
        seed: int = 0,
    ) -> None:
        used = targets.used
        self.then = augmentation(then, inputs.contract)
        self.bags = inputs.contract.bag
        self.membership = membership.values
        self.seed = seed
        n_groups = 1 if targets.multi_label else targets.n_classes
        self.group = group = np.zeros(len(targets.proba), dtype=np.int64)
        if not targets.multi_label:
            group[used] = targets.proba[used].argmax(axis=1)
        shape = (len(inputs.contract.lead_names), *inputs.contract.shape)
        self.spread_ = torch.zeros(membership.n_slices, n_groups, *shape)
        self.often_ = np.zeros(membership.n_slices)
        self._epoch = -1
        random = np.random.default_rng(seed)
        for place, share in enumerate(membership.values.T):
            mine = used[share[used] > 0.5]
            if not len(mine):
                continue
            self.often_[place] = float(len(used) * odds[np.isin(used, mine)].mean())
            for number in range(n_groups):
                alike = mine[group[mine] == number]
                some = random.permutation(alike if len(alike) > 1 else mine)[:MOST]
                self.spread_[place, number] = torch.from_numpy(spread(inputs.batch(np.sort(some)), shape))

    def of_rows(self, inputs: Tensor, rows: NDArray[np.intp], epoch: int, draw: torch.Generator) -> Tensor:
        """Return the inputs of these training records, changed at random."""
        if self._epoch != epoch:
            self._epoch, (self._place, self._strength) = epoch, self._followed(epoch)
        at = torch.from_numpy(rows)
        scale = self.spread_.flatten(0, 1).index_select(0, self._place.index_select(0, at))
        scale *= self._strength.index_select(0, at).view(-1, *[1] * (scale.ndim - 1))
        noise = torch.randn(inputs.shape, generator=draw, dtype=inputs.dtype)
        changed = torch.addcmul(inputs, noise, scale[:, None] if self.bags else scale)
        return augmented(self.then, changed, rows, epoch, draw)

    def _followed(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Return for each record the place of the slice and group whose noise it gets in this epoch, and how much of it."""
        random = np.random.default_rng([self.seed, epoch])
        weight = self.membership + (self.membership.sum(axis=1, keepdims=True) == 0)
        ends = np.cumsum(weight, axis=1)
        chosen = (random.random((len(ends), 1)) * ends[:, -1:] >= ends).sum(axis=1)
        chosen = np.minimum(chosen, weight.shape[1] - 1)
        within = self.membership[np.arange(len(chosen)), chosen]
        level = np.minimum(self.often_ * (epoch + 0.5) / OFTEN, 1)[chosen]
        strength = STRENGTH * level * (OUTSIDE + (1 - OUTSIDE) * within)
        place = chosen * self.spread_.shape[1] + self.group
        return torch.from_numpy(place), torch.from_numpy(strength.astype(np.float32))


def spread(signals: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the median absolute deviation of each sample, times what makes it a normal's standard deviation.

    Parameters
    ----------
    signals : ndarray of shape (n, *shape) or (n_bags, n_instances, *shape)
        Instances of NaN are places left empty.
    shape : tuple of int
        Of one signal, or of one instance.

    Examples
    --------
    >>> spread(np.array([[[1.0, 5.0]], [[2.0, 5.0]], [[4.0, 9.0]]], dtype=np.float32), (1, 2)).round(1).tolist()
    [[1.5, 0.0]]
    """
    single = signals.reshape(-1, *shape)
    single = single[np.isfinite(single.reshape(len(single), -1)).all(axis=1)]
    if not len(single):
        return np.zeros(shape, dtype=np.float32)
    return np.asarray(1.4826 * _median(np.abs(single - _median(single))), dtype=np.float32)


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median over the first axis; by sorting, which is ten times as fast as NumPy's own over many columns."""
    values = np.sort(values, axis=0)
    return np.asarray((values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2)
