import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from sidelight.labeling.statistics import (
    Interval,
    auroc,
    benjamini_hochberg,
    bootstrap_auroc,
    bootstrap_auroc_difference,
    clustered_bootstrap,
    clustered_proportion,
    delong,
    effective_size,
    fisher_mid_p,
    group_codes,
    holm,
    interval_difference,
    paired_bootstrap,
    patient_weights,
    proportion,
    wilson_interval,
)

# -- proportions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # table I of Newcombe, Statistics in Medicine 1998, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_equals_published_values(successes, n, low, high):
    bounds = wilson_interval(successes, n)
    assert [round(float(b), 4) for b in bounds] == [low, high]


def test_wilson_without_records_says_nothing():
    low, high = wilson_interval(0, 0)
    assert (low, high) == (0.0, 1.0)
    assert proportion(0, 0).reason == "no records"


def test_wilson_keeps_its_width_at_the_edges():
    low, high = wilson_interval([0, 10], [10, 10])
    assert low[0] == 0
    assert high[1] == 1
    assert low[1] == pytest.approx(1 - high[0])
    assert low[1] < 0.75


def test_wilson_refuses_impossible_counts():
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson_interval(11, 10)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # table II of Newcombe, Statistics in Medicine 1998 (two samples), method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_difference_of_proportions_equals_published_values(first, second, low, high):
    gap = interval_difference(proportion(*first), proportion(*second))
    assert gap.low == pytest.approx(low, abs=5e-5)
    assert gap.high == pytest.approx(high, abs=5e-5)


def test_repeated_records_of_a_patient_count_once():
    once = np.array([True, False] * 30)
    patients = np.repeat(np.arange(60), 5)
    interval = clustered_proportion(np.repeat(once, 5), patients)
    alone = clustered_proportion(once)
    assert interval.estimate == alone.estimate
    assert interval.n == 300
    assert interval.high - interval.low == pytest.approx(alone.high - alone.low, rel=0.05)
    assert effective_size(np.repeat(once, 5), None) == 300


def test_all_right_with_repeats_is_as_sure_as_its_patients():
    patients = np.repeat(np.arange(10), 8)
    assert clustered_proportion(np.ones(80, dtype=bool), patients).low == pytest.approx(
        proportion(10, 10).low
    )


def test_fisher_mid_p_by_hand():
    # 3 of 4 against 1 of 4: P(3) = 16/70, P(4) = 1/70; upper mid tail 1/70 + 8/70, doubled
    assert fisher_mid_p(3, 4, 1, 4) == pytest.approx(18 / 70)
    assert fisher_mid_p(2, 4, 2, 4) == pytest.approx(1)
    assert math.isnan(fisher_mid_p(0, 0, 1, 4))


# -- areas under ROC curves ----------------------------------------------------------------------------

scored = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.lists(st.integers(0, 6), min_size=n, max_size=n),
    )
)


@given(scored)
def test_auroc_counts_pairs_with_ties_as_half(case):
    y, score = (np.array(column) for column in case)
    positive, negative = score[y == 1], score[y == 0]
    value = auroc(y, score)
    if not len(positive) or not len(negative):
        assert math.isnan(value)
        return
    wins = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert value == pytest.approx(wins)
    assert value == pytest.approx(roc_auc_score(y, score))
    assert auroc(1 - y, score) == pytest.approx(1 - value)


def _delong_by_pairs(y, scores):
    """The definition: structural components from all pairs, then their sample covariances."""
    y = np.asarray(y, dtype=bool)
    kernel = (scores[y][:, None, :] > scores[~y][None]) + 0.5 * (scores[y][:, None, :] == scores[~y][None])
    v10, v01 = kernel.mean(axis=1), kernel.mean(axis=0)
    return np.cov(v10.T) / len(v10) + np.cov(v01.T) / len(v01)


def test_delong_equals_its_definition_over_all_pairs():
    rng = np.random.default_rng(0)
    y = rng.random(60) < 0.4
    scores = np.round(rng.normal(size=(60, 3)) + y[:, None], 1)
    result = delong(y, scores)
    np.testing.assert_allclose(result.covariance, _delong_by_pairs(y, scores), rtol=1e-10)
    np.testing.assert_allclose(result.auroc, [roc_auc_score(y, column) for column in scores.T])
    np.testing.assert_allclose(result.influence.sum(axis=0), 0, atol=1e-12)


def test_delong_paired_test_by_hand():
    y = [0, 0, 1, 1, 1]
    a, b = [1, 2, 2, 3, 4], [1, 3, 2, 4, 0]
    result = delong(y, np.column_stack([a, b]))
    c = _delong_by_pairs(y, np.column_stack([a, b]).astype(float))
    gap = result.difference(0, 1)
    assert gap.estimate == pytest.approx(5.5 / 6 - 3 / 6)
    z = gap.estimate / math.sqrt(c[0, 0] + c[1, 1] - 2 * c[0, 1])
    assert gap.p == pytest.approx(math.erfc(z / math.sqrt(2)))


def test_a_score_against_itself_does_not_differ():
    y, score = [0, 1, 0, 1, 1], [0.1, 0.3, 0.5, 0.7, 0.9]
    gap = delong(y, np.column_stack([score, score])).difference()
    assert (gap.estimate, gap.low, gap.high, gap.p) == (0, 0, 0, 1)


def test_one_class_gives_a_reason_and_no_crash():
    for y, reason in (([1, 1], "no negative record"), ([0, 0], "no positive record"), ([], "no records")):
        for interval in (delong(y, np.zeros(len(y))).interval(), bootstrap_auroc(y, np.zeros(len(y)))):
            assert math.isnan(interval.estimate)
            assert interval.reason == reason
            assert reason in str(interval)


def test_perfect_separation_is_not_certainty():
    y, score = np.repeat([0, 1], 10), np.arange(20)
    for interval in (delong(y, score).interval(), bootstrap_auroc(y, score)):
        assert interval.estimate == 1
        assert interval.high == 1
        assert 0.6 < interval.low < 0.95


def test_score_bounds_solve_their_equation():
    y, score = np.repeat([0, 1], 10), np.r_[np.arange(10), np.arange(10) + 3]
    interval = delong(y, score).interval()
    for bound in (interval.low, interval.high):
        extra = 9
        v = bound * (1 - bound) * (1 + extra * (1 - bound) / (2 - bound) + extra * bound / (1 + bound)) / 100
        assert abs(interval.estimate - bound) == pytest.approx(1.959964 * math.sqrt(v), rel=1e-5)


def test_delong_sees_patients_behind_records():
    rng = np.random.default_rng(1)
    y = rng.random(200) < 0.5
    score = rng.normal(size=200) + y
    patients = np.repeat(np.arange(200), 4)
    many = delong(np.repeat(y, 4), np.repeat(score, 4), patients)
    once = delong(y, score)
    assert many.covariance[0, 0] == pytest.approx(once.covariance[0, 0], rel=0.02)
    assert many.design_effect[0] == pytest.approx(4, rel=0.05)
    assert many.interval().low == pytest.approx(once.interval().low, abs=0.003)


def test_not_a_number_is_named_by_row():
    with pytest.raises(ValueError, match=r"scores\[1\]"):
        auroc([0, 1], [0.1, math.nan])
    with pytest.raises(ValueError, match=r"y\[2\]"):
        auroc([0, 1, 2], [0.1, 0.2, 0.3])


# -- resampling ----------------------------------------------------------------------------------------


def _example(n=300, seed=0, repeats=3):
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(n // repeats), repeats)
    y = (rng.random(n // repeats) < 0.4)[patients]
    base = rng.normal(size=n // repeats)[patients] + y
    return y, np.round(base + rng.normal(size=n) * 0.5, 1), base + rng.normal(size=n), patients


def test_fast_and_plain_bootstrap_agree():
    y, score, _, patients = _example()
    fast = bootstrap_auroc(y, score, patients, n_draws=600)
    plain = clustered_bootstrap(auroc, patients, y, score, n_draws=600)
    assert fast.estimate == plain.estimate
    assert fast.low == pytest.approx(plain.low, abs=1e-6)  # the same patients are drawn
    assert fast.high == pytest.approx(plain.high, abs=1e-6)


def test_paired_bootstraps_agree_and_see_the_pairing():
    y, first, second, patients = _example()
    fast = bootstrap_auroc_difference(y, first, second, patients, n_draws=600)
    plain = paired_bootstrap(auroc, patients, y, first, second, n_draws=600)
    assert (fast.low, fast.high, fast.p) == pytest.approx((plain.low, plain.high, plain.p), abs=1e-5)
    exact = delong(y, np.column_stack([first, second]), patients).difference()
    assert fast.high - fast.low == pytest.approx(exact.high - exact.low, rel=0.15)


def test_order_of_records_does_not_matter_to_the_estimate():
    y, score, _, patients = _example()
    order = np.random.default_rng(3).permutation(len(y))
    one, two = bootstrap_auroc(y, score, patients), bootstrap_auroc(y[order], score[order], patients[order])
    assert one == two


def test_equal_seeds_give_equal_intervals_whatever_the_chunk():
    small = np.concatenate(list(patient_weights(7, 20, seed=3, chunk=6)))
    np.testing.assert_array_equal(small, next(patient_weights(7, 20, seed=3, chunk=20)))
    assert (small.sum(axis=1) == 7).all()


def test_draws_that_never_differ_bound_nothing():
    interval = clustered_bootstrap(np.mean, None, np.ones(10))
    assert interval.estimate == 1
    assert math.isnan(interval.low)
    assert "no resample differs" in interval.reason


def test_undefined_draws_are_no_interval():
    interval = clustered_bootstrap(
        lambda x: x[x > 0].mean() if (x > 0).any() else math.nan, None, np.array([0, 0, 0, 1.0])
    )
    assert interval.estimate == 1
    assert "undefined in many draws" in interval.reason


def test_unknown_patients_stay_apart():
    codes, n_groups = group_codes(["a", "", "a", None, float("nan")], 5)
    assert n_groups == 4
    assert codes[0] == codes[2]
    assert len({codes[1], codes[3], codes[4], codes[0]}) == 4


# -- many tests ----------------------------------------------------------------------------------------


def test_benjamini_hochberg_on_its_authors_example():
    # the 15 p-values of the 1995 paper: at q = 0.05 exactly the four smallest are rejected
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert (benjamini_hochberg(p[::-1])[::-1] <= 0.05).sum() == 4
    assert (holm(p) <= 0.05).sum() == 3
    assert benjamini_hochberg(p)[3] == pytest.approx(0.0095 * 15 / 4)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_adjusted_values_keep_order_and_bounds(p):
    for adjusted in (benjamini_hochberg(p), holm(p)):
        assert (adjusted >= np.array(p) - 1e-12).all()
        assert (adjusted <= 1).all()
        order = np.argsort(p, kind="stable")
        assert (np.diff(adjusted[order]) >= 0).all()


def test_what_was_not_tested_does_not_count():
    adjusted = benjamini_hochberg([0.02, math.nan, 0.04])
    assert adjusted[0] == adjusted[2] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])


# -- the value itself ----------------------------------------------------------------------------------


def test_interval_prints_and_travels_as_plain_values():
    assert str(Interval(0.5, 0.25, 0.75, n=4)) == "0.500 [0.250, 0.750]"
    assert Interval(0.5, 0.25, 0.75, n=4).to_json() == {
        "estimate": 0.5,
        "low": 0.25,
        "high": 0.75,
        "level": 0.95,
        "n": 4,
    }
    assert Interval.missing("no records").to_json()["estimate"] is None
    assert Interval(0.1, 0.05, 0.2).excludes(0)
    assert not Interval.missing("no records").excludes(0)


# -- simulated coverage --------------------------------------------------------------------------------


def _population_auroc(d):
    return 0.5 * math.erfc(-d / 2)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "repeats", "d"), [(200, 1, 1.0), (80, 1, 2.0), (400, 4, 1.0), (60, 1, 2.5)])
def test_intervals_of_areas_cover_as_often_as_they_say(n, repeats, d):
    rng = np.random.default_rng([n, repeats])
    truth = _population_auroc(d)
    hits = {"delong": 0, "bootstrap": 0}
    runs = 600
    for _ in range(runs):
        patients = np.repeat(np.arange(n // repeats), repeats)
        y = (rng.random(n // repeats) < 0.4)[patients]
        shared = rng.normal(size=n // repeats)[patients]
        share = 0.6 if repeats > 1 else 0.0
        score = math.sqrt(share) * shared + math.sqrt(1 - share) * rng.normal(size=n) + d * y
        for name, interval in (
            ("delong", delong(y, score, patients).interval()),
            ("bootstrap", bootstrap_auroc(y, score, patients, n_draws=400)),
        ):
            hits[name] += interval.low <= truth <= interval.high
    assert 0.93 <= hits["delong"] / runs <= 0.975
    if n >= 200:  # percentiles are too narrow with few patients and an area near 1: `delong` is for those
        assert 0.92 <= hits["bootstrap"] / runs <= 0.975


@pytest.mark.slow
@pytest.mark.parametrize(("n_patients", "repeats", "share"), [(30, 1, 0.9), (60, 3, 0.8), (200, 2, 0.95)])
def test_intervals_of_proportions_cover_as_often_as_they_say(n_patients, repeats, share):
    rng = np.random.default_rng([n_patients, repeats])
    patients = np.repeat(np.arange(n_patients), repeats)
    hits = 0
    for _ in range(2000):
        own = rng.beta(share * 3, (1 - share) * 3, n_patients)
        interval = clustered_proportion(rng.random(len(patients)) < own[patients], patients)
        hits += interval.low <= share <= interval.high
    assert 0.93 <= hits / 2000 <= 0.985


@pytest.mark.slow
def test_false_discoveries_stay_below_the_rate_asked_for():
    rng = np.random.default_rng(0)
    false_share = []
    for _ in range(1000):
        z = rng.normal(size=50)
        z[:5] += 4
        found = benjamini_hochberg([math.erfc(abs(v) / math.sqrt(2)) for v in z]) <= 0.1
        false_share.append(found[5:].sum() / max(found.sum(), 1))
    assert np.mean(false_share) <= 0.1
