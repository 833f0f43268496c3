"""The losses there are, by the name that `CrossModalClassifier(loss=...)` and the command line know."""

from torch import nn

from .mixing import MixedReweighting
from .reweighting import ClassReweighting, InstanceReweighting
from .robust_losses import ForwardCorrection, GeneralizedCrossEntropy, SymmetricCrossEntropy
from .self_training import SelfTraining
from .soft_loss import SoftCrossEntropy

LOSSES: dict[str, type[nn.Module]] = {
    "class-reweighting": ClassReweighting,
    "class-reweighting-mixup": MixedReweighting,
    "forward-correction": ForwardCorrection,
    "generalized-cross-entropy": GeneralizedCrossEntropy,
    "instance-reweighting": InstanceReweighting,
    "self-training": SelfTraining,
    "soft-cross-entropy": SoftCrossEntropy,
    "symmetric-cross-entropy": SymmetricCrossEntropy,
}
"""Each takes logits of shape (n_rows, n_classes) and a `Batch`, and returns one number; see `RowLoss`."""
