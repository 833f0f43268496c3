"""sidelight's contenders for the slice yardstick: discovery, and training on noisy slicing functions."""

from typing import Any

import numpy as np
import torch
from slicebench.base import DiscoveryContender, Found, TrainingContender, budget, count_params, make_body

from sidelight.crossmodal import CrossModalClassifier
from sidelight.slicing import discover, train_robustly


class SidelightDiscovery(DiscoveryContender):
    """All discoverers at their defaults, on the model's embedding, the inputs, and the metadata."""

    name = "sidelight"
    methods: tuple[str, ...] = ("clusters", "error-mixture", "rules", "spotlight")

    def discover(self, view: Any, seed: int) -> Any:
        """Return the five slices, best first."""
        inputs = view.X.reshape(len(view.y), -1)
        metadata = {name: view.meta[name].to_numpy() for name in view.meta}
        if view.X.ndim == 2:
            metadata |= {f"input_{column}": inputs[:, column] for column in range(inputs.shape[1])}
        found = discover(
            view.y,
            view.proba,
            embeddings={"model": view.emb, "input": inputs},
            metadata=metadata,
            methods=self.methods,
            seed=seed,
        )
        membership = np.zeros((len(view.y), len(found.slices)))
        for column, part in enumerate(found.slices):
            membership[:, column] = part.scores
        return Found(
            membership,
            [part.confirmed for part in found.slices],
            [part.description for part in found.slices],
        )


class _Classifier:
    """What the yardstick asks of a fitted contender."""

    def __init__(self, model: Any, shape: tuple[int, ...]) -> None:
        self.model, self.shape = model, shape
        self.n_params = count_params(model.network_)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities of both classes."""
        return self.model.predict_proba(X.reshape(len(X), *self.shape), batch_size=1024)


class SidelightTraining(TrainingContender):
    """`train_robustly` around the shared body, with the shared epochs, batch and learning rate."""

    name = "sidelight-balanced"
    recipe = "balanced"
    uses = "slicing functions"

    def fit(self, problem: Any, seed: int) -> Any:
        """Return the fitted model."""
        config = budget(problem)
        torch.manual_seed(seed)
        body, _ = make_body(problem)
        flat = problem.kind == "flat"
        shape = (1, problem.in_dim) if flat else problem.train.X.shape[1:]
        plain = CrossModalClassifier(
            torch.nn.Sequential(torch.nn.Flatten(), body) if flat else body,
            max_epochs=config["epochs"],
            batch_size=config["batch"],
            learning_rate=config["lr"],
            weight_decay=1e-4,
            augment=None,
            calibrate=False,
            patience=None,
            accelerator="cpu",
            seed=seed,
        )
        inputs = problem.train.X.reshape(len(problem.train.X), *shape)
        slices = {name: problem.train.S[:, k] for k, name in enumerate(problem.slice_names)}
        return _Classifier(train_robustly(plain, inputs, problem.train.y, slices, recipe=self.recipe), shape)


def recipe_contender(recipe: str) -> TrainingContender:
    """Return the contender for another recipe."""
    kind = type(
        f"Sidelight_{recipe}", (SidelightTraining,), {"name": f"sidelight-{recipe}", "recipe": recipe}
    )
    return kind()
