"""Training on mixtures of two studies, in which the one whose label is trusted more has the larger part."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from sidelight.labeling.faults import UsageError

from .batches import Batch
from .reweighting import ClassReweighting, row_weights
from .soft_loss import cross_entropy_with_probs


class MixedReweighting(ClassReweighting):
    """As `ClassReweighting`, on mixtures of each row with a partner, once rows are told apart.

    A partner is drawn in proportion to its weight. The first row's part comes from a beta distribution around its share
    of both weights: what is trusted more also makes up more of the mixture. Each step runs the network twice, the
    first time without gradients. Signals or images of one shape are mixed, bags are not.

    Parameters
    ----------
    strength : float, default 4.0
        Sum of the beta distribution's two numbers: how near parts are to the share of the weights.
    gamma, factor, start, ramp : float
        See `ClassReweighting`.

    References
    ----------
    A. Kumar, E. Amid, arXiv 2111.05428, section on mixup; there the part is the share of the weights itself, which is one
    half throughout where weights are equal.
    """

    def __init__(
        self,
        strength: float = 4.0,
        gamma: float = 0.1,
        factor: float = 2.0,
        start: float = 0.2,
        ramp: float = 0.1,
    ) -> None:
        super().__init__(gamma, factor, start, ramp)
        if not strength > 0:
            raise ValueError(f"strength is {strength}; it is above 0")
        self.strength = strength

    def prepare(self, network: nn.Module, batch: Batch) -> Batch:
        """Return the batch with each row mixed into a partner; unchanged while all rows count the same."""
        if self.temperature_ == float("inf") or not (batch.weight > 0).any():
            return batch
        if batch.inputs.isnan().any():
            raise UsageError("bags of different sizes cannot be mixed; choose a loss that does not mix")
        with torch.no_grad():
            losses = cross_entropy_with_probs(network(batch.inputs), batch.target, reduction="none")
            excess = losses - torch.special.entr(batch.target).sum(dim=1)
            weight = batch.weight * row_weights(excess, batch.target, batch.weight, self.temperature_)
            partner = torch.multinomial(weight.clamp_min(1e-12), len(batch), replacement=True)
            part = self._parts(weight, weight[partner])
        inputs = mixed(batch.inputs, batch.inputs[partner], part)
        return replace(batch, inputs=inputs, target=mixed(batch.target, batch.target[partner], part))

    def _parts(self, own: Tensor, other: Tensor) -> Tensor:
        """Return the part of each row in its mixture."""
        share = (own / (own + other).clamp_min(1e-12)).clamp(0.01, 0.99)
        return torch.distributions.Beta(self.strength * share, self.strength * (1 - share)).sample()


def mixed(one: Tensor, other: Tensor, part: Tensor) -> Tensor:
    """Return ``part`` of each row of `one` and the rest of `other`."""
    share = part.view(-1, *[1] * (one.ndim - 1)).to(one.dtype)
    return share * one + (1 - share) * other
