"""The noise on slices' signals: how large, for whom, from when on, and what it leaves alone."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.crossmodal.augment import ImageAugment  # noqa: E402
from sidelight.crossmodal.bags import Bags  # noqa: E402
from sidelight.crossmodal.inputs import as_inputs  # noqa: E402
from sidelight.crossmodal.multi_label import as_multi_label  # noqa: E402
from sidelight.crossmodal.targets import as_targets  # noqa: E402
from sidelight.slicing import train_robustly  # noqa: E402
from sidelight.slicing.membership import as_membership  # noqa: E402
from sidelight.slicing.noise import OFTEN, OUTSIDE, STRENGTH, SliceNoise, spread  # noqa: E402
from sidelight.slicing.sampling import SliceSampler  # noqa: E402

from .test_recipes_contract import plain, studies  # noqa: E402

LATE = 10 * int(OFTEN)
"""An epoch by which every member has come often enough."""


def world(n=400, width=50):
    """Signals whose first sample never varies within the slice, and whose spread there is 1 for class 0, 3 for class 1."""
    random = np.random.default_rng(0)
    y, member = np.arange(n) % 2, np.arange(n) < 100
    x = np.where(member, 1 + 2 * y, 10)[:, None, None] * random.normal(size=(n, 1, width))
    x[member, :, 0] = 7.0
    return x, y, {"late": member}


def noise_of(x, y, slices, then=None, targets=None):
    targets = as_targets(y) if targets is None else targets
    membership = as_membership(slices, n_records=len(x))
    odds = np.full(len(targets.used), 1 / len(targets.used))
    return SliceNoise(as_inputs(x), targets, membership, odds, then)


def added(noise, x, rows, epoch=LATE, seed=0):
    inputs = torch.from_numpy(np.asarray(x[rows], dtype=np.float32))
    return (noise.of_rows(inputs, rows, epoch, torch.Generator().manual_seed(seed)) - inputs).numpy()


def test_noise_is_as_the_slice_varies_class_by_class():
    x, y, slices = world()
    found = added(noise_of(x, y, slices), x, np.arange(100))
    for label, varies in ((0, 1.0), (1, 3.0)):
        assert found[y[:100] == label][..., 1:].std() == pytest.approx(STRENGTH * varies, rel=0.1)
    assert not found[..., 0].any()


def test_others_get_half_of_it_so_that_noise_tells_no_member():
    x, y, slices = world()
    others = np.arange(100, 400)
    found = added(noise_of(x, y, slices), x, others)
    for label, varies in ((0, 1.0), (1, 3.0)):
        assert found[y[others] == label][..., 1:].std() == pytest.approx(OUTSIDE * STRENGTH * varies, rel=0.1)


def test_likely_members_stand_between():
    x, y, slices = world()
    likely = np.where(slices["late"], 1.0, 0.0)
    likely[0] = 0.6
    noise = noise_of(x, y, {"late": likely})
    zero, two = (added(noise, x, np.full(2000, row))[..., 1:].std() for row in (0, 2))
    assert zero / two == pytest.approx(OUTSIDE + 0.6 * (1 - OUTSIDE), rel=0.03)


def test_noise_grows_with_how_often_members_came():
    x, y, slices = world()
    noise = noise_of(x, y, slices)
    assert noise.often_.tolist() == pytest.approx([1.0])
    sizes = [np.abs(added(noise, x, np.arange(100), epoch)).sum() for epoch in (0, 9, 49, int(OFTEN), LATE)]
    expected = [min(1.0, (epoch + 0.5) / OFTEN) for epoch in (0, 9, 49, int(OFTEN), LATE)]
    assert (np.array(sizes) / sizes[-1]).tolist() == pytest.approx(expected, rel=1e-5)


def test_members_that_come_oftener_are_changed_earlier():
    x, y, slices = world()
    membership = as_membership(slices, n_records=len(x))
    targets = as_targets(y)
    odds = SliceSampler(membership, share=0.5).odds(targets.used, targets)
    often = SliceNoise(as_inputs(x), targets, membership, odds).often_
    assert often.tolist() == pytest.approx([4 * (0.25 + 0.75 * 0.25)])  # the share, less what they had anyway


def test_a_class_with_one_member_varies_as_the_slice():
    x, y, slices = world()
    y[:100] = 0
    y[3] = 1
    noise = noise_of(x, y, slices)
    np.testing.assert_allclose(noise.spread_[0, 1], spread(x[:100].astype(np.float32), (1, 50)))


def test_an_empty_slice_changes_nothing():
    x, y, _ = world()
    assert not added(noise_of(x, y, {"none": np.zeros(len(x))}), x, np.arange(50)).any()


def test_one_of_several_slices_is_followed_at_a_time():
    x, y, slices = world()
    slices["wide"] = np.arange(400) < 400
    noise, row = noise_of(x, y, slices), np.zeros(1, dtype=int)
    found = np.concatenate([added(noise, x, row, LATE + epoch, seed=epoch) for epoch in range(400)])
    untouched = ~found[..., 0].astype(bool).ravel()
    assert untouched.mean() == pytest.approx(0.5, abs=0.1)
    assert found[untouched][..., 1:].std() == pytest.approx(STRENGTH, rel=0.1)


def test_records_without_a_label_are_not_measured():
    x, y, slices = world()
    y[50:100] = -1
    x[50:100] *= 1000
    assert float(noise_of(x, y, slices).spread_.max()) < 10


def test_findings_share_one_spread():
    x, y, slices = world()
    targets = as_multi_label(np.column_stack([y, 1 - y]))
    noise = noise_of(x, y, slices, targets=targets)
    assert noise.spread_.shape == (1, 1, 1, 50)


def test_places_left_empty_in_bags_stay_so():
    x = world()[0]
    bags = Bags.of(x, np.repeat(np.arange(160), [4, 1] * 80))
    membership = as_membership({"late": np.arange(160) < 40}, n_records=160)
    noise = SliceNoise(bags, as_targets(np.arange(160) % 2), membership, np.full(160, 1 / 160))
    inputs = torch.from_numpy(bags.batch([0, 1]))
    changed = noise.of_rows(inputs, np.array([0, 1]), LATE, torch.Generator().manual_seed(0))
    assert torch.equal(changed.isnan(), inputs.isnan())
    assert inputs.isnan().any()
    assert float((changed - inputs)[0, :, 0, 1:].std()) > 0.1


def test_what_changes_signals_otherwise_comes_after():
    x, y, slices = world()

    def gone(inputs, draw):
        return inputs * 0

    inputs = torch.ones(5, 1, 50)
    changed = noise_of(x, y, slices, gone).of_rows(inputs, np.arange(5), LATE, torch.Generator())
    assert not changed.any()
    pictures = x[:, :, :49].reshape(400, 1, 7, 7)
    assert isinstance(noise_of(pictures, y, slices, "auto").then, ImageAugment)


def test_an_augmentation_of_no_known_name_is_told():
    x, y, slices = studies()
    with pytest.raises(ValueError, match="augment is 'magic'; known by name"):
        train_robustly(plain(augment="magic"), x, y, slices)


def test_noise_can_be_sent_to_another_device():
    x, y, slices = world()
    noise = noise_of(x, y, slices)
    rows = np.arange(30)
    there = pickle.loads(pickle.dumps(noise))  # noqa: S301 (our own bytes)
    np.testing.assert_array_equal(added(there, x, rows), added(noise, x, rows))


def test_training_is_the_same_again_and_draws_no_signal_apart():
    x, y, slices = studies()
    first, second = (train_robustly(plain(max_epochs=4), x, y, slices) for _ in range(2))
    np.testing.assert_array_equal(first.predict_logits(x), second.predict_logits(x))
