"""The label model by matrix completion: recovery, exact moments, and what other packages get wrong."""

import subprocess
import sys

import numpy as np
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, MajorityLabelVoter
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
    q, report = complete(PairTable.of(moments), balance, start, np.zeros(len(start)), max_iterations=5000)
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
        model = LabelModel(k, shrinkage=0).fit(votes, class_balance=np.full(k, 1 / k))
        scaled.append(np.sqrt(np.mean((model.get_weights() - accuracy) ** 2)) * np.sqrt(n))
    assert scaled[1] < 2.5
    assert scaled[1] < 2.5 * scaled[0]


def test_conditional_probabilities_are_snorkels_table():
    tables = emission([0.9, 0.8, 0.7, 0.75], [0.9, 0.5, 0.6, 0.7], 2)
    votes, _ = sample(tables, [0.5, 0.5], 20_000)
    found = LabelModel(shrinkage=0).fit(votes).get_conditional_probs()
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
    np.testing.assert_allclose(model.get_weights(), 0.7)


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
    assert np.mean(gains) > -0.02


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


def test_many_functions_that_always_vote_stay_finite():
    votes, truth = sample(emission([0.7] * 200, [1.0] * 200, 2), [0.5, 0.5], 500)
    proba = LabelModel().fit(votes).predict_proba(votes)
    assert np.isfinite(proba).all()
    assert (proba.argmax(axis=1) == truth).mean() > 0.99


def test_unanimous_votes_never_lower_their_class():
    """Six functions that say 0 are answered with 0."""
    rng = np.random.default_rng(3)
    votes = np.where(rng.random((400, 6)) < 0.5, 0, np.where(rng.random((400, 6)) < 0.3, 1, -1)).astype(
        np.int8
    )
    proba = LabelModel().fit(votes).predict_proba(np.zeros((1, 6), np.int8))
    assert proba[0, 0] > 0.5


def test_learned_backwards_votes_are_listed_and_not_counted():
    votes, _ = sample(emission([0.85] * 6 + [0.25], [0.7] * 7, 2), [0.5, 0.5], 5000)
    model = LabelModel(shrinkage=0).fit(votes)
    assert {name for name, _ in model.violators_} == {"lf_6"}
    alone = np.full((1, 7), -1, np.int8)
    alone[0, 6] = 1
    np.testing.assert_allclose(model.predict_proba(alone), 0.5, atol=0.01)


def test_importing_label_models_loads_nothing_heavy():
    code = (
        "import sys, sidelight.label_model;"
        "print([name for name in ('torch', 'pandas', 'spacy', 'streamlit', 'sklearn') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
