"""Labels of slices that the signals do not bear out."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import BinaryCrossEntropy, SoftCrossEntropy  # noqa: E402
from sidelight.crossmodal.batches import Batch  # noqa: E402
from sidelight.crossmodal.targets import as_targets  # noqa: E402
from sidelight.slicing.doubt import DoubtedLabels, doubted_labels, opinion, posterior  # noqa: E402
from sidelight.slicing.membership import as_membership  # noqa: E402
from sidelight.slicing.recipes import emphasize  # noqa: E402

from .test_recipes_contract import plain, studies  # noqa: E402


def rows(n=400, slice_rule=lambda x: x[:, 1] > 0, wrong=0.0, seed=0):
    """Features, one-hot labels and membership; members first, with a rule of their own and a share of wrong labels."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 4))
    inside = np.arange(n) < 100
    right = np.where(inside, slice_rule(x), x[:, 0] > 0)
    given = np.where(inside & (random.random(n) < wrong), ~right, right)
    return x, np.eye(2)[given.astype(int)], np.ones((100, 1), np.float32), right.astype(int)


def test_labels_that_follow_from_the_signals_stay_also_by_a_rule_of_their_own():
    x, labels, membership, right = rows()
    seen = doubted_labels(x, labels, membership)
    assert np.mean(seen[:100].argmax(axis=1) == right[:100]) > 0.97
    assert seen[np.arange(100), right[:100]].mean() > 0.9


def test_wrong_labels_count_for_less():
    x, labels, membership, right = rows(wrong=0.3)
    seen = doubted_labels(x, labels, membership)[:100]
    wrong = labels[:100].argmax(axis=1) != right[:100]
    held = seen[np.arange(100), labels[:100].argmax(axis=1)]
    assert held[wrong].mean() < 0.7 < 0.75 < held[~wrong].mean()


def test_coin_tosses_become_the_mean_of_the_others():
    random = np.random.default_rng(1)
    x, labels, membership, _ = rows()
    labels[:100] = np.eye(2)[random.integers(2, size=100)]
    seen = doubted_labels(x, labels, membership)[:100]
    assert np.abs(seen - 0.5).mean() < 0.25


def test_features_that_explain_nothing_elsewhere_are_no_reason_to_doubt():
    x, labels, membership, _ = rows()
    blind = np.random.default_rng(2).normal(size=x.shape)
    seen = doubted_labels(blind, labels, membership)[:100]
    np.testing.assert_allclose(seen, labels[:100], atol=0.1)


def test_rows_outside_unseen_or_in_small_slices_are_left_alone():
    x, labels, membership, _ = rows()
    x[7] = np.nan
    few = np.column_stack([membership, np.arange(100) < 5]).astype(np.float32)
    seen = doubted_labels(x, labels, few)
    assert np.isnan(seen[100:]).all()
    assert np.isnan(seen[7]).all()
    np.testing.assert_array_equal(seen, doubted_labels(x, labels, membership))


def test_a_label_held_by_half_moves_by_half():
    x, labels, membership, _ = rows(wrong=0.3)
    whole, half = (doubted_labels(x, labels, membership * share)[:100] for share in (1.0, 0.51))
    np.testing.assert_allclose(half, 0.49 * labels[:100] + 0.51 * whole)


def test_several_classes_sum_to_one():
    random = np.random.default_rng(3)
    x = random.normal(size=(90, 3))
    labels = np.eye(3)[np.argmax(x, axis=1)]
    said, explained = opinion(x, labels)
    assert explained > 0.4
    np.testing.assert_allclose(said.sum(axis=1), 1)
    np.testing.assert_allclose(posterior(labels, said, 0.4).sum(axis=1), 1)
    np.testing.assert_allclose(
        posterior(labels, said, 0.99), said
    )  # labels that say nothing: what the others say


def test_a_label_left_out_is_not_heard():
    random = np.random.default_rng(4)
    x = random.normal(size=(30, 5))
    labels = np.eye(2)[(x[:, 0] > 0).astype(int)]
    turned = labels.copy()
    turned[0] = labels[0, ::-1]
    # the penalty is chosen from all rows; with one penalty alone nothing of a row's own label reaches its opinion
    for penalty in (1e-3, 1.0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sidelight.slicing.doubt.STRENGTHS", np.array([penalty]))
            patch.setattr("sidelight.slicing.doubt.SUREST", 1.0)
            (one, explained), (other, _) = (opinion(x, given) for given in (labels, turned))
            assert explained > 0.2  # the features speak, not the mean
            np.testing.assert_allclose(one[0], other[0], atol=1e-9)
            assert np.abs(one[1:] - other[1:]).max() > 1e-3


@pytest.mark.parametrize("multi_label", [False, True])
def test_labels_give_way_in_the_course_of_a_training(multi_label):
    x, labels, _, _ = rows(wrong=0.3)
    inside = as_membership({"some": np.arange(400) < 100}, n_records=400)
    inner = BinaryCrossEntropy() if multi_label else SoftCrossEntropy()
    if multi_label:
        labels[::7, 1] = np.nan
    loss = DoubtedLabels(inner, inside, np.arange(400), multi_label=multi_label)
    loss.begin(40)
    features, target = torch.from_numpy(x).float(), torch.from_numpy(labels).float()
    batch = Batch(features, target, torch.ones(400), torch.arange(400))
    logits = torch.zeros(400, 2).index_fill(1, torch.tensor([1]), 1.0)
    before = loss.per_row(logits, batch)
    for _ in range(10):
        loss.observe(features, batch)
    after = loss.per_row(logits, batch)
    assert not loss.features.numel()  # nothing of a signal is kept
    torch.testing.assert_close(after[100:], before[100:])
    assert (after[:100] - before[:100]).abs().mean() > 0.05


def test_in_a_long_training_labels_are_doubted_after_five_passes():
    x, labels, _, _ = rows(wrong=0.3)
    inside = as_membership({"some": np.arange(400) < 100}, n_records=400)
    loss = DoubtedLabels(SoftCrossEntropy(), inside, np.arange(400))
    loss.begin(100_000)
    batch = Batch(
        torch.from_numpy(x).float(), torch.from_numpy(labels).float(), torch.ones(400), torch.arange(400)
    )
    passes = []
    for number in range(12):
        loss.observe(batch.inputs, batch)
        passes.append((number, bool(loss.features.numel()), bool(loss.doubted.numel())))
    assert [number for number, looked, _ in passes if looked] == [3, 4]
    assert [number for number, _, doubted in passes if doubted] == [5, 6, 7, 8, 9, 10, 11]


def test_labels_are_smoothed_and_doubted_ones_less():
    x, labels, _, _ = rows()
    inside = as_membership({"some": np.arange(400) < 100}, n_records=400)
    loss = DoubtedLabels(SoftCrossEntropy(), inside, np.arange(400), smoothing=0.6)
    loss.begin(10)
    batch = Batch(
        torch.from_numpy(x).float(), torch.from_numpy(labels).float(), torch.ones(400), torch.arange(400)
    )
    logits = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    everywhere = SoftCrossEntropy(smoothing=0.6).per_row(logits, batch)
    torch.testing.assert_close(loss.per_row(logits, batch), everywhere)
    for _ in range(3):
        loss.observe(batch.inputs, batch)
    found = loss.per_row(logits, batch)
    torch.testing.assert_close(found[100:], everywhere[100:])
    seen = doubted_labels(x, labels, np.ones((100, 1), np.float32))[:100]
    less = SoftCrossEntropy(smoothing=0.4).per_row(
        logits[:100], replace(batch, target=torch.from_numpy(seen).float())
    )
    torch.testing.assert_close(found[:100], less)


class Enough(Exception):
    pass


@pytest.mark.parametrize("stop", [2, 6])  # while features are looked at, and after labels were doubted
def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, stop):
    x, y, slices = studies()
    membership = as_membership(slices, n_records=len(y))
    checkpoint = tmp_path / "training.ckpt"

    def fit(**keywords):
        model = plain(max_epochs=12)
        emphasize(model, x, as_targets(y), membership, "balanced")
        return model.fit(x, y, **keywords)

    def halt(progress):
        if progress.epoch == stop and progress.step % 4 == 1:
            raise Enough

    whole = fit()
    with pytest.raises(Enough):
        fit(progress=halt, checkpoint=checkpoint)
    np.testing.assert_array_equal(fit(checkpoint=checkpoint).predict_logits(x), whole.predict_logits(x))
