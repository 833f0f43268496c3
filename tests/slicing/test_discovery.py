"""Discovery: confirmed by other patients, quiet on noise, readable, and of use to training."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.slicing import SFApplier
from sidelight.slicing.discovery import Condition, RuleSearch, discover
from sidelight.slicing.discovery.confirmation import halves
from sidelight.slicing.discovery.evidence import as_evidence
from sidelight.slicing.discovery.scan import concentration_p, excess_ratio


def noise(seed, n=300):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    wrong = random.random(n) < np.where(y == 1, 0.25, 0.1)
    proba = np.where(wrong, 1 - y, y) * 0.7 + 0.15
    return y, proba, {"embeddings": random.normal(size=(n, 6)), "metadata": {"a": random.normal(size=n)}}


@pytest.mark.slow
def test_pure_noise_is_confirmed_in_at_most_five_of_a_hundred_runs():
    alarms = 0
    for seed in range(100):
        y, proba, views = noise(seed)
        alarms += bool(discover(y, proba, seed=seed, **views).confirmed)
    assert alarms <= 5


@pytest.mark.slow
def test_noise_that_repeats_within_patients_is_no_slice():
    alarms = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        patients = np.repeat(np.arange(80), 4)
        y, site = np.repeat(random.integers(0, 2, 80), 4), np.repeat(random.normal(size=(80, 4)), 4, axis=0)
        wrong = np.repeat(random.random(80) < 0.2, 4)
        proba = np.where(wrong, 1 - y, y) * 0.7 + 0.15
        alarms += bool(discover(y, proba, embeddings=site, patients=patients, seed=seed).confirmed)
    assert alarms <= 4


def test_a_patient_is_never_in_both_halves():
    patients = np.repeat(np.arange(50), 3)
    cut = halves(patients, seed=1)
    assert all(len(set(cut[patients == patient])) == 1 for patient in range(50))
    assert cut.mean() == 0.5


def test_the_region_s_p_is_the_exact_tail():
    evidence = as_evidence([0] * 6, np.array([[0, 1.0]] * 2 + [[1.0, 0]] * 4))
    inside = np.array([True, True, False, False, False, False])
    (p,) = concentration_p(evidence, [(inside, None)])
    assert p == pytest.approx(1 / 15 / 2)  # both errors in the two members, mid-p


def test_a_class_that_is_hard_everywhere_is_no_slice():
    y = np.repeat([0, 1], 200)
    wrong = np.r_[np.zeros(200, bool), np.arange(200) % 2 == 0]
    evidence = as_evidence(y, np.where(wrong, 1 - y, y).astype(float))
    assert concentration_p(evidence, [(y == 1, None)])[0] > 0.4


@given(st.integers(0, 50), st.floats(0.1, 50), st.integers(50, 90))
def test_the_scan_statistic_is_zero_without_excess(observed, expected, total):
    ratio = float(excess_ratio(observed, expected, total))
    assert ratio >= 0
    assert (ratio == 0) or observed > expected


def test_three_conditions_are_found_exactly():
    random = np.random.default_rng(0)
    metadata = {name: random.integers(0, 2, 900).astype(float) for name in "abcde"}
    corner = (metadata["a"] == 1) & (metadata["c"] == 1) & (metadata["e"] == 0)
    y = np.zeros(900, dtype=int)
    wrong = random.random(900) < np.where(corner, 0.7, 0.05)
    evidence = as_evidence(y, np.where(wrong, 0.9, 0.1), metadata=metadata)
    best = RuleSearch(depth=3).propose(evidence)[0]
    assert {str(condition) for condition in best.conditions} == {"a > 0.5", "c > 0.5", "e <= 0.5"}


def test_a_slice_told_by_words_of_the_reports():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 500)
    paced = random.random(500) < 0.15
    text = [f"sinus rhythm {'with Pacemaker spikes' if is_paced else 'as before'}" for is_paced in paced]
    wrong = random.random(500) < np.where(paced, 0.6, 0.05)
    found = discover(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, text=text)
    best = found.confirmed[0]
    assert (best.members == paced).all()
    assert "pacemaker" in " ".join([best.description, *best.terms])
    S = SFApplier([best.to_function("paced")]).apply(
        [{"id": "a", "text": "Pacemaker with spikes."}, {"id": "b", "text": "no"}]
    )
    assert S.counts()["paced"] in (0, 1)


def test_reports_hold_no_rows_and_no_text():
    y, proba, views = noise(1)
    found = discover(y, proba, text=["secretword"] * len(y), **views)
    assert "secretword" not in json.dumps(found.to_json())
    assert "prototypes" not in json.dumps(found.to_json())


def test_assigning_needs_what_the_rule_is_made_of():
    random = np.random.default_rng(0)
    y, site = random.integers(0, 2, 800), random.integers(0, 4, 800)
    wrong = random.random(800) < np.where(site == 3, 0.4, 0.05)
    best = discover(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, metadata={"site": site}).confirmed[0]
    assert best.assign(metadata={"site": np.array([3, 1])}).tolist() == [True, False]
    with pytest.raises(ValueError, match="'site', which is not given"):
        best.assign(text=["a", "b"])


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition("age", low=80), "age > 80"),
        (Condition("age", high=18), "age <= 18"),
        (Condition("age", low=18, high=80), "18 < age <= 80"),
        (Condition("sodium", low=135, high=145, outside=True), "sodium <= 135 or > 145"),
        (Condition("site", value="north"), "site is north"),
        (Condition("site", value=("", "north")), "site is missing or north"),
        (Condition("text", term="chest tube"), 'text holds "chest tube"'),
    ],
)
def test_conditions_read_as_sentences(condition, words):
    assert str(condition) == words


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"embeddings": np.zeros((3, 2))}, "has shape"),
        ({"metadata": {"a": [1, 2]}}, "has shape"),
        ({"text": ["one"]}, "1 entries"),
        ({"methods": ["magic"]}, "known by name"),
    ],
)
def test_what_does_not_fit_is_told(keywords, message):
    with pytest.raises(ValueError, match=message):
        discover([0, 1, 0, 1], [0.2, 0.7, 0.3, 0.6], **keywords)


@pytest.mark.parametrize(("sure", "foreseen"), [(0.95, 0.05), (0.6, 0.4)])
def test_a_slice_tells_the_errors_that_the_model_itself_foretells(sure, foreseen):
    random = np.random.default_rng(4)
    y, site = random.integers(0, 2, 1200), random.integers(0, 4, 1200)
    wrong = random.random(1200) < np.where(site == 3, 0.4, 0.05)
    right = np.where(site == 3, sure, 0.95)
    positive = np.where(wrong == (y == 1), 1 - right, right)
    first = discover(y, positive, metadata={"site": site}).confirmed[0]
    assert first.foreseen == pytest.approx(foreseen)
    assert first.to_json()["foreseen"] == first.foreseen
