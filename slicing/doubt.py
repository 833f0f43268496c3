"""Labels of slices, doubted as far as the features of the signals do not bear them out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sidelight.crossmodal.batches import Batch
from sidelight.crossmodal.soft_loss import RowLoss

from .membership import Membership

UNTIL = 0.2
"""Part of the training after which labels are doubted; in its second half features are looked at."""

PASSES = 5.0
"""Passes over as many rows as there are, after which labels are doubted at the latest: sooner or later all are known by heart."""

FEWEST, MOST = 8, 2000
"""Members of a slice that its labels can be compared among; of a slice with more, each comes seldom enough."""

OUTSIDE = 300
"""Rows outside of all slices that tell how far the features have come."""

STRENGTHS = np.logspace(-3, 2, 11)
"""Ridge penalties to choose from, for each row there is."""

LESS = 2 / 3
"""What a doubted label is smoothed, of what others are."""

SUREST = 0.98
"""Most that a slice's other members can say for a class."""


class DoubtedLabels(RowLoss):
    """A loss for which labels in small slices count for less, the less the signals bear them out.

    Rows that are drawn again and again are learned by heart, wrong labels among them. So early in the training, before
    that, each slice's labels are predicted from the features of its other members (`opinion`). The share of them that
    differs is taken for the slice's label noise, as far as features explain labels outside of the slices by
    then; from there on each label gives way to its posterior under that noise (`posterior`). Labels that follow from
    the signals stay, also where a slice's rule is its own.

    Parameters
    ----------
    loss : RowLoss
        Takes the labels as they are then.
    membership : Membership of shape (n_records, n_slices)
        Of the training records.
    rows : array of int
        Training records that are learned from.
    smoothing : float, default 0
        Share of each label that is spread evenly over the classes; of a label that has been doubted, two thirds of it.
    multi_label : bool, default False
        Findings do not exclude one another: each is doubted by itself.
    seed : int, default 0
        Of the choice of rows outside.
    """

    slot: Tensor
    step: Tensor
    met: Tensor
    features: Tensor
    labels: Tensor
    doubted: Tensor

    def __init__(
        self,
        loss: RowLoss,
        membership: Membership,
        rows: NDArray[np.intp],
        *,
        smoothing: float = 0.0,
        multi_label: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.loss = loss
        self.smoothing = smoothing
        self.multi_label = multi_label
        self.n_steps = 0
        self.n_rows = max(len(rows), 1)
        members = membership.values[rows] > 0.5
        small = [k for k, size in enumerate(members.sum(axis=0)) if FEWEST <= size <= MOST]
        inside = rows[members[:, small].any(axis=1)]
        outside = rows[~(membership.values[rows] > 0).any(axis=1)]
        outside = np.random.default_rng(seed).permutation(outside)[:OUTSIDE]
        self.membership = membership.values[inside][:, small]
        slot = np.full(len(membership.values), -1)
        slot[np.concatenate([inside, outside])] = np.arange(len(inside) + len(outside))
        self.register_buffer("slot", torch.from_numpy(slot))
        for name in ("step", "met"):
            self.register_buffer(name, torch.zeros((), dtype=torch.long))
        for name in _FILLED:
            self.register_buffer(name, torch.zeros(0, 0))
        self.register_load_state_dict_pre_hook(_take_sizes)  # type: ignore[no-untyped-call]

    def begin(self, n_steps: int) -> None:
        """Learn how many steps there will be."""
        self.n_steps = n_steps

    @torch.no_grad()
    def observe(self, features: Tensor, batch: Batch) -> None:
        """Look at a batch's features before it is learned from."""
        if not len(self.membership) or self.doubted.numel():
            return
        steps, passes = int(self.step) / max(self.n_steps, 1), int(self.met) / self.n_rows
        done = max(steps / UNTIL, passes / PASSES)
        self.step += 1
        self.met += len(batch.rows)
        if done < 0.5:
            return
        if done >= 1 and self.features.numel():
            self._doubt()
            return
        if not self.features.numel():
            n_slots = int(self.slot.max()) + 1
            self.features = torch.full((n_slots, features.shape[1]), torch.nan, device=features.device)
            self.labels = torch.full((n_slots, batch.target.shape[1]), torch.nan, device=features.device)
        place = self.slot[batch.rows]
        wanted = (place >= 0) & (batch.weight > 0)
        self.features[place[wanted]] = features[wanted].float()
        self.labels[place[wanted]] = batch.target[wanted].float()

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each row against its label as it is seen by now, smoothed."""
        target = batch.target + self.smoothing * (self._even(batch.target) - batch.target)
        if self.doubted.numel():
            instead = self.doubted[self.slot[batch.rows]].to(target.dtype)
            target = torch.where(instead.isnan(), target, instead)
        return self.loss.per_row(logits, replace(batch, target=target))

    def _even(self, labels: Tensor) -> float:
        """Return what a label holds that says nothing."""
        return 0.5 if self.multi_label else 1 / labels.shape[1]

    def _doubt(self) -> None:
        """Fill the table of labels as they are seen from now on, smoothed: NaN where nothing changes, as in its last row."""
        features = self.features.cpu().numpy().astype(np.float64)
        labels = self.labels.cpu().numpy().astype(np.float64)
        doubted = np.full((len(labels) + 1, labels.shape[1]), np.nan)
        if self.multi_label:  # each finding by itself, absent or present
            for finding, present in enumerate(labels.T):
                pair = np.column_stack([1 - present, present])
                doubted[:-1, finding] = doubted_labels(features, pair, self.membership)[:, 1]
        else:
            doubted[:-1] = doubted_labels(features, labels, self.membership)
        doubted += LESS * self.smoothing * (self._even(self.labels) - doubted)
        self.doubted = torch.from_numpy(doubted).float().to(self.slot.device)
        self.features = self.labels = torch.zeros(
            0, 0
        )  # of patients' signals: no checkpoint needs them any more


def doubted_labels(
    features: NDArray[np.float64], labels: NDArray[np.float64], membership: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return labels of slices' members as they are seen with the slices' label noise.

    Parameters
    ----------
    features : ndarray of shape (n_rows, n_features)
        NaN in rows that were not looked at.
    labels : ndarray of shape (n_rows, n_classes)
        Each sums to 1; NaN where there is none.
    membership : ndarray of shape (n_inside, n_slices)
        Of the first rows; the others are outside of all slices.

    Returns
    -------
    ndarray of shape (n_rows, n_classes)
        NaN where nothing is known, and outside.
    """
    known = np.isfinite(np.column_stack([features, labels]).sum(axis=1))
    found = np.full(labels.shape, np.nan)
    total, held = np.zeros_like(labels), np.zeros((len(labels), 1))
    n_inside = len(membership)
    elsewhere = np.flatnonzero(known[n_inside:]) + n_inside
    learned = opinion(features[elsewhere], labels[elsewhere])[1] if len(elsewhere) >= FEWEST else 0.0
    for share in membership.T.astype(np.float64):
        mine = np.flatnonzero((share > 0.5) & known[:n_inside])
        if len(mine) < FEWEST:
            continue
        said, _ = opinion(features[mine], labels[mine])
        wrong = said.argmax(axis=1) != labels[mine].argmax(axis=1)
        noise = learned * (wrong.sum() + 1) / (len(mine) + 2)
        total[mine] += share[mine, None] * posterior(labels[mine], said, noise)
        held[mine] += share[mine, None]
    some = held[:, 0] > 0
    surest = np.minimum(held[some], 1.0)
    found[some] = (1 - surest) * labels[some] + surest * total[some] / held[some]
    return found


def opinion(features: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return what the features of all other rows say of each row's label, and the share of the labels' variance so explained.

    Ridge regression with each row left out in turn; the penalty is the one that predicts best, against the mere mean.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> features, coins = random.normal(size=(200, 3)), np.eye(2)[random.integers(2, size=200)]
    >>> rule = np.eye(2)[(features[:, 0] > 0).astype(int)]
    >>> [round(opinion(features, labels)[1], 1) for labels in (rule, coins)]
    [0.7, 0.0]
    """
    n_rows, n_classes = labels.shape
    best = (labels.sum(axis=0) - labels + 1) / (n_rows - 1 + n_classes)
    least = alone = float(((labels - best) ** 2).sum())
    centred = features - features.mean(axis=0)
    scale = centred.std(axis=0)
    centred = centred[:, scale > 1e-9] / scale[scale > 1e-9]
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    mean = labels.mean(axis=0)
    along = left.T @ (labels - mean)
    kept = values**2 / (values**2 + STRENGTHS[:, None] * n_rows)  # of each penalty, by direction
    own = kept @ (left**2).T + 1 / n_rows
    fit = mean + left @ (kept[:, :, None] * along)
    said = labels - (labels - fit) / np.maximum(1 - own, 1e-3)[:, :, None]
    said = np.clip(said, 1 - SUREST, SUREST)
    errors = ((labels - said) ** 2).sum(axis=(1, 2))
    if errors.min() < alone:
        least, best = float(errors.min()), said[errors.argmin()]
    best = np.clip(best, 1 - SUREST, SUREST)
    return best / best.sum(axis=1, keepdims=True), 1 - least / max(alone, 1e-12)


def posterior(labels: NDArray[np.float64], said: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Return chances of the classes, given a label that is wrong with chance `noise` and what else is said.

    Examples
    --------
    >>> posterior(np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]]), 0.25).tolist()
    [[0.25, 0.75]]
    """
    n_classes = labels.shape[1]
    noise = min(noise, 1 - 1 / n_classes)
    likelihood = labels * (1 - noise) + (1 - labels) * noise / (n_classes - 1)
    found = said * likelihood
    return np.asarray(found / found.sum(axis=1, keepdims=True))


_FILLED = ("features", "labels", "doubted")
"""Buffers that fill in the course of the training, of sizes that the first batch tells."""


def _take_sizes(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Take over the sizes of what a checkpoint holds."""
    for name in _FILLED:
        if prefix + name in state:
            setattr(module, name, torch.zeros_like(state[prefix + name]))
