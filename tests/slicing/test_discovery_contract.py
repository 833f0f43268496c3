"""What holds for every way of discovering slices, the moment it is in the registry."""

import pickle

import numpy as np
import pytest

from sidelight.slicing.discovery import DISCOVERERS, discover
from sidelight.slicing.discovery.evidence import as_evidence
from sidelight.slicing.discovery.rule import members


def planted(seed=0, n=600, *, rate=0.6):
    """Two classes; one corner of class 1 is a stratum whose predictions are mostly wrong."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    stratum = (y == 1) & (random.random(n) < 0.2)
    embedding = random.normal(0, 1, (n, 5))
    embedding[stratum, 1] += 6
    wrong = random.random(n) < np.where(stratum, rate, 0.04)
    proba = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    metadata = {
        "age": random.normal(60, 9, n) + 30 * stratum,
        "site": np.where(stratum, "north", random.choice(["east", "west"], n)),
    }
    return y, proba, stratum, {"embeddings": {"model": embedding}, "metadata": metadata}


pytestmark = pytest.mark.parametrize("name", sorted(DISCOVERERS))


def test_a_planted_stratum_is_found_and_confirmed(name):
    y, proba, stratum, views = planted()
    best = discover(y, proba, methods=[name], **views).slices[0]
    assert best.confirmed
    assert best.method == name
    assert np.sum(best.members & stratum) / np.sum(best.members | stratum) > 0.5


def test_equal_seeds_give_equal_slices(name):
    y, proba, _, views = planted()
    first, second = (discover(y, proba, methods=[name], seed=3, **views).to_json() for _ in range(2))
    assert first == second


def test_a_proposal_never_looks_at_predictions_when_it_is_applied(name):
    y, proba, _, views = planted()
    evidence, flipped = as_evidence(y, proba, **views), as_evidence(y, 1 - proba, **views)
    for rule in DISCOVERERS[name]().propose(evidence):
        np.testing.assert_array_equal(members(rule, evidence), members(rule, flipped))


def test_rules_score_between_none_and_one_and_speak(name):
    y, proba, _, views = planted()
    evidence = as_evidence(y, proba, **views)
    rules = DISCOVERERS[name]().propose(evidence)
    assert rules
    for rule in rules:
        score = rule.score(evidence)
        assert score.shape == (len(y),)
        assert score.min() >= 0
        assert score.max() <= 1 + 1e-12
        assert rule.words()


def test_found_slices_survive_pickling_and_become_functions(name):
    y, proba, _, views = planted()
    best = discover(y, proba, methods=[name], **views).slices[0]
    function = pickle.loads(pickle.dumps(best)).to_function(label_field="label")  # noqa: S301
    rows = range(0, len(y), 7)
    answers = []
    for row in rows:
        record = {"label": int(y[row]), "model": views["embeddings"]["model"][row]}
        record |= {column: values[row] for column, values in views["metadata"].items()}
        answers.append(function(record))
    assert answers == best.members[list(rows)].tolist()


def test_few_records_give_nothing_and_no_fault(name):
    y, proba, _, views = planted(n=9)
    assert discover(y, proba, methods=[name], **views).confirmed == ()


def test_a_perfect_model_has_no_slices(name):
    y, _, _, views = planted()
    assert discover(y, y * 0.8 + 0.1, methods=[name], **views).confirmed == ()
