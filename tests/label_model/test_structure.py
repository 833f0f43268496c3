"""Planted dependencies are found, and none where there are none."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, learn_dependencies


def annotators(n, seed, k=2, copies=()):
    """Twenty annotators; `copies` are (source, copy, share of records on which the whole output is copied)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, (n, 1))
    accuracy, coverage = rng.uniform(0.6, 0.9, 20), rng.uniform(0.1, 0.4, 20)
    accuracy[[0, 2, 4]], coverage[[0, 2, 4]] = 0.62, 0.4
    wrong = (truth + rng.integers(1, k, (n, 20))) % k
    votes = np.where(rng.random((n, 20)) < accuracy, truth, wrong)
    votes = np.where(rng.random((n, 20)) < coverage, votes, -1)
    for source, copy, share in copies:
        rows = rng.random(n) < share
        votes[rows, copy] = votes[rows, source]
    return votes.astype(np.int8), truth[:, 0]


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("n", [1000, 8000])
def test_planted_pairs_and_chains_are_found_and_nothing_else(n, k):
    votes, _ = annotators(n, 1, k, copies=[(0, 1, 0.8), (2, 3, 0.8), (4, 5, 0.9), (5, 6, 0.9)])
    found = learn_dependencies(votes, k)
    assert found.groups == (("lf_0", "lf_1"), ("lf_2", "lf_3"), ("lf_4", "lf_5", "lf_6"))
    assert len(found.pairs) == 4
    assert all(gain > 0 for _, _, gain in found.pairs)


@pytest.mark.parametrize("k", [2, 4])
def test_independent_functions_are_left_alone(k):
    for seed in range(4):
        assert learn_dependencies(annotators(3000, seed, k)[0], k).groups == ()


def test_annotators_among_rules_are_found_and_the_rules_left_alone():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    votes = np.full((4000, 8), -1, np.int8)
    for j in range(8):
        right, wrong = (0.4, 0.15) if j % 2 else (0.35, 0.1)
        votes[rng.random(4000) < np.where(truth == j % 2, right, wrong), j] = j % 2
    two_sided = np.where(rng.random((4000, 3)) < 0.75, truth[:, None], 1 - truth[:, None])
    two_sided[:3000, 2] = two_sided[:3000, 1]
    votes = np.concatenate([votes, two_sided.astype(np.int8)], axis=1)
    assert learn_dependencies(votes).groups == (("lf_9", "lf_10"),)


def test_what_is_found_is_what_the_model_takes():
    votes, truth = annotators(4000, 0, copies=[(0, 1, 0.8), (4, 5, 0.9), (5, 6, 0.9)])
    groups = learn_dependencies(votes).groups
    model = LabelModel(dependencies=groups).fit(votes)
    assert (model.discounts_[[0, 1, 4, 5, 6]] < 0.9).all()
    with pytest.warns(LabelModelWarning, match="lf_4, lf_5, lf_6"):
        plain = LabelModel(dependencies=None).fit(votes)
    scores = [m.score(votes, truth)["accuracy"] for m in (model, plain)]
    assert scores[0] > scores[1] + 0.02


def test_few_records_and_functions_are_no_fault():
    for shape in [(0, 3), (5, 1), (40, 2)]:
        assert learn_dependencies(np.full(shape, -1, np.int8)).groups == ()
    votes, _ = annotators(3000, 0, copies=[(0, 1, 0.8), (2, 3, 0.8)])
    assert len(learn_dependencies(votes, most_pairs=1).pairs) == 1
