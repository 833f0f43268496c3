"""Tests of regions when patients have several records."""

from itertools import permutations

import numpy as np
import pytest

from sidelight.slicing.discovery.evidence import Evidence
from sidelight.slicing.discovery.randomisation import exchangeable, randomised_p


def evidence_of(y, wrong, patients):
    y, wrong = np.asarray(y, dtype=np.int64), np.asarray(wrong, dtype=bool)
    proba = np.eye(2)[np.where(wrong, 1 - y, y)]
    return Evidence(y, proba, np.asarray(patients))


def test_between_patients_of_equal_size_the_counted_p_is_the_exact_one():
    wrong = np.array([2, 2, 1, 1, 0, 0, 0])
    errors = np.array([[count > 0, count > 1] for count in wrong]).reshape(-1)
    patients = np.repeat(np.arange(7), 2)
    inside = np.isin(patients, (0, 2, 5))
    orders = np.array(list(permutations(wrong)))
    totals = orders[:, [0, 2, 5]].sum(axis=1)
    exact = np.mean(totals > 3) + np.mean(totals == 3) / 2
    (p,) = randomised_p(evidence_of(np.ones(14), errors, patients), [(inside, None)])
    assert p == pytest.approx(exact, abs=0.03)


def test_errors_of_one_patient_are_one_piece_of_evidence():
    patients = np.repeat(np.arange(40), 10)
    wrong, inside = patients == 0, patients < 2
    evidence = evidence_of(np.zeros(400), wrong, patients)
    (p,) = randomised_p(evidence, [(inside, None)])
    assert 0.02 < p < 0.03  # mid-p: two of forty patients are inside, and the one that errs is among them


def test_what_is_plain_between_few_patients_has_a_small_p():
    patients = np.repeat(np.arange(37), 4)
    random = np.random.default_rng(0)
    wrong = random.random(148) < np.where(patients < 10, 0.9, 0.05)
    evidence = evidence_of(np.zeros(148), wrong, patients)
    p = randomised_p(evidence, [(patients < 10, 0), (patients >= 10, 0)])
    assert p[0] < 1e-4
    assert p[1] > 0.99


@pytest.mark.parametrize("label", [1, None])
@pytest.mark.parametrize("mixed", [False, True])
def test_it_holds_its_level_where_patients_alone_differ(label, mixed):
    p = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        patients = np.repeat(np.arange(90), random.integers(1, 9, 90))
        n = len(patients)
        disease = random.random(90) if mixed else random.integers(0, 2, 90)
        y = (random.random(n) < disease[patients]).astype(int)
        wrong = random.random(n) < random.beta(0.3, 1.5, 90)[patients]
        members = random.random((90, 60)) < 0.2
        evidence = evidence_of(y, wrong, patients)
        p += randomised_p(evidence, [(column[patients], label) for column in members.T], seed, n_draws=1000)
    assert np.mean(np.array(p) <= 0.05) <= 0.08
    assert np.mean(np.array(p) <= 0.01) <= 0.025
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=0.12)


def test_without_errors_or_without_others_nothing_is_remarkable():
    patients = np.repeat(np.arange(20), 2)
    half = patients < 10
    assert randomised_p(evidence_of(np.zeros(40), np.zeros(40), patients), [(half, None)]) == [1.0]
    assert randomised_p(evidence_of(np.zeros(40), half, np.zeros(40, dtype=int)), [(half, None)])[0] > 0.001
    assert randomised_p(evidence_of(np.zeros(40), half, patients), []) == []


def test_the_same_seed_deals_the_same_errors():
    random = np.random.default_rng(3)
    patients = np.repeat(np.arange(30), 3)
    evidence = evidence_of(random.integers(0, 2, 90), random.random(90) < 0.3, patients)
    regions = [(random.random(90) < 0.3, None), (random.random(90) < 0.3, 1)]
    assert randomised_p(evidence, regions, 5) == randomised_p(evidence, regions, 5)
    assert randomised_p(evidence, regions, 5) != randomised_p(evidence, regions, 6)


def test_patients_of_other_make_up_are_not_exchanged():
    sizes = np.array([[1, 0]] * 12 + [[9, 0]] * 12 + [[0, 2]] * 12 + [[3, 3]] * 2)
    strata = exchangeable(sizes)
    assert len(np.unique(strata)) == 4
    assert len({int(stratum) for stratum in strata[-2:]}) == 1


def test_a_giver_without_records_of_a_class_is_replaced():
    patients = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    y = [0, 1, 0, 0, 1, 1, 0, 1]
    inside = np.array([1, 1, 0, 0, 1, 0, 0, 0], dtype=bool)
    (p,) = randomised_p(evidence_of(y, [1, 1, 0, 0, 0, 0, 0, 0], patients), [(inside, None)])
    assert 0 < p < 1
