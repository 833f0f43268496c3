"""Gaps between shares: exact between records, and honest where few patients hold many of them."""

import numpy as np
import pytest

from sidelight.labeling.statistics import fisher_mid_p
from sidelight.slicing.share_gap import gap_between


def test_independent_records_are_tested_exactly():
    values = np.r_[np.ones(18), np.zeros(12), np.ones(95), np.zeros(5)]
    inside = np.arange(130) < 30
    gap = gap_between(values, inside, ~inside, np.arange(130))[2]
    assert gap.estimate == pytest.approx(0.6 - 0.95)
    assert gap.p == pytest.approx(fisher_mid_p(18, 30, 95, 100))


def test_repeats_of_a_patient_add_nothing():
    random = np.random.default_rng(0)
    values, inside = (random.random(200) < 0.7).astype(float), np.arange(200) < 60
    once = gap_between(values, inside, ~inside, np.arange(200))[2]
    five = [np.repeat(column, 5) for column in (values, inside, np.arange(200))]
    many = gap_between(five[0], five[1], ~five[1], five[2])[2]
    assert many.p == pytest.approx(once.p, abs=0.05)
    naive = gap_between(five[0], five[1], ~five[1], np.arange(1000))[2]
    assert naive.p < once.p / 2 or once.p > 0.9


def test_records_of_four_patients_are_not_tested():
    values, inside = np.r_[np.zeros(40), np.ones(200)], np.arange(240) < 40
    gap = gap_between(values, inside, ~inside, np.where(inside, np.arange(240) % 4, np.arange(240)))[2]
    assert np.isnan(gap.p)
    assert gap.reason == "4 patients; 5 are needed"


@pytest.mark.parametrize(("n_inside", "repeats", "share"), [(5, 6, 0.8), (15, 4, 0.95), (40, 3, 0.9)])
def test_false_alarms_among_few_patients_stay_below_the_level(n_inside, repeats, share):
    alarms = 0
    for seed in range(300):
        random = np.random.default_rng(seed)
        own = random.beta(share * 2, (1 - share) * 2, n_inside + 150)
        codes = np.repeat(np.arange(n_inside + 150), repeats)
        values = (random.random(len(codes)) < own[codes]).astype(float)
        inside = codes < n_inside
        alarms += gap_between(values, inside, ~inside, codes, least=10)[2].p <= 0.05
    assert alarms / 300 <= 0.075
