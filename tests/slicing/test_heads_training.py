"""Slice heads in training: a small region that follows a rule of its own."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import CrossModalClassifier  # noqa: E402
from sidelight.slicing import train_robustly  # noqa: E402


class Flat(torch.nn.Module):
    """Two channels of one sample, and two hidden layers of width 8."""

    n_features = 8

    def __init__(self, seed):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.layers = torch.nn.Sequential(
                torch.nn.Flatten(),
                torch.nn.Linear(2, 8),
                torch.nn.ReLU(),
                torch.nn.Linear(8, 8),
                torch.nn.ReLU(),
            )

    def forward(self, inputs):
        return self.layers(inputs)


def flip_task(n, rng):
    """A plane cut in two, but within a small disc the other way round (1.8 % of it)."""
    x = rng.uniform(-2, 2, size=(n, 2))
    disc = ((x - [1, 0.3]) ** 2).sum(axis=1) < 0.3**2
    y = ((x[:, 0] > 0) ^ disc).astype(int)
    return x[:, :, None].astype(np.float32), y, disc


def noisy(disc, rng):
    """What a slicing function makes of the disc: a fifth is missed, a tenth of what it names is not there."""
    named = disc & (rng.random(len(disc)) > 0.2)
    outside = np.flatnonzero(~disc)
    named[rng.choice(outside, size=max(1, int(named.sum() / 9)), replace=False)] = True
    return named[:, None]


def fit_flip(seed, recipe, epochs=60):
    rng = np.random.default_rng(seed)
    signals, y, disc = flip_task(3000, rng)
    plain = CrossModalClassifier(
        encoder=Flat(seed), augment=None, max_epochs=epochs, batch_size=256, learning_rate=5e-3, weight_decay=1e-4,
        schedule="constant", patience=None, accelerator="cpu", seed=seed,
    )  # fmt: skip
    model = train_robustly(plain, signals, y, noisy(disc, rng), recipe=recipe)
    test, truth, inside = flip_task(20000, np.random.default_rng(100 + seed))
    right = model.predict(test) == truth
    return right[inside].mean(), right.mean()


def test_slice_heads_train_inside_the_classifier():
    inside, overall = fit_flip(0, "slice-heads", epochs=2)
    assert 0 <= inside <= 1
    assert overall > 0.4


@pytest.mark.slow
def test_a_small_flipped_region_is_learned_without_losing_the_rest():
    gains, costs = [], []
    for seed in range(4):
        plain, ours = fit_flip(seed, "plain"), fit_flip(seed, "slice-heads")
        gains.append(ours[0] - plain[0])
        costs.append(plain[1] - ours[1])
    assert np.mean(gains) >= 0.2, gains
    assert np.mean(costs) <= 0.005, costs
