"""Losses for labels that are probabilities; each takes logits and a batch and returns one number."""

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor, nn

from .batches import Batch


def cross_entropy_with_probs(
    input: Tensor,  # noqa: A002 (Snorkel's name)
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cross-entropy of logits against probabilities; name, order and meaning are Snorkel's.

    Parameters
    ----------
    input : Tensor of shape (n_rows, n_classes)
        Logits.
    target : Tensor of shape (n_rows, n_classes)
        Probabilities.
    weight : Tensor of shape (n_classes,), optional
        Weight of each class.
    reduction : {"mean", "sum", "none"}, default "mean"
        "mean" divides by the number of rows.

    Examples
    --------
    >>> logits = torch.tensor([[0.0, 0.0]])
    >>> round(float(cross_entropy_with_probs(logits, torch.tensor([[0.3, 0.7]]))), 4)
    0.6931
    """
    if input.shape != target.shape or input.ndim != 2:
        raise ValueError(
            f"input has shape {tuple(input.shape)}, target {tuple(target.shape)}; both are (n_rows, n_classes)"
        )
    # log-softmax in float32 also under mixed precision, where tiny probabilities would vanish
    surprise = -F.log_softmax(input.float(), dim=1)
    terms = target * surprise if weight is None else target * surprise * weight
    losses = terms.sum(dim=1)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean()
    raise ValueError(f'reduction is {reduction!r}; it is "mean", "sum" or "none"')


class RowLoss(nn.Module):
    """Base of losses that give each row a number: covered rows are averaged by their weight, others left out.

    A loss of one's own needs only `per_row`, or, when rows depend on each other, a `forward` of its own. It may also have

    - ``begin(n_steps)`` and ``attach(network)``, called once before the first step;
    - ``prepare(network, batch)``, which returns the batch that the network learns from instead;
    - ``observe(features, batch)``, which is shown the encoder's features of each batch;
    - ``beside(network, batch)``, which returns what is added to the loss;
    - ``sampler``, which chooses the rows of each epoch unless the classifier was given one.
    """

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each row, of shape (n_rows,), before rows are weighed."""
        raise NotImplementedError

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the covered rows; 0 when there is none."""
        return weighted_mean(self.per_row(logits, batch), batch.weight)


def weighted_mean(losses: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of `losses` by `weight`; what has no weight may even be infinite."""
    total = torch.where(weight > 0, losses * weight, 0.0).sum()
    return total / weight.sum().clamp_min(1e-12)


class SoftCrossEntropy(RowLoss):
    """Noise-aware cross-entropy: expected over the label's probabilities, uncovered rows left out.

    Parameters
    ----------
    class_weight : sequence of float, optional
        Weight of each class.
    confidence : bool, default False
        Multiply each row's loss by how far its label is from a coin toss.
    smoothing : float, default 0
        Share of each label that is spread evenly over the classes.

    References
    ----------
    Dunnmon et al., "Cross-modal data programming enables rapid medical machine learning", Patterns 2020:
    L = 1/|A| sum over i in A, y of P_iy (-log f(x_i)_y), where A holds the rows with at least one vote (here
    ``weight > 0``), P is ``batch.target`` and f the softmax of the logits.
    """

    def __init__(
        self, class_weight: list[float] | None = None, *, confidence: bool = False, smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing is {smoothing}; it is from 0 to below 1")
        self.confidence = confidence
        self.smoothing = smoothing
        self.class_weight: Tensor | None
        self.register_buffer("class_weight", None if class_weight is None else torch.tensor(class_weight))

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each row, of shape (n_rows,), before rows are weighed."""
        target = batch.target * (1 - self.smoothing) + self.smoothing / batch.target.shape[1]
        losses = cross_entropy_with_probs(logits, target, weight=self.class_weight, reduction="none")
        if not self.confidence:
            return losses
        chance = 1 / batch.target.shape[1]
        return losses * (batch.target.max(dim=1).values - chance) / (1 - chance)
