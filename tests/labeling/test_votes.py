"""Votes keep their rows, columns and side channels, dense or compact."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidelight.labeling import FunctionInfo, LabelSchema, RunStatistics, VoteMatrix, as_votes


@st.composite
def vote_matrices(draw, min_functions=1, cardinality=3):
    n, m = draw(st.integers(0, 12)), draw(st.integers(min_functions, 6))
    values = draw(hnp.arrays(np.int8, (n, m), elements=st.integers(-1, cardinality - 1), fill=st.just(-1)))
    cells = st.tuples(st.integers(0, max(0, n - 1)), st.integers(0, m - 1))
    span = st.tuples(st.integers(0, 50), st.integers(50, 99))
    evidence = draw(st.dictionaries(cells, st.lists(span, min_size=1).map(tuple), max_size=5)) if n else {}
    confidence = draw(
        st.none() | hnp.arrays(np.float32, (n, m), elements=st.floats(0.125, 1, width=32), fill=st.just(1))
    )
    sets = draw(st.none() | hnp.arrays(np.uint64, (n, m, 1), elements=st.integers(0, 7), fill=st.just(0)))
    return VoteMatrix(
        values,
        LabelSchema.of(cardinality),
        tuple(FunctionInfo(f"f{j}", f"print{j}") for j in range(m)),
        ids=np.array([f"r{i}" for i in range(n)], dtype=np.str_),
        patient_ids=np.array([f"p{i // 2}" for i in range(n)], dtype=np.str_),
        confidence=confidence,
        class_sets=sets,
        evidence=evidence,
    )


def assert_equal(left, right):
    np.testing.assert_array_equal(left.dense(), right.dense())
    assert left.schema == right.schema
    assert left.functions == right.functions
    assert dict(left.evidence) == dict(right.evidence)
    for name in ("ids", "patient_ids", "confidence", "class_sets"):
        a, b = getattr(left, name), getattr(right, name)
        assert (a is None) == (b is None), name
        if a is not None:
            np.testing.assert_array_equal(a, b)


def sparse_form(votes):
    """Return the same votes stored sparsely, however full they are."""
    empty = np.full((99 * (votes.n_records + 1), votes.n_functions), -1, np.int8)
    ids = np.array([f"pad{i}" for i in range(len(empty))])
    padded = VoteMatrix(
        np.concatenate([votes.dense(), empty]),
        votes.schema,
        votes.functions,
        ids=np.concatenate([votes.ids, ids]),
        patient_ids=np.concatenate([votes.patient_ids, np.full(len(ids), "")]),
        confidence=None
        if votes.confidence is None
        else np.concatenate([votes.confidence, np.ones(empty.shape, np.float32)]),
        class_sets=None
        if votes.class_sets is None
        else np.concatenate([votes.class_sets, np.zeros((*empty.shape, 1), np.uint64)]),
        evidence=votes.evidence,
    ).compact()
    assert padded.is_sparse
    return padded.take_rows(np.arange(votes.n_records))


@given(vote_matrices())
def test_compact_votes_are_the_same_votes(votes):
    assert_equal(votes, votes.compact())
    assert_equal(votes, sparse_form(votes))


@given(vote_matrices(), st.data())
def test_every_operation_is_blind_to_the_form(votes, data):
    thin = sparse_form(votes)
    assert thin.is_sparse
    assert thin.shape == votes.shape
    assert len(thin) == votes.n_records
    assert thin.density == votes.density
    np.testing.assert_array_equal(thin.n_votes(), votes.n_votes())
    np.testing.assert_array_equal(thin.covered(), votes.covered())
    np.testing.assert_array_equal(np.asarray(thin), np.asarray(votes))
    np.testing.assert_array_equal(thin[:, 0], votes[:, 0])
    np.testing.assert_array_equal(list(thin), list(votes))
    rows = np.array(data.draw(st.permutations(range(votes.n_records))), dtype=int)
    assert_equal(thin.take_rows(rows), votes.take_rows(rows))
    mask = votes.covered()
    assert_equal(thin.take_rows(mask), votes.take_rows(mask))
    names = data.draw(st.lists(st.sampled_from(votes.names), min_size=1, unique=True))
    assert_equal(thin.take_functions(names), votes.take_functions(names))
    other = VoteMatrix(votes.dense(), votes.schema, [FunctionInfo(f"g{j}") for j in range(votes.n_functions)],
                       ids=votes.ids)  # fmt: skip
    assert_equal(thin.join(other), votes.join(other))


@given(vote_matrices(), st.data())
def test_taking_rows_back_and_forth_changes_nothing(votes, data):
    order = np.array(data.draw(st.permutations(range(votes.n_records))), dtype=int)
    assert_equal(votes.take_rows(order).take_rows(np.argsort(order)), votes)


@given(vote_matrices())
def test_joining_matches_rows_by_id(votes):
    reversed_ = VoteMatrix(
        votes.dense()[::-1],
        votes.schema,
        [FunctionInfo(f"again_{name}") for name in votes.names],
        ids=votes.ids[::-1],
    )
    joined = votes.join(reversed_)
    np.testing.assert_array_equal(joined.dense(), np.hstack([votes.dense(), votes.dense()]))
    np.testing.assert_array_equal(joined.ids, votes.ids)
    assert joined.names == (*votes.names, *(f"again_{name}" for name in votes.names))


@given(vote_matrices())
def test_columns_taken_apart_join_again(votes):
    parts = [votes.take_functions([name]) for name in votes.names]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.join(part)
    assert_equal(whole, votes)


def test_rows_are_never_joined_by_position():
    bare = as_votes([[0], [1]])
    with pytest.raises(ValueError, match="never joined by position"):
        bare.join(bare)


@pytest.mark.parametrize("ids", [["a", "c"], ["a"], ["a", "b", "c"]])
def test_votes_of_other_records_are_not_joined(ids):
    left = VoteMatrix(np.array([[0], [1]], np.int8), LabelSchema.of(2), [FunctionInfo("f")],
                      ids=np.array(["a", "b"]))  # fmt: skip
    right = VoteMatrix(np.zeros((len(ids), 1), np.int8), LabelSchema.of(2), [FunctionInfo("g")],
                       ids=np.array(ids))  # fmt: skip
    with pytest.raises(ValueError, match="different records"):
        left.join(right)


def test_votes_on_other_classes_are_not_joined():
    left, right = (
        VoteMatrix(np.array([[0]], np.int8), LabelSchema(classes), [FunctionInfo(classes[0])], ids=["a"])
        for classes in (["x", "y"], ["y", "x"])
    )
    with pytest.raises(ValueError, match="classes differ"):
        left.join(right)


def test_what_is_known_by_id_is_brought_into_row_order():
    votes = VoteMatrix(np.array([[0], [1], [1]], np.int8), LabelSchema.of(2), [FunctionInfo("f")],
                       ids=np.array(["a", "b", "c"]))  # fmt: skip
    assert votes.align({"c": 1, "a": 0, "zz": 1}).tolist() == [0, -1, 1]
    assert votes.align(pd.Series([7, 8], index=["b", "a"]), missing=0).tolist() == [8, 7, 0]
    with pytest.raises(ValueError, match="no record ids"):
        as_votes([[0]]).align({"a": 1})


@given(hnp.arrays(np.int64, st.tuples(st.integers(0, 5), st.integers(1, 4)), elements=st.integers(-1, 4)))
def test_bare_integers_are_votes(values):
    votes = as_votes(values, cardinality=5)
    assert votes.dense().dtype == np.int8
    np.testing.assert_array_equal(votes, values)
    assert as_votes(votes) is votes


def test_the_largest_vote_tells_the_number_of_classes():
    assert as_votes([[0, 3]]).schema.cardinality == 4
    assert as_votes([[-1, 0]]).schema.cardinality == 2
    assert as_votes([[0]], cardinality=7).schema.cardinality == 7


def test_a_data_frame_brings_names_and_ids():
    frame = pd.DataFrame({"says_a": [0, -1], "says_b": [1, 1]}, index=["r1", "r2"])
    votes = as_votes(frame)
    assert votes.names == ("says_a", "says_b")
    assert votes.ids.tolist() == ["r1", "r2"]
    assert as_votes(frame.reset_index(drop=True)).ids is None


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([[0.0, 1.0]], TypeError, "integers"),
        ([[0, 2.7]], TypeError, "integers"),
        ([[True]], TypeError, "integers"),
        ([["normal"]], TypeError, "integers"),
        ([0, 1], ValueError, r"1 dimension"),
        ([[[0]]], ValueError, r"3 dimension"),
        ([[0, 1], [0, 7]], ValueError, r"votes\[1, 1\] is 7; with cardinality=2"),
        ([[-2, 0]], ValueError, r"votes\[0, 0\] is -2"),
        (np.array([[300, 0]]), ValueError, "300"),
    ],
)
def test_what_is_no_vote_is_refused_with_its_place(values, error, message):
    with pytest.raises(error, match=message):
        as_votes(values, cardinality=2)


def test_a_matrix_of_other_numbers_is_refused():
    with pytest.raises(TypeError, match="integers"):
        VoteMatrix(np.array([[0.5]]), LabelSchema.of(2), [FunctionInfo("f")])
    wide = VoteMatrix(np.array([[1]]), LabelSchema.of(2), [FunctionInfo("f")])
    assert wide.dense().dtype == np.int8


def matrix(**changed):
    given = {"ids": np.array(["a", "b"]), "functions": [FunctionInfo("f"), FunctionInfo("g")]} | changed
    return VoteMatrix(np.array([[0, 1], [1, 1]], np.int8), LabelSchema.of(2), **given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"functions": [FunctionInfo("f")]}, "2 columns of votes but 1 functions"),
        ({"functions": [FunctionInfo("f"), FunctionInfo("f")]}, "two functions share a name: f"),
        ({"ids": np.array(["a"])}, "ids has 1 entries for 2 records"),
        ({"ids": np.array(["ZEBRAFISH", "ZEBRAFISH"])}, r"rows 0 and 1"),
        ({"patient_ids": np.array(["a"])}, "patient_ids has 1 entries"),
        ({"confidence": np.ones((2, 1), np.float32)}, "confidence has shape"),
        ({"class_sets": np.ones((1, 2, 1), np.uint64)}, "class_sets has shape"),
    ],
)
def test_what_makes_rows_or_columns_ambiguous_is_refused(changed, message):
    with pytest.raises(ValueError, match=message) as caught:
        matrix(**changed)
    assert "ZEBRAFISH" not in str(caught.value)


def test_unknown_functions_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no function called h; there are f, g"):
        matrix().take_functions(["h"])


def test_the_number_of_classes_must_fit():
    with pytest.raises(ValueError, match="of 2 classes, not of 3"):
        as_votes(matrix(), cardinality=3)


def test_the_picture_of_votes_shows_no_id():
    votes = matrix(ids=np.array(["ZEBRAFISH-4711", "b"]))
    assert "ZEBRAFISH" not in repr(votes)
    assert "2 records x 2 functions" in repr(votes)


def test_statistics_stay_with_their_functions():
    votes = matrix(statistics=RunStatistics(np.array([1, 2]), np.array([0.5, 0.25])))
    assert votes.take_functions(["g"]).statistics.errors.tolist() == [2]
    assert votes.take_functions(["g", "f"]).statistics.seconds.tolist() == [0.25, 0.5]
    assert votes.take_rows([0]).statistics is None
