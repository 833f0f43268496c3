import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import choose_threshold, decision_curve, operating_point

records = st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=60)


@given(records, st.floats(0.05, 1))
def test_the_threshold_finds_what_was_asked_and_no_higher_one_does(pairs, wanted):
    gold, chance = np.array([y for y, _ in pairs]), np.array([p / 20 for _, p in pairs])
    if not gold.any():
        with pytest.raises(ValueError, match="no positive record"):
            choose_threshold(gold, chance, sensitivity=wanted)
        return
    threshold = choose_threshold(gold, chance, sensitivity=wanted)
    assert (chance[gold] >= threshold).mean() >= wanted - 1e-9
    assert (chance[gold] > threshold).mean() < wanted


def made_up(n=400):
    random = np.random.default_rng(0)
    gold = random.integers(0, 2, n)
    chance = 1 / (1 + np.exp(-(2 * gold - 1 + random.normal(0, 1.2, n))))
    return gold, chance, random.integers(0, 250, n).astype(str)


def test_predictive_values_at_the_records_own_prevalence_are_plain_shares():
    gold, chance, patients = made_up()
    called = chance >= 0.5
    own = operating_point(gold, chance, 0.5, patients)
    stated = operating_point(gold, chance, 0.5, patients, prevalence=float(gold.mean()), n_draws=200)
    assert own.ppv.estimate == pytest.approx(gold[called].mean())
    assert own.npv.estimate == pytest.approx(1 - gold[~called].mean())
    assert stated.ppv.estimate == pytest.approx(own.ppv.estimate)
    assert stated.npv.estimate == pytest.approx(own.npv.estimate)
    assert own.flagged.estimate == pytest.approx(called.mean())
    assert json.loads(json.dumps(own.to_json()))["prevalence"] == pytest.approx(gold.mean())


def test_a_rarer_finding_makes_a_call_worth_less():
    gold, chance, _ = made_up()
    values = [operating_point(gold, chance, 0.5, prevalence=p, n_draws=100).ppv for p in (0.01, 0.1, 0.5)]
    assert values[0].estimate < values[1].estimate < values[2].estimate
    assert all(value.low < value.estimate < value.high for value in values)


def test_a_perfect_model_is_never_worse_than_everybody_or_nobody():
    gold, chance, _ = made_up()
    perfect = decision_curve(gold, gold)
    assert (perfect.model >= np.maximum(perfect.everybody, 0) - 1e-12).all()
    assert (decision_curve(gold, chance).model <= perfect.model + 1e-12).all()
    np.testing.assert_allclose(decision_curve(gold, np.ones(len(gold))).model, perfect.everybody)


@pytest.mark.parametrize(
    "call",
    [
        lambda: choose_threshold([1], [0.5], sensitivity=0),
        lambda: operating_point([1, 0], [0.5], 0.5),
        lambda: operating_point([1, 0], [0.5, 0.5], 0.5, prevalence=1.0),
        lambda: decision_curve([1, 0], [0.5, 0.5], [1.0]),
        lambda: decision_curve([], []),
    ],
)
def test_senseless_questions_are_refused(call):
    with pytest.raises(ValueError):
        call()
