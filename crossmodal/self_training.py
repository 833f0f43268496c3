"""Self-training: what the network is sure of becomes the label of studies whose report says nothing."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from numpy.typing import NDArray
from torch import Tensor, nn

from .augment import ImageAugment, SignalAugment
from .batches import Augment, Batch
from .soft_loss import RowLoss, SoftCrossEntropy
from .targets import Targets

STRONG: dict[int, Augment] = {
    3: SignalAugment(shift=0.2, scale=0.3, noise=0.2, lost_leads=0.3),
    4: ImageAugment(degrees=15.0, zoom=0.2, shift=0.1, contrast=0.3, noise=0.1),
}
"""Strong changes of a batch of signals and of images, by the number of its dimensions."""


@dataclass(frozen=True)
class UncoveredSampler:
    """Every covered row once an epoch, and uncovered ones among them.

    Parameters
    ----------
    ratio : float, default 1.0
        Uncovered rows for each covered one; each uncovered row comes up as often as the next.

    Examples
    --------
    >>> targets = Targets(np.full((6, 2), 0.5, np.float32), np.array([1, 1, 0, 0, 0, 0], np.float32))
    >>> drawn = UncoveredSampler(2.0)(np.array([0, 1]), targets, np.random.default_rng(0))
    >>> sorted(drawn.tolist())
    [0, 1, 2, 3, 4, 5]
    """

    ratio: float = 1.0

    def __call__(
        self, rows: NDArray[np.intp], targets: Targets, random: np.random.Generator
    ) -> NDArray[np.intp]:
        """Return the rows of one epoch, shuffled."""
        pool = np.flatnonzero(targets.weight == 0)
        n = round(self.ratio * len(rows)) if len(pool) else 0
        rounds = [random.permutation(pool) for _ in range(-(-n // max(1, len(pool))))]
        drawn = np.concatenate([rows, *rounds])[: len(rows) + n]
        return random.permutation(drawn)


class SelfTraining(RowLoss):
    """A loss of the covered rows, and cross-entropy of the others with what a slow copy of the network is sure of.

    The copy (teacher) follows the network's weights as a moving average and sees each study as the batch holds it; the
    network sees it strongly changed. Changes must keep the class: a wrong one teaches mistakes. It helps where the
    network, not the reports, knows better: check on gold.

    Parameters
    ----------
    loss : RowLoss, optional
        Of the covered rows; soft cross-entropy by default.
    strong : callable, optional
        Strong change of a batch; takes inputs and a generator. For signals and images there is one by default.
    threshold : float, default 0.9
        Probability from which the teacher is believed.
    weight : float, default 1.0
        Of the uncovered rows' loss, once training is `ramp` old.
    consistency : float, default 0.0
        Weight of the divergence between what the network says of covered rows as they are and strongly changed.
    ramp : float, default 0.3
        Share of the training in which both weights rise from 0.
    decay : float, default 0.999
        Of the moving average, once there were enough steps; faster before.
    ratio : float, default 1.0
        Uncovered rows for each covered one.

    References
    ----------
    K. Sohn et al., "FixMatch", NeurIPS 2020; C. Wei et al., "Theoretical analysis of self-training with deep networks on
    unlabeled data", ICLR 2021: it helps when neighbours under the changes rarely cross classes and the teacher is right
    more often than not.
    """

    def __init__(
        self,
        loss: RowLoss | None = None,
        *,
        strong: Augment | None = None,
        threshold: float = 0.9,
        weight: float = 1.0,
        consistency: float = 0.0,
        ramp: float = 0.3,
        decay: float = 0.999,
        ratio: float = 1.0,
    ) -> None:
        super().__init__()
        if not 0 < threshold <= 1 or not 0 <= decay < 1:
            raise ValueError(
                f"threshold is {threshold}, above 0 and at most 1; decay is {decay}, 0 to below 1"
            )
        if weight < 0 or consistency < 0 or ratio < 0:
            raise ValueError("weight, consistency and ratio are at least 0")
        self.loss = SoftCrossEntropy() if loss is None else loss
        self.strong = strong
        self.threshold, self.weight, self.consistency = threshold, weight, consistency
        self.ramp, self.decay = ramp, decay
        self.sampler = UncoveredSampler(ratio)
        self.teacher: nn.Module | None = None
        self.step: Tensor
        self.n_steps: Tensor
        self.counts: Tensor
        self.register_buffer("step", torch.zeros((), dtype=torch.long))
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("counts", torch.zeros(2, dtype=torch.long))

    @property
    def kept_(self) -> float:
        """Share of the uncovered rows seen so far of which the teacher was sure."""
        return float(self.counts[0]) / max(1, int(self.counts[1]))

    def begin(self, n_steps: int) -> None:
        """Learn how long training is."""
        for buffer in (self.step, self.counts):
            buffer.zero_()
        self.n_steps.fill_(n_steps)
        begin: Any = getattr(self.loss, "begin", None)
        if begin is not None:
            begin(n_steps)

    def attach(self, network: nn.Module) -> None:
        """Take a copy of the network as the teacher."""
        self.teacher = copy.deepcopy(network).requires_grad_(False)

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the covered rows."""
        loss: Tensor = self.loss(logits, batch)
        return loss

    def beside(self, network: nn.Module, batch: Batch) -> Tensor:
        """Return the weighted loss of the uncovered rows and of the covered ones' consistency."""
        if self.teacher is None:
            raise ValueError("no network is attached; call attach first")
        self._follow(network)
        rising = self.ramp * float(self.n_steps)
        rise = min(1.0, float(self.step) / rising) if rising else 1.0
        free, total = batch.weight == 0, batch.inputs.new_zeros(())
        if free.any():
            self.teacher.eval()
            with torch.no_grad():
                guess = self.teacher(batch.inputs[free]).float().softmax(dim=1)
                sure = guess.max(dim=1).values >= self.threshold
                self.counts += torch.stack([sure.sum(), free.sum()]).to(self.counts)
            told = F.log_softmax(network(self._changed(batch.inputs[free])).float(), dim=1)
            total = total + rise * self.weight * (sure * -(guess * told).sum(dim=1)).mean()
        if self.consistency and (~free).any():
            with torch.no_grad():
                plain = F.log_softmax(network(batch.inputs[~free]).float(), dim=1)
            told = F.log_softmax(network(self._changed(batch.inputs[~free])).float(), dim=1)
            total = total + rise * self.consistency * (plain.exp() * (plain - told)).sum(dim=1).mean()
        self.step += 1
        return total

    def _changed(self, inputs: Tensor) -> Tensor:
        change = self.strong if self.strong is not None else STRONG.get(inputs.ndim)
        if change is None:
            raise ValueError(f"no strong change for inputs of {inputs.ndim} dimensions; give one as strong=")
        draw = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        return change(inputs.cpu(), draw).to(inputs.device)

    def _follow(self, network: nn.Module) -> None:
        """Move the teacher towards the network."""
        assert self.teacher is not None  # noqa: S101 - beside has looked
        keep = min(self.decay, (1 + float(self.step)) / (10 + float(self.step)))
        with torch.no_grad():
            for mine, its in zip(
                self.teacher.state_dict().values(), network.state_dict().values(), strict=True
            ):
                if mine.is_floating_point():
                    mine.lerp_(its.to(mine.dtype), 1 - keep)
                else:
                    mine.copy_(its)
