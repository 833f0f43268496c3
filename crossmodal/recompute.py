"""Activations computed once more on the way back instead of being kept: less memory for more time."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from .group_norm import KINDS


def pieces_of(encoder: nn.Module) -> list[nn.Module]:
    """Return the parts of an encoder that are computed as wholes, one after the other.

    Raises
    ------
    ValueError
        When the encoder does not name them: it has no method `pieces` that returns them.

    Examples
    --------
    >>> from sidelight.crossmodal import ResNet1d
    >>> len(pieces_of(ResNet1d(n_leads=2, n_blocks=3)))
    3
    """
    named = getattr(encoder, "pieces", None)
    if not callable(named):
        raise ValueError(
            f"checkpoint_activations: {type(encoder).__name__} has no method `pieces` that returns the modules to compute again"
        )
    return list(named())


@contextmanager
def recomputed(pieces: Iterable[nn.Module]) -> Iterator[None]:
    """Keep only what enters each piece, of gradients that are asked for within the block or after it.

    Dropout draws the same mask again, and running means of batch norm are not moved a second time, so that weights and
    statistics are those of a step that keeps everything.

    References
    ----------
    T. Chen et al., "Training deep nets with sublinear memory cost", arXiv 1604.06174.
    """
    changed = list(pieces)
    for piece in changed:
        piece.forward = _again(piece, piece.forward)
    try:
        yield
    finally:
        for piece in changed:
            del piece.forward


def _again(piece: nn.Module, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return a forward pass whose insides are not kept."""

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _StatisticsKept(piece)

    def forward(*inputs: Any) -> Any:
        if not torch.is_grad_enabled():
            return plain(*inputs)
        return checkpoint(plain, *inputs, use_reentrant=False, context_fn=contexts)

    return forward


class _StatisticsKept(AbstractContextManager[None]):
    """Lets batch norm move copies of its running means, which are then thrown away."""

    def __init__(self, piece: nn.Module) -> None:
        self.norms = [module for module in piece.modules() if isinstance(module, KINDS)]

    def __enter__(self) -> None:
        self.before = [(norm, dict(norm.named_buffers(recurse=False))) for norm in self.norms]
        for norm, buffers in self.before:
            for name, values in buffers.items():
                setattr(norm, name, values.clone())

    def __exit__(self, *fault: object) -> None:
        for norm, buffers in self.before:
            for name, values in buffers.items():
                setattr(norm, name, values)
