"""What a slice of a given size could have shown, and the size a gap would need."""

import math

import numpy as np
import pytest

from sidelight.labeling.statistics import fisher_mid_p
from sidelight.slicing import audit
from sidelight.slicing.power import area_variance, detectable_gap, needed_size, share_variance


@pytest.mark.parametrize(
    ("n", "gap"), [(10, 0.29), (20, 0.20), (30, 0.16), (50, 0.12), (100, 0.08), (200, 0.06), (500, 0.04)]
)
def test_detectable_gap_of_a_share(n, gap):
    # 0.90 in 2000 others, one-sided at 0.05, 80 % power: the normal approximation against simulated values
    found = detectable_gap(0.9, share_variance(n), 0.9 * 0.1 / 2000, alpha=0.10)
    assert found == pytest.approx(gap, abs=0.02)


def test_needed_size_shows_exactly_the_margin():
    n = needed_size(0.9, share_variance, lambda _: 0.0, 0.05)
    assert detectable_gap(0.9, share_variance(n), 0.0) <= 0.05
    assert detectable_gap(0.9, share_variance(n - 2), 0.0) > 0.05
    assert needed_size(0.9, share_variance, lambda _: 0.01, 0.05) is None


def test_area_variance_by_hand():
    # Hanley and McNeil 1982, section III: 0.893 with 51 and 58 records has a standard error of 0.032 (0.0325 by the formula)
    assert math.sqrt(area_variance(51, 58)(0.893)) == pytest.approx(0.032, abs=0.001)


@pytest.mark.slow
def test_the_gap_said_to_be_detectable_is_detected_four_times_in_five():
    rng = np.random.default_rng(0)
    n, n_rest, base = 100, 2000, 0.9
    gap = detectable_gap(base, share_variance(n), base * (1 - base) / n_rest)
    found = 0
    for _ in range(1000):
        p = fisher_mid_p(int(rng.binomial(n, base - gap)), n, int(rng.binomial(n_rest, base)), n_rest)
        found += p <= 0.05
    assert 0.74 <= found / 1000 <= 0.88


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "n_rest", "base"), [(10, 90, 1.0), (30, 60, 1.0), (100, 900, 1.0), (20, 2000, 0.98)]
)
def test_where_the_rest_is_hardly_ever_wrong_the_gap_is_detected_too(n, n_rest, base):
    rng = np.random.default_rng(0)
    law, others = share_variance(n), share_variance(n_rest)
    gap = detectable_gap(base, law, others, weight=n / (n + n_rest), step=0.5 / n)
    found = 0
    for _ in range(600):
        p = fisher_mid_p(int(rng.binomial(n, base - gap)), n, int(rng.binomial(n_rest, base)), n_rest)
        found += p <= 0.05
    assert 0.65 <= found / 600 <= 0.96


def test_a_rest_that_is_never_wrong_leaves_room_for_chance():
    assert detectable_gap(1.0, share_variance(20), share_variance(40), weight=1 / 3, step=1 / 40) > 0.15
    assert needed_size(1.0, share_variance, lambda _: share_variance(40), 0.05, weight=0.3, step=0.5) > 40


def test_few_patients_show_less_than_many():
    many = detectable_gap(0.9, share_variance(80), 0.001)
    assert detectable_gap(0.9, share_variance(80), 0.001, n_patients=6) > 1.15 * many
    assert math.isnan(detectable_gap(0.9, share_variance(80), 0.001, n_patients=1))


def test_an_audit_of_a_model_that_is_never_wrong_elsewhere_does_not_claim_to_see_everything():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 200)
    inside = np.arange(200) < 30
    row = audit(y, y * 0.8 + 0.1, {"late": inside}, metrics=["specificity"]).rows[0]
    assert row.value.estimate == row.rest.estimate == 1
    assert 0.1 < row.detectable_gap < 0.5
    assert (row.n_needed or 0) > 60
