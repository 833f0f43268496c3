"""The fairness panel: parity gaps with intervals, by patient, corrected."""

import json

import numpy as np
import pytest

from sidelight.slicing import Findings, audit, fairness, slice_calibration
from sidelight.slicing.page import audit_page


def people(seed=0, n=1200, *, missed=0.0):
    random = np.random.default_rng(seed)
    y, sex = random.integers(0, 2, n), random.choice(["f", "m"], n)
    wrong = random.random(n) < np.where((sex == "f") & (y == 1), 0.1 + missed, 0.1)
    return y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, sex


def test_women_who_are_missed_more_often_show_in_sensitivity_not_in_false_positives():
    found = {(row.group, row.measure) for row in fairness(*people(missed=0.3)).differing}
    assert ("f", "sensitivity") in found
    assert ("f", "false-positive rate") not in found


def test_two_groups_mirror_each_other():
    panel = fairness(*people(missed=0.2))
    first, second = panel.of("sensitivity")
    assert first.gap.estimate == pytest.approx(-second.gap.estimate)


def test_against_a_reference_only_the_others_are_listed():
    panel = fairness(*people(missed=0.2), reference="m")
    assert {row.group for row in panel.rows} == {"f"}
    with pytest.raises(ValueError, match="there are f, m"):
        fairness(*people(), reference="x")


def test_false_alarms_stay_within_the_level_also_when_patients_repeat():
    alarms = 0
    for seed in range(40):
        y, proba, sex = people(seed, 300)
        triple = [np.repeat(column, 3) for column in (y, proba, sex)]
        alarms += bool(fairness(*triple, patients=np.repeat(np.arange(300), 3)).differing)
    assert alarms <= 6


def test_a_group_whose_risk_is_overstated_is_miscalibrated():
    random = np.random.default_rng(0)
    sex = random.choice(["f", "m"], 3000)
    risk = random.uniform(0.2, 0.8, 3000)
    y = (random.random(3000) < risk).astype(int)
    panel = fairness(y, np.where(sex == "f", np.minimum(risk + 0.15, 1), risk), sex)
    row = panel.of("calibration")[0]
    assert row.verdict == "differs"
    assert row.value.low < -0.15 < row.value.high


def test_records_of_unknown_group_or_gold_are_left_out():
    y, proba, sex = people()
    sex = sex.astype(object)
    sex[:100], sex[100:150] = None, ""
    y = y.astype(float)
    y[150:200] = np.nan
    assert sum(fairness(y, proba, sex).groups.values()) == 1000


def test_it_travels_as_json():
    y, proba, sex = people()
    panel = fairness(y, proba, np.where(np.arange(1200) < 3, "rare", sex))
    assert any(row.verdict == "not assessable" for row in panel.rows)
    assert "NaN" not in json.dumps(panel.to_json())


def test_a_group_of_two_patients_is_not_judged_however_many_records_they_have():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 600)
    group = np.where(np.arange(600) < 60, "few", np.where(np.arange(600) < 330, "some", "more"))
    patients = np.where(np.arange(600) < 60, np.arange(600) % 2, np.arange(600))
    p = np.where(group == "few", 0.9 - 0.8 * y, 0.1 + 0.8 * y)
    panel = fairness(y, p, group, patients=patients)
    few = [row for row in panel.rows if row.group == "few"]
    assert {row.verdict for row in few} == {"not assessable"}
    assert "2 patients; 5 are needed" in {row.gap.reason for row in few}
    assert all(np.isnan(row.q) for row in few)
    calibration = slice_calibration(y, p, {"few": group == "few"}, patients)[1]
    assert (calibration.verdict, calibration.spread) == ("not assessable", "not assessable")
    assert calibration.difference.reason == "2 patients, 5 are needed"


def test_the_page_says_how_many_records_are_of_no_known_group():
    y = np.arange(400) % 2
    p = 0.1 + 0.8 * y
    panel = fairness(y, p, np.where(np.arange(400) < 25, "", np.where(np.arange(400) % 3, "f", "m")))
    page = audit_page(Findings(audit(y, p, {"late": np.arange(400) > 200}), fairness={"sex": panel}))
    assert "not known: 25 records, left out" in page
