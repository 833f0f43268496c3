"""Counts of votes and of pairs of votes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidelight.labeling import as_votes
from sidelight.labeling.moments import Moments, one_hot

K = 3
vote_tables = arrays.arrays(
    np.int8, st.tuples(st.integers(0, 40), st.integers(1, 5)), elements=st.integers(-1, K - 1)
)


def by_hand(values):
    hot = np.concatenate([[values[:, j] == c for c in range(K)] for j in range(values.shape[1])]).astype(
        np.int64
    )
    return hot @ hot.T


@settings(deadline=None)
@given(values=vote_tables)
def test_counts_equal_those_made_by_hand_dense_or_sparse(values):
    dense = as_votes(values, cardinality=K)
    expected = by_hand(values)
    for votes in (dense, dense.compact()):
        moments = Moments.of(votes)
        np.testing.assert_array_equal(moments.pairs, expected)
        np.testing.assert_array_equal(moments.singles.ravel(), expected.diagonal())
        assert moments.pairs.dtype == np.int64
        assert moments.n_covered == (values >= 0).any(axis=1).sum()


@settings(deadline=None)
@given(values=vote_tables, cut=st.integers(0, 40))
def test_counts_of_parts_add_up_to_those_of_the_whole(values, cut):
    whole = Moments.of(as_votes(values, cardinality=K))
    parts = [as_votes(part, cardinality=K) for part in (values[:cut], values[cut:])]
    for merged in (Moments.stream(parts), Moments.stream(parts[::-1])):
        np.testing.assert_array_equal(merged.pairs, whole.pairs)
        assert (merged.n_records, merged.n_covered) == (whole.n_records, whole.n_covered)


def test_counts_of_other_functions_are_not_added():
    one = Moments.of(as_votes([[0, 1]]))
    with pytest.raises(ValueError, match="different functions"):
        one + Moments.of(as_votes([[0, 1, 1]]))
    with pytest.raises(ValueError, match="classes differ"):
        one + Moments.of(as_votes([[0, 1]], cardinality=3))
    with pytest.raises(ValueError, match="not a single part"):
        Moments.stream([])


def test_one_hot_has_a_one_for_each_vote():
    hot = one_hot(as_votes([[0, -1], [1, 0]]))
    np.testing.assert_array_equal(hot.toarray(), [[1, 0, 0, 0], [0, 1, 1, 0]])


def test_very_many_votes_are_counted_sparsely_and_alike(monkeypatch):
    rng = np.random.default_rng(0)
    votes = as_votes(np.where(rng.random((300, 6)) < 0.4, rng.integers(0, K, (300, 6)), -1).astype(np.int8))
    few = Moments.of(votes)
    monkeypatch.setattr("sidelight.labeling.moments.DENSE_UP_TO", 2)
    many = Moments.of(votes)
    half = [Moments.of(as_votes(part, cardinality=K)) for part in np.array_split(np.asarray(votes), 2)]
    cells = np.array([0, 3, 7, 17])
    for found in (many, half[0] + half[1]):
        np.testing.assert_array_equal(found.pairs.toarray(), few.pairs)
        np.testing.assert_array_equal(found.both_voted(), few.both_voted())
        np.testing.assert_array_equal(found.same_vote(), few.same_vote())
        np.testing.assert_array_equal(found.between(cells), few.between(cells))
