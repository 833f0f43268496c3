"""Changing a trained network's last part alone: its head fitted anew, or its logits corrected."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sidelight.crossmodal.classifier import CrossModalClassifier
from sidelight.crossmodal.heads import HEADS, LinearHead, Network
from sidelight.crossmodal.soft_loss import cross_entropy_with_probs


def retrain_last_layer(
    classifier: CrossModalClassifier,
    features: NDArray[np.float64],
    proba: NDArray[np.float32],
    weight: NDArray[np.float64],
    *,
    l2: float = 1e-3,
) -> CrossModalClassifier:
    """Return the classifier with a linear head fitted to weighted rows; the encoder stays as it is.

    Parameters
    ----------
    classifier : CrossModalClassifier
        Fitted; left untouched.
    features : ndarray of shape (n_rows, n_features)
        What its encoder says of the rows.
    proba : ndarray of shape (n_rows, n_classes)
        Their labels.
    weight : ndarray of shape (n_rows,)
        How much each counts.
    l2 : float, default 1e-3
        Penalty on the head's weights, for features of unit variance.
    """
    head = _linear(features, proba, weight, l2)
    changed = copy.copy(classifier)
    changed.network_ = Network(copy.deepcopy(classifier.network_.encoder), head).eval()
    return changed


def _linear(
    features: NDArray[np.float64], proba: NDArray[np.float32], weight: NDArray[np.float64], l2: float
) -> LinearHead:
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    points = torch.from_numpy((features - mean) / spread).float()
    target = torch.from_numpy(np.asarray(proba, dtype=np.float32))
    shares = torch.from_numpy(weight / weight.sum()).float()
    slope = torch.zeros(points.shape[1], target.shape[1], requires_grad=True)
    offset = torch.zeros(target.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([slope, offset], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = cross_entropy_with_probs(points @ slope + offset, target, reduction="none")
        loss = (shares * losses).sum() + l2 * slope.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    head = LinearHead(features.shape[1], proba.shape[1])
    with torch.no_grad():
        scaled = slope.T / torch.from_numpy(spread).float()
        head.linear.weight.copy_(scaled)
        head.linear.bias.copy_(offset - scaled @ torch.from_numpy(mean).float())
    return head


class CorrectedHead(nn.Module):
    """A head whose logits are shifted by a linear function of the features.

    Parameters
    ----------
    head : Module, or mapping with "name" and "config"
        What is corrected; a mapping names it in `sidelight.crossmodal.heads.HEADS`, as bundles do.
    n_features, n_classes : int
        Width of the input and of the output.
    """

    def __init__(self, head: nn.Module | Mapping[str, Any], n_features: int, n_classes: int) -> None:
        super().__init__()
        self.head = HEADS[head["name"]](**head["config"]) if isinstance(head, Mapping) else head
        name = next((name for name, kind in HEADS.items() if type(self.head) is kind), None)
        self.holds_own = name is None
        inner = {"name": name, "config": getattr(self.head, "config", {})}
        self.config: dict[str, Any] = {"head": inner, "n_features": n_features, "n_classes": n_classes}
        self.n_classes = n_classes
        self.shift = nn.Linear(n_features, n_classes)
        nn.init.zeros_(self.shift.weight)
        nn.init.zeros_(self.shift.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return the corrected logits."""
        logits: Tensor = self.head(features) + self.shift(features)
        return logits


def correct_on(
    classifier: CrossModalClassifier,
    features: NDArray[np.float64],
    proba: NDArray[np.float32],
    *,
    step: float = 1.0,
    most_steps: int = 30,
    tolerance: float = 0.01,
) -> CrossModalClassifier:
    """Return the classifier with logits corrected wherever a linear auditor still sees a residual.

    The rows are cut in two: on one half the auditor regresses gold minus probability on the features, and its
    answer is added to the logits if the correlation it claims holds on the other half.

    Parameters
    ----------
    classifier : CrossModalClassifier
        Fitted; left untouched.
    features, proba
        Of held-out rows with gold.
    step : float, default 1
        Size of a correction.
    most_steps : int, default 30
        Corrections at most.
    tolerance : float, default 0.01
        Least mean product of residual and auditor, on the half that checks, for another correction.
    """
    changed = copy.copy(classifier)
    n_classes = proba.shape[1]
    head = CorrectedHead(copy.deepcopy(classifier.network_.head), features.shape[1], n_classes)
    points = torch.from_numpy(features).float()
    mean, spread = points.mean(dim=0), points.std(dim=0).clamp_min(1e-6)
    design = torch.cat([(points - mean) / spread, torch.ones(len(points), 1)], dim=1)
    teaching = torch.arange(len(points)) % 2 == 0
    gold = torch.from_numpy(np.asarray(proba, dtype=np.float32))
    ridge = 0.1 * int(teaching.sum()) * torch.eye(design.shape[1])
    head.eval()
    with torch.no_grad():
        for _ in range(most_steps):
            residual = gold - torch.softmax(head(points), dim=1)
            known = design[teaching]
            auditor = torch.linalg.solve(known.T @ known + ridge, known.T @ residual[teaching])
            answer = design @ auditor
            if float((answer * residual)[~teaching].sum(dim=1).mean()) <= tolerance * float(
                residual[~teaching].abs().mean()
            ):
                break
            slope = step * (auditor[:-1] / spread[:, None]).T * 4
            head.shift.weight.add_(slope)
            head.shift.bias.add_(step * 4 * auditor[-1] - slope @ mean)
    changed.network_ = Network(copy.deepcopy(classifier.network_.encoder), head).eval()
    return changed


HEADS.setdefault("corrected", CorrectedHead)
