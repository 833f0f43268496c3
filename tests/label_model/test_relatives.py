"""What the relatives of the label model add to the contract."""

import numpy as np
import pytest

from sidelight.label_model import (
    DawidSkene,
    GoldNaiveBayes,
    MajorityLabelVoter,
    OneCoin,
    TripletModel,
    WeightedMajority,
)

ACCURACY = np.array([0.9, 0.8, 0.75, 0.7, 0.65, 0.6])


def annotators(n=8000, k=2, seed=0, coverage=0.7):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    wrong = (truth[:, None] + rng.integers(1, k, (n, 6))) % k
    votes = np.where(rng.random((n, 6)) < ACCURACY, truth[:, None], wrong)
    return np.where(rng.random((n, 6)) < coverage, votes, -1).astype(np.int8), truth


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("kind", [DawidSkene, OneCoin, TripletModel])
def test_accuracies_are_recovered(kind, k):
    votes, truth = annotators(k=k)
    model = kind(cardinality=k).fit(votes)
    np.testing.assert_allclose(model.get_weights(), ACCURACY, atol=0.04)
    own, majority = (
        m.score(votes, truth, tie_break_policy="random")["accuracy"]
        for m in (model, MajorityLabelVoter(k).fit(votes))
    )
    assert own > majority


@pytest.mark.parametrize("kind", [DawidSkene, OneCoin])
@pytest.mark.filterwarnings("ignore:labels go against the votes")
def test_the_objective_never_falls(kind):
    rng = np.random.default_rng(0)
    for seed in range(5):
        votes = np.random.default_rng(seed).integers(-1, 3, (80, 5)).astype(np.int8)
        steps = np.diff(kind(cardinality=3, smoothing=rng.uniform(0.01, 2)).fit(votes).objective_)
        assert (steps >= -1e-8).all()


def test_a_confusion_between_two_classes_is_learned():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 6000)
    votes = np.repeat(truth[:, None], 5, axis=1)
    flip = rng.random(votes.shape) < 0.15
    votes = np.where(flip, rng.integers(0, 3, votes.shape), votes)
    votes[:, 0] = np.where((truth == 2) & (rng.random(6000) < 0.6), 1, votes[:, 0])
    table = DawidSkene(cardinality=3).fit(votes.astype(np.int8)).confusion_[0]
    assert table[2, 1] == pytest.approx(0.6, abs=0.05)
    assert table[1, 2] < 0.1


def test_a_few_dependent_groups_do_not_disturb_triplets():
    votes, _ = annotators(20_000)
    votes = np.concatenate([votes, votes[:, 5:]], axis=1)
    rng = np.random.default_rng(1)
    votes[:, 6] = np.where(rng.random(len(votes)) < 0.8, votes[:, 5], votes[:, 6])
    np.testing.assert_allclose(TripletModel().fit(votes).accuracy_[:5], ACCURACY[:5], atol=0.04)


def test_weights_follow_agreement():
    votes, _ = annotators()
    model = WeightedMajority(shrinkage=0).fit(votes)
    assert (np.diff(model.weights_) < 0).all()
    assert np.ptp(WeightedMajority(shrinkage=100).fit(votes).weights_) < np.ptp(model.weights_)
    votes[:, 2] = -1
    assert np.isnan(WeightedMajority().fit(votes).get_weights()[2])


def test_gold_rows_teach_one_sided_functions():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    votes = np.full((4000, 3), -1, np.int8)
    votes[rng.random(4000) < np.where(truth == 1, 0.6, 0.02), 0] = 1
    votes[rng.random(4000) < np.where(truth == 1, 0.5, 0.5), 1] = 1
    votes[rng.random(4000) < np.where(truth == 0, 0.6, 0.1), 2] = 0
    gold = np.where(np.arange(4000) < 400, truth, -1)
    model = GoldNaiveBayes().fit(votes, gold=gold)
    assert model.n_gold_ == 400
    np.testing.assert_allclose(model.get_weights(), [0.97, 0.5, 0.86], atol=0.08)
    assert model.score(votes[400:], truth[400:])["accuracy"] > 0.8
    with pytest.raises(ValueError, match="shape"):
        GoldNaiveBayes().fit(votes, gold=gold[:5])


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (DawidSkene, {"smoothing": 0}),
        (OneCoin, {"max_iterations": 0}),
        (WeightedMajority, {"shrinkage": -1}),
        (GoldNaiveBayes, {"abstentions": 2}),
    ],
)
def test_settings_that_are_none_are_refused(kind, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kind(**wrong)
