"""Slice heads: a network's last part, with a small expert for each slice and a gate that knows who needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sidelight.crossmodal.batches import Batch
from sidelight.crossmodal.heads import HEADS
from sidelight.crossmodal.randomness import seeded
from sidelight.labeling.statistics import auroc

Attention: TypeAlias = Literal["gate", "paper", "snorkel"]

HEAVIEST = 20.0
"""Most that a slice's members weigh against the others when its indicator learns."""


class SliceHeads(nn.Module):
    """Logits from features, corrected where an expert for one of the slices is needed.

    Each slice has an indicator, which learns from the slicing function who belongs, and an expert: a narrow
    two-layer correction of the features that starts at zero, so that a useless slice does no harm. One prediction
    layer, shared by the experts, is trained on each slice's members; attention mixes the experts, and a final layer
    predicts from the mixture. Predicting needs the features alone: no slicing function runs.

    Parameters
    ----------
    n_features, n_classes : int
        Width of the input and of the output.
    slices : sequence of str
        Names, in the order of the columns of the membership. Without any, this is a linear head.
    attention : {"gate", "paper", "snorkel"}, default "gate"
        How experts are mixed; see Notes.
    bottleneck : int, optional
        Width of an expert's middle; by default what a quarter of a square map of the features pays for, from 1 to 16.
    indicator_weight : float, default 0.3
        Weight of the indicators' loss.
    expert_weight : float, default 0.5
        Weight of the experts' loss on their members.
    temperature : float, default 1
        Of the softmax of "paper" and "snorkel".
    warm_up : int, default 0
        Training steps in which the final layer learns from plain features first.
    rates : sequence of float, optional
        Share of the records in each slice. Members then weigh more in the indicators' loss, up to 20 times, and
        `membership` undoes it.
    drawn : sequence of float, optional
        Share of the rows met in training, where a sampler draws members more often (`SliceSampler.drawn_rates`): members
        weigh by it instead, for who counts twice lets the gates open on everyone. `membership` undoes that too.
    multi_label : bool, default False
        The logits are of labels that do not exclude one another.
    seed : int, default 0
        Of the initial weights.

    Notes
    -----
    With features z, indicator logits q_i, corrections E_i(z) and the shared prediction g:

    - "gate": the weight of slice i is in proportion to sigmoid(q_i), that of the plain features to the product of all
      1 - sigmoid(q_i). Who belongs nowhere is left alone, and a sure member goes to its expert.
    - "paper": softmax of q_i plus the expert's margin (difference of its two highest logits; for two classes the
      distance to the boundary), over the experts and the plain features.
    - "snorkel": softmax of sigmoid(q_i) times the expert's probability of class 1. Both factors lie in [0, 1], so the
      weights are almost even; two classes only. For comparison.

    References
    ----------
    V. Chen, S. Wu, Z. Weng, A. Ratner, C. Ré, "Slice-based learning", NeurIPS 2019, arXiv 1909.06349: indicator,
    expert, shared prediction head and attention of its slice residual attention modules.

    Examples
    --------
    >>> head = SliceHeads(16, 3, ["paced", "child"])
    >>> features = torch.randn(5, 16)
    >>> head(features).shape, head.membership(features).shape, head.attention(features).sum(dim=1).round().tolist()
    (torch.Size([5, 3]), torch.Size([5, 2]), [1.0, 1.0, 1.0, 1.0, 1.0])

    As a classifier's head; `train_robustly(..., recipe="slice-heads")` adds the draws:

    >>> from sidelight.crossmodal import CrossModalClassifier
    >>> random = np.random.default_rng(0)
    >>> y, paced = np.arange(40) % 2, np.arange(40) > 30
    >>> signals = random.normal(size=(40, 2, 64)) * (1 + 3 * y[:, None, None])
    >>> heads = lambda n_features, n_classes: SliceHeads(n_features, n_classes, ["paced"], rates=[paced.mean()])
    >>> model = CrossModalClassifier(head=heads, max_epochs=2, accelerator="cpu")
    >>> model.fit(signals, y, membership=paced[:, None]).predict_proba(signals).shape
    (40, 2)
    """

    steps: Tensor
    active: Tensor
    balance: Tensor
    excess: Tensor

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        slices: Sequence[str] = (),
        *,
        attention: Attention = "gate",
        bottleneck: int | None = None,
        indicator_weight: float = 0.3,
        expert_weight: float = 0.5,
        temperature: float = 1.0,
        warm_up: int = 0,
        rates: Sequence[float] | None = None,
        drawn: Sequence[float] | None = None,
        multi_label: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(slices, str):
            raise TypeError("slices is one string; give a sequence of names")
        if len(set(slices)) != len(slices):
            raise ValueError(f"two slices share a name: {', '.join(slices)}")
        if attention not in ("gate", "paper", "snorkel"):
            raise ValueError(f"attention is {attention!r}; it is 'gate', 'paper' or 'snorkel'")
        if attention == "snorkel" and (n_classes != 2 or multi_label):
            raise ValueError("attention='snorkel' knows two classes only")
        for name, shares in (("rates", rates), ("drawn", drawn)):
            if shares is not None and len(shares) != len(slices):
                raise ValueError(f"{name} has {len(shares)} entries for {len(slices)} slices")
        if drawn is not None and rates is None:
            raise ValueError("drawn is given without rates, the share of the records in each slice")
        width = bottleneck or _width(n_features)
        self.config: dict[str, Any] = {
            "n_features": n_features, "n_classes": n_classes, "slices": list(slices), "attention": attention,
            "bottleneck": width, "indicator_weight": indicator_weight, "expert_weight": expert_weight,
            "temperature": temperature, "warm_up": warm_up, "rates": None if rates is None else list(rates),
            "drawn": None if drawn is None else list(drawn), "multi_label": multi_label, "seed": seed,
        }  # fmt: skip
        self.slices = tuple(slices)
        self.n_classes, self.kind, self.multi_label = n_classes, attention, multi_label
        self.indicator_weight, self.expert_weight = indicator_weight, expert_weight
        self.temperature, self.warm_up = temperature, warm_up
        n_slices = len(self.slices)
        with seeded(seed):
            self.final = nn.Linear(n_features, n_classes)
            if n_slices:
                n_indicators = n_slices + (attention != "gate")
                self.enter = nn.Linear(
                    n_features, n_indicators + n_slices * width
                )  # indicators, then middles
                self.shared = nn.Linear(n_features, n_classes)
                self.widen = nn.Parameter(torch.zeros(n_slices, width, n_features))
        met = torch.tensor(drawn or rates or [0.5] * n_slices)
        self.register_buffer("balance", ((1 - met) / met.clamp_min(1e-9)).clamp(1e-3, HEAVIEST))
        logit = torch.logit(met, eps=1e-6) - torch.logit(torch.tensor(rates or met.tolist()), eps=1e-6)
        self.register_buffer("excess", self.balance.log() + logit)
        self.register_buffer("active", torch.ones(n_slices, dtype=torch.bool))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._entered: tuple[Tensor, Tensor, Tensor] | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of shape (n_rows, n_classes)."""
        if not self.slices or self._warming_up:
            plain: Tensor = self.final(features)
            return plain
        entered = self._enter(features)
        if self.training and torch.is_grad_enabled():
            self._entered = (features, *entered)
        # all experts' corrections at once, never one tensor of (n_rows, n_slices, n_features)
        mixed = (self._weights(features, *entered).unsqueeze(2) * entered[1]).flatten(1)
        logits: Tensor = self.final(torch.addmm(features, mixed, self.widen.flatten(0, 1)))
        return logits

    def extra_loss(
        self, features: Tensor, logits: Tensor, batch: Batch, loss: Callable[[Tensor, Batch], Tensor]
    ) -> Tensor:
        """Return what the indicators and experts are taught by, to be added to the loss of `logits`.

        Parameters
        ----------
        features, logits : Tensor
            What this head was given and returned.
        batch : Batch
            Its `membership` of shape (n_rows, n_slices), in [0, 1], says who belongs; NaN where that is not known.
        loss : callable
            Takes logits and a batch; rows count by the batch's weight.
        """
        if self.training:
            self.steps += 1
        if not self.slices:
            return logits.new_zeros(())
        given = batch.membership
        if given is None:
            raise ValueError("slice heads learn from membership; pass membership= to fit")
        if given.shape != (len(features), len(self.slices)):
            raise ValueError(f"membership has {given.shape[1]} slices, the head {len(self.slices)}")
        seen, self._entered = self._entered, None
        indicators, hidden = self._enter(features) if seen is None or seen[0] is not features else seen[1:]
        members, known, n_known = given, None, given.numel()
        if bool(torch.isnan(given).any()):
            known = (given == given).to(given.dtype)
            members, n_known = torch.nan_to_num(given, nan=0.0), int(known.sum())
        indicating = F.binary_cross_entropy_with_logits(
            indicators[:, -len(self.slices) :], members, known, pos_weight=self.balance, reduction="sum"
        )
        return self.indicator_weight / max(n_known, 1) * indicating + self.expert_weight * on_members(
            self._experts(features, hidden), members, batch, loss
        )

    def membership(self, features: Tensor) -> Tensor:
        """Return the probability that each row belongs to each slice, of shape (n_rows, n_slices)."""
        return torch.sigmoid(self._indicators(features) - self.excess)

    def attention(self, features: Tensor) -> Tensor:
        """Return the weight of the plain features (column 0) and of each expert; rows sum to 1."""
        if not self.slices:
            return features.new_ones(len(features), 1)
        weights = self._weights(features, *self._enter(features))
        return torch.cat([1 - weights.sum(dim=1, keepdim=True), weights], dim=1)

    @torch.no_grad()
    def prune(self, features: Tensor, membership: ArrayLike, *, least: float = 0.6) -> dict[str, float]:
        """Switch off the experts of slices that the indicators cannot see in the features.

        A slice that a report defines may leave no trace in the signal; its gate is then noise.

        Parameters
        ----------
        features : Tensor of shape (n_rows, n_features)
            Of records that were not trained on.
        membership : array-like of shape (n_rows, n_slices)
            What the slicing functions say of them.
        least : float, default 0.6
            Area under the indicator's ROC curve below which the expert is left out.

        Returns
        -------
        dict of str to float
            Each slice's area; NaN, and left on, where the rows hold no member or nothing else.
        """
        score = self._indicators(features).cpu().numpy()
        truth: NDArray[np.bool_] = np.asarray(getattr(membership, "values", membership)) > 0.5
        areas = {name: auroc(truth[:, k], score[:, k]) for k, name in enumerate(self.slices)}
        self.active.copy_(torch.tensor([not area < least for area in areas.values()]))
        return areas

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what a step remembers between its two losses: it belongs to a graph, and cannot be copied."""
        return {**self.__dict__, "_entered": None}

    @property
    def _warming_up(self) -> bool:
        return self.warm_up > 0 and int(self.steps) < self.warm_up

    def _indicators(self, features: Tensor) -> Tensor:
        if not self.slices:
            return features.new_zeros(len(features), 0)
        return self._enter(features)[0][:, -len(self.slices) :]

    def _enter(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the indicators' logits, and the experts' middles of shape (n_rows, n_slices, bottleneck)."""
        entered: Tensor = self.enter(features)
        n_indicators = len(self.slices) + (self.kind != "gate")
        hidden = torch.relu(entered[:, n_indicators:])
        return entered[:, :n_indicators], hidden.reshape(len(features), len(self.slices), -1)

    def _experts(self, features: Tensor, hidden: Tensor) -> Tensor:
        """Return what the shared layer says of the features as each expert changes them."""
        n_slices, width, _ = self.widen.shape
        change = torch.mm(self.widen.flatten(0, 1), self.shared.weight.T).reshape(n_slices, width, -1)
        plain: Tensor = self.shared(features)
        logits: Tensor = (plain + torch.bmm(hidden.transpose(0, 1), change)).transpose(0, 1)
        return logits

    def _weights(self, features: Tensor, indicators: Tensor, hidden: Tensor) -> Tensor:
        """Return the weight of each expert, of shape (n_rows, n_slices); the rest of 1 is the plain features'."""
        if self.kind == "gate":
            gates, doubts = torch.sigmoid(indicators), F.softplus(indicators)
            if not bool(self.active.all()):
                gates, doubts = gates * self.active, doubts * self.active
            nowhere = torch.exp(-doubts.sum(dim=1, keepdim=True))
            return gates / (gates.sum(dim=1, keepdim=True) + nowhere + 1e-3)
        plain = self.shared(features).unsqueeze(1)
        predicted = torch.cat([plain, self._experts(features, hidden)], dim=1)
        if self.kind == "paper":
            scores = indicators + _margin(predicted, multi_label=self.multi_label)
        else:
            scores = torch.sigmoid(indicators) * torch.softmax(predicted, dim=2)[:, :, 1]
        on = torch.cat([self.active.new_ones(1), self.active])
        return torch.softmax(torch.where(on, scores / self.temperature, -torch.inf), dim=1)[:, 1:]


def _width(n_features: int) -> int:
    """Return the middle with which indicator and expert have a quarter of a square map's and its indicator's weights."""
    paid = (n_features**2 + 3 * n_features + 2) / 4 - (n_features + 1)
    return min(max(1, int(paid / (2 * n_features + 1))), 16)


def _margin(predicted: Tensor, *, multi_label: bool) -> Tensor:
    """Return how sure each expert is, of shape (n_rows, n_experts); the names of the classes do not matter."""
    if multi_label or predicted.shape[2] == 1:
        return predicted.abs().mean(dim=2)
    top = predicted.topk(2, dim=2).values
    return top[:, :, 0] - top[:, :, 1]


def on_members(
    experts: Tensor, members: Tensor, batch: Batch, loss: Callable[[Tensor, Batch], Tensor]
) -> Tensor:
    """Return the experts' loss, each on its own members, averaged over the slices that have any in the batch."""
    weight = members * batch.weight.unsqueeze(1)
    per_slice = weight.sum(dim=0)
    # slice by slice, as the experts' logits lie in memory; members alone, a few of all pairs of a row and a slice
    pairs = torch.nonzero(weight.T.reshape(-1)).squeeze(1)
    if not len(pairs):
        return experts.sum() * 0.0
    n_rows = len(members)
    row = pairs % n_rows
    share = (weight / per_slice.clamp_min(1e-12)).T.reshape(-1)
    chosen = replace(
        batch,
        inputs=batch.inputs[:0],
        target=batch.target[row],
        weight=share[pairs],
        rows=batch.rows[row],
        membership=None if batch.membership is None else batch.membership[row],
    )
    return loss(experts.transpose(0, 1).reshape(-1, experts.shape[2])[pairs], chosen)


HEADS.setdefault("slices", SliceHeads)
