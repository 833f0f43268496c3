"""What is learned from counts and patterns of votes is what the votes themselves teach."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel
from sidelight.labeling import LabelSchema, VoteMatrix, as_votes
from sidelight.labeling.cast_votes import CastVotes
from sidelight.labeling.moments import Moments
from sidelight.labeling.patterns import Patterns
from sidelight.labeling.votes import FunctionInfo


def simulated(n, m, k, coverage, seed=0):
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, k, n)
    right = chance.random((n, m)) < chance.uniform(0.55, 0.9, m)
    values = np.where(right, truth[:, None], chance.integers(0, k, (n, m))).astype(np.int8)
    values[chance.random((n, m)) > coverage] = -1
    return as_votes(values, cardinality=k)


@pytest.mark.parametrize(
    ("n", "m", "k", "coverage"), [(2000, 8, 2, 0.5), (3000, 6, 4, 0.4), (500, 3, 2, 0.9)]
)
def test_counts_with_patterns_teach_what_votes_teach(n, m, k, coverage):
    votes = simulated(n, m, k, coverage)
    halves = [votes.take_rows(np.flatnonzero(np.arange(n) % 2 == part)) for part in range(2)]
    patterns = Patterns.of(halves[0]) + Patterns.of(halves[1])
    moments = Moments.of(halves[0]) + Moments.of(halves[1])
    learned = LabelModel(k).fit_moments(moments, patterns=patterns)
    expected = LabelModel(k).fit(votes)
    np.testing.assert_allclose(learned.predict_proba(votes), expected.predict_proba(votes), atol=1e-9)
    np.testing.assert_allclose(learned.get_weights(), expected.get_weights(), atol=1e-9)


def test_many_records_of_few_patterns_teach_what_votes_teach():
    votes = simulated(400_000, 5, 2, 0.5)
    learned = LabelModel(2).fit_moments(Moments.of(votes), patterns=Patterns.of(votes))
    expected = LabelModel(2).fit(votes)
    np.testing.assert_allclose(learned.get_weights(), expected.get_weights(), atol=0.01)
    agree = learned.predict_proba(votes).argmax(axis=1) == expected.predict_proba(votes).argmax(axis=1)
    assert agree.mean() > 0.99


def test_for_which_classes_a_function_votes_is_known_from_counts_as_from_votes():
    values = np.asarray(simulated(1000, 5, 2, 0.5)).copy()
    values[:, 0][values[:, 0] == 0] = -1
    functions = tuple(FunctionInfo(f"f{j}", polarity=(1,) if j == 0 else ()) for j in range(5))
    votes = VoteMatrix(values.astype(np.int8), LabelSchema(["no", "yes"]), functions)
    learned = LabelModel(2).fit_moments(Moments.of(votes), patterns=Patterns.of(votes), functions=functions)
    np.testing.assert_allclose(
        learned.predict_proba(votes), LabelModel(2).fit(votes).predict_proba(votes), atol=1e-9
    )


def test_patterns_of_other_records_are_refused():
    votes = simulated(100, 4, 2, 0.5)
    with pytest.raises(ValueError, match="patterns of 50 records, but counts of 100"):
        LabelModel(2).fit_moments(Moments.of(votes), patterns=Patterns.of(votes.take_rows(np.arange(50))))


def test_rows_spread_out_stand_as_often_as_they_count():
    votes = simulated(1000, 3, 2, 0.5)
    rows = CastVotes.of_patterns(Patterns.of(votes))
    assert rows.spread_out().n_records == 1000
    assert sorted(np.diff(rows.spread_out().pointers)) == sorted((np.asarray(votes) >= 0).sum(axis=1))
    fewer = np.diff(rows.spread_out(100).pointers)
    assert len(fewer) == 100
    assert abs(fewer.mean() - (np.asarray(votes) >= 0).sum(axis=1).mean()) < 0.05
