"""Draws that meet rare slices in every batch, and losses that undo them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal import CrossModalClassifier, SoftCrossEntropy, as_targets  # noqa: E402
from sidelight.slicing import SliceSampler, undo_sampling  # noqa: E402
from sidelight.slicing.sampling import Reweighted  # noqa: E402


def targets_of(n, share=0.3, seed=0):
    labels = (np.random.default_rng(seed).random(n) < share).astype(int)
    return as_targets(labels, n_classes=2)


def test_sampler_meets_every_slice_in_every_batch():
    membership = np.zeros((1000, 2))
    membership[:30, 0] = 1
    membership[20:60, 1] = 1
    sampler = SliceSampler(membership, by_class=False)
    rows = sampler(np.arange(1000), targets_of(1000), np.random.default_rng(0))
    assert len(rows) == 1000
    for piece in np.array_split(rows, 32):
        assert membership[piece, 0].sum() >= 2
        assert membership[piece, 1].sum() >= 2


def test_sampler_draws_in_proportion_to_its_odds_and_within_the_cap():
    membership = (np.random.default_rng(1).random((400, 1)) < 0.02).astype(float)
    sampler, targets = SliceSampler(membership, cap=5), targets_of(400)
    odds = sampler.odds(np.arange(400), targets)
    assert odds.sum() == pytest.approx(1)
    assert odds.max() / odds.min() == pytest.approx(5)
    drawn = np.concatenate(
        [sampler(np.arange(400), targets, np.random.default_rng(seed)) for seed in range(50)]
    )
    counts = np.bincount(drawn, minlength=400) / len(drawn)
    np.testing.assert_allclose(counts, odds, atol=0.3 / 400 + 0.2 * odds.max())


def test_sampler_uses_only_the_rows_it_is_given_and_repeats_itself():
    sampler, targets = SliceSampler(np.eye(100)[:, :3]), targets_of(100)
    rows = np.arange(50, 100)
    one = sampler(rows, targets, np.random.default_rng(3))
    assert set(one) <= set(rows)
    np.testing.assert_array_equal(one, sampler(rows, targets, np.random.default_rng(3)))


def test_undone_sampling_has_the_mean_of_all_rows():
    membership = (np.random.default_rng(1).random((300, 1)) < 0.05).astype(float)
    sampler, targets = SliceSampler(membership), targets_of(300)
    values = np.random.default_rng(2).random(300)
    loss = undo_sampling(SoftCrossEntropy(), sampler, targets)
    assert isinstance(loss, Reweighted)
    odds = sampler.odds(targets.used, targets)
    assert float((odds * loss.weight.numpy() * values).sum()) == pytest.approx(values.mean(), rel=1e-5)


def test_a_slice_that_has_the_share_anyway_gets_no_more():
    membership = np.zeros((1000, 2))
    membership[:300, 0] = 1
    membership[:10, 1] = 1
    targets = targets_of(1000)
    sampler = SliceSampler(membership[:, :1], share=0.3, by_class=False)
    np.testing.assert_allclose(sampler.odds(np.arange(1000), targets), 0.001)
    shares = SliceSampler(membership, share=0.3, by_class=False).drawn_rates(targets)
    assert shares[1] == pytest.approx(0.145 + 0.855 * 0.01)


def test_a_share_of_the_draws_is_the_slices_and_the_rest_everyones_classes_alike():
    membership = np.zeros((1000, 3))
    membership[:10, 0] = 1
    membership[10:210, 1] = 1  # the third has no member
    sampler, targets = SliceSampler(membership, share=0.4, cap=1e9), targets_of(1000)
    odds, y = sampler.odds(np.arange(1000), targets), targets.proba[:, 1]
    anyway = (y / y.sum() + (1 - y) / (1 - y).sum()) / 2
    more = [0.4 - anyway[:10].sum(), 0.4 - anyway[10:210].sum()]
    expected = (1 - sum(more) / 2) * anyway
    expected[:10] += more[0] / 2 / 10
    expected[10:210] += more[1] / 2 / 200
    np.testing.assert_allclose(odds, expected, rtol=1e-5)


@pytest.mark.parametrize(("share", "times"), [(0.3, 7 / 3), (0.01, 4.0)])
def test_a_rare_class_is_drawn_up_to_four_times_as_often(share, times):
    targets = targets_of(5000, share=share)
    odds = SliceSampler(np.zeros((5000, 1)), share=0.4).odds(np.arange(5000), targets)
    assert odds.max() / odds.min() == pytest.approx(times, rel=0.1)
    alike = SliceSampler(np.zeros((5000, 1)), share=0.4, by_class=False).odds(np.arange(5000), targets)
    np.testing.assert_allclose(alike, 1 / 5000)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        SliceSampler(np.zeros((4, 1)), share=share)


def test_many_slices_are_spread_over_the_epoch():
    membership = (np.random.default_rng(0).random((2000, 20)) < 0.1).astype(float)
    rows = SliceSampler(membership, share=0.5)(np.arange(2000), targets_of(2000), np.random.default_rng(1))
    per_batch = np.array([membership[piece].sum(axis=0) for piece in np.split(rows, 20)])
    by_chance = per_batch.mean(axis=0) * (1 - membership[rows].mean(axis=0))
    assert np.mean(per_batch.var(axis=0) / by_chance) < 0.9


def test_without_slices_rows_are_shuffled():
    rows = SliceSampler(np.zeros((50, 0)), share=0.4, by_class=False)(
        np.arange(50), targets_of(50), np.random.default_rng(0)
    )
    assert sorted(rows) == list(range(50))


def test_no_epoch_is_drawn_twice():
    orders = []

    def draw(rows, targets, random):
        orders.append(tuple(random.permutation(rows)))
        return orders[-1]

    body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3))
    model = CrossModalClassifier(body, sampler=draw, augment=None, max_epochs=3, accelerator="cpu")
    model.fit(np.random.default_rng(0).normal(size=(20, 1, 4)), np.arange(20) % 2)
    assert len(orders) >= 3
    assert len(set(orders)) == len(orders)
