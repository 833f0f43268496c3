"""Distinct rows of votes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidelight.labeling import as_votes
from sidelight.labeling.patterns import Patterns

vote_tables = arrays.arrays(
    np.int8, st.tuples(st.integers(0, 40), st.sampled_from([1, 3, 8, 17])), elements=st.integers(-1, 1)
)


@settings(deadline=None)
@given(values=vote_tables)
def test_rows_and_counts_equal_those_of_numpy(values):
    patterns = Patterns.of(as_votes(values, cardinality=2))
    rows, counts = np.unique(values, axis=0, return_counts=True)
    np.testing.assert_array_equal(patterns.values, rows)
    np.testing.assert_array_equal(patterns.counts, counts)


@settings(deadline=None)
@given(values=vote_tables, cut=st.integers(0, 40), seed=st.integers(0, 99))
def test_parts_and_order_do_not_show(values, cut, seed):
    whole = Patterns.of(as_votes(values, cardinality=2))
    shuffled = values[np.random.default_rng(seed).permutation(len(values))]
    merged = Patterns.stream(as_votes(part, cardinality=2) for part in (shuffled[cut:], shuffled[:cut]))
    np.testing.assert_array_equal(merged.values, whole.values)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    assert merged.n_records == len(values)


def test_rows_of_other_functions_are_not_merged():
    one = Patterns.of(as_votes([[0, 1]]))
    with pytest.raises(ValueError, match="different functions"):
        one + Patterns.of(as_votes([[0, 1, 1]]))
    with pytest.raises(ValueError, match="classes differ"):
        one + Patterns.of(as_votes([[0, 1]], cardinality=3))
    with pytest.raises(ValueError, match="not a single part"):
        Patterns.stream([])
