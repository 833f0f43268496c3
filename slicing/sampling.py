"""Drawing training rows so that rare slices are met in every batch, and undoing it where that matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sidelight.crossmodal.batches import Batch
from sidelight.crossmodal.targets import Targets

CAP = 20.0
"""Most that one row is drawn more often than another, unless told otherwise."""

RARER = 4.0
"""Most that a rare class is drawn more often than the commonest, beside the slices' share."""


class SliceSampler:
    """Chooses the rows of an epoch so that rare slices are met in every batch.

    Goes to `CrossModalClassifier(sampler=...)`. Either every slice, and who is in none, is drawn in turn, each class within
    it alike; or, with `share`, that share of the draws goes to the slices in turn, each member alike, less what a slice has
    of the draws anyway, and the rest to all records, each class alike. The first gives half of a slice's draws to its rarer class, which is a slicing function's
    mistakes where the label all but determines the slice; the second draws a slice as it is.

    Parameters
    ----------
    membership : SliceMatrix or array-like of shape (n_records, n_slices)
        Of all training records, in [0, 1]; soft membership counts in part.
    share : float, optional
        Share of the draws that goes to slices, from 0 to below 1; a slice that has that share anyway gets no more.
    cap : float, default 20
        Most that the likeliest row may be drawn more often than the least likely one. With `share`, records of the rarest
        class are beside the slices drawn at most four times as often as those of the commonest.
    by_class : bool, default True
        Balance the classes too: within each slice; of findings that do not exclude one another, each finding, and
        records with none. With `share`: among all records, where classes exclude one another.

    Examples
    --------
    >>> membership = np.zeros((1000, 1))
    >>> membership[:20] = 1
    >>> sampler = SliceSampler(membership, by_class=False)
    >>> targets = Targets(np.full((1000, 2), 0.5, np.float32), np.ones(1000, np.float32))
    >>> rows = sampler(np.arange(1000), targets, np.random.default_rng(0))
    >>> len(rows), int(np.sum(rows < 20))          # 20 members of 1000, drawn as often as the cap allows
    (1000, 290)
    """

    def __init__(
        self, membership: Any, *, share: float | None = None, cap: float = CAP, by_class: bool = True
    ) -> None:
        values = np.asarray(getattr(membership, "values", membership), dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(f"membership has {values.ndim} dimension(s); it is (n_records, n_slices)")
        if not cap >= 1:
            raise ValueError(f"cap is {cap}; at least 1 is needed")
        if share is not None and not 0 <= share < 1:
            raise ValueError(f"share is {share}; it is from 0 to below 1")
        self.membership = np.nan_to_num(values, nan=0.0)
        self.share, self.cap, self.by_class = share, cap, by_class
        self._known: tuple[Any, Targets, NDArray[np.float64]] | None = None

    def __call__(
        self, rows: NDArray[np.intp], targets: Targets, random: np.random.Generator
    ) -> NDArray[np.intp]:
        """Return as many rows as there are, drawn with replacement and spread evenly over the epoch."""
        if self._known is None or self._known[0] is not rows or self._known[1] is not targets:
            self._known = rows, targets, self.odds(rows, targets)
        odds = self._known[2]  # the same in each epoch
        # systematic draws: every row comes its expected number of times, rounded up or down
        ticks = (np.arange(len(rows)) + random.random()) / len(rows)
        order = random.permutation(len(rows))
        drawn = order[np.minimum(np.searchsorted(np.cumsum(odds[order]), ticks), len(rows) - 1)]
        return np.asarray(rows)[_spread(drawn, self.membership[rows] > 0.5, random)]

    def drawn_rates(self, targets: Targets) -> NDArray[np.float64]:
        """Return the share of the drawn rows that is in each slice, for `SliceHeads(drawn=...)`."""
        rows = np.asarray(targets.used)
        shares: NDArray[np.float64] = self.odds(rows, targets) @ self.membership[rows]
        return shares

    def odds(self, rows: NDArray[np.intp], targets: Targets) -> NDArray[np.float64]:
        """Return the chance of each row at each draw; sums to 1."""
        member = self.membership[rows]
        if self.share is not None:
            everyone = np.ones(len(rows))
            if self.by_class and not targets.multi_label:
                labels = np.nan_to_num(np.asarray(targets.proba, dtype=np.float64)[rows], nan=0.0)
                sizes = labels.sum(axis=0)
                everyone = labels @ np.minimum(1 / np.maximum(sizes, 1e-9), RARER / sizes.max(initial=1e-9))
            return self._capped(_mixture(member, everyone, self.share))
        groups = np.column_stack([member, np.prod(1 - member, axis=1)])
        if self.by_class:
            labels = np.nan_to_num(np.asarray(targets.proba, dtype=np.float64)[rows], nan=0.0)
            if (
                targets.multi_label
            ):  # findings do not exclude one another: with none, a record is a class by itself
                labels = np.column_stack([labels, np.prod(1 - labels, axis=1)])
            groups = (groups[:, :, None] * labels[:, None, :]).reshape(len(rows), -1)
        sizes = groups.sum(axis=0)
        shares = np.divide(groups, sizes, out=np.zeros_like(groups), where=sizes > 0)
        return self._capped(shares.sum(axis=1) / max(int((sizes > 0).sum()), 1))

    def _capped(self, odds: NDArray[np.float64]) -> NDArray[np.float64]:
        least = max(float(odds.min(initial=np.inf)), 1e-12)
        odds = np.minimum(odds, least * self.cap)
        normalised: NDArray[np.float64] = odds / odds.sum()
        return normalised


class Reweighted(nn.Module):
    """A loss whose rows count by a table: one over how much oftener than even each row is drawn, for instance.

    Parameters
    ----------
    loss : Module
        Takes logits and a `Batch`.
    weight : array-like of shape (n_records,)
        Weight of each training record, by its position.
    """

    weight: Tensor

    def __init__(self, loss: Callable[[Tensor, Batch], Tensor], weight: ArrayLike) -> None:
        super().__init__()
        self.loss = loss
        self.register_buffer(
            "weight", torch.from_numpy(np.asarray(weight, dtype=np.float32).copy()), persistent=False
        )

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss with each row's weight times its entry in the table."""
        return self.loss(logits, replace(batch, weight=batch.weight * self.weight[batch.rows]))


def undo_sampling(
    loss: Callable[[Tensor, Batch], Tensor], sampler: SliceSampler, targets: Targets
) -> Reweighted:
    """Return `loss` so weighted that its mean over drawn rows is the mean over all rows."""
    rows = np.asarray(targets.used)
    weight = np.zeros(len(targets.proba))
    weight[rows] = 1 / (len(rows) * sampler.odds(rows, targets))
    return Reweighted(loss, weight)


def _mixture(member: NDArray[np.float64], everyone: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return odds of which slices have `share` in turn, less the usual draws of each, and the rest are everyone's.

    Of empty slices nothing is drawn.
    """
    odds: NDArray[np.float64] = everyone / max(float(everyone.sum()), 1e-12)
    member = member[:, member.sum(axis=0) > 0]
    if member.shape[1]:
        more = np.maximum(share - odds @ member, 0) / member.shape[1]
        odds = (member / member.sum(axis=0)) @ more + (1 - more.sum()) * odds
    return odds


def _spread(
    drawn: NDArray[np.intp], member: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.intp]:
    """Order the drawn rows so that each combination of slices is spread evenly over the epoch."""
    drawn = random.permutation(drawn)
    if not member.shape[1]:
        return drawn
    # slices as bits: one number a combination, without comparing whole rows
    packed = np.packbits(member[drawn], axis=1)
    code = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    sizes = np.bincount(code)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.empty(len(drawn))
    place[order] = (np.arange(len(drawn)) - first + random.random(len(sizes))[code[order]]) / sizes[
        code[order]
    ]
    return drawn[np.argsort(place, kind="stable")]
