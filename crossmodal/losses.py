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


class SoftCrossEntropy(nn.Module):
    """Noise-aware cross-entropy: expected over the label's probabilities, uncovered rows left out.

    Parameters
    ----------
    class_weight : sequence of float, optional
        Weight of each class.
    confidence : bool, default False
        Multiply each row's loss by how far its label is from a coin toss.

    References
    ----------
    Dunnmon et al., "Cross-modal data programming enables rapid medical machine learning", Patterns 2020:
    L = 1/|A| sum over i in A, y of P_iy (-log f(x_i)_y), where A holds the rows with at least one vote (here
    ``weight > 0``), P is ``batch.target`` and f the softmax of the logits.
    """

    def __init__(self, class_weight: list[float] | None = None, *, confidence: bool = False) -> None:
        super().__init__()
        self.confidence = confidence
        self.class_weight: Tensor | None
        self.register_buffer("class_weight", None if class_weight is None else torch.tensor(class_weight))

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the loss of each row, of shape (n_rows,), before rows are weighed."""
        losses = cross_entropy_with_probs(logits, batch.target, weight=self.class_weight, reduction="none")
        if not self.confidence:
            return losses
        chance = 1 / batch.target.shape[1]
        return losses * (batch.target.max(dim=1).values - chance) / (1 - chance)

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the covered rows; 0 when there is none."""
        losses = torch.where(batch.weight > 0, self.per_row(logits, batch) * batch.weight, 0.0)
        return losses.sum() / batch.weight.sum().clamp_min(1e-12)


LOSSES: dict[str, type[nn.Module]] = {"soft-cross-entropy": SoftCrossEntropy}
"""Losses by the name that `CrossModalClassifier(loss=...)` and the command line know."""
