"""The label model by matrix completion: recovery, exact moments, and what other packages get wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, MajorityLabelVoter, advise
from sidelight.label_model.completion import PairTable, complete
from sidelight.labeling import LabelSchema
from sidelight.labeling.moments import Moments


def emission(accuracy, coverage, k):
    """Tables P(vote | class), abstaining first, of functions whose errors are spread evenly."""
    tables = np.zeros((len(accuracy), k + 1, k))
    for j, (a, c) in enumerate(zip(accuracy, coverage, strict=True)):
        tables[j, 1:] = c * (1 - a) / (k - 1)
        tables[j, 1:][np.eye(k, dtype=bool)] = c * a
        tables[j, 0] = 1 - c
    return tables


def sample(tables, balance, n, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(balance), n, p=balance)
    edges = tables.cumsum(axis=1)
    draws = rng.random((n, len(tables), 1))
    votes = (draws > edges[:, :, truth].transpose(2, 0, 1)).sum(axis=2) - 1
    return votes.astype(np.int8), truth


def population_moments(tables, balance, n=10**9):
    """Moments as an endless sample would show them, in whole numbers."""
    m, _, k = tables.shape
    flat = tables[:, 1:].reshape(m * k, k)
    joint = (flat * balance) @ flat.T
    for j in range(m):
        block = slice(j * k, (j + 1) * k)
        joint[block, block] = np.diag(flat[block] @ balance)
    pairs = np.round(joint * n).astype(np.int64)
    names = tuple(f"f{j}" for j in range(m))
    return Moments(LabelSchema.of(k), names, n, n, pairs.diagonal().reshape(m, k).copy(), pairs)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_exact_moments_give_exact_accuracies(k):
    rng = np.random.default_rng(k)
    balance = rng.dirichlet(np.full(k, 20.0))
    tables = emission(rng.uniform(0.55, 0.9, 8), rng.uniform(0.3, 0.9, 8), k)
    moments = population_moments(tables, balance)
    truth = tables[:, 1:] * balance
    truth = (truth / truth.sum(axis=2, keepdims=True)).reshape(-1, k)
    start = np.tile(np.where(np.eye(k, dtype=bool), 0.7, 0.3 / (k - 1)), (8, 1))
    table = PairTable.of(moments, np.zeros(8, bool))
    weight = table.weight(table.lift, np.zeros_like(table.lift))
    q, report = complete(table, weight, balance, start, np.zeros(len(start)), max_iterations=5000)
    assert report.converged
    assert np.abs(q - truth).max() < 1e-3


@pytest.mark.parametrize("k", [2, 3])
def test_error_falls_with_the_root_of_the_number_of_records(k):
    rng = np.random.default_rng(7)
    accuracy = rng.uniform(0.6, 0.9, 10)
    tables = emission(accuracy, rng.uniform(0.3, 0.7, 10), k)
    scaled = []
    for n in (2_000, 32_000):
        votes, _ = sample(tables, np.full(k, 1 / k), n)
        model = LabelModel(k).fit(votes, class_balance=np.full(k, 1 / k))
        scaled.append(np.sqrt(np.mean((model.get_weights() - accuracy) ** 2)) * np.sqrt(n))
    assert scaled[1] < 2.5
    assert scaled[1] < 2.5 * scaled[0]


def test_conditional_probabilities_are_snorkels_table():
    tables = emission([0.9, 0.8, 0.7, 0.75], [0.9, 0.5, 0.6, 0.7], 2)
    votes, _ = sample(tables, [0.5, 0.5], 20_000)
    found = LabelModel().fit(votes).get_conditional_probs()
    assert found.shape == (4, 3, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(found, tables, atol=0.03)


def test_a_function_that_never_votes_has_no_weight():
    votes, _ = sample(emission([0.8] * 5, [0.6] * 5, 2), [0.5, 0.5], 1000)
    votes[:, 2] = -1
    weights = LabelModel().fit(votes).get_weights()
    assert np.isnan(weights[2])
    assert (weights[[0, 1, 3, 4]] > 0.5).all()


def test_fewer_than_three_functions_fall_back_to_a_vote_and_say_so():
    votes = np.array([[0, 0], [1, 1], [0, 1], [-1, 1], [-1, -1]], np.int8)
    with pytest.warns(LabelModelWarning, match="fewer than 3"):
        model = LabelModel().fit(votes)
    assert model.predict(votes).tolist() == [0, 1, -1, 1, -1]
    assert model.assumed_.all()
    assert model.balance_.source == "uniform"
    assert np.isnan(model.intervals(votes).accuracy_low).all(), "what was assumed has no interval"
    assert any("nothing tells how right lf_0, lf_1" in remark for remark in advise(model, votes).remarks)
    with pytest.warns(LabelModelWarning, match="fewer than 3"):
        taught = LabelModel().fit(votes, gold=np.array([0, 1, 0, 1, -1]))
    assert not taught.assumed_.any(), "gold told of them"
    np.testing.assert_allclose(model.get_weights(), 0.7)


@pytest.mark.filterwarnings("ignore:votes say next to nothing")
def test_uncovered_records_stay_unlabeled_whatever_the_balance():
    votes, _ = sample(emission([0.8] * 4, [0.4] * 4, 2), [0.9, 0.1], 500)
    model = LabelModel().fit(votes, class_balance=[0.9, 0.1])
    uncovered = ~(votes >= 0).any(axis=1)
    assert uncovered.any()
    assert (model.predict(votes)[uncovered] == -1).all()
    np.testing.assert_allclose(model.predict_proba(votes)[uncovered], [[0.9, 0.1]] * uncovered.sum())


@pytest.mark.parametrize("balance", [(0.5, 0.5), (0.8, 0.2), (0.95, 0.05)])
def test_no_function_is_learned_backwards(balance):
    """Eight one-sided functions, each 2 to 6 times likelier on its class: others learn some of 160 the wrong way."""
    wrong = lowered = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        tables = np.zeros((8, 3, 2))
        for j in range(8):
            c = int(j >= 4)
            rate = rng.uniform(0.05, 0.12)
            tables[j, 1 + c, 1 - c] = rate
            tables[j, 1 + c, c] = min(0.9, rate * rng.uniform(2, 6))
            tables[j, 0] = 1 - tables[j, 1:].sum(axis=0)
        votes, _ = sample(tables, balance, 2000, seed)
        model = LabelModel().fit(votes, class_balance=balance)
        probs = model.get_conditional_probs()
        wrong += sum(
            probs[j, 1 + int(j >= 4), int(j >= 4)] <= probs[j, 1 + int(j >= 4), int(j < 4)] for j in range(8)
        )
        unanimous = np.array([[-1] * 4 + [1] * 4], np.int8)
        lowered += model.predict_proba(unanimous)[0, 1] <= balance[1]
    assert (wrong, lowered) == (0, 0)


def test_copies_of_a_weak_function_do_not_take_over():
    """Five decent functions and four copies of a weak one: elsewhere below majority vote."""
    tables = emission([0.75] * 5 + [0.55], [0.5] * 5 + [0.9], 2)
    gains = []
    for seed in range(3):
        votes, truth = sample(tables, [0.85, 0.15], 3000, seed)
        votes = np.concatenate([votes, np.repeat(votes[:, 5:], 3, axis=1)], axis=1)
        balanced = [
            np.mean(
                [
                    (model.predict(votes, tie_break_policy="random") == truth)[truth == c].mean()
                    for c in (0, 1)
                ]
            )
            for model in (LabelModel().fit(votes), MajorityLabelVoter().fit(votes))
        ]
        gains.append(balanced[0] - balanced[1])
    assert np.mean(gains) > -0.01


def test_two_processes_give_the_same_bits():
    code = (
        "import numpy as np; from sidelight.label_model import LabelModel;"
        "r = np.random.default_rng(0); L = r.integers(-1, 2, (300, 6)).astype(np.int8);"
        "print(LabelModel().fit(L).fingerprint)"
    )
    seen = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(seen) == 1


def test_threads_of_the_linear_algebra_change_nothing():
    code = (
        "import numpy as np; from sidelight.label_model import LabelModel;"
        "r = np.random.default_rng(0); y = r.integers(0, 2, (3000, 1));"
        "L = np.where(r.random((3000, 20)) < 0.75, y, 1 - y); L[r.random(L.shape) < 0.3] = -1;"
        "print(LabelModel().fit(L.astype(np.int8)).predict_proba(L.astype(np.int8))[:, 1].tolist())"
    )
    proba = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True,
                env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            ).stdout
        )
        for threads in ("1", "2")
    ]  # fmt: skip
    np.testing.assert_allclose(proba[0], proba[1], atol=1e-12)


@pytest.mark.parametrize("kind", ["annotators", "rules", "copies", "few"])
@pytest.mark.parametrize("times", [2, 5])
def test_doubled_records_are_the_same_fit(kind, times):
    votes, truth = sample(emission([0.85, 0.75, 0.75, 0.7, 0.65, 0.8], [0.6] * 6, 2), [0.5, 0.5], 700)
    if kind == "rules":
        votes = np.where(votes == np.arange(6) % 2, votes, -1).astype(np.int8)
    if kind == "copies":
        votes[:, 1] = np.where(np.random.default_rng(0).random(700) < 0.7, votes[:, 0], votes[:, 1])
    if kind == "few":
        votes, truth = votes[:41], truth[:41]
    gold = np.where(np.arange(len(votes)) % 9 == 0, truth, -1)
    once = LabelModel().fit(votes, gold=gold)
    again = LabelModel().fit(np.tile(votes, (times, 1)), gold=np.tile(gold, times))
    np.testing.assert_allclose(again.predict_proba(votes), once.predict_proba(votes), atol=1e-9)
    assert (again.n_fitted_, again.refined_) == (once.n_fitted_, once.refined_)
    if once.refined_:
        wide, narrow = again.intervals(np.tile(votes, (times, 1))), once.intervals(votes)
        np.testing.assert_allclose(wide.accuracy_low, narrow.accuracy_low, atol=1e-6)


def test_many_functions_that_always_vote_stay_finite():
    votes, truth = sample(emission([0.7] * 200, [1.0] * 200, 2), [0.5, 0.5], 500)
    proba = LabelModel().fit(votes).predict_proba(votes)
    assert np.isfinite(proba).all()
    assert (proba.argmax(axis=1) == truth).mean() > 0.99


@pytest.mark.filterwarnings("ignore:votes say next to nothing")
def test_unanimous_votes_never_lower_their_class():
    """Six weak functions that all say 0 are answered with 0, however few the records."""
    for seed in range(20):
        votes, _ = sample(emission([0.6] * 6, [0.6] * 6, 2), [0.5, 0.5], 300, seed)
        model = LabelModel().fit(votes)
        for c in (0, 1):
            assert model.predict_proba(np.full((1, 6), c, np.int8))[0, c] > 0.5


def test_annotators_who_are_mostly_wrong_are_listed_and_turned_around():
    votes, _ = sample(emission([0.85] * 6 + [0.25], [0.7] * 7, 2), [0.5, 0.5], 5000)
    model = LabelModel().fit(votes)
    assert {name for name, _ in model.violators_} == {"lf_6"}
    assert model.get_weights()[6] == pytest.approx(0.25, abs=0.03)
    alone = np.full((1, 7), -1, np.int8)
    alone[0, 6] = 1
    assert model.predict_proba(alone)[0, 0] > 0.6


def test_a_one_sided_function_that_seems_to_speak_against_its_class_counts_for_nothing():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 4000)
    votes = np.full((4000, 31), -1, np.int8)
    for j in range(30):
        c = j % 2
        votes[rng.random(4000) < np.where(truth == c, 0.5, 0.03), j] = c
    votes[rng.random(4000) < np.where(truth == 1, 0.02, 0.5), 30] = 1
    model = LabelModel().fit(votes)
    assert model.violators_ == (("lf_30", 1),)
    alone = np.full((1, 31), -1, np.int8)
    alone[0, 30] = 1
    np.testing.assert_allclose(model.predict_proba(alone)[0], model.prior_)
    assert LabelModel(guard=False).fit(votes).predict(alone).tolist() == [0]


def test_importing_label_models_loads_nothing_heavy():
    code = (
        "import sys, sidelight.label_model;"
        "print([name for name in ('torch', 'pandas', 'spacy', 'streamlit', 'sklearn') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_kinds_of_functions_are_told_apart_from_their_votes():
    annotators, _ = sample(emission([0.8] * 6, [0.5] * 6, 2), [0.5, 0.5], 1000)
    assert not LabelModel().fit(annotators).one_sided_.any()
    rules = np.where(annotators == np.array([0, 1, 0, 1, 0, 1]), annotators, -1).astype(np.int8)
    assert LabelModel().fit(rules).one_sided_.all()


def test_votes_that_are_as_assumed_are_refined_and_others_are_not():
    votes, _ = sample(emission([0.85, 0.8, 0.75, 0.7, 0.65], [0.5] * 5, 2), [0.5, 0.5], 3000)
    independent = LabelModel().fit(votes)
    assert independent.refined_
    assert independent.misfit_ < 1.25
    copied = votes.copy()
    copied[:, 1] = np.where(np.random.default_rng(0).random(3000) < 0.8, copied[:, 0], copied[:, 1])
    assert not LabelModel().fit(copied).refined_


def test_who_votes_on_what_is_taken_for_assignment_where_classes_do_not_explain_it():
    rng = np.random.default_rng(0)
    votes, truth = sample(emission(rng.uniform(0.6, 0.9, 20), [1.0] * 20, 2), [0.5, 0.5], 2000)
    batch = np.arange(2000) // 200
    assigned = np.stack([(j + batch) % 10 < 4 for j in range(20)], axis=1)
    votes = np.where(assigned, votes, -1).astype(np.int8)
    model = LabelModel().fit(votes)
    assert not model.refined_
    own, majority = (
        m.score(votes, truth, tie_break_policy="random")["accuracy"]
        for m in (model, MajorityLabelVoter().fit(votes))
    )
    assert own > majority


def test_exact_copies_count_as_one_function():
    votes, _ = sample(emission([0.8, 0.75, 0.7, 0.72, 0.68], [0.8] * 5, 2), [0.5, 0.5], 3000)
    copied = np.concatenate([votes, np.repeat(votes[:, 4:], 3, axis=1)], axis=1)
    model = LabelModel().fit(copied)
    np.testing.assert_allclose(model.discounts_, [1, 1, 1, 1, 0.25, 0.25, 0.25, 0.25], atol=0.01)
    alone = LabelModel().fit(votes)
    labels = model.predict(copied), alone.predict(votes)
    assert (labels[0] == labels[1]).mean() > 0.97


def test_declared_groups_leave_each_other_out():
    votes, _ = sample(emission([0.8] * 6, [0.8] * 6, 2), [0.5, 0.5], 2000)
    votes[:, 1] = np.where(np.random.default_rng(0).random(2000) < 0.7, votes[:, 0], votes[:, 1])
    model = LabelModel(dependencies=[["lf_0", 1]]).fit(votes)
    assert (model.discounts_[:2] < 0.8).all()
    assert (model.discounts_[2:] == 1).all()
    for wrong, error in [
        ([["lf_0", "nobody"]], "names nobody"),
        ([[0]], "at least two"),
        ([[0, 9]], "column 9"),
    ]:
        with pytest.raises(ValueError, match=error):
            LabelModel(dependencies=wrong).fit(votes)


def test_a_dominant_class_balance_is_found_from_annotators():
    votes, _ = sample(emission([0.8, 0.85, 0.75, 0.9, 0.8, 0.7], [0.7] * 6, 2), [0.9, 0.1], 10_000)
    model = LabelModel().fit(votes)
    np.testing.assert_allclose(model.prior_, [0.9, 0.1], atol=0.02)
    assert model.balance_.source == "estimated"


@pytest.mark.parametrize(
    "wrong", [{"abstentions": "maybe"}, {"dependencies": "learned"}, {"dependencies": 3}]
)
def test_settings_that_are_none_are_refused(wrong):
    votes = np.array([[0, 1, 0], [1, 1, 0]], np.int8)
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        LabelModel(**wrong).fit(votes)


def test_annotators_who_copy_from_each_other_are_found_and_discounted():
    """Two pairs and a chain of three weak, busy annotators: elsewhere the copied ones are taken for the truth."""
    rng = np.random.default_rng(0)
    accuracy = np.concatenate([[0.62, 0.7, 0.62, 0.7, 0.62, 0.7, 0.7], rng.uniform(0.6, 0.9, 13)])
    coverage = np.concatenate([[0.4] * 7, rng.uniform(0.1, 0.4, 13)])
    tables = emission(accuracy, coverage, 2)
    votes, truth = sample(tables, [0.5, 0.5], 10_000)
    for source, copy, share in [(0, 1, 0.8), (2, 3, 0.8), (4, 5, 0.9), (5, 6, 0.9)]:
        copied = rng.random(len(votes)) < share
        votes[copied, copy] = votes[copied, source]
    model = LabelModel().fit(votes)
    assert ((model.discounts_ < 0.9) == (np.arange(20) < 7)).all()
    assert np.sqrt(np.mean((model.get_weights()[7:] - accuracy[7:]) ** 2)) < 0.025
    majority = MajorityLabelVoter().fit(votes).score(votes, truth, tie_break_policy="random")["accuracy"]
    assert model.score(votes, truth)["accuracy"] > majority + 0.05


@pytest.mark.parametrize("coverage", [0.25, 0.6, 1.0])
def test_camps_of_annotators_that_do_not_fit_are_kept_from_ruling(coverage):
    """Half of the functions follow a feature that goes with the class only in part; they agree the most."""
    rng = np.random.default_rng(0)
    truth = (rng.random(20_000) < 0.4).astype(int)
    feature = np.where(rng.random(20_000) < 0.75, truth, 1 - truth)
    votes = np.full((20_000, 10), -1, np.int8)
    for j in range(10):
        said = np.where(rng.random(20_000) < 0.85, feature, 1 - feature)
        said = said if j < 5 else np.where(rng.random(20_000) < 0.75, truth, 1 - truth)
        votes[:, j] = np.where(rng.random(20_000) < coverage, said, -1)
    with pytest.warns(LabelModelWarning, match="agree among themselves"):
        model = LabelModel().fit(votes)
    assert not model.refined_
    assert model.misfit_ > 1.25
    assert (model.get_weights() > 0.5).all()
    assert model.discounts_[:5].max() < model.discounts_[5:].min()
    majority = MajorityLabelVoter().fit(votes).score(votes, truth, tie_break_policy="random")["accuracy"]
    assert model.score(votes, truth)["accuracy"] > majority + 0.01


def test_a_thousand_rules_for_fifty_classes_fit_in_memory():
    rng = np.random.default_rng(0)
    n, m, k = 3000, 1000, 50
    truth = rng.integers(0, k, n)
    votes = np.full((n, m), -1, np.int8)
    for j in range(m):
        c = j % k
        votes[rng.random(n) < np.where(truth == c, 0.2, 0.002), j] = c
    model = LabelModel(cardinality=k).fit(votes)
    assert model.score(votes, truth)["accuracy"] > 0.9
    everything = rng.integers(0, k, (300, 100)).astype(np.int8)
    with pytest.raises(ValueError, match="pairs of at most 4000"):
        LabelModel(cardinality=k).fit(everything)


def test_without_functions_every_record_keeps_the_class_balance():
    votes = np.zeros((5, 0), np.int8)
    with pytest.warns(LabelModelWarning, match="0 function"):
        model = LabelModel(cardinality=2).fit(votes, class_balance=[0.3, 0.7])
    np.testing.assert_allclose(model.predict_proba(votes), [[0.3, 0.7]] * 5)
