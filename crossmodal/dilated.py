"""A network over long signals that sees far with few layers: convolutions whose taps stand ever wider apart."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor, nn

from .normalizing import check_normalize, normalized
from .randomness import seeded


class DilatedNet1d(nn.Module):
    """Residual network of dilated convolutions over leads in time, for EEG and other long recordings.

    After a first convolution that shortens the signal, no block does: dilation doubles from block to block, so that the
    last one sees `kernel_size` * 2 ** `n_blocks` steps at full resolution. Group norm makes no use of the other rows in
    a batch.

    Parameters
    ----------
    n_leads : int
        Leads or channels.
    width : int, default 32
        Channels of all blocks; a multiple of 8.
    n_blocks : int, default 6
        Residual blocks.
    kernel_size : int, default 5
        Odd.
    stride : int, default 4
        Samples that become one step in the first convolution.
    dropout : float, default 0.2
        In the blocks and before the head.
    normalize : {"record", "center", "none"}, default "record"
        What is done to each study first: take away each lead's mean and divide by the study's standard deviation; take
        away the mean only; or nothing.
    seed : int, default 0
        Of the initial weights.

    Attributes
    ----------
    n_features : int
        Width of the output: mean and maximum over time of each channel.
    config : dict
        Arguments that build the same network again.

    References
    ----------
    F. Yu, V. Koltun, "Multi-scale context aggregation by dilated convolutions", ICLR 2016.

    Examples
    --------
    >>> encoder = DilatedNet1d(n_leads=2)
    >>> encoder(torch.zeros(3, 2, 500)).shape == (3, encoder.n_features)
    True
    """

    n_dimensions = 1

    def __init__(
        self,
        n_leads: int,
        width: int = 32,
        n_blocks: int = 6,
        kernel_size: int = 5,
        stride: int = 4,
        dropout: float = 0.2,
        normalize: str = "record",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if n_leads < 1 or n_blocks < 1 or stride < 1:
            raise ValueError("n_leads, n_blocks and stride are at least 1")
        if width < 8 or width % 8:
            raise ValueError(f"width is {width}; it is a multiple of 8")
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it must be odd")
        self.config: dict[str, Any] = {
            "n_leads": n_leads,
            "width": width,
            "n_blocks": n_blocks,
            "kernel_size": kernel_size,
            "stride": stride,
            "dropout": dropout,
            "normalize": normalize,
            "seed": seed,
        }
        self.normalize = check_normalize(normalize)
        with seeded(seed):
            first = 2 * stride + 1
            self.stem = nn.Conv1d(n_leads, width, first, stride=stride, padding=stride)
            self.blocks = nn.Sequential(
                *(_DilatedBlock(width, kernel_size, 2**block, dropout) for block in range(n_blocks))
            )
            self.norm = nn.GroupNorm(8, width)
            self.dropout = nn.Dropout(dropout)
        self.n_features = 2 * width

    def pieces(self) -> list[nn.Module]:
        """Return the blocks, which may be computed again instead of being kept."""
        return list(self.blocks)

    def forward(self, signals: Tensor) -> Tensor:
        """Return features of shape (n_rows, n_features) of signals (n_rows, n_leads, length)."""
        maps = F.relu(self.norm(self.blocks(self.stem(normalized(signals, self.normalize)))))
        features: Tensor = self.dropout(torch.cat([maps.mean(dim=-1), maps.amax(dim=-1)], dim=1))
        return features


class _DilatedBlock(nn.Module):
    """Two convolutions beside a shortcut, the first with its taps `dilation` steps apart."""

    def __init__(self, width: int, kernel_size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        half = kernel_size // 2
        self.norm1 = nn.GroupNorm(8, width)
        self.conv1 = nn.Conv1d(width, width, kernel_size, padding=half * dilation, dilation=dilation)
        self.norm2 = nn.GroupNorm(8, width)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv1d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same length."""
        change = self.conv1(F.relu(self.norm1(maps)))
        result: Tensor = maps + self.conv2(self.dropout(F.relu(self.norm2(change))))
        return result
