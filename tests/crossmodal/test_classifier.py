import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sidelight.crossmodal import (
    AUGMENTATIONS,
    ENCODERS,
    CrossModalClassifier,
    LinearHead,
    ResNet1d,
    SignalSet,
    SoftCrossEntropy,
    load_bundle,
    save_bundle,
)
from sidelight.label_model import LabelModel
from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import UsageError
from sidelight.labeling.statistics import auroc


def weights(model):
    return {name: value.clone() for name, value in model.network_.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_same_seed_gives_same_weights_and_another_seed_others(two_views, quick):
    gold, _, signals = two_views(60)
    first = weights(quick(seed=1).fit(signals, gold))
    torch.randn(7)  # what was drawn before does not matter
    assert same(first, weights(quick(seed=1).fit(signals, gold)))
    assert not same(first, weights(quick(seed=2).fit(signals, gold)))


def test_global_generators_and_working_directory_are_left_alone(
    two_views, quick, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    gold, _, signals = two_views(40)
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    quick().fit(signals, gold, validation=(signals, gold))
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002
    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def test_network_trained_on_weak_labels_comes_near_the_one_trained_on_gold(two_views, quick):
    gold, votes, signals = two_views(600)
    new_gold, _, new_signals = two_views(400, seed=1)
    model = LabelModel(cardinality=2).fit(votes)
    areas = {}
    for name, target in (("weak", model.predict_proba(votes)), ("gold", gold)):
        trained = quick(max_epochs=6).fit(signals, target, (votes >= 0).any(axis=1))
        areas[name] = auroc(new_gold, trained.predict_proba(new_signals)[:, 1])
    assert areas["gold"] > 0.9
    assert areas["weak"] - 0.5 >= 0.95 * (areas["gold"] - 0.5)


def test_uncovered_rows_teach_nothing(two_views, quick):
    gold, _, signals = two_views(60)
    covered = np.arange(60) % 3 > 0
    lies = np.where(covered, gold, 1 - gold)
    model = quick(max_epochs=2).fit(signals, lies, covered)
    assert model.n_rows_ == covered.sum()
    nonsense = signals.copy()
    nonsense[~covered] = 1e6
    assert same(weights(model), weights(quick(max_epochs=2).fit(nonsense, gold, covered)))


def test_a_cycle_runs_to_its_end_unless_asked_otherwise(two_views, quick):
    gold, _, signals = two_views(80)
    worse = (signals[:40], 1 - gold[:40])
    cycle = quick(max_epochs=14).fit(signals, gold, validation=worse)
    constant = quick(max_epochs=14, schedule="constant").fit(signals, gold, validation=worse)
    assert len(cycle.history_) == 14
    assert len(constant.history_) == constant.best_epoch_ + 10 < 14


def test_training_stops_when_dev_gets_no_better_and_keeps_the_best(two_views, quick):
    gold, _, signals = two_views(80)
    model = quick(max_epochs=30, patience=2).fit(
        signals,
        gold,
        validation=(signals[:40], 1 - gold[:40]),  # learning makes this dev set worse
    )
    assert len(model.history_) < 30
    assert len(model.history_) == model.best_epoch_ + 2
    losses = [epoch.dev_loss for epoch in model.history_]
    assert losses[model.best_epoch_ - 1] == min(losses)
    proba = np.log(model.predict_proba(signals[:40]))
    model.set_params(calibrate=False)
    logits = model.predict_logits(signals[:40])
    kept = -np.log(np.exp(logits)[np.arange(40), 1 - gold[:40]] / np.exp(logits).sum(1)).mean()
    assert kept == pytest.approx(min(losses), abs=1e-5)
    assert -proba[np.arange(40), 1 - gold[:40]].mean() <= kept + 1e-6  # the temperature helps dev


def test_size_of_the_batches_does_not_change_predictions(two_views, quick):
    gold, _, signals = two_views(65)
    model = quick().fit(signals, gold)
    whole = model.predict_proba(signals, batch_size=64)
    for size in (1, 7, 65):
        np.testing.assert_allclose(model.predict_proba(signals, batch_size=size), whole, atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    assert model.predict_proba(signals[:0]).shape == (0, 2)
    assert model.embed(signals).shape == (65, model.network_.encoder.n_features)


def test_several_classes(two_views, quick):
    gold, _, signals = two_views(90)
    signals = signals * (1 + gold[:, None, None])
    proba = np.eye(3)[np.where(np.arange(90) % 3 == 0, 2, gold)]
    model = quick().fit(signals, proba, validation=(signals, proba.argmax(1)))
    assert model.predict_proba(signals).shape == (90, 3)
    assert set(model.predict(signals)) <= {0, 1, 2}


def test_scikit_learn_can_copy_it(quick):
    model = quick(seed=3, head=None)
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert repr(CrossModalClassifier(seed=4)) == "CrossModalClassifier(seed=4)"
    with pytest.raises(ValueError, match="no argument called 'epochs'"):
        model.set_params(epochs=3)


def test_given_modules_are_copied_and_start_from_their_weights(two_views, quick):
    gold, _, signals = two_views(40)
    encoder = ResNet1d(3, width=4, n_blocks=1, seed=5)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    model = quick(encoder=encoder, max_epochs=1, learning_rate=1e-12, weight_decay=0.0).fit(signals, gold)
    assert same(before, encoder.state_dict())
    torch.testing.assert_close(model.network_.encoder.stem.weight, encoder.stem.weight)


def test_a_constant_rate_takes_full_steps_to_the_end(two_views, quick):
    """One step of AdamW moves a bias by the rate itself: the first of one cycle is a small one."""
    gold, _, signals = two_views(40)
    moved = {}
    for schedule in ("one-cycle", "constant", "averaged"):
        settings = {"batch_size": 40, "max_epochs": 1, "learning_rate": 0.01, "weight_decay": 0.0}
        encoder = ResNet1d(3, width=16, n_blocks=1, seed=5)
        start = LinearHead(encoder.n_features, 2)
        model = quick(encoder=encoder, head=start, schedule=schedule, **settings).fit(signals, gold)
        moved[schedule] = (model.network_.head.linear.bias - start.linear.bias).abs().max().item()
    assert moved["constant"] == moved["averaged"] == pytest.approx(0.01, rel=1e-3)
    assert moved["one-cycle"] == pytest.approx(0.0004, rel=1e-2)


class Recorder(LinearHead):
    """A head that learns slices beside classes."""

    def __init__(self, n_features, n_classes):
        super().__init__(n_features, n_classes)
        self.slices = nn.Linear(n_features, 2)
        self.seen = []

    def extra_loss(self, features, logits, batch, loss):
        self.seen.append(batch.membership.clone())
        return nn.functional.binary_cross_entropy_with_logits(self.slices(features), batch.membership)


def test_head_loss_and_sampler_are_handed_in(two_views, quick):
    gold, _, signals = two_views(40)
    slices = np.stack([gold == 1, np.arange(40) % 2 == 0], axis=1)
    drawn = []

    def twice_the_first(rows, targets, random):
        drawn.append(rows)
        return np.concatenate([rows, rows[:8]])

    class Counting(SoftCrossEntropy):
        n_calls = 0

        def forward(self, logits, batch):
            type(self).n_calls += 1
            return super().forward(logits, batch)

    model = quick(head=Recorder, loss=Counting(), sampler=twice_the_first, max_epochs=2, batch_size=16)
    model.fit(signals, gold, membership=slices)
    assert Counting.n_calls == 6
    assert len(drawn) >= 2
    seen = torch.cat(model.network_.head.seen)
    assert seen.shape == (96, 2)
    np.testing.assert_array_equal(seen[:40], slices)
    assert model.predict_proba(signals).shape == (40, 2)


def test_progress_is_told_after_every_step_and_epoch(two_views, quick):
    gold, _, signals = two_views(40)
    told = []
    quick(max_epochs=2, batch_size=20).fit(signals, gold, validation=(signals, gold), progress=told.append)
    assert [(news.step, news.epoch) for news in told] == [(1, 0), (2, 0), (2, 1), (3, 1), (4, 1), (4, 2)]
    assert told[-1].n_steps == 4
    assert told[0].dev_loss is None
    assert told[-1].dev_loss is not None


def test_an_encoder_of_ones_own_is_enough(two_views, quick):
    gold, _, signals = two_views(40)
    plain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 10), nn.ReLU())
    assert quick(encoder=plain).fit(signals, gold).embed(signals).shape == (40, 10)


@pytest.mark.parametrize("name", sorted(ENCODERS))
class TestEncoders:
    """What holds for every encoder in the registry."""

    def test_is_rebuilt_from_its_config(self, name):
        encoder = ENCODERS[name](n_leads=3)
        again = ENCODERS[name](**encoder.config)
        assert same(encoder.state_dict(), again.state_dict())
        shape = (101,) if encoder.n_dimensions == 1 else (45, 37)
        assert encoder.eval()(torch.zeros(2, 3, *shape)).shape == (2, encoder.n_features)

    def test_weights_come_from_the_seed_and_leave_the_generator_alone(self, name):
        state = torch.get_rng_state()
        one, other = ENCODERS[name](n_leads=3, seed=0), ENCODERS[name](n_leads=3, seed=1)
        assert not same(one.state_dict(), other.state_dict())
        assert torch.equal(state, torch.get_rng_state())


def test_a_study_may_be_shifted_in_volts_where_the_mean_is_taken_away():
    encoder = ResNet1d(2, width=4, n_blocks=1).eval()
    signals = torch.randn(3, 2, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoder(signals), encoder(signals + 5.0), rtol=1e-4, atol=1e-5)
    scaled = ResNet1d(2, width=4, n_blocks=1, normalize="record").eval()
    torch.testing.assert_close(scaled(signals), scaled(signals * 7.0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_augmentation_is_seeded_and_keeps_the_shape(name):
    shape = (4, 3, 50) if name == "signal" else (4, 3, 20, 30)
    signals = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    before = signals.clone()
    one, same_, other = (AUGMENTATIONS[name](signals, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, same_)
    assert not torch.equal(one, other)
    assert one.shape == signals.shape
    assert torch.equal(before, signals)


@pytest.mark.parametrize(
    ("changes", "fit", "words"),
    [
        (
            {"encoder": "resnet9d"},
            {},
            "encoder is 'resnet9d'; known by name: densenet2d, dilated1d, resnet1d",
        ),
        ({"max_epochs": 0}, {}, "max_epochs is 0"),
        ({"learning_rate": 0.0}, {}, "learning_rate is 0.0"),
        ({}, {"proba": np.zeros(39, int)}, "40 signals but 39 rows"),
        ({}, {"proba": np.full(40, -1)}, "no row is covered"),
        ({}, {"proba": np.full((40, 2), 0.7)}, "proba[0] is no distribution"),
        ({}, {"proba": np.full(40, 0.5)}, "class numbers"),
        ({}, {"covered": -np.ones(40)}, "weights below 0"),
        ({}, {"validation": (np.zeros((4, 3, 64)),)}, "validation has 1 parts"),
        ({}, {"validation": (np.zeros((4, 3, 64)), np.zeros(5, int))}, "4 signals but 5 rows"),
        ({}, {"membership": np.zeros((3, 2))}, "membership has shape (3, 2)"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_at_once(two_views, quick, changes, fit, words):
    gold, _, signals = two_views(40)
    with pytest.raises(ValueError) as caught:
        quick(**changes).fit(signals, **{"proba": gold, **fit})
    assert words in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet2d", "densenet2d"])
def test_images_are_learned_and_survive_the_bundle(name, tmp_path):
    random = np.random.default_rng(0)
    gold = np.arange(80) % 2
    images = random.normal(size=(80, 1, 32, 32)).astype(np.float32)
    images[gold == 1, :, 8:16, 8:16] += 1.5
    model = CrossModalClassifier(name, max_epochs=6, batch_size=16, accelerator="cpu").fit(images, gold)
    assert auroc(gold, model.predict_proba(images)[:, 1]) > 0.9
    bundle = load_bundle(save_bundle(tmp_path / "bundle", model, LabelSchema(("clear", "bright"))))
    np.testing.assert_array_equal(bundle.predict_proba(images), model.predict_proba(images))
    with pytest.raises(UsageError, match="are signals; the model needs images"):
        bundle.predict_proba(images[:, 0])


def test_an_encoder_for_another_kind_of_study_is_refused(two_views):
    gold, _, signals = two_views(8)
    with pytest.raises(ValueError, match="the encoder is for images; these studies are signals"):
        CrossModalClassifier("resnet2d").fit(signals, gold)


def test_a_number_that_is_none_is_named_by_its_row(two_views, quick):
    gold, _, signals = two_views(40)
    signals[7, 1, 3] = np.nan
    with pytest.raises(ValueError, match=r"signals\[7\] holds samples that are not finite"):
        quick().fit(signals, gold)


def test_a_training_that_blows_up_says_so(two_views, quick):
    gold, _, signals = two_views(40)
    with pytest.raises(ValueError, match="no finite number after epoch 1"):
        quick(loss=Exploding()).fit(signals, gold)


class Exploding(SoftCrossEntropy):
    """Infinity from the first step."""

    def forward(self, logits, batch):
        return super().forward(logits, batch) / 0.0


def test_signals_that_break_the_contract_are_refused(two_views, quick):
    gold, _, signals = two_views(40)
    model = quick(max_epochs=1).fit(SignalSet.of(signals, lead_names=["V1", "V2", "V3"]), gold)
    with pytest.raises(UsageError, match="have 2 leads; the model needs 3"):
        model.predict(SignalSet.of(signals[:, :2], lead_names=["V1", "V2"]))
    with pytest.raises(UsageError, match="63 samples"):
        model.predict(SignalSet.of(signals[:, :, :63], lead_names=["V1", "V2", "V3"]))
    with pytest.raises(ValueError, match="not fitted"):
        quick().predict(signals)


@pytest.mark.slow
def test_weights_do_not_depend_on_the_process(two_views, tmp_path):
    program = (
        "import hashlib, numpy as np\n"
        "from sidelight.crossmodal import CrossModalClassifier\n"
        "x = np.random.default_rng(0).normal(size=(30, 2, 64)); y = np.arange(30) % 2\n"
        "model = CrossModalClassifier(max_epochs=2, accelerator='cpu').fit(x, y)\n"
        "print(hashlib.sha256(model.predict_logits(x).tobytes()).hexdigest())\n"
    )
    runs = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=tmp_path).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
