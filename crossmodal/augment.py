"""Changes of a signal that keep its class: what training sees instead of the same ten seconds each epoch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .batches import Augment


@dataclass(frozen=True)
class SignalAugment:
    """Shift in time, scale, noise and lost leads; never a reversal in time, which no heart does.

    Parameters
    ----------
    shift : float, default 0.1
        Largest shift, as a share of the length; what leaves at one end enters at the other.
    scale : float, default 0.1
        Standard deviation of the logarithm of the amplitude.
    noise : float, default 0.05
        Standard deviation of the noise, as a share of the study's own.
    lost_leads : float, default 0.1
        Chance of each lead to be silent; a study never loses all.
    """

    shift: float = 0.1
    scale: float = 0.1
    noise: float = 0.05
    lost_leads: float = 0.1

    def __call__(self, inputs: Tensor, draw: torch.Generator) -> Tensor:
        """Return `inputs` of shape (n_rows, n_leads, length), changed at random."""
        n, n_leads, length = inputs.shape
        most = int(self.shift * length)
        if most:
            start = torch.randint(-most, most + 1, (n, 1, 1), generator=draw)
            place = (torch.arange(length)[None, None, :] + start) % length
            inputs = inputs.gather(2, place.expand(n, n_leads, length))
        if self.scale:
            inputs = inputs * torch.exp(self.scale * torch.randn(n, 1, 1, generator=draw))
        if self.noise:
            spread = inputs.std(dim=(1, 2), keepdim=True, correction=0)
            inputs = inputs + self.noise * spread * torch.randn(inputs.shape, generator=draw)
        if self.lost_leads:
            kept = torch.rand(n, n_leads, 1, generator=draw) >= self.lost_leads
            inputs = inputs * (kept | ~kept.any(dim=1, keepdim=True))
        return inputs


AUGMENTATIONS: dict[str, Augment] = {"signal": SignalAugment()}
"""Augmentations by the name that `CrossModalClassifier(augment=...)` and the command line know."""
