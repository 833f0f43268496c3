"""Gold labels as people bring them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import FunctionInfo, LabelSchema, UsageError, VoteMatrix, align_gold, encode_gold

SCHEMA = LabelSchema(["normal", "abnormal"])


def votes(ids):
    return VoteMatrix(
        np.zeros((3, 1), np.int8), SCHEMA, [FunctionInfo("f")], ids=None if ids is None else np.array(ids)
    )


@pytest.mark.parametrize(
    "gold",
    [
        ["normal", "abnormal", None],
        [0, 1, -1],
        [0.0, 1.0, float("nan")],
        ["0", "1", ""],
        np.array([0, 1, -1], np.int8),
        np.array([0, 1, np.nan]),
        pd.Series(["normal", "abnormal", None]),
        pd.Series([0, 1, None]),
        pd.Series([0, 1, None], dtype="Int64"),
        pd.Series(["normal", "abnormal", None], dtype="string"),
        pd.Series(pd.Categorical(["normal", "abnormal", None])),
        (SCHEMA.classes[0], np.int64(1), None),
    ],
    ids=str,
)
def test_missing_labels_are_left_open_whatever_stands_for_them(gold):
    assert encode_gold(gold, SCHEMA).tolist() == [0, 1, -1]


@pytest.mark.parametrize("wrong", ["ZEBRAFISH-4711", 2, -2, 0.5, [0], object(), "Normal"])
def test_what_is_no_label_is_named_by_row(wrong):
    with pytest.raises(
        UsageError, match=r"gold label of row 2 is no class; it is one of \['normal', 'abnormal'\]"
    ) as caught:
        encode_gold([0, None, wrong], SCHEMA)
    assert "ZEBRAFISH" not in str(caught.value)
    assert caught.value.__context__ is None


IDS = ["a", "b", "c"]


@pytest.mark.parametrize(
    "gold",
    [
        {"c": "abnormal", "a": "normal", "elsewhere": "abnormal"},
        pd.Series([1, 0, 1], index=["c", "a", "elsewhere"]),
        pd.Series([0, None, 1], index=IDS),
        [0, None, 1],
        pd.Series([0, None, 1]),
    ],
    ids=["mapping", "series by id", "series in order", "list", "series by position"],
)
def test_labels_known_by_id_are_matched_by_id(gold):
    assert align_gold(gold, votes(IDS)).tolist() == [0, -1, 1]


@given(st.permutations([0, 1, 2]), st.permutations([0, 1, 2]))
def test_the_rows_of_a_shuffled_frame_are_matched_by_its_index(order, gold_order):
    gold = pd.Series([0, 1, -1]).iloc[gold_order]
    found = align_gold(gold, votes([str(i) for i in order]))
    assert found.tolist() == [[0, 1, -1][i] for i in order]


def test_ids_that_are_numbers_are_matched_too():
    assert align_gold({7: 1, 9: 0}, votes(["9", "8", "7"])).tolist() == [0, -1, 1]


def test_labels_by_id_need_votes_with_ids():
    with pytest.raises(UsageError, match="carry no ids"):
        align_gold({"a": 1}, votes(None))


def test_a_wrong_number_of_labels_is_refused():
    with pytest.raises(UsageError, match="2 gold labels for 3 records"):
        align_gold([0, 1], votes(IDS))


def test_labels_of_other_records_altogether_are_refused():
    with pytest.raises(UsageError, match="none of the gold labels"):
        align_gold({"x": 1, "y": 0}, votes(IDS))


def test_whole_numbers_may_be_written_as_decimals():
    """pandas writes a column of classes with gaps as 1.0 and 0.0."""
    assert encode_gold(["1.0", "0.00", "-1.0", " 1.0 ", ""], SCHEMA).tolist() == [1, 0, -1, 1, -1]
    for wrong in ("0.5", "1.01", "7.0", "1e0", ".0"):
        with pytest.raises(UsageError, match="row 0 is no class"):
            encode_gold([wrong], SCHEMA)
