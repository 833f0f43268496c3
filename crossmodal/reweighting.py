"""Training that trusts rows less whose labels it cannot fit, after a while of trusting all."""

from dataclasses import replace

import torch
from torch import Tensor

from .batches import Batch
from .soft_loss import RowLoss, cross_entropy_with_probs, weighted_mean


class InstanceReweighting(RowLoss):
    """Cross-entropy whose rows count by exp(-excess loss / temperature), from a fifth of the training on.

    The excess loss is the cross-entropy minus the label's own entropy: a label of (0.5, 0.5) is honest, not wrong, and
    must not be punished for what no network could fit. Weights are normalised within each class, so that a rare class
    does not fade, and within each batch: give it 32 rows or more.

    References
    ----------
    A. Kumar, E. Amid, "Constrained instance and class reweighting for robust learning under label noise", arXiv
    2111.05428: the weights solve min sum w_i l_i with KL(w || uniform) bounded; lambda is `temperature_` here.

    Parameters
    ----------
    factor : float, default 2.0
        The temperature is this many times the median excess loss at the end of the even-handed first part.
    start : float, default 0.2
        Share of the training in which all rows count the same.
    ramp : float, default 0.1
        Share of the training in which the temperature falls from ten times its value.
    """

    def __init__(self, factor: float = 2.0, start: float = 0.2, ramp: float = 0.1) -> None:
        super().__init__()
        if not factor > 0:
            raise ValueError(f"factor is {factor}; it is above 0")
        self.factor, self.start, self.ramp = factor, start, ramp
        self.step: Tensor
        self.n_steps: Tensor
        self.median: Tensor
        self.register_buffer("step", torch.zeros((), dtype=torch.long))
        self.register_buffer("n_steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("median", torch.full((), float("nan")))

    def begin(self, n_steps: int) -> None:
        """Learn how long training is."""
        self.n_steps.fill_(n_steps)
        self.step.zero_()
        self.median.fill_(float("nan"))

    @property
    def temperature_(self) -> float:
        """Temperature at this step; infinite while all rows count the same."""
        first, ramp = self.start * float(self.n_steps), self.ramp * float(self.n_steps)
        past = float(self.step) - first
        if self.n_steps == 0 or past < 0 or torch.isnan(self.median):
            return float("inf")
        final = max(0.02, float(self.median)) * self.factor
        return final * (10 - 9 * min(1.0, past / max(ramp, 1.0)))

    def per_row(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy of each row."""
        return cross_entropy_with_probs(logits, batch.target, reduction="none")

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the covered rows, reweighted."""
        losses = self.per_row(logits, batch)
        with torch.no_grad():
            excess = losses - torch.special.entr(batch.target).sum(dim=1)
            weight = batch.weight * row_weights(excess, batch.target, batch.weight, self.temperature_)
            if self.training and self.n_steps > 0:
                self._advance(excess[batch.weight > 0])
        return weighted_mean(losses, weight)

    def _advance(self, excess: Tensor) -> None:
        """Count the step and, in the even-handed part, follow the median."""
        if len(excess) and float(self.step) < self.start * float(self.n_steps):
            now = excess.median().float()
            self.median.copy_(now if torch.isnan(self.median) else 0.8 * self.median + 0.2 * now)
        self.step += 1


class ClassReweighting(InstanceReweighting):
    """As `InstanceReweighting`, and once rows are told apart a label gives way to what the network is surer of.

    Up to `gamma` of each label's probability moves from the classes that the network finds least likely to the one it
    finds likeliest: a label may be wrong a little, not altogether.

    References
    ----------
    A. Kumar, E. Amid, arXiv 2111.05428: labels v solve min sum_c v_c l_c with total variation to y of at most gamma.

    Parameters
    ----------
    gamma : float, default 0.1
        Largest share of a label that moves, from 0 to 1.
    factor, start, ramp : float
        See `InstanceReweighting`.
    """

    def __init__(
        self, gamma: float = 0.1, factor: float = 2.0, start: float = 0.2, ramp: float = 0.1
    ) -> None:
        super().__init__(factor, start, ramp)
        if not 0 <= gamma <= 1:
            raise ValueError(f"gamma is {gamma}; it is from 0 to 1")
        self.gamma = gamma

    def forward(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the mean loss of the covered rows against the labels as they have moved, reweighted."""
        if self.temperature_ < float("inf"):
            surprise = -torch.log_softmax(logits.detach().float(), dim=1)
            batch = replace(batch, target=moved_labels(batch.target, surprise, self.gamma))
        return super().forward(logits, batch)


def moved_labels(target: Tensor, cost: Tensor, gamma: float) -> Tensor:
    """Return labels that cost least within a total variation of `gamma` from `target`.

    Parameters
    ----------
    target : Tensor of shape (n_rows, n_classes)
        Soft labels.
    cost : Tensor of shape (n_rows, n_classes)
        What each class costs, the loss of predicting it.
    gamma : float
        Probability that may move, from 0 to 1.

    Examples
    --------
    >>> moved_labels(torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.1, 3.0, 2.0]]), 0.25).tolist()
    [[0.25, 0.75, 0.0]]
    """
    order = cost.argsort(dim=1, descending=True, stable=True)
    held = target.gather(1, order)
    taken = held.cumsum(dim=1).clamp_max(gamma)
    taken = taken.diff(dim=1, prepend=torch.zeros_like(taken[:, :1]))
    held = (held - taken).clamp_min(0)
    held[:, -1] += taken.sum(dim=1)
    return torch.zeros_like(target).scatter(1, order, held)


def row_weights(excess: Tensor, target: Tensor, weight: Tensor, temperature: float) -> Tensor:
    """Return weights of rows, of shape (n_rows,), that keep each class's share of the batch.

    Parameters
    ----------
    excess : Tensor of shape (n_rows,)
        Cross-entropy minus the label's entropy.
    target : Tensor of shape (n_rows, n_classes)
        Soft labels.
    weight : Tensor of shape (n_rows,)
        0 for rows to leave out.
    temperature : float
        Infinite for even weights.
    """
    if temperature == float("inf"):
        return torch.ones_like(excess)
    mass = target * weight[:, None]
    # a softmax down each class's column, so that even a class of hopeless rows keeps its share of the batch
    trust = torch.softmax(mass.log() - excess[:, None] / temperature, dim=0).nan_to_num(0.0)
    moved: Tensor = (trust * mass.sum(dim=0)).sum(dim=1) / weight.clamp_min(1e-12)
    return moved
