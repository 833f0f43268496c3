"""Intervals for the probabilities of records."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel

ACCURACY, COVERAGE = np.array([0.9, 0.8, 0.75, 0.7, 0.65, 0.6]), 0.6


def annotators(n, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (n, 1))
    votes = np.where(rng.random((n, 6)) < ACCURACY, truth, 1 - truth)
    return np.where(rng.random(votes.shape) < COVERAGE, votes, -1).astype(np.int8)


def true_proba(votes):
    odds = np.log(ACCURACY / (1 - ACCURACY))
    return 1 / (1 + np.exp(-(np.where(votes == 1, odds, 0) - np.where(votes == 0, odds, 0)).sum(axis=1)))


@pytest.mark.parametrize(("balance", "most"), [([0.5, 0.5], 0.985), (None, 0.995)])
def test_intervals_cover_what_true_parameters_would_say(balance, most):
    inside = []
    for seed in range(12):
        votes = annotators(2000, seed)
        model = LabelModel().fit(votes, class_balance=balance)
        assert model.refined_
        model.temperature_ = 1.0
        judged = votes[:200][(votes[:200] >= 0).any(axis=1)]
        found = model.posterior_intervals(votes, judged)
        assert found.method == "fisher"
        truth = true_proba(judged)
        inside += ((found.low[:, 1] <= truth) & (truth <= found.high[:, 1])).tolist()
    assert 0.94 < np.mean(inside) < most


def test_more_records_make_narrower_intervals_and_draws_repeat():
    judged = annotators(50, 99)
    width = {}
    for n in (400, 6400):
        votes = annotators(n, 0)
        model = LabelModel().fit(votes)
        found, again = (model.posterior_intervals(votes, judged) for _ in range(2))
        np.testing.assert_array_equal(found.low, again.low)
        np.testing.assert_allclose(found.proba, model.predict_proba(judged))
        assert (found.low <= found.proba).all()
        assert (found.proba <= found.high).all()
        width[n] = (found.high - found.low).mean()
    assert width[6400] < 0.5 * width[400]


def test_rules_are_judged_by_resampling():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 300)
    votes = np.full((300, 6), -1, np.int8)
    for j in range(6):
        votes[rng.random(300) < np.where(truth == j % 2, 0.5, 0.05), j] = j % 2
    model = LabelModel().fit(votes)
    found = model.posterior_intervals(votes, votes[:20], n_draws=15)
    assert found.method == "bootstrap"
    assert (found.high - found.low).max() > 0.01
    with pytest.raises(ValueError, match='method="bootstrap"'):
        model.posterior_intervals(votes, method="fisher")
    with pytest.raises(ValueError, match="n_draws"):
        model.posterior_intervals(votes, n_draws=1)
