"""Networks for images, built from MONAI's; no weights are downloaded."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor, nn

from sidelight.labeling.faults import UsageError

from .randomness import seeded


class ResNet2d(nn.Module):
    """Residual network over images; every image is first brought to mean 0 and deviation 1.

    Parameters
    ----------
    n_leads : int
        Channels of the image.
    width : int, default 16
        Channels of the first stage; doubles at each of the next three. 64 with ``layers=(2, 2, 2, 2)`` is ResNet-18.
    layers : sequence of int, default (1, 1, 1, 1)
        Residual blocks of each stage.
    dropout : float, default 0.2
        Before the head.
    seed : int, default 0
        Of the initial weights.

    Attributes
    ----------
    n_features : int
        Width of the output.
    config : dict
        Arguments that build the same network again.
    """

    n_dimensions = 2

    def __init__(
        self,
        n_leads: int,
        width: int = 16,
        layers: Sequence[int] = (1, 1, 1, 1),
        dropout: float = 0.2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if len(layers) != 4:
            raise ValueError(f"layers has {len(layers)} stages; there are 4")
        self.config: dict[str, Any] = {
            "n_leads": n_leads,
            "width": width,
            "layers": list(layers),
            "dropout": dropout,
            "seed": seed,
        }
        with seeded(seed):
            self.network: nn.Module = _monai("ResNet")(
                block="basic",
                layers=list(layers),
                block_inplanes=[width * 2**stage for stage in range(4)],
                spatial_dims=2,
                n_input_channels=n_leads,
                conv1_t_stride=2,
                feed_forward=False,
            )
        self.dropout = nn.Dropout(dropout)
        self.n_features = width * 8

    def pieces(self) -> list[nn.Module]:
        """Return the blocks, which may be computed again instead of being kept."""
        return [
            block for stage in range(1, 5) for block in self.network.get_submodule(f"layer{stage}").children()
        ]

    def forward(self, images: Tensor) -> Tensor:
        """Return features of shape (n_rows, n_features) of images (n_rows, n_channels, height, width)."""
        features: Tensor = self.dropout(self.network(standardised(images)))
        return features


class DenseNet2d(nn.Module):
    """Densely connected network over images; every image is first brought to mean 0 and deviation 1.

    Parameters
    ----------
    n_leads : int
        Channels of the image.
    width : int, default 32
        Channels after the first convolution.
    growth : int, default 16
        Channels each layer adds.
    layers : sequence of int, default (3, 6, 6, 3)
        Layers of each block; (6, 12, 24, 16) with ``width=64, growth=32`` is DenseNet-121.
    dropout : float, default 0.2
        Before the head.
    seed : int, default 0
        Of the initial weights.

    Attributes
    ----------
    n_features : int
        Width of the output.
    config : dict
        Arguments that build the same network again.
    """

    n_dimensions = 2

    def __init__(
        self,
        n_leads: int,
        width: int = 32,
        growth: int = 16,
        layers: Sequence[int] = (3, 6, 6, 3),
        dropout: float = 0.2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "n_leads": n_leads,
            "width": width,
            "growth": growth,
            "layers": list(layers),
            "dropout": dropout,
            "seed": seed,
        }
        with seeded(seed):
            network: Any = _monai("DenseNet")(
                spatial_dims=2,
                in_channels=n_leads,
                out_channels=1,
                init_features=width,
                growth_rate=growth,
                block_config=tuple(layers),
            )
        self.features: nn.Module = network.features
        self.dropout = nn.Dropout(dropout)
        self.n_features = int(network.class_layers.out.in_features)

    def pieces(self) -> list[nn.Module]:
        """Return the dense blocks, which may be computed again instead of being kept."""
        return [part for name, part in self.features.named_children() if name.startswith("denseblock")]

    def forward(self, images: Tensor) -> Tensor:
        """Return features of shape (n_rows, n_features) of images (n_rows, n_channels, height, width)."""
        maps: Tensor = F.relu(self.features(standardised(images)))
        features: Tensor = self.dropout(maps.mean(dim=(2, 3)))
        return features


def standardised(images: Tensor) -> Tensor:
    """Return each image with mean 0 and deviation 1 over all its pixels."""
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    deviation = images.std(dim=(1, 2, 3), keepdim=True, correction=0)
    return (images - mean) / (deviation + 1e-6)


def _monai(name: str) -> Any:
    """Return one of MONAI's networks, whose import is slow and talkative."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(import_module("monai.networks.nets"), name)
    except ModuleNotFoundError:
        raise UsageError('encoders of images need MONAI: pip install "sidelight[images]"') from None
