"""Columns become slices, and subclasses are measured beside the class that hides them."""

import json

import numpy as np
import pytest

from sidelight.slicing import strata, subclass_metrics


def test_numbers_become_ranges_that_cover_everyone_once():
    ages = [float(age) for age in range(20, 90)] + [None]
    found = strata({"age": ages})
    assert found.names == ("age ≤ 43", "43 < age ≤ 66", "age > 66", "age missing")
    assert (found.values.sum(axis=1) == 1).all()


def test_words_become_values_and_rare_ones_are_other():
    cells = ["A"] * 5 + ["B"] * 4 + ["C", "D", "", None, float("nan")]
    found = strata({"device": cells})
    assert found.counts() == {"device = A": 5, "device = B": 4, "device other": 2, "device missing": 3}


def test_few_numbers_are_values_and_a_cell_may_hold_several():
    assert strata({"sex": [0, 1, 1.0, 0]}).counts() == {"sex = 0": 2, "sex = 1": 2}
    assert strata({"code": ["a|b", "a", "b"]}).counts() == {"code = a": 2, "code = b": 2}
    with pytest.raises(ValueError, match="3 cells"):
        strata({"a": [1, 2], "b": [1, 2, 3]})


def planted(n=1200, seed=0, rate=0.5):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    kind = np.where(y == 1, np.where(random.random(n) < 0.1, "subtle", "plain"), "none").astype(object)
    wrong = random.random(n) < np.where(kind == "subtle", rate, 0.05)
    return y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, kind


def test_a_gap_that_the_class_hides_is_named():
    y, proba, kind = planted()
    kind[:30] = None
    table = subclass_metrics(
        y, proba, kind.tolist(), classes=["normal", "fracture"], expected=["subtle", "burst"]
    )
    assert [row.subclass for row in table.hidden] == ["subtle"]
    row = table.hidden[0]
    assert row.within == "fracture"
    assert row.recall.estimate < table.classes["fracture"].low, "the class's own figure hides it"
    assert row.auroc.estimate < 0.85
    assert table.n_without == 30
    assert {row.subclass: row.verdict for row in table.rows}["burst"] == "not seen"
    json.dumps(table.to_json(), allow_nan=False)


def test_a_small_subclass_is_not_judged_and_the_size_it_would_need_is_told():
    y, proba, kind = planted()
    kind[np.flatnonzero(y == 1)[:4]] = "pacemaker"
    rows = {row.subclass: row for row in subclass_metrics(y, proba, kind.tolist()).rows}
    assert rows["pacemaker"].verdict == "not assessable"
    assert rows["pacemaker"].n_needed > 100


def test_equal_subclasses_raise_no_alarm_beyond_the_level():
    alarms = sum(bool(subclass_metrics(*planted(seed=seed, rate=0.05)).hidden) for seed in range(60))
    assert alarms <= 7


def test_a_sure_gap_below_the_margin_is_no_hidden_one():
    y = np.ones(20_000, dtype=int)
    kind = np.where(np.arange(20_000) % 2 == 0, "a", "b")
    wrong = np.random.default_rng(0).random(20_000) < np.where(kind == "a", 0.08, 0.05)
    proba = np.where(wrong, 0.2, 0.9)
    rows = {row.subclass: row.verdict for row in subclass_metrics(y, proba, kind.tolist()).rows}
    assert rows == {"a": "slightly worse", "b": "better"}
    assert subclass_metrics(y, proba, kind.tolist(), margin=0.02).hidden
