"""Networks that turn a study into features; ordinary modules with `n_features`, rebuilt from their `config`."""

from typing import Any

import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor, nn

from .dilated import DilatedNet1d
from .image_encoders import DenseNet2d, ResNet2d
from .normalizing import check_normalize, normalized
from .randomness import seeded


class ResNet1d(nn.Module):
    """Residual network over leads in time, pre-activation, pooled over the whole study.

    Works on any length and starts from the same weights for the same `seed`, whatever was drawn before.

    Parameters
    ----------
    n_leads : int
        Leads or channels.
    width : int, default 32
        Channels of the first two blocks; doubles every two blocks.
    n_blocks : int, default 5
        Residual blocks, each halving the length.
    kernel_size : int, default 7
        Odd.
    dropout : float, default 0.3
        Inside the blocks and before the head.
    normalize : {"center", "record", "none"}, default "center"
        What is done to each study first: take away each lead's mean; also divide by the study's standard
        deviation; or nothing.
    seed : int, default 0
        Of the initial weights.

    Attributes
    ----------
    n_features : int
        Width of the output.
    config : dict
        Arguments that build the same network again.

    References
    ----------
    K. He et al., "Identity mappings in deep residual networks", ECCV 2016 (the order norm, activation, convolution).

    Examples
    --------
    >>> import torch
    >>> encoder = ResNet1d(n_leads=12)
    >>> encoder(torch.zeros(2, 12, 1000)).shape == (2, encoder.n_features)
    True
    """

    n_dimensions = 1

    def __init__(
        self,
        n_leads: int,
        width: int = 32,
        n_blocks: int = 5,
        kernel_size: int = 7,
        dropout: float = 0.3,
        normalize: str = "center",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if n_leads < 1 or width < 1 or n_blocks < 1:
            raise ValueError("n_leads, width and n_blocks are at least 1")
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it must be odd")
        self.config: dict[str, Any] = {
            "n_leads": n_leads,
            "width": width,
            "n_blocks": n_blocks,
            "kernel_size": kernel_size,
            "dropout": dropout,
            "normalize": normalize,
            "seed": seed,
        }
        self.normalize = check_normalize(normalize)
        with seeded(seed):
            self.stem = nn.Conv1d(
                n_leads, width, 2 * kernel_size + 1, stride=2, padding=kernel_size, bias=False
            )
            blocks: list[nn.Module] = []
            channels = width
            for block in range(n_blocks):
                wider = width * 2 ** (block // 2)
                blocks.append(_Block(channels, wider, kernel_size, dropout))
                channels = wider
            self.blocks = nn.Sequential(*blocks)
            self.norm = nn.BatchNorm1d(channels)
            self.dropout = nn.Dropout(dropout)
        self.n_features = channels

    def pieces(self) -> list[nn.Module]:
        """Return the blocks, which may be computed again instead of being kept."""
        return list(self.blocks)

    def forward(self, signals: Tensor) -> Tensor:
        """Return features of shape (n_rows, n_features) of signals (n_rows, n_leads, length)."""
        maps: Tensor = F.relu(self.norm(self.blocks(self.stem(normalized(signals, self.normalize)))))
        features: Tensor = self.dropout(maps.mean(dim=-1))
        return features


class _Block(nn.Module):
    """Two convolutions beside a shortcut; the first one halves the length."""

    def __init__(self, channels: int, wider: int, kernel_size: int, dropout: float) -> None:
        super().__init__()
        half = kernel_size // 2
        self.norm1 = nn.BatchNorm1d(channels)
        self.conv1 = nn.Conv1d(channels, wider, kernel_size, stride=2, padding=half, bias=False)
        self.norm2 = nn.BatchNorm1d(wider)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv1d(wider, wider, kernel_size, padding=half, bias=False)
        self.pool = nn.AvgPool1d(2, ceil_mode=True)
        self.widen = nn.Identity() if channels == wider else nn.Conv1d(channels, wider, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of half the length."""
        change = self.conv1(F.relu(self.norm1(maps)))
        change = self.conv2(self.dropout(F.relu(self.norm2(change))))
        result: Tensor = change + self.widen(self.pool(maps))
        return result


ENCODERS: dict[str, type[nn.Module]] = {
    "densenet2d": DenseNet2d,
    "dilated1d": DilatedNet1d,
    "resnet1d": ResNet1d,
    "resnet2d": ResNet2d,
}
"""Encoders by the name that `CrossModalClassifier(encoder=...)`, bundles and the command line know."""
