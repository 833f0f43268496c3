"""A fit that puts all records into one class, or takes classes for each other, says so."""

import warnings

import numpy as np
import pytest

from sidelight.label_model import (
    MODELS,
    DawidSkene,
    LabelModel,
    LabelModelWarning,
    MajorityLabelVoter,
    TripletModel,
    VoteModel,
    advise,
    find_overruled,
)
from sidelight.labeling import as_votes
from sidelight.labeling.moments import Moments
from sidelight.labeling.patterns import Patterns


def rules(n=300):
    """One rule for each of two classes; the second speaks on a fifth of the records, once beside the first."""
    votes = np.full((n, 2), -1, np.int8)
    votes[: n // 2, 0] = 0
    votes[n // 2 : n // 2 + n // 5, 1] = 1
    votes[0, 1] = 1
    return votes


def annotators(n=2000, k=3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    votes = np.where(rng.random((n, 5)) < 0.75, truth[:, None], rng.integers(0, k, (n, 5)))
    return np.where(rng.random((n, 5)) < 0.6, votes, -1).astype(np.int8), truth


@pytest.mark.parametrize("name", ["dawid-skene", "one-coin", "ordinal"])
def test_labels_that_are_all_alike_are_not_silent(name):
    with pytest.warns(LabelModelWarning, match=r"no record is labeled 1, though on 60 every vote is for it"):
        model = MODELS[name](cardinality=2).fit(rules())
    assert set(model.predict(rules()).tolist()) == {0, -1}
    (found,) = model.overruled_
    assert (found.name, found.n_records, found.n_otherwise, found.swapped) == ("1", 60, 60, False)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"dawid-skene", "one-coin", "ordinal"}))
def test_other_models_hear_both_rules(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="labels go against")
        warnings.filterwarnings("ignore", message=".*fewer than 3")
        model = MODELS[name](cardinality=2).fit(rules())
    assert model.overruled_ == ()
    assert set(model.predict(rules()).tolist()) == {0, 1, -1}


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("k", [2, 3, 5])
def test_no_model_is_suspected_where_annotators_are_good(name, k):
    votes, truth = annotators(k=k)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="labels go against")
        model = MODELS[name](cardinality=k).fit(votes)
    assert model.overruled_ == ()
    assert model.score(votes, truth)["accuracy"] > 0.7


def test_the_warning_names_who_cannot_teach_such_a_model_and_one_that_can_be_taught():
    with pytest.warns(LabelModelWarning, match=r"lf_0, lf_1 vote for one class alone; matrix-completion"):
        DawidSkene().fit(rules())
    with pytest.warns(LabelModelWarning, match="see whether these votes are right and the class balance is"):
        LabelModel().fit(np.repeat(rules(), 2, axis=1), class_balance=[0.999, 0.001])


def test_swapped_classes_are_told_from_a_class_that_is_missing():
    votes, truth = annotators(k=2)
    model = TripletModel().fit(votes)
    model.accuracy_ = 1 - model.accuracy_
    assert model.score(votes, truth)["accuracy"] < 0.3
    found = find_overruled(model, as_votes(votes))
    assert [(entry.name, entry.swapped) for entry in found] == [("0", True), ("1", True)]
    assert "while records whose votes are for other classes are labeled 0" in str(found[0])


def test_a_class_without_a_record_of_its_own_is_missed_where_it_leads():
    votes = np.array([[0, 0, 1]] * 50 + [[1, 1, 0]] * 50, np.int8)
    model = MajorityLabelVoter().fit(votes)
    assert find_overruled(model, as_votes(votes)) == ()
    model.predict = lambda rows: np.zeros(len(rows), dtype=np.int64)
    (found,) = find_overruled(model, as_votes(votes))
    assert str(found) == "no record is labeled 1, though on 50 most votes are for it"


def test_a_record_or_two_show_nothing():
    model = MajorityLabelVoter().fit(rules())
    model.predict = lambda rows: np.zeros(len(rows), dtype=np.int64)
    assert find_overruled(model, as_votes(np.array([[0, -1]] * 500 + [[-1, 1]] * 2, np.int8))) == ()
    assert find_overruled(model, as_votes(np.array([[0, -1]] * 500 + [[-1, 1]] * 3, np.int8))) != ()


def test_counts_tell_what_records_tell():
    votes = as_votes(np.repeat(rules(), 2, axis=1))
    balance = [0.999, 0.001]
    with pytest.warns(LabelModelWarning, match="labels go against"):
        whole = LabelModel().fit(votes, class_balance=balance)
    with pytest.warns(LabelModelWarning, match="labels go against"):
        counted = LabelModel().fit_moments(Moments.of(votes), balance, patterns=Patterns.of(votes))
    assert counted.overruled_ == whole.overruled_ != ()
    assert "no record is labeled 1" in str(advise(whole, votes))


def test_it_is_kept_with_the_model(tmp_path):
    with pytest.warns(LabelModelWarning, match="labels go against"):
        model = DawidSkene().fit(rules())
    again = VoteModel.load(model.save(tmp_path / "model"))
    assert again.overruled_ == model.overruled_
    assert again.assumed_.tolist() == [True, True], "a vote for one class alone says nothing to this model"


def test_votes_for_several_classes_are_for_none_of_them():
    sets = np.zeros((100, 1, 1), np.uint64)
    sets[:50] = 3
    votes = as_votes(np.full((100, 1), -1, np.int8), cardinality=2)
    votes = type(votes)(votes.values, votes.schema, votes.functions, class_sets=sets)
    model = MajorityLabelVoter().fit(rules())
    model.predict = lambda rows: np.zeros(len(rows), dtype=np.int64)
    assert find_overruled(model, votes) == ()
