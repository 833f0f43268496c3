"""What changed between audits: sure changes are told, the others are not."""

import json

import numpy as np
import pytest

from sidelight.slicing import audit, compare_audits, paired_gains, read_audit


def predictions(seed, rate, n=1200):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    paced = random.random(n) < 0.3
    wrong = random.random(n) < np.where(paced, rate, 0.1)
    return y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, {"paced": paced, "tiny": np.arange(n) < 4}


def audited(seed, rate, **keywords):
    y, proba, slices = predictions(seed, rate)
    return audit(y, proba, slices | keywords.pop("more", {}), metrics=["accuracy", "brier"], **keywords)


def test_a_slice_that_got_better_is_told_and_a_tiny_one_is_not_judged():
    found = compare_audits(audited(0, 0.5), audited(1, 0.1))
    verdicts = {(row.slice, row.metric): row.verdict for row in found.rows}
    assert verdicts["paced", "accuracy"] == "better"
    assert verdicts["paced", "brier"] == "better", "a lower Brier score is better"
    assert verdicts["tiny", "accuracy"] == "not assessable"
    assert "paced" in found.verdict


def test_the_other_way_round_it_is_worse_and_the_change_has_the_other_sign():
    first, second = audited(0, 0.5), audited(1, 0.1)
    there, back = compare_audits(first, second), compare_audits(second, first)
    for one, other in zip(there.of("accuracy"), back.of("accuracy"), strict=True):
        if one.verdict == "better":
            assert other.verdict == "worse"
            assert one.change.estimate == pytest.approx(-other.change.estimate)


def test_an_audit_against_itself_has_no_change():
    same = audited(0, 0.3)
    assert {row.verdict for row in compare_audits(same, same).rows} <= {"no evidence", "not assessable"}


def test_slices_in_one_audit_alone_are_named():
    extra = {"new": np.arange(1200) % 2 == 0}
    verdicts = {
        row.slice: row.verdict for row in compare_audits(audited(0, 0.2), audited(1, 0.2, more=extra)).rows
    }
    assert verdicts["new"] == "only after"


def test_a_comparison_travels_as_json():
    first = read_audit(json.loads(json.dumps(audited(0, 0.5).to_json())))
    assert "NaN" not in json.dumps(compare_audits(first, audited(1, 0.1)).to_json())


def test_false_alarms_stay_within_the_level():
    alarms = sum(
        any(
            row.verdict in ("better", "worse")
            for row in compare_audits(audited(seed, 0.2), audited(seed + 500, 0.2)).rows
        )
        for seed in range(60)
    )
    assert alarms <= 8


def test_two_models_on_the_same_records_are_compared_by_patient():
    y, before, slices = predictions(0, 0.5)
    random = np.random.default_rng(1)
    repaired = slices["paced"] & (random.random(1200) < 0.5)
    after = np.where(repaired, y * 0.8 + 0.1, before)
    found = paired_gains(y, before, after, slices, np.arange(1200) // 2)
    rows = {row.slice: row for row in found.rows}
    assert rows["paced"].verdict == "better"
    assert rows["paced"].change.estimate == pytest.approx(
        rows["paced"].after.estimate - rows["paced"].before.estimate
    )
    assert rows["tiny"].verdict == "not assessable"
    repeated = paired_gains(np.tile(y, 3), np.tile(before, 3), np.tile(after, 3),
                            {"paced": np.tile(slices["paced"], 3)}, np.tile(np.arange(1200) // 2, 3))  # fmt: skip
    width = rows["paced"].change.high - rows["paced"].change.low
    again = next(row for row in repeated.rows if row.slice == "paced").change
    assert again.high - again.low == pytest.approx(width, rel=0.01), "copies of a patient bring no certainty"
