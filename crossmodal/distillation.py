"""Teaching a small network by a large one: the labels and the teacher's probabilities together."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from numpy.typing import ArrayLike
from torch import Tensor

from .batches import Batch
from .soft_loss import RowLoss, cross_entropy_with_probs


class Distillation(RowLoss):
    """Cross-entropy with the labels, and with what a teacher says of the same records, both softened.

    The teacher may be several networks (the mean of their logits), or one with slice heads whose student has none; it has
    seen the signal alone, never votes.

    Parameters
    ----------
    teacher_logits : array-like of shape (n_records, n_classes)
        The teacher's logits for the training records, in their order: ``teacher.predict_logits(signals)``.
    share : float, default 0.5
        Weight of the teacher; the labels have the rest.
    temperature : float, default 4.0
        Divides both networks' logits where they are compared.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network", 2015: (1 - share) CE(label, student)
    + share T^2 KL(softmax(teacher / T) || softmax(student / T)).

    Examples
    --------
    >>> loss = Distillation([[2.0, -2.0]], share=1.0)
    >>> batch = Batch(torch.zeros(1, 1, 1), torch.tensor([[0.5, 0.5]]), torch.ones(1), torch.tensor([0]))
    >>> bool(abs(loss(torch.tensor([[2.0, -2.0]]), batch)) < 1e-6)
    True
    """

    teacher: Tensor

    def __init__(self, teacher_logits: ArrayLike, share: float = 0.5, temperature: float = 4.0) -> None:
        super().__init__()
        if not 0 <= share <= 1 or not temperature > 0:
            raise ValueError(f"share is {share}, from 0 to 1; temperature is {temperature}, above 0")
        logits = torch.as_tensor(teacher_logits, dtype=torch.float32)
        if logits.ndim != 2:
            raise ValueError(f"teacher_logits have shape {tuple(logits.shape)}; (n_records, n_classes)")
        self.share, self.temperature = share, temperature
        self.register_buffer("teacher", logits)

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the weighted sum of both parts for each row."""
        if len(batch.rows) and int(batch.rows.max()) >= len(self.teacher):
            raise ValueError(f"the teacher spoke of {len(self.teacher)} records; there are more")
        teacher = F.log_softmax(self.teacher[batch.rows] / self.temperature, dim=1)
        student = F.log_softmax(logits.float() / self.temperature, dim=1)
        apart = (teacher.exp() * (teacher - student)).sum(dim=1) * self.temperature**2
        labels = cross_entropy_with_probs(logits, batch.target, reduction="none")
        return (1 - self.share) * labels + self.share * apart
