"""Averaged weights: what a training at a constant learning rate keeps instead of its last step."""

from typing import Any

import torch
from torch import Tensor, nn

SHARE = 0.05
"""Part of a training's steps that the mean looks back on."""


class MovingAverage:
    """A running mean of a network's weights, and of what its normalization has counted.

    At a constant rate the last step is as far from the middle of its valley as any other; the mean over the newest steps
    lies nearer to it, for one more pass over the weights a step. Whole numbers are not averaged.

    Parameters
    ----------
    n_steps : int
        Steps of the whole training; older ones fade away exponentially, the faster the fewer there are.

    References
    ----------
    B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
    Optimization 1992.

    Examples
    --------
    >>> network, average = nn.Linear(1, 1, bias=False), MovingAverage(n_steps=100)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     _ = network.weight.data.fill_(weight)
    ...     average.update(network)
    >>> average.exchange(network)
    >>> network.weight.item()
    3.0
    """

    def __init__(self, n_steps: int) -> None:
        self.horizon = max(1.0, SHARE * n_steps)
        self.n_seen = 0
        self.mean: list[Tensor] = []

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Count the network's weights as they are."""
        self.n_seen += 1
        weights = _weights(network)
        if not self.mean:
            self.mean = [weight.detach().clone() for weight in weights]
        torch._foreach_lerp_(self.mean, weights, max(1 / self.n_seen, 1 / self.horizon))

    @torch.no_grad()
    def exchange(self, network: nn.Module) -> None:
        """Put the mean into the network and the network's weights here; a second time puts all back."""
        for mine, weight in zip(self.mean, _weights(network), strict=bool(self.mean)):
            kept = weight.clone()
            weight.copy_(mine)
            mine.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        return {"n_seen": self.n_seen, "mean": self.mean}

    def load_state_dict(self, state: dict[str, Any], network: nn.Module) -> None:
        """Take over what `state_dict` gave, on the network's device."""
        self.n_seen = state["n_seen"]
        pairs = zip(state["mean"], _weights(network), strict=bool(state["mean"]))
        self.mean = [mean.to(weight.device) for mean, weight in pairs]


def _weights(network: nn.Module) -> list[Tensor]:
    """Return parameters and buffers that are no whole numbers; asked for anew, as buffers may be replaced."""
    found: list[Tensor] = [*network.parameters(), *network.buffers()]
    return [tensor for tensor in found if tensor.is_floating_point()]
