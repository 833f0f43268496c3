"""Explanations, advice, comparison and intervals of the label model."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, VoteModel, advise, compare
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix


def annotators(n=2000, accuracy=(0.9, 0.8, 0.7, 0.65, 0.6), coverage=0.6, seed=0, share=0.5):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < share).astype(int)
    right = rng.random((n, len(accuracy))) < accuracy
    votes = np.where(right, truth[:, None], 1 - truth[:, None])
    return np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8), truth


def rules(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    votes = np.full((n, 8), -1, np.int8)
    for j in range(8):
        c = j % 2
        votes[rng.random(n) < np.where(truth == c, 0.3, 0.06), j] = c
    return votes, truth


@pytest.mark.parametrize("make", [annotators, rules])
def test_contributions_add_up_to_the_probabilities(make):
    votes, _ = make()
    model = LabelModel().fit(votes)
    proba = model.predict_proba(votes)
    for row in (0, 1, 2, 17, -1):
        told = model.explain(votes, row)
        total = told.start + sum(entry.log_odds for entry in told.contributions)
        share = np.exp(total - total.max())
        np.testing.assert_allclose(share / share.sum(), proba[row], atol=1e-9)
        np.testing.assert_allclose(told.proba, proba[row])
        assert len(told.contributions) == (votes[row] >= 0).sum()
        assert told.row == row % len(votes)


def test_an_explanation_carries_evidence_and_reads_as_a_table():
    votes, _ = annotators(300)
    matrix = VoteMatrix(
        votes,
        LabelSchema(["normal", "abnormal"]),
        tuple(FunctionInfo(f"says_{j}") for j in range(5)),
        evidence={(4, j): ((3, 9),) for j in range(5)},
    )
    told = LabelModel().fit(matrix).explain(matrix, 4)
    assert all(entry.spans == ((3, 9),) for entry in told.contributions)
    text = str(told)
    assert "class balance" in text
    assert all(entry.function in text for entry in told.contributions)


def test_votes_without_conflict_need_no_model():
    votes, truth = annotators(500)
    alone = np.full_like(votes, -1)
    rows = np.arange(500)
    alone[rows, rows % 5] = truth
    advice = advise(LabelModel().fit(alone), alone)
    assert not advice.use_model
    assert advice.votes_per_record == pytest.approx(1)
    assert advice.conflicts == 0


def test_a_strong_function_among_weak_ones_needs_a_model_and_the_weakest_is_mended_first():
    votes, truth = annotators(4000, accuracy=(0.95, 0.6, 0.6, 0.55, 0.52), coverage=0.9)
    model = LabelModel().fit(votes)
    advice = advise(model, votes)
    assert advice.use_model
    assert advice.mend_first[0][0] == "lf_4"
    table = compare(votes, truth, models=["majority", "matrix-completion"])
    gained = dict(table.rows)["matrix-completion"]["accuracy"] - dict(table.rows)["majority"]["accuracy"]
    assert gained == pytest.approx(advice.expected_gain, abs=0.06)
    assert "mend first: lf_4" in str(advice)


def test_advice_names_what_stands_in_the_way():
    votes, _ = rules()
    votes[:, 3] = -1
    votes[300:] = -1
    advice = advise(LabelModel().fit(votes), votes)
    text = str(advice)
    assert "no vote" in text
    assert "never vote: lf_3" in text
    assert "class balance" in text


def test_all_models_are_compared_on_the_same_records():
    votes, truth = annotators(1500)
    gold = np.where(np.arange(1500) < 700, truth, -1)
    table = compare(votes, gold)
    assert table.n_records == ((votes[:700] >= 0).any(axis=1)).sum()
    assert {name for name, _ in table.rows} >= {"majority", "matrix-completion", "dawid-skene"}
    accuracies = [scores["accuracy"] for _, scores in table.rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert str(table).count("\n") == len(table.rows)
    assert list(table.to_frame().index) == [name for name, _ in table.rows]


def test_models_are_compared_without_gold_too():
    votes, _ = annotators(400)
    table = compare(votes, models=["majority", "one-coin"])
    assert dict(table.rows)["majority"]["agrees_with_majority"] == 1
    with pytest.raises(ValueError, match="no label model called best"):
        compare(votes, models=["best"])


def test_fisher_intervals_cover_the_truth_as_often_as_they_say():
    accuracy = np.array([0.85, 0.8, 0.75, 0.7, 0.65, 0.75])
    inside, balance = [], []
    for seed in range(30):
        votes, _ = annotators(3000, accuracy=accuracy, coverage=0.6, seed=seed, share=0.3)
        model = LabelModel().fit(votes)
        assert model.refined_
        found = model.intervals(votes)
        assert found.method == "fisher"
        inside += ((found.accuracy_low <= accuracy) & (accuracy <= found.accuracy_high)).tolist()
        balance.append(found.prior_low[1] <= 0.3 <= found.prior_high[1])
    assert 0.91 <= np.mean(inside) <= 0.985
    assert np.mean(balance) >= 0.85


def test_bootstrap_draws_patients_whole():
    votes, _ = annotators(400)
    schema, functions = LabelSchema.of(2), tuple(FunctionInfo(f"f{j}") for j in range(5))
    twice = np.repeat(votes, 2, axis=0)
    alone = VoteMatrix(twice, schema, functions)
    patients = VoteMatrix(twice, schema, functions, patient_ids=np.repeat(np.arange(400), 2).astype(str))
    model = LabelModel().fit(alone)
    narrow, wide, again = (
        model.intervals(table, method="bootstrap", n_draws=60) for table in (alone, patients, alone)
    )
    widths = [(found.accuracy_high - found.accuracy_low).mean() for found in (narrow, wide)]
    assert widths[1] > 1.15 * widths[0]
    np.testing.assert_array_equal(again.accuracy_low, narrow.accuracy_low)


def test_an_accuracy_that_no_other_vote_bears_out_has_no_bounds():
    votes, _ = rules()
    votes = np.column_stack([votes, np.where((votes == -1).all(axis=1), 1, -1)])
    found = LabelModel().fit(votes).intervals(votes, method="bootstrap", n_draws=20)
    assert np.isnan([found.accuracy_low[-1], found.accuracy_high[-1]]).all()
    assert not np.isnan(found.accuracy_low[:-1]).any()
    assert 0 < found.accuracy[-1] < 1


def test_intervals_that_would_mislead_are_refused():
    votes, _ = rules()
    model = LabelModel().fit(votes)
    with pytest.raises(ValueError, match="bootstrap"):
        model.intervals(votes, method="fisher")
    with pytest.raises(ValueError, match="method"):
        model.intervals(votes, method="guess")
    with pytest.raises(ValueError, match="level"):
        model.intervals(votes, level=95)


def test_a_saved_model_explains_the_same(tmp_path):
    votes, _ = rules()
    model = LabelModel().fit(votes)
    again = VoteModel.load(model.save(tmp_path / "model"))
    assert str(again.explain(votes, 3)) == str(model.explain(votes, 3))
