"""Changes of a study that keep its class: what training sees instead of the same samples each epoch."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor

from .batches import Augment, RowAugment
from .contract import InputContract


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


@dataclass(frozen=True)
class ImageAugment:
    """Small rotation, zoom and shift, brightness and noise; never a mirror image, which moves the heart.

    Parameters
    ----------
    degrees : float, default 8
        Largest rotation.
    zoom : float, default 0.1
        Largest change of size, as a share.
    shift : float, default 0.05
        Largest shift, as a share of the width; what is uncovered repeats the edge.
    contrast : float, default 0.1
        Standard deviation of the logarithm of the contrast.
    noise : float, default 0.02
        Standard deviation of the noise, as a share of the image's own.
    """

    degrees: float = 8.0
    zoom: float = 0.1
    shift: float = 0.05
    contrast: float = 0.1
    noise: float = 0.02

    def __call__(self, inputs: Tensor, draw: torch.Generator) -> Tensor:
        """Return `inputs` of shape (n_rows, n_channels, height, width), changed at random."""
        n = len(inputs)
        angle, size, right, down = (2 * torch.rand(4, n, generator=draw) - 1).unbind()
        angle, size = angle * math.radians(self.degrees), 1 + size * self.zoom
        turn = torch.stack([torch.cos(angle), -torch.sin(angle), torch.sin(angle), torch.cos(angle)], dim=1)
        turn = turn.view(n, 2, 2) * size.view(n, 1, 1)
        place = torch.cat([turn, 2 * self.shift * torch.stack([right, down], dim=1)[:, :, None]], dim=2)
        grid = F.affine_grid(place, list(inputs.shape), align_corners=False)
        inputs = F.grid_sample(inputs, grid, padding_mode="border", align_corners=False)
        mean = inputs.mean(dim=(1, 2, 3), keepdim=True)
        factor = torch.exp(self.contrast * torch.randn(n, 1, 1, 1, generator=draw))
        spread = inputs.std(dim=(1, 2, 3), keepdim=True, correction=0)
        noise = self.noise * spread * torch.randn(inputs.shape, generator=draw)
        return (inputs - mean) * factor + mean + noise


@dataclass(frozen=True)
class BagAugment:
    """Change each instance of a bag by itself; places left empty stay so.

    Parameters
    ----------
    instance : callable
        An augmentation of single studies.
    """

    instance: Augment

    def __call__(self, inputs: Tensor, draw: torch.Generator) -> Tensor:
        """Return bags of shape (n_bags, n_instances, ...), changed at random."""
        return self.instance(inputs.flatten(0, 1), draw).view_as(inputs)


AUGMENTATIONS: dict[str, Augment] = {"image": ImageAugment(), "signal": SignalAugment()}
"""Augmentations by the name that `CrossModalClassifier(augment=...)` and the command line know."""


def augmentation(
    wanted: str | Augment | RowAugment | None, contract: InputContract
) -> Augment | RowAugment | None:
    """Return the augmentation by name, or for "auto" that of this kind of study; of bags, for each instance by itself."""
    if not isinstance(wanted, str):
        return wanted
    if wanted != "auto" and wanted not in AUGMENTATIONS:
        raise ValueError(f"augment is {wanted!r}; known by name: {', '.join(sorted(AUGMENTATIONS))}")
    found = AUGMENTATIONS.get(contract.kind if wanted == "auto" else wanted)
    return BagAugment(found) if found is not None and contract.bag else found
