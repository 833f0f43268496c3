"""Averaged weights: what they are, and that everything that looks at a network looks at them."""

import numpy as np
import pytest
import torch
from torch import nn

from sidelight.crossmodal import CrossModalClassifier, load_bundle, save_bundle
from sidelight.crossmodal.averaging import MovingAverage
from sidelight.labeling import LabelSchema


class Line(nn.Module):
    """One weight a lead, with batch norm: floating buffers, and a whole number that is not averaged."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, signals):
        return self.norm(signals.mean(dim=2))


def settings(**changes):
    return {
        "augment": None, "max_epochs": 2, "batch_size": 10, "learning_rate": 0.05, "weight_decay": 0.0,
        "accelerator": "cpu", "calibrate": False,
    } | changes  # fmt: skip


def data(n=40):
    gold = np.arange(n) % 2
    return np.random.default_rng(0).normal(size=(n, 3, 8)) + gold[:, None, None], gold


def test_the_mean_is_of_the_newest_steps():
    network, average = nn.Linear(1, 1, bias=False), MovingAverage(n_steps=40)  # looks back on two
    expected = None
    for count, weight in enumerate((5.0, 1.0, 2.0, 7.0), start=1):
        network.weight.data.fill_(weight)
        average.update(network)
        step = max(1 / count, 1 / 2)
        expected = weight if expected is None else expected + step * (weight - expected)
    average.exchange(network)
    assert network.weight.item() == pytest.approx(expected)
    average.exchange(network)
    assert network.weight.item() == 7.0


def test_what_is_kept_is_the_mean_of_the_steps_weights():
    signals, gold = data()
    steps = []

    class Spy(Line):
        def forward(self, inputs):
            if self.training:
                steps.append(self.norm.weight.detach().clone())
            return super().forward(inputs)

    model = CrossModalClassifier(Spy(), schedule="averaged", **settings()).fit(signals, gold)
    last = CrossModalClassifier(Line(), schedule="constant", **settings()).fit(signals, gold)
    # of eight steps the mean looks back on one: the weights after the last of them, which "constant" keeps
    torch.testing.assert_close(model.network_.encoder.norm.weight, last.network_.encoder.norm.weight)
    longer = settings(max_epochs=10)
    steps.clear()
    model = CrossModalClassifier(Spy(), schedule="averaged", **longer).fit(signals, gold)
    last = CrossModalClassifier(Line(), schedule="constant", **longer).fit(signals, gold)
    seen = [*steps[-39:], last.network_.encoder.norm.weight.detach()]
    expected = seen[0]
    for count, weight in enumerate(seen[1:], start=2):
        expected = expected + max(1 / count, 1 / 2) * (weight - expected)
    torch.testing.assert_close(model.network_.encoder.norm.weight, expected)
    assert not torch.equal(model.network_.encoder.norm.weight, last.network_.encoder.norm.weight)
    assert int(model.network_.encoder.norm.num_batches_tracked) == 40


def test_validation_looks_at_the_weights_that_are_kept_and_learning_does_not_notice():
    signals, gold = data()
    held_out = (signals[:20], 1 - gold[:20])
    watched, alone = (
        CrossModalClassifier(Line(), schedule="averaged", patience=None, **settings(max_epochs=10)).fit(
            signals, gold, validation=validation
        )
        for validation in (held_out, None)
    )
    assert [epoch.train_loss for epoch in watched.history_] == [epoch.train_loss for epoch in alone.history_]
    logits = torch.from_numpy(watched.predict_logits(held_out[0]))
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(held_out[1]).long()).item()
    assert loss == pytest.approx(min(epoch.dev_loss for epoch in watched.history_), abs=1e-5)


def test_a_bundle_holds_the_mean(tmp_path, two_views, quick):
    gold, _, signals = two_views(60)
    models = [
        quick(schedule=schedule, max_epochs=8, batch_size=8).fit(signals, gold)
        for schedule in ("averaged", "constant")
    ]
    loaded = load_bundle(save_bundle(tmp_path / "model", models[0], LabelSchema(("normal", "abnormal"))))
    np.testing.assert_allclose(loaded.predict_proba(signals), models[0].predict_proba(signals), atol=1e-6)
    assert not np.allclose(models[0].predict_logits(signals), models[1].predict_logits(signals), atol=1e-3)


def test_pieces_of_a_step_count_once():
    signals, gold = data()
    network = nn.Sequential(nn.Flatten(), nn.Linear(24, 4), nn.Tanh())
    whole, pieces = (
        CrossModalClassifier(
            network, schedule="averaged", accumulate=accumulate, **settings(max_epochs=20)
        ).fit(signals, gold)
        for accumulate in (1, 2)
    )
    np.testing.assert_allclose(
        pieces.predict_logits(signals), whole.predict_logits(signals), rtol=1e-3, atol=1e-3
    )
