import itertools

import numpy as np
import pytest

from sidelight.crossmodal import check_split, fit_learning_curve, hand_label_equivalent, nested_samples

SIZES = np.array([50, 100, 250, 500, 1000])


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0])
def test_the_planted_exponent_is_found(exponent):
    curve = fit_learning_curve(SIZES, 0.92 - 1.5 * SIZES**-exponent)
    assert curve.exponent.estimate == pytest.approx(exponent, abs=0.01)
    assert curve.limit.estimate == pytest.approx(0.92, abs=0.01)
    np.testing.assert_allclose(curve.at(SIZES), curve.scores[:, 0], atol=1e-4)
    assert curve.exponent.reason == "one run shows no spread"


def test_intervals_hold_the_truth_and_shrink_with_more_runs():
    truth = 0.9 - 1.5 * SIZES**-0.5
    held, widths = 0, {5: [], 50: []}
    for seed in range(30):
        random = np.random.default_rng(seed)
        for n_runs, found in widths.items():
            scores = truth[:, None] + random.normal(0, 0.01, (5, n_runs))
            curve = fit_learning_curve(SIZES, scores, n_draws=60, seed=seed)
            held += not curve.exponent.excludes(0.5)
            found.append(curve.exponent.high - curve.exponent.low)
            assert curve.rises
    assert held >= 52
    assert np.median(widths[50]) < np.median(widths[5])


def test_order_of_sizes_does_not_matter_and_a_flat_curve_is_flat():
    scores = 0.9 - SIZES**-0.5
    turned = fit_learning_curve(SIZES[::-1], scores[::-1])
    assert turned.exponent.estimate == fit_learning_curve(SIZES, scores).exponent.estimate
    flat = fit_learning_curve(SIZES, np.full(5, 0.7))
    assert flat.gap.estimate == 0
    assert not flat.rises


def test_labels_from_reports_are_worth_as_many_hand_labels_as_reach_their_score():
    random = np.random.default_rng(0)
    gold = (0.9 - 1.5 * SIZES**-0.5)[:, None] + random.normal(0, 0.002, (5, 5))
    weak = 0.9 - 1.5 * 300**-0.5 + random.normal(0, 0.005, 5)
    worth = hand_label_equivalent(SIZES, gold, weak)
    assert worth.low < 300 < worth.high
    assert worth.estimate == pytest.approx(300, rel=0.15)


@pytest.mark.parametrize(("score", "n", "words"), [(0.5, 50, "at most 50"), (0.99, 1000, "at least 1000")])
def test_ends_of_the_curve_are_said_to_be_ends(score, n, words):
    worth = hand_label_equivalent(SIZES, 0.9 - 1.5 * SIZES**-0.5, score)
    assert worth.estimate == n
    assert words in worth.reason


def test_samples_are_nested_and_keep_patients_whole():
    patients = np.random.default_rng(0).integers(0, 300, 1000)
    samples = nested_samples(patients, [0.1, 0.5, 1.0])
    assert [len(rows) / 1000 for rows in samples] == pytest.approx([0.1, 0.5, 1.0], abs=0.08)
    for small, large in itertools.pairwise(samples):
        assert set(small) <= set(large)
        check_split(np.isin(np.arange(1000), small).astype(int), patients)


@pytest.mark.parametrize(
    ("n", "scores"), [([10, 20], [0.5, 0.6]), ([0, 1, 2], [0.1] * 3), ([1, 2, 3], [0.1, 0.2])]
)
def test_too_little_for_a_curve_is_refused(n, scores):
    with pytest.raises(ValueError):
        fit_learning_curve(n, scores)
