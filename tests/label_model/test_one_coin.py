"""Functions that err alike in all classes: when votes show that they do, and what is learned then."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, OneCoin
from sidelight.label_model.skill_prior import in_the_light_of_all


def draw(seed, n, accuracy, coverage=0.3, cardinality=2):
    """Return votes and classes; accuracy and coverage are of functions, or of functions and classes."""
    rng = np.random.default_rng(seed)
    accuracy = np.asarray(accuracy)
    accuracy = np.broadcast_to(
        accuracy if accuracy.ndim > 1 else accuracy[:, None], (len(accuracy), cardinality)
    )
    truth = rng.integers(0, cardinality, n)
    right = rng.random((n, len(accuracy))) < accuracy[:, truth].T
    other = (truth[:, None] + rng.integers(1, cardinality, right.shape)) % cardinality
    voted = rng.random(right.shape) < np.broadcast_to(coverage, accuracy.shape)[:, truth].T
    return np.where(voted, np.where(right, truth[:, None], other), -1).astype(np.int8), truth


def rmse(model, accuracy):
    """Return the root mean square error of the accuracies."""
    return float(np.sqrt(np.mean((model.get_weights() - accuracy) ** 2)))


@pytest.mark.parametrize("cardinality", [2, 4])
def test_coins_are_told_from_other_functions(cardinality):
    """All functions are tested together; one kind of difference between classes is enough."""
    rng = np.random.default_rng(0)
    accuracy = rng.uniform(0.6, 0.9, 10)
    balance = np.full(cardinality, 1 / cardinality)

    def fitted(accuracy, coverage=0.3):
        votes, _ = draw(1, 3000, accuracy, coverage, cardinality)
        return LabelModel(cardinality).fit(votes, class_balance=balance)

    coins = fitted(accuracy)
    assert coins.refined_
    assert coins.one_coin_
    right = np.einsum("jvv->jv", coins.emitted_)
    np.testing.assert_allclose(right, np.repeat(right[:, :1], cardinality, 1))
    np.testing.assert_allclose(
        coins.emitted_.sum(axis=1), np.repeat(coins.vote_rates_.sum(1)[:, None], cardinality, 1)
    )
    swings = 0.15 * np.where(np.arange(cardinality) % 2, 1, -1)
    by_class = fitted(np.clip(accuracy[:, None] + swings, 0.3, 0.97))
    assert by_class.refined_
    assert not by_class.one_coin_
    assert not fitted(accuracy, 0.3 + 2 * np.outer(rng.normal(size=10) / 15, swings)).one_coin_


@pytest.mark.parametrize(("adversaries", "cardinality"), [(0, 2), (5, 2), (0, 5)])
def test_coins_are_learned_better_than_one_by_one(adversaries, cardinality):
    """Functions' accuracies lie in a range, mirrored for those that take one class for the other."""
    gains = []
    for seed in range(6):
        accuracy = np.random.default_rng(seed).uniform(0.6, 0.9, 20)
        accuracy[:adversaries] -= 0.5
        votes, _ = draw(seed, 1000, accuracy, 0.25, cardinality)
        ours = LabelModel(cardinality).fit(votes, class_balance=np.full(cardinality, 1 / cardinality))
        gains.append(rmse(ours, accuracy) / rmse(OneCoin(cardinality).fit(votes), accuracy))
    assert np.mean(gains) < 0.975


def test_evidence_of_coins_counts_in_full():
    """With the caution that other votes are met with, rare classes would not be found in few records."""
    temperatures = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        accuracy = rng.uniform(0.75, 0.95, 8)
        truth = (rng.random(600) < 0.1).astype(int)
        right = rng.random((600, 8)) < accuracy
        votes = np.where(rng.random((600, 8)) < 0.4, np.where(right, truth[:, None], 1 - truth[:, None]), -1)
        model = LabelModel().fit(votes.astype(np.int8), class_balance=[0.9, 0.1])
        assert model.one_coin_
        temperatures.append(model.temperature_)
    assert np.mean(temperatures) > 0.9


def test_what_users_say_of_functions_is_kept():
    accuracy = np.random.default_rng(0).uniform(0.6, 0.9, 10)
    votes, _ = draw(0, 1000, accuracy)
    assert LabelModel().fit(votes).one_coin_
    assert not LabelModel().fit(votes, accuracies={"lf_0": (0.9, 100)}).one_coin_


def test_doubled_rows_and_silent_functions_change_nothing():
    accuracy = np.random.default_rng(2).uniform(0.6, 0.9, 10)
    votes, _ = draw(2, 1500, accuracy)
    once = LabelModel().fit(votes)
    silent = np.full((len(votes), 1), -1, np.int8)
    again = LabelModel().fit(np.hstack([np.repeat(votes, 2, axis=0), np.repeat(silent, 2, axis=0)]))
    assert once.one_coin_
    assert again.one_coin_
    np.testing.assert_allclose(again.get_weights()[:-1], once.get_weights(), atol=1e-6)
    np.testing.assert_allclose(again.vote_pull_[:-1], once.vote_pull_, rtol=1e-4, atol=1e-6)


def test_intervals_know_of_the_coins(tmp_path):
    """Two numbers a function are better known than four; so it is after saving, and before there were coins."""
    votes, _ = draw(3, 1500, np.random.default_rng(3).uniform(0.6, 0.9, 10))
    model = LabelModel().fit(votes)
    assert model.one_coin_
    narrow = model.intervals(votes)
    again = LabelModel.load(model.save(tmp_path / "model"))
    assert again.one_coin_
    np.testing.assert_array_equal(again.intervals(votes).accuracy_low, narrow.accuracy_low)
    del again.one_coin_
    wide = again.intervals(votes)
    assert (narrow.accuracy_high - narrow.accuracy_low < wide.accuracy_high - wide.accuracy_low).all()


class TestSkillPrior:
    def test_estimates_move_towards_each_other_as_far_as_they_are_unsure(self):
        accuracy = np.array([0.55, 0.7, 0.75, 0.8, 0.95])
        sure, unsure = (in_the_light_of_all(accuracy, np.full(5, n), mirrored=False) for n in (1e3, 50.0))
        assert np.ptp(unsure[0]) < np.ptp(sure[0]) < np.ptp(accuracy)
        assert (unsure[1] > sure[1]).all()
        assert (sure[1] <= accuracy * (1 - accuracy) / 1e3 * 1.05).all()

    def test_what_is_known_finely_stays(self):
        accuracy = np.array([0.6, 0.7, 0.9])
        mean, variance = in_the_light_of_all(accuracy, np.full(3, 1e6), mirrored=False)
        np.testing.assert_array_equal(mean, accuracy)
        np.testing.assert_allclose(variance, accuracy * (1 - accuracy) / 1e6)

    def test_one_that_is_hardly_known_learns_from_those_that_are_known(self):
        accuracy = np.append(np.linspace(0.801, 0.899, 30), 0.5)
        mean, _ = in_the_light_of_all(accuracy, np.append(np.full(30, 1e8), 5.0), mirrored=False)
        assert mean[-1] > 0.75

    def test_a_function_far_from_many_keeps_to_itself(self):
        rng = np.random.default_rng(0)
        accuracy = np.append(rng.uniform(0.6, 0.9, 400), 0.1)
        mean, _ = in_the_light_of_all(accuracy, np.full(401, 1000.0), mirrored=False)
        assert abs(mean[-1] - 0.1) < 0.02
        assert np.isfinite(mean).all()

    def test_those_that_are_wrong_learn_from_those_that_are_right(self):
        accuracy = np.array([0.78, 0.8, 0.82, 0.79, 0.81, 0.35])
        worth = np.full(6, 60.0)
        together, _ = in_the_light_of_all(accuracy, worth, mirrored=True)
        apart, _ = in_the_light_of_all(accuracy, worth, mirrored=False)
        assert together[-1] < 0.35 < apart[-1]
        flipped, _ = in_the_light_of_all(1 - accuracy, worth, mirrored=True)
        np.testing.assert_allclose(flipped, 1 - together, atol=1e-9)
