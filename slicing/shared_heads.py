"""Two plain ways of giving slices capacity, to measure slice heads against."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor, nn

from sidelight.crossmodal.batches import Batch
from sidelight.crossmodal.heads import HEADS
from sidelight.crossmodal.randomness import seeded

from .heads import on_members


class HardSharing(nn.Module):
    """One linear head for everyone, and one for each slice that only teaches the encoder.

    Parameters
    ----------
    n_features, n_classes : int
        Width of the input and of the output.
    slices : sequence of str
        Names, in the order of the columns of the membership.
    weight : float, default 1
        Weight of the slices' loss.
    seed : int, default 0
        Of the initial weights.

    References
    ----------
    R. Caruana, "Multitask learning", Machine Learning 1997: hard parameter sharing, a task a slice.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        slices: Sequence[str] = (),
        *,
        weight: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.config = {
            "n_features": n_features, "n_classes": n_classes, "slices": list(slices), "weight": weight, "seed": seed
        }  # fmt: skip
        self.slices, self.n_classes, self.weight = tuple(slices), n_classes, weight
        with seeded(seed):
            self.final = nn.Linear(n_features, n_classes)
            self.experts = nn.Linear(n_features, n_classes * len(self.slices)) if self.slices else None

    def forward(self, features: Tensor) -> Tensor:
        """Return logits of shape (n_rows, n_classes), of the head for everyone."""
        logits: Tensor = self.final(features)
        return logits

    def extra_loss(
        self, features: Tensor, logits: Tensor, batch: Batch, loss: Callable[[Tensor, Batch], Tensor]
    ) -> Tensor:
        """Return the loss of each slice's own head on its members."""
        if self.experts is None:
            return logits.new_zeros(())
        members = _membership(batch, len(self.slices))
        own = self.experts(features).reshape(len(features), len(self.slices), self.n_classes)
        return self.weight * on_members(own, members, batch, loss)


class ExpertMixture(nn.Module):
    """One linear head for everyone and one for each slice, mixed by a gate that learns who belongs.

    Parameters
    ----------
    n_features, n_classes : int
        Width of the input and of the output.
    slices : sequence of str
        Names, in the order of the columns of the membership.
    gate_weight : float, default 0.3
        Weight of the gate's loss.
    expert_weight : float, default 0.5
        Weight of the experts' loss on their members.
    seed : int, default 0
        Of the initial weights.

    References
    ----------
    R. Jacobs, M. Jordan, S. Nowlan, G. Hinton, "Adaptive mixtures of local experts", Neural Computation 1991; with
    the slices as the experts' domains, as in the comparison of arXiv 1909.06349.
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        slices: Sequence[str] = (),
        *,
        gate_weight: float = 0.3,
        expert_weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.config = {
            "n_features": n_features, "n_classes": n_classes, "slices": list(slices), "gate_weight": gate_weight,
            "expert_weight": expert_weight, "seed": seed,
        }  # fmt: skip
        self.slices, self.n_classes = tuple(slices), n_classes
        self.gate_weight, self.expert_weight = gate_weight, expert_weight
        n_experts = len(self.slices) + 1
        with seeded(seed):
            self.gate = nn.Linear(n_features, n_experts)
            self.experts = nn.Linear(n_features, n_classes * n_experts)

    def forward(self, features: Tensor) -> Tensor:
        """Return the log of the experts' mean probabilities, weighted by the gate."""
        weights = F.log_softmax(self.gate(features), dim=1).unsqueeze(2)
        return torch.logsumexp(weights + F.log_softmax(self._experts(features), dim=2), dim=1)

    def extra_loss(
        self, features: Tensor, logits: Tensor, batch: Batch, loss: Callable[[Tensor, Batch], Tensor]
    ) -> Tensor:
        """Return the loss of the gate and of the experts on their members."""
        if not self.slices:
            return logits.new_zeros(())
        members = _membership(batch, len(self.slices))
        everyone = torch.cat([1 - members.max(dim=1, keepdim=True).values, members], dim=1)
        wanted = everyone / everyone.sum(dim=1, keepdim=True).clamp_min(1e-12)
        surprise = -(wanted * F.log_softmax(self.gate(features), dim=1)).sum(dim=1)
        gating = (surprise * batch.weight).sum() / batch.weight.sum().clamp_min(1e-12)
        return self.gate_weight * gating + self.expert_weight * on_members(
            self._experts(features)[:, 1:], members, batch, loss
        )

    def _experts(self, features: Tensor) -> Tensor:
        found: Tensor = self.experts(features).reshape(len(features), -1, self.n_classes)
        return found


def _membership(batch: Batch, n_slices: int) -> Tensor:
    if batch.membership is None or batch.membership.shape[1] != n_slices:
        raise ValueError(
            f"this head learns from the membership of {n_slices} slices; pass membership= to fit"
        )
    return torch.nan_to_num(batch.membership, nan=0.0)


HEADS.setdefault("hard-sharing", HardSharing)
HEADS.setdefault("expert-mixture", ExpertMixture)
