"""What every label model in the registry promises."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidelight.label_model import MODELS, LabelModelWarning, Labels, VoteModel
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, as_votes
from sidelight.labeling.faults import InputError

pytestmark = [
    pytest.mark.parametrize("name", sorted(MODELS)),
    pytest.mark.filterwarnings("ignore::sidelight.label_model.LabelModelWarning"),
]

K = 3
vote_tables = arrays.arrays(
    np.int8,
    st.tuples(st.integers(0, 30), st.integers(1, 6)),
    elements=st.integers(-1, K - 1),
)
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fitted(name, votes, **known):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelModelWarning)
        return MODELS[name](cardinality=K).fit(votes, **known)


def simulated(n=600, m=6, k=K, seed=0, coverage=0.6, accuracy=0.75):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    wrong = (truth[:, None] + rng.integers(1, k, (n, m))) % k
    votes = np.where(rng.random((n, m)) < accuracy, truth[:, None], wrong)
    return np.where(rng.random((n, m)) < coverage, votes, -1).astype(np.int8), truth


def with_ids(votes):
    n, m = votes.shape
    return VoteMatrix(
        votes,
        LabelSchema(["a", "b", "c"]),
        tuple(FunctionInfo(f"says_{j}") for j in range(m)),
        ids=np.array([f"r{i}" for i in range(n)]),
    )


@quick
@given(votes=vote_tables)
def test_rows_are_distributions(name, votes):
    proba = fitted(name, votes).predict_proba(votes)
    assert proba.shape == (len(votes), K)
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@quick
@given(votes=vote_tables)
def test_records_without_votes_get_the_class_balance_and_no_label(name, votes):
    model = fitted(name, votes, class_balance=[0.7, 0.2, 0.1])
    uncovered = ~(votes >= 0).any(axis=1)
    np.testing.assert_allclose(
        model.predict_proba(votes)[uncovered], np.tile([0.7, 0.2, 0.1], (uncovered.sum(), 1))
    )
    for policy in ("abstain", "random", "true-random"):
        labels = model.predict(votes, tie_break_policy=policy)
        assert (labels[uncovered] == -1).all()
        if policy != "abstain":
            assert (labels[~uncovered] >= 0).all()


@quick
@given(votes=vote_tables, seed=st.integers(0, 99))
def test_order_of_records_does_not_matter(name, votes, seed):
    order = np.random.default_rng(seed).permutation(len(votes))
    straight, shuffled = fitted(name, votes), fitted(name, votes[order])
    np.testing.assert_allclose(shuffled.predict_proba(votes), straight.predict_proba(votes), atol=1e-6)


def test_order_of_functions_does_not_matter(name):
    votes, _ = simulated()
    order = np.array([3, 0, 5, 1, 2, 4])
    straight = fitted(name, votes).predict_proba(votes)
    np.testing.assert_allclose(
        fitted(name, votes[:, order]).predict_proba(votes[:, order]), straight, atol=1e-4
    )


def test_names_of_classes_do_not_matter(name):
    votes, _ = simulated()
    renamed = np.array([2, 1, 0, -1] if name == "ordinal" else [2, 0, 1, -1])  # order is all that grades have
    moved = renamed[votes].astype(np.int8)
    straight = fitted(name, votes).predict_proba(votes)
    np.testing.assert_allclose(fitted(name, moved).predict_proba(moved)[:, renamed[:K]], straight, atol=1e-4)


@quick
@given(votes=vote_tables)
def test_a_function_that_never_votes_changes_nothing(name, votes):
    padded = np.concatenate([votes, np.full((len(votes), 1), -1, np.int8)], axis=1)
    straight = fitted(name, votes).predict_proba(votes)
    np.testing.assert_allclose(fitted(name, padded).predict_proba(padded), straight, atol=1e-8)


def test_records_read_twice_say_nothing_new(name):
    votes, _ = simulated()
    once, twice = fitted(name, votes), fitted(name, np.concatenate([votes, votes]))
    covered = (votes >= 0).any(axis=1)
    apart = np.abs(once.predict_proba(votes) - twice.predict_proba(votes))[covered].max()
    assert apart < (1e-9 if name in ("majority", "matrix-completion", "ordinal") else 0.02)


def test_order_and_number_of_shards_do_not_matter(name):
    votes, _ = simulated()
    shards = [votes[:100], votes[100:350], votes[350:]]
    moved = np.concatenate([shards[2], shards[0], shards[1]])
    np.testing.assert_allclose(
        fitted(name, moved).predict_proba(votes), fitted(name, votes).predict_proba(votes), atol=1e-6
    )


@pytest.mark.parametrize(
    "votes",
    [
        np.zeros((0, 4), np.int8),
        np.full((5, 4), -1, np.int8),
        np.zeros((50, 1), np.int8),
        np.tile(np.array([[0, 1]], np.int8), (50, 1)),
        np.tile(np.array([[0, 0, 1, 1, 2]], np.int8), (200, 1)),
        np.where(np.arange(200)[:, None] % 2 == np.arange(6) % 2, 1, -1).astype(np.int8),
        np.concatenate([np.zeros((300, 3), np.int8), np.full((300, 1), 2, np.int8)], axis=1),
    ],
    ids=[
        "no record",
        "no vote",
        "one function",
        "two that contradict",
        "one row",
        "never together",
        "constant",
    ],
)
def test_degenerate_votes_give_distributions(name, votes):
    proba = fitted(name, votes).predict_proba(votes)
    assert proba.shape == (len(votes), K)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@quick
@given(votes=vote_tables)
def test_fitting_twice_gives_the_same_bits(name, votes):
    one, two = fitted(name, votes), fitted(name, votes)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.predict_proba(votes), two.predict_proba(votes))


@quick
@given(votes=vote_tables)
def test_fitting_again_forgets_the_first_fit(name, votes):
    other, _ = simulated()
    model = fitted(name, other)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelModelWarning)
        assert model.fit(votes).fingerprint == fitted(name, votes).fingerprint


def test_predicting_changes_no_model_and_no_votes(name):
    votes, _ = simulated()
    before = votes.copy()
    model = fitted(name, votes)
    fingerprint = model.fingerprint
    model.predict(votes[:10])
    assert model.fingerprint == fingerprint
    np.testing.assert_array_equal(votes, before)


def test_no_global_random_state_is_touched(name):
    votes, _ = simulated()
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fitted(name, votes).predict(votes, tie_break_policy="true-random")
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_fit_returns_the_model(name):
    model = MODELS[name](cardinality=K)
    assert model.fit(simulated()[0]) is model


def test_good_votes_give_good_labels(name):
    votes, truth = simulated()
    model = fitted(name, votes)
    scores = model.score(
        votes, truth, metrics=["accuracy", "coverage", "f1_macro", "roc_auc", "log_loss", "brier"]
    )
    assert scores["accuracy"] > 0.8
    assert scores["coverage"] > 0.8
    assert scores["roc_auc"] > 0.85
    assert scores["log_loss"] < 2


def test_sparse_and_dense_votes_agree(name):
    votes, _ = simulated(coverage=0.1, m=9)
    dense = as_votes(votes)
    compact = dense.compact()
    assert compact.is_sparse
    np.testing.assert_allclose(
        fitted(name, compact).predict_proba(compact), fitted(name, dense).predict_proba(dense), atol=1e-9
    )


def test_columns_are_put_right_by_name(name):
    votes = with_ids(simulated()[0])
    model = fitted(name, votes)
    order = ["says_4", "says_0", "says_3", "says_1", "says_5", "says_2"]
    np.testing.assert_array_equal(
        model.predict_proba(votes.take_functions(order)), model.predict_proba(votes)
    )


def test_missing_functions_and_other_classes_are_refused(name):
    votes = with_ids(simulated()[0])
    model = fitted(name, votes)
    with pytest.raises(ValueError, match="missing here: says_2"):
        model.predict(votes.take_functions(["says_0", "says_1", "says_3", "says_4", "says_5"]))
    with pytest.raises(ValueError, match="2 functions for a model fitted on 6"):
        model.predict(np.zeros((3, 2), np.int8))
    with pytest.raises(ValueError, match="classes"):
        model.predict(VoteMatrix(np.asarray(votes), LabelSchema(["c", "b", "a"]), votes.functions))


def test_saved_and_loaded_models_predict_the_same(name, tmp_path):
    votes = with_ids(simulated()[0])
    model = fitted(name, votes)
    folder = model.save(tmp_path / "model")
    assert sorted(path.name for path in folder.iterdir()) == ["arrays.npz", "model.json"]
    again = VoteModel.load(folder)
    assert type(again) is type(model)
    assert again.fingerprint == model.fingerprint
    np.testing.assert_array_equal(again.predict_proba(votes), model.predict_proba(votes))
    order = list(reversed(votes.names))
    np.testing.assert_array_equal(again.predict(votes.take_functions(order)), model.predict(votes))
    with pytest.raises(InputError, match="holds no readable label model"):
        VoteModel.load(tmp_path / "nothing")


def test_a_model_of_another_kind_or_a_newer_version_is_refused(name, tmp_path):
    folder = fitted(name, simulated()[0]).save(tmp_path / "model")
    other = next(kind for key, kind in sorted(MODELS.items()) if key != name)
    with pytest.raises(InputError, match="wanted is one of"):
        other.load(folder)
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text.replace('"version": 1', '"version": 99'))
    with pytest.raises(InputError, match="version 99"):
        VoteModel.load(folder)


def test_saving_before_fitting_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        MODELS[name]().save(tmp_path / "model")


@pytest.mark.parametrize(
    ("votes", "error"),
    [
        (np.array([[0, 3]]), "votes\\[0, 1\\] is 3"),
        (np.array([[0, -2]]), "votes\\[0, 1\\] is -2"),
        (np.array([[0.0, np.nan]]), "votes are float64"),
        (np.array([0, 1]), "1 dimension"),
        (np.array([["a", "b"]]), "votes are <U1"),
    ],
)
def test_what_is_no_vote_is_refused(name, votes, error):
    with pytest.raises((ValueError, TypeError), match=error):
        MODELS[name](cardinality=K).fit(votes)


@pytest.mark.parametrize(
    ("balance", "error"),
    [
        ([0.5, 0.5], "2 entries for 3 classes"),
        ([0.5, 0.5, 0.5], "sums to 1.5"),
        ([0.5, -0.1, 0.6], "of class 1 is -0.1"),
        ([0.5, np.nan, 0.5], "of class 1 is nan"),
        ("prevalence", '"dev" or "uniform"'),
        ("dev", "needs gold labels"),
        (0.5, "sequence in class order"),
        ([(0.8, 0.9), (0.3, 0.4), (0.0, 0.1)], "within the bounds"),
    ],
)
def test_what_is_no_class_balance_is_refused(name, balance, error):
    with pytest.raises((ValueError, TypeError), match=error):
        MODELS[name](cardinality=K).fit(simulated()[0], class_balance=balance)


def test_class_balance_in_every_form(name):
    votes = with_ids(simulated()[0])
    by_order = fitted(name, votes, class_balance=[0.5, 0.3, 0.2])
    by_name = fitted(name, votes, class_balance={"c": 0.2, "a": 0.5, "b": 0.3})
    np.testing.assert_array_equal(by_order.predict_proba(votes), by_name.predict_proba(votes))
    bounds = fitted(name, votes, class_balance=[(0.4, 0.6), (0.2, 0.4), (0.1, 0.3)])
    np.testing.assert_allclose(bounds.prior_, [0.5, 0.3, 0.2])
    assert bounds.balance_.source == "interval"
    never_seen = fitted(name, votes, Y_dev=np.array([0, 0, 1]))
    np.testing.assert_allclose(never_seen.prior_, [0.5, 1 / 3, 1 / 6])
    zero = fitted(name, votes, class_balance=[0.5, 0.5, 0.0])
    assert zero.prior_[2] > 0


def test_gold_labels_are_checked(name):
    votes, truth = simulated()
    model = fitted(name, votes)
    with pytest.raises(ValueError, match="shape"):
        model.score(votes, truth[:5])
    with pytest.raises(ValueError, match=r"gold\[0\] is 3"):
        model.score(votes, np.full(len(votes), 3))
    with pytest.raises(ValueError, match="no metric called kappa"):
        model.score(votes, truth, metrics=["kappa"])
    with pytest.raises(ValueError, match="tie_break_policy"):
        model.predict(votes, tie_break_policy="coin")


def test_parameters_follow_scikit_learn(name):
    model = MODELS[name](cardinality=4)
    assert model.get_params()["cardinality"] == 4
    assert model.set_params(cardinality=5).cardinality == 5
    with pytest.raises(ValueError, match="no parameter called depth"):
        model.set_params(depth=2)
    for wrong in (1, 2.5, True):
        with pytest.raises(ValueError, match="cardinality"):
            MODELS[name](cardinality=wrong)


def test_labels_carry_lineage_and_survive_a_file(name, tmp_path):
    votes = with_ids(np.where(np.arange(600)[:, None] % 7 == 0, -1, simulated()[0]).astype(np.int8))
    model = fitted(name, votes)
    labels = Labels.from_model(model, votes)
    assert (labels.label[~labels.covered] == -1).all()
    again = Labels.read(labels.write(tmp_path / "labels.parquet"))
    np.testing.assert_array_equal(again.proba, labels.proba)
    np.testing.assert_array_equal(again.ids, votes.ids)
    assert again.lineage == labels.lineage
    assert again.lineage["model"] == model.fingerprint
