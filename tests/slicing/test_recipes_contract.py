"""What holds for every recipe of robust training, the moment it is in the registry."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import CrossModalClassifier  # noqa: E402
from sidelight.slicing import RECIPES, train_robustly  # noqa: E402


def studies(seed=0, n=120):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    x = random.normal(size=(n, 1, 6))
    x[:, 0, 0] += 6 * y - 3
    rare = random.random(n) < 0.2
    return x, y, {"rare": rare}


def plain(encoder=None, **keywords):
    encoder = encoder or torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 8), torch.nn.ReLU())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for layer in [] if isinstance(encoder, str) else encoder:
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
    settings = {
        "max_epochs": 4,
        "batch_size": 32,
        "learning_rate": 0.02,
        "augment": None,
        "accelerator": "cpu",
    }
    return CrossModalClassifier(encoder, **(settings | keywords))


pytestmark = pytest.mark.parametrize("name", sorted(RECIPES))


def test_it_learns_and_predicts_without_slices(name):
    x, y, slices = studies()
    model = train_robustly(plain(), x, y, slices, recipe=name, validation=studies(1)[:2])
    proba = model.predict_proba(x)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert np.mean(proba.argmax(axis=1) == y) > 0.9


def test_equal_seeds_give_equal_models_and_the_given_one_stays_unfitted(name):
    x, y, slices = studies()
    given = plain()
    first, second = (
        train_robustly(given, x, y, slices, recipe=name, validation=studies(1)[:2]).predict_logits(x)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert not hasattr(given, "network_")
    assert given.sampler is None


def test_rows_without_a_label_teach_nothing(name):
    x, y, slices = studies()
    spoiled, labels = x.copy(), y.copy()
    labels[:20] = -1
    dev = studies(1)[:2]
    spoiled[:20] = 7.0
    models = [
        train_robustly(plain(), data, labels, slices, recipe=name, validation=dev) for data in (x, spoiled)
    ]
    np.testing.assert_allclose(*(model.predict_logits(x[20:]) for model in models), atol=1e-5)


def test_three_classes_given_as_probabilities_are_learned(name):
    x, _, slices = studies(n=240)
    x[:, 0, 0] = np.random.default_rng(5).normal(size=240) * 3
    y = np.digitize(x[:, 0, 0], [-1.5, 1.5])
    proba = 0.85 * np.eye(3)[y] + 0.05
    model = train_robustly(plain(max_epochs=20), x, proba, slices, recipe=name, validation=(x[:80], y[:80]))
    assert model.predict_proba(x).shape == (240, 3)
    assert np.mean(model.predict(x) == y) > 0.8
