"""Batches of signals with soft labels: what the network, the head and the loss are given at each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .inputs import Inputs
from .targets import Targets

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Takes a batch of inputs and a generator, returns the batch changed in a way that keeps the class."""


@runtime_checkable
class RowAugment(Protocol):
    """An augmentation that depends on which records it changes, and on how far the training has come."""

    def of_rows(self, inputs: Tensor, rows: NDArray[np.intp], epoch: int, draw: torch.Generator) -> Tensor:
        """Return the inputs of these training records, in an epoch counted from 0, changed at random."""
        ...


def augmented(
    augment: Augment | RowAugment | None,
    inputs: Tensor,
    rows: NDArray[np.intp],
    epoch: int,
    draw: torch.Generator,
) -> Tensor:
    """Return the inputs of these training records as an augmentation of either kind, or none, changes them."""
    if isinstance(augment, RowAugment):
        return augment.of_rows(inputs, rows, epoch, draw)
    return inputs if augment is None else augment(inputs, draw)


Sampler = Callable[[NDArray[np.intp], Targets, np.random.Generator], Iterable[int]]
"""Takes the usable rows, the targets and a generator, returns the rows of one epoch in order."""


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's rows.

    Parameters
    ----------
    inputs : Tensor of shape (n_rows, ...)
        Signals.
    target : Tensor of shape (n_rows, n_classes)
        Soft labels.
    weight : Tensor of shape (n_rows,)
        How much each row counts, 0 for uncovered rows.
    rows : Tensor of int of shape (n_rows,)
        Positions in the training set.
    membership : Tensor of shape (n_rows, n_slices) or None
        Which slices each row is in, for heads and losses that want to know.
    share : float, default 1.0
        What the batch's loss is multiplied with: above or below 1 where a step's rows come in unequal pieces.
    """

    inputs: Tensor
    target: Tensor
    weight: Tensor
    rows: Tensor
    membership: Tensor | None = None
    share: float = 1.0

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """Return the batch on another device."""
        return replace(
            self,
            inputs=self.inputs.to(device, non_blocking=non_blocking),
            target=self.target.to(device, non_blocking=non_blocking),
            weight=self.weight.to(device, non_blocking=non_blocking),
            rows=self.rows.to(device, non_blocking=non_blocking),
            membership=None
            if self.membership is None
            else self.membership.to(device, non_blocking=non_blocking),
        )

    def __len__(self) -> int:
        return len(self.target)


class BatchLoader:
    """Goes through a training set once an epoch, in batches of nearly equal size.

    Parameters
    ----------
    inputs : Inputs
        Signals.
    targets : Targets
        Their soft labels.
    rows : ndarray of int
        The rows to go through.
    batch_size : int
        Rows a batch at most. A sampler that draws more or fewer rows than there are changes the number of
        batches, not their size.
    membership : ndarray of shape (n_records, n_slices), optional
        Slices of each record.
    sampler : callable, optional
        Chooses the rows of each epoch; without one they come in the order of `rows`.
    augment : callable or RowAugment, optional
        Changes the inputs of each batch.
    accumulate : int, default 1
        Pieces in which each batch is handed out, one after the other; their gradients add up to the batch's.
    n_devices : int, default 1
        Devices that share each batch. Each has a loader of its own, which hands out the pieces of its `device`.
    seed : int, default 0
        Of the sampler and the augmentation. Epoch e draws the same whatever was drawn before.
    """

    def __init__(
        self,
        inputs: Inputs,
        targets: Targets,
        rows: NDArray[np.intp],
        batch_size: int,
        *,
        membership: NDArray[np.float32] | None = None,
        sampler: Sampler | None = None,
        augment: Augment | RowAugment | None = None,
        accumulate: int = 1,
        n_devices: int = 1,
        seed: int = 0,
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.rows = rows
        self.batch_size = batch_size
        self.membership = membership
        self.choose = sampler
        self.augment = augment
        self.accumulate = accumulate
        self.n_devices = n_devices
        self.device = 0
        self.seed = seed
        self.epoch = 0
        self._drawn: tuple[int, Sampler | None, list[NDArray[np.intp]]] | None = None

    def __len__(self) -> int:
        return len(self._pieces(self.epoch)) // self.n_devices

    def __iter__(self) -> Iterator[Batch]:
        pieces, n_pieces = self._pieces(self.epoch), self.accumulate * self.n_devices
        draw = torch.Generator().manual_seed(_epoch_seed(self.seed, self.epoch, 1 + self.device))
        epoch = self.epoch
        self.epoch += 1
        for start in range(0, len(pieces), n_pieces):
            step = pieces[start : start + n_pieces]
            whole = sum(float(self.targets.weight[rows].sum()) for rows in step) / n_pieces
            for rows in step[self.device :: self.n_devices]:
                yield self._batch(
                    rows, epoch, draw, float(self.targets.weight[rows].sum()) / whole if whole else 1.0
                )

    def _pieces(self, epoch: int) -> list[NDArray[np.intp]]:
        """Return the rows of each batch of one epoch, a batch in `accumulate` pieces for each device; drawn once."""
        if self._drawn is None or self._drawn[0] != epoch or self._drawn[1] is not self.choose:
            self._drawn = epoch, self.choose, self._draw(epoch)
        return self._drawn[2]

    def _draw(self, epoch: int) -> list[NDArray[np.intp]]:
        order = self.rows
        if self.choose is not None:
            random = np.random.default_rng(_epoch_seed(self.seed, epoch, 0))
            order = np.fromiter(self.choose(self.rows, self.targets, random), dtype=np.intp)
        n_batches = -(-len(order) // self.batch_size)
        if not n_batches:
            return []
        n_pieces = self.accumulate * self.n_devices
        if len(order) // n_batches < n_pieces:
            asked = f"accumulate is {self.accumulate}" + (
                f" on {self.n_devices} devices" if self.n_devices > 1 else ""
            )
            raise ValueError(f"{asked}, but a step has only {len(order) // n_batches} rows to cut")
        batches = np.array_split(order, n_batches)
        return [piece for batch in batches for piece in np.array_split(batch, n_pieces)]

    def dropout_seed(self) -> int:
        """Return the seed of what the network itself draws on this device, from this epoch on."""
        return _epoch_seed(self.seed, self.epoch, 1 + self.n_devices + self.device)

    def _batch(self, rows: NDArray[np.intp], epoch: int, draw: torch.Generator, share: float) -> Batch:
        inputs = torch.from_numpy(self.inputs.batch(rows))
        return Batch(
            inputs=augmented(self.augment, inputs, rows, epoch, draw),
            target=torch.from_numpy(self.targets.proba[rows]),
            weight=torch.from_numpy(self.targets.weight[rows]),
            rows=torch.from_numpy(rows.astype(np.int64)),
            membership=None if self.membership is None else torch.from_numpy(self.membership[rows]),
            share=share if self.accumulate * self.n_devices > 1 else 1.0,
        )


def shuffled(rows: NDArray[np.intp], targets: Targets, random: np.random.Generator) -> NDArray[np.intp]:
    """Return the rows in random order, each once: the default sampler."""
    return random.permutation(rows)


def apply_in_batches(module: nn.Module, inputs: Inputs, batch_size: int, width: int) -> NDArray[np.float64]:
    """Run `module` over all inputs without gradients, in float64 out, a batch at a time."""
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; at least 1 is needed")
    module.eval()
    pieces = [np.empty((0, width))]
    with torch.inference_mode():
        for start in range(0, len(inputs), batch_size):
            rows = np.arange(start, min(start + batch_size, len(inputs)))
            pieces.append(module(torch.from_numpy(inputs.batch(rows))).numpy().astype(np.float64))
    return np.concatenate(pieces[1:] or pieces)


def _epoch_seed(seed: int, epoch: int, stream: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, stream]).generate_state(1, np.uint64)[0] >> 1)
