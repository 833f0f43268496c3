"""Gold rows inside the fit, expected accuracies, counts without rows."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, VoteModel
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, as_votes
from sidelight.labeling.moments import Moments


def annotators(n=4000, accuracy=(0.9, 0.8, 0.7, 0.65, 0.6), coverage=0.6, seed=0, share=0.5):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < share).astype(int)
    votes = np.where(rng.random((n, len(accuracy))) < accuracy, truth[:, None], 1 - truth[:, None])
    return np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8), truth


def rules(n=4000, seed=0, share=0.3):
    """One-sided rules, among them one that mostly fires wrongly and one that is nearly always right."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < share).astype(int)
    votes = np.full((n, 6), -1, np.int8)
    for j, (c, hit, false) in enumerate(
        [(1, 0.5, 0.3), (1, 0.4, 0.01), (1, 0.3, 0.1), (0, 0.5, 0.1), (0, 0.4, 0.2), (0, 0.3, 0.02)]
    ):
        votes[rng.random(n) < np.where(truth == c, hit, false), j] = c
    return votes, truth


def test_gold_rows_teach_accuracies_and_balance_of_rules():
    votes, truth = rules()
    right = [(truth[votes[:, j] >= 0] == votes[votes[:, j] >= 0, j]).mean() for j in range(6)]
    blind = LabelModel().fit(votes)
    gold = np.where(np.random.default_rng(1).random(len(votes)) < 0.2, truth, -1)
    told = LabelModel().fit(votes, gold=gold)
    errors = [np.abs(model.get_weights() - right).mean() for model in (blind, told)]
    assert errors[1] < 0.6 * errors[0]
    assert abs(told.prior_[1] - 0.3) < abs(blind.prior_[1] - 0.3)
    rest = gold < 0
    losses = [
        model.score(votes[rest], truth[rest], metrics=["log_loss"])["log_loss"] for model in (blind, told)
    ]
    assert losses[1] < losses[0]


@pytest.mark.filterwarnings("ignore:votes say next to nothing")
def test_gold_rows_of_annotators_count_as_certain():
    votes, truth = annotators(600, accuracy=(0.6, 0.6, 0.6, 0.6, 0.6), coverage=0.9)
    right = np.array([(truth[votes[:, j] >= 0] == votes[votes[:, j] >= 0, j]).mean() for j in range(5)])
    blind, told = LabelModel().fit(votes), LabelModel().fit(votes, gold=truth)
    assert np.abs(told.get_weights() - right).max() < 0.03
    assert np.abs(told.get_weights() - right).max() < np.abs(blind.get_weights() - right).max()


def test_no_gold_is_as_no_argument():
    votes, _ = annotators(500)
    none = np.full(500, -1)
    assert LabelModel().fit(votes, gold=none).fingerprint == LabelModel().fit(votes).fingerprint
    with pytest.raises(ValueError, match="shape"):
        LabelModel().fit(votes, gold=none[:3])


def test_class_balance_can_come_from_the_gold_rows():
    votes, truth = annotators(1000, share=0.2)
    gold = np.where(np.arange(1000) < 300, truth, -1)
    model = LabelModel().fit(votes, gold=gold, class_balance="dev")
    assert model.balance_.source == "dev"
    assert model.prior_[1] == pytest.approx((truth[:300].sum() + 1) / 302)


def test_expected_accuracies_take_the_place_of_the_first_guess():
    votes, _ = rules(600)
    plain = LabelModel().fit(votes).get_weights()
    told = LabelModel().fit(votes, accuracies={"lf_0": 0.45, "lf_1": 0.97}).get_weights()
    assert told[0] < plain[0] - 0.05
    assert told[1] > plain[1] + 0.03
    with pytest.raises(ValueError, match="accuracies names lf_9"):
        LabelModel().fit(votes, accuracies={"lf_9": 0.9})
    with pytest.raises(ValueError, match="between 0 and 1"):
        LabelModel().fit(votes, accuracies={"lf_1": 95})


@pytest.mark.filterwarnings("ignore:votes say next to nothing")
def test_declared_polarity_is_honoured():
    values, _ = annotators(400)
    functions = tuple(FunctionInfo(f"f{j}", polarity=(0, 1) if j else (1,)) for j in range(5))
    values[:, 0] = np.where(values[:, 0] == 1, 1, -1)
    values[:, 1] = np.where(values[:, 1] == 1, 1, -1)
    model = LabelModel().fit(VoteMatrix(values, LabelSchema.of(2), functions))
    assert model.one_sided_.tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("make", [annotators, rules])
def test_counts_of_sites_give_the_model_of_all_records(make):
    votes, truth = make()
    sites = [as_votes(part) for part in np.array_split(votes, 3)]
    together = LabelModel().fit_moments(Moments.of(as_votes(votes)))
    merged = LabelModel().fit_moments(Moments.of(sites[2]) + Moments.of(sites[0]) + Moments.of(sites[1]))
    assert merged.fingerprint == together.fingerprint
    stepwise = LabelModel()
    for part in sites:
        stepwise.partial_fit(part)
    np.testing.assert_array_equal(stepwise.predict_proba(votes), together.predict_proba(votes))
    with_rows = LabelModel().fit(votes)
    assert together.score(votes, truth)["accuracy"] > with_rows.score(votes, truth)["accuracy"] - 0.01


def test_counts_alone_make_a_model_that_can_be_kept(tmp_path):
    votes, _ = annotators(500)
    model = LabelModel().partial_fit(votes, class_balance=[0.5, 0.5])
    again = VoteModel.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(votes), model.predict_proba(votes))
    assert model.fit(votes)._counted is None
    with pytest.raises(ValueError, match="of 2 classes, not of 3"):
        LabelModel(cardinality=3).fit_moments(Moments.of(as_votes(votes)))


def test_declared_accuracies_pull_as_hard_as_they_are_worth():
    votes, _ = annotators(400)
    plain = as_votes(votes)

    def declared(worth):
        first = FunctionInfo("lf_0", accuracy=(0.55, worth))
        return VoteMatrix(votes, plain.schema, (first, *plain.functions[1:]))

    weights = [LabelModel().fit(plain).get_weights()[0]]
    weights += [LabelModel().fit(declared(worth)).get_weights()[0] for worth in (1.0, 100.0, 1e6)]
    assert weights[0] > weights[2] > weights[3]
    assert abs(weights[0] - weights[1]) < 0.03
    assert abs(weights[3] - 0.55) < 0.01
    overruled = LabelModel().fit(declared(1e6), accuracies={"lf_0": (0.9, 1e6)}).get_weights()[0]
    assert abs(overruled - 0.9) < 0.01
    with pytest.raises(ValueError, match="worth more than 0 votes"):
        LabelModel().fit(plain, accuracies={"lf_0": (0.9, 0.0)})
