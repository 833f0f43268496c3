"""Losses that mind wrong labels less than cross-entropy does, carried over to labels that are probabilities."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from torch import Tensor

from .batches import Batch
from .soft_loss import RowLoss, cross_entropy_with_probs


class GeneralizedCrossEntropy(RowLoss):
    """Between cross-entropy (q near 0) and mean absolute error (q = 1): sure mistakes cost at most 1/q.

    References
    ----------
    Z. Zhang, M. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels", NeurIPS
    2018: (1 - f_y^q) / q, here expected over the label's probabilities.

    Parameters
    ----------
    q : float, default 0.7
        Above 0, at most 1.
    """

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        if not 0 < q <= 1:
            raise ValueError(f"q is {q}; it is above 0 and at most 1")
        self.q = q

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the expected cost of each row."""
        # f^q from the log-softmax, whose gradient stays finite where f is 0
        powers = torch.exp(self.q * F.log_softmax(logits.float(), dim=1))
        return (batch.target * (1 - powers)).sum(dim=1) / self.q


class SymmetricCrossEntropy(RowLoss):
    """Cross-entropy plus the same with label and prediction exchanged, which bounds what a wrong label can do.

    References
    ----------
    Y. Wang et al., "Symmetric cross entropy for robust learning with noisy labels", ICCV 2019.

    Parameters
    ----------
    alpha : float, default 0.5
        Weight of the cross-entropy.
    beta : float, default 1.0
        Weight of the reverse.
    floor : float, default 1e-4
        Stands for a label's probability of 0, whose logarithm does not exist.
    """

    def __init__(self, alpha: float = 0.5, beta: float = 1.0, floor: float = 1e-4) -> None:
        super().__init__()
        self.alpha, self.beta, self.floor = alpha, beta, floor

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the weighted sum of both directions for each row."""
        forth = cross_entropy_with_probs(logits, batch.target, reduction="none")
        back = -(logits.float().softmax(dim=1) * batch.target.clamp_min(self.floor).log()).sum(dim=1)
        return self.alpha * forth + self.beta * back


class ForwardCorrection(RowLoss):
    """Compare the label with what the network's class would be labeled as, given how labels go wrong.

    References
    ----------
    G. Patrini et al., "Making deep neural networks robust to label noise: a loss correction approach", CVPR 2017:
    cross-entropy of the label against T' f, T being ``confusion``.

    Parameters
    ----------
    confusion : sequence of sequence of float, optional
        Row y, column z: the chance that a record of class y is labeled z. Without it labels are taken as right.
    """

    def __init__(self, confusion: Sequence[Sequence[float]] | None = None) -> None:
        super().__init__()
        self.confusion: Tensor | None
        matrix = (
            None if confusion is None else torch.tensor([list(row) for row in confusion], dtype=torch.float32)
        )
        if matrix is not None and (
            matrix.shape[0] != matrix.shape[1]
            or bool((matrix < 0).any())
            or not torch.allclose(matrix.sum(dim=1), torch.ones(len(matrix)), atol=1e-4)
        ):
            raise ValueError("confusion is no square table whose rows are distributions")
        self.register_buffer("confusion", matrix)

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the corrected cross-entropy of each row."""
        if self.confusion is None:
            return cross_entropy_with_probs(logits, batch.target, reduction="none")
        log_table = self.confusion.clamp_min(1e-12).log()
        labeled = torch.logsumexp(F.log_softmax(logits.float(), dim=1)[:, :, None] + log_table, dim=1)
        return -(batch.target * labeled).sum(dim=1)
