"""Votes record by record, in blocks, and pairs counted one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from sidelight.labeling import VoteMatrix, as_votes, cast_votes
from sidelight.labeling.cast_votes import CastVotes, covered_records, vote_blocks
from sidelight.labeling.moments import Moments, _pairs_dense, _pairs_sparse


def random_votes(seed: int, n: int, m: int, k: int, share: float) -> VoteMatrix:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((n, m)) < share, rng.integers(0, k, (n, m)), -1)
    return as_votes(values.astype(np.int8), cardinality=k)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(0, 40), st.integers(1, 12), st.integers(2, 4), st.floats(0, 1))
def test_pairs_counted_one_by_one_equal_products(seed, n, m, k, share):
    votes = random_votes(seed, n, m, k, share)
    expected = _pairs_dense(votes.dense(), m, k)
    np.testing.assert_array_equal(_pairs_sparse(CastVotes.of(votes)), expected)


@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_long_records_are_paired_in_pieces(monkeypatch, at_once):
    monkeypatch.setattr("sidelight.labeling.moments.PAIRS_AT_ONCE", at_once)
    votes = random_votes(1, 30, 20, 3, 0.5)
    np.testing.assert_array_equal(_pairs_sparse(CastVotes.of(votes)), _pairs_dense(votes.dense(), 20, 3))


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_blocks_and_rows_hold_each_vote_once(monkeypatch, block):
    monkeypatch.setattr(cast_votes, "BLOCK", block)
    votes = random_votes(2, 11, 5, 3, 0.4)
    whole = np.zeros((11, 15))
    for row, function in np.argwhere(votes.dense() >= 0):
        whole[row, 3 * function + votes.dense()[row, function]] = 1
    stored_sparsely = VoteMatrix(sparse.csc_array(votes.dense() + np.int8(1)), votes.schema, votes.functions)
    for form in (votes, stored_sparsely):
        for blocks in (CastVotes.of(form).blocks(), vote_blocks(form)):
            np.testing.assert_array_equal(np.concatenate([part.toarray() for _, part in blocks]), whole)
        np.testing.assert_array_equal(covered_records(form), whole.any(axis=1))
    rows = np.array([4, 0, 9])
    np.testing.assert_array_equal(CastVotes.of(votes).take(rows).toarray(), whole[rows])


def test_no_records_no_pairs():
    votes = as_votes(np.zeros((0, 3), dtype=np.int8), cardinality=2)
    assert list(CastVotes.of(votes).blocks()) == []
    assert Moments.of(votes).pairs.sum() == 0
