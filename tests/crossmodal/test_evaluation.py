import json

import numpy as np
import pytest

from sidelight.crossmodal import compare_scores
from sidelight.labeling.statistics import bootstrap_auroc


def scores(seed=0, n=200):
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, n)
    return (
        gold,
        {"good": gold + random.normal(0, 0.8, n), "poor": gold + random.normal(0, 3.0, n)},
        random.integers(0, 120, n),
    )


def as_chance(values):
    return 1 / (1 + np.exp(-values))


def test_areas_and_paired_differences_come_with_intervals_by_patient():
    gold, values, patients = scores()
    values = {name: as_chance(column) for name, column in values.items()}
    table = compare_scores(gold, values, patients, reference="poor")
    assert table["good"].auroc == bootstrap_auroc(gold, values["good"], patients)
    assert table["good"].difference.low > 0
    assert table["poor"].difference is None
    assert table.n_patients == len(np.unique(patients))
    assert json.loads(json.dumps(table.to_json()))["rows"][0]["name"] == "good"
    assert str(table).splitlines()[1].startswith("good  0.")


def test_several_runs_count_with_their_mean():
    gold, values, patients = scores()
    good = as_chance(values["good"])
    one = compare_scores(gold, {"good": good, "poor": as_chance(values["poor"])}, patients, n_draws=200)
    twice = {"good": np.stack([good, good], axis=1), "poor": as_chance(values["poor"])}
    two = compare_scores(gold, twice, patients, n_draws=200)
    assert two["good"].auroc.estimate == pytest.approx(one["good"].auroc.estimate)
    assert two["good"].difference.estimate == pytest.approx(one["good"].difference.estimate)
    assert two["good"].auroc.low == pytest.approx(one["good"].auroc.low, abs=0.01)


def test_records_without_gold_are_left_out():
    gold, values, _ = scores()
    chance = as_chance(values["good"])
    unknown = np.where(np.arange(200) < 50, -1, gold)
    table = compare_scores(unknown, {"good": np.where(np.arange(200) < 50, np.nan, chance)})
    assert table.n_records == 150
    assert (
        table["good"].auroc.estimate
        == compare_scores(gold[50:], {"good": chance[50:]})["good"].auroc.estimate
    )


@pytest.mark.parametrize(
    ("gold", "given", "words"),
    [
        ([0, 1], {}, "scores is empty"),
        ([0, 2], {"a": [0.1, 0.2]}, "gold is 1, 0, or -1"),
        ([0, 1], {"a": [0.1]}, "scores of 'a' have shape"),
        ([0, 1], {"a": [0.1, np.nan]}, "not a number where gold is known"),
    ],
)
def test_what_cannot_be_compared_is_refused(gold, given, words):
    with pytest.raises(ValueError, match=words):
        compare_scores(gold, given)
    with pytest.raises(ValueError, match="reference is 'b'"):
        compare_scores([0, 1], {"a": [0.1, 0.2]}, reference="b")


def test_brier_scores_have_intervals_by_patient_and_calibration_errors_what_chance_makes_of_them():
    random = np.random.default_rng(0)
    chance = random.random(150)
    gold = (random.random(150) < chance).astype(int)
    table = compare_scores(
        gold, {"right": chance, "sure": np.round(chance)}, np.arange(150) // 3, n_draws=300
    )
    right, sure = table["right"], table["sure"]
    assert right.brier_interval.low < right.brier < right.brier_interval.high < sure.brier_interval.low
    assert right.brier_interval.estimate == pytest.approx(right.brier)
    assert 0.5 * right.ece_of_chance < right.ece < 2 * right.ece_of_chance
    assert sure.ece_of_chance == 0 < sure.ece
    assert json.loads(json.dumps(table.to_json()))["rows"][0]["brier_interval"]["low"] > 0
