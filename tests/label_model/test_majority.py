"""Majority vote."""

import numpy as np

from sidelight.label_model import MajorityLabelVoter


def test_shares_of_votes_and_ties():
    votes = np.array([[1, 1, 0], [0, -1, 1], [-1, 2, -1], [-1, -1, -1]], np.int8)
    model = MajorityLabelVoter(cardinality=3).fit(votes)
    np.testing.assert_allclose(model.predict_proba(votes)[:3], [[1 / 3, 2 / 3, 0], [0.5, 0.5, 0], [0, 0, 1]])
    assert model.predict(votes).tolist() == [1, -1, 2, -1]


def test_needs_no_fit():
    votes = np.array([[1, 1], [0, 1], [-1, -1]], np.int8)
    assert MajorityLabelVoter().predict(votes).tolist() == [1, -1, -1]


def test_hashed_ties_are_balanced_and_repeatable():
    votes = np.tile([[0, 1, -1]], (1000, 1)).astype(np.int8)
    labels = MajorityLabelVoter().fit(votes).predict(votes, tie_break_policy="random")
    assert 400 < labels.sum() < 600
    np.testing.assert_array_equal(
        labels, MajorityLabelVoter().fit(votes).predict(votes, tie_break_policy="random")
    )


def test_one_function_is_enough():
    votes = np.array([[0], [1], [-1]], np.int8)
    assert MajorityLabelVoter().fit(votes).predict(votes).tolist() == [0, 1, -1]
