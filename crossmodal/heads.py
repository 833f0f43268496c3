"""The last part of a network: from an encoder's features to one logit a class."""

from typing import Any

import torch
from torch import Tensor, nn

from .randomness import seeded


class LinearHead(nn.Module):
    """One linear layer.

    A head of another kind is any module that maps features (n_rows, n_features) to logits (n_rows, n_classes). One
    that learns more than the classes also has ``extra_loss(features, logits, batch, loss)``, which is added to the
    loss at each training step; `batch.membership` tells it the slices of each row.

    Parameters
    ----------
    n_features, n_classes : int
        Width of the input and of the output.
    seed : int, default 0
        Of the initial weights.
    """

    def __init__(self, n_features: int, n_classes: int, seed: int = 0) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"n_features": n_features, "n_classes": n_classes, "seed": seed}
        self.n_classes = n_classes
        with seeded(seed):
            self.linear = nn.Linear(n_features, n_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.linear(features)
        return logits


class Network(nn.Module):
    """An encoder and a head, one after the other."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits of shape (n_rows, n_classes)."""
        logits: Tensor = self.head(self.encoder(inputs))
        return logits


def n_features(encoder: nn.Module, example: Tensor) -> int:
    """Return the width of an encoder's output, asking it or trying it on `example`."""
    known = getattr(encoder, "n_features", None)
    if isinstance(known, int):
        return known
    was_training = encoder.training
    encoder.eval()
    with torch.no_grad():
        features = encoder(example)
    encoder.train(was_training)
    if features.ndim != 2:
        raise ValueError(
            f"the encoder returns shape {tuple(features.shape)}; it must be (n_rows, n_features)"
        )
    return int(features.shape[1])


HEADS: dict[str, type[nn.Module]] = {"linear": LinearHead}
"""Heads by the name that bundles know; slicing adds its own."""
