"""Votes of extreme kinds: the default never falls markedly below majority vote, on the mean of a few draws."""

import warnings

import numpy as np
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, MajorityLabelVoter


def accuracy(model, votes, truth):
    """Return the accuracy on covered records, ties shared out."""
    covered = (votes >= 0).any(axis=1)
    proba = model.predict_proba(votes)[covered]
    first = proba >= proba.max(axis=1, keepdims=True) - 1e-9
    return float((first[np.arange(len(proba)), truth[covered]] / first.sum(axis=1)).mean())


def gains(draw, k, draws=6, balance=None):
    """Return what the default gains over majority vote in each draw."""
    found = []
    for seed in range(draws):
        votes, truth = draw(np.random.default_rng(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelModelWarning)
            ours = LabelModel(k).fit(votes, class_balance=balance)
        found.append(accuracy(ours, votes, truth) - accuracy(MajorityLabelVoter(k).fit(votes), votes, truth))
    return np.array(found)


def annotate(rng, truth, accuracy, coverage, k):
    """Return votes of annotators whose errors fall evenly on the other classes."""
    n, m = len(truth), len(accuracy)
    wrong = (truth[:, None] + rng.integers(1, k, (n, m))) % k
    votes = np.where(rng.random((n, m)) < accuracy, truth[:, None], wrong)
    return np.where(rng.random((n, m)) < coverage, votes, -1).astype(np.int8)


def test_good_annotators_of_a_very_rare_class_are_not_turned_around():
    def draw(rng):
        truth = (rng.random(500) < 0.01).astype(int)
        return annotate(rng, truth, rng.uniform(0.85, 0.98, 6), 0.7, 2), truth

    found = gains(draw, 2, draws=12)
    assert found.min() > -0.01
    assert found.mean() > 0


def test_many_classes_of_very_different_frequency():
    share = 0.8 ** np.arange(20)

    def draw(rng):
        truth = rng.choice(20, 3000, p=share / share.sum())
        return annotate(rng, truth, rng.uniform(0.4, 0.8, 5), 0.7, 20), truth

    assert gains(draw, 20, draws=3).mean() > 0


@pytest.mark.parametrize("k", [2, 5])
def test_three_annotators_are_not_overread(k):
    def draw(rng):
        truth = rng.integers(0, k, 450)
        return annotate(rng, truth, rng.uniform(0.6, 0.9, 3), 0.4, k), truth

    assert gains(draw, k, draws=10).mean() > -0.005


def test_crowds_with_few_votes_a_person_are_not_overread():
    def draw(rng):
        truth = rng.integers(0, 2, 500)
        votes = np.full((500, 40), -1, np.int8)
        said = annotate(rng, truth, rng.uniform(0.6, 0.95, 40), 1.0, 2)
        for i in range(500):
            who = rng.choice(40, 3, replace=False)
            votes[i, who] = said[i, who]
        return votes, truth

    assert gains(draw, 2).mean() > -0.003


@pytest.mark.filterwarnings("ignore:labels go against the votes")
def test_a_class_that_is_voted_for_far_too_often_is_not_believed():
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 4000, p=[0.55, 0.43, 0.02])
    votes = np.full((4000, 7), -1, np.int8)
    for j, c in enumerate([0, 0, 0, 1, 1, 1]):
        votes[rng.random(4000) < np.where(truth == c, 0.5, 0.12), j] = c
    votes[rng.random(4000) < 0.12, 6] = 2  # six times as often as there are such records, at random
    model = LabelModel(3).fit(votes, class_balance=[0.55, 0.43, 0.02])
    joint = model.emitted_[6, 2] * model.prior_
    assert joint.sum() == pytest.approx(model.vote_rates_[6, 2])
    assert joint[2] / joint.sum() < 0.02 / 0.12 + 1e-9
    np.testing.assert_array_less(model.emitted_.sum(axis=1), 1 + 1e-9)


@pytest.mark.parametrize("k", [2, 4])
def test_votes_that_never_differ_are_repeated(k):
    truth = np.random.default_rng(0).integers(0, k, 200)
    votes = np.repeat(truth[:, None], 5, axis=1).astype(np.int8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelModelWarning)
        np.testing.assert_array_equal(LabelModel(k).fit(votes).predict(votes), truth)
        votes[:] = 1
        np.testing.assert_array_equal(LabelModel(k).fit(votes).predict(votes), 1)
