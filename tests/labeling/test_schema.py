"""The classes of a task."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import ABSTAIN, LabelSchema

SCHEMA = LabelSchema(["normal", "abnormal"])
class_names = st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=127, unique=True)


@given(class_names)
def test_name_and_index_are_inverse(names):
    schema = LabelSchema(names)
    assert schema.cardinality == len(names)
    assert [schema.index(schema.name(c)) for c in range(schema.cardinality)] == list(range(len(names)))


@given(class_names, st.text())
def test_json_round_trip(names, task):
    schema = LabelSchema(names, task=task)
    assert LabelSchema.from_json(schema.to_json()) == schema


def test_schemas_are_values():
    assert LabelSchema(("normal", "abnormal")) == SCHEMA
    assert hash(LabelSchema(("normal", "abnormal"))) == hash(SCHEMA)
    assert pickle.loads(pickle.dumps(SCHEMA)) == SCHEMA  # noqa: S301
    assert LabelSchema(["abnormal", "normal"]) != SCHEMA


@pytest.mark.parametrize(
    ("vote", "code"),
    [
        ("normal", 0),
        ("abnormal", 1),
        (0, 0),
        (1, 1),
        (np.int8(1), 1),
        (np.str_("abnormal"), 1),
        (ABSTAIN, ABSTAIN),
        (np.int64(-1), ABSTAIN),
        (None, ABSTAIN),
    ],
)
def test_a_class_name_an_integer_and_none_are_votes(vote, code):
    assert SCHEMA.encode(vote) == code


@pytest.mark.parametrize(
    ("vote", "error"),
    [
        (True, TypeError),
        (np.bool_(False), TypeError),
        (2, ValueError),
        (7, ValueError),
        (-2, ValueError),
        (2.7, TypeError),
        (1.0, TypeError),
        (float("nan"), TypeError),
        ("Normal", ValueError),
        ("", ValueError),
        (b"normal", TypeError),
        ([0], TypeError),
        (np.array([0]), TypeError),
    ],
)
def test_anything_else_is_no_vote(vote, error):
    with pytest.raises(error, match=r"normal|0\.\.1"):
        SCHEMA.encode(vote)


def test_minus_one_is_called_abstain():
    assert SCHEMA.name(ABSTAIN) == "abstain"


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ("normal", TypeError, "one string"),
        (["normal"], ValueError, "2 to 127"),
        ([], ValueError, "2 to 127"),
        (["a", "a"], ValueError, "twice"),
        (["a", " "], ValueError, "empty"),
        (["a", 1], ValueError, "no string"),
        ([str(i) for i in range(128)], ValueError, "2 to 127"),
    ],
)
def test_wrong_classes_are_refused(classes, error, message):
    with pytest.raises(error, match=message):
        LabelSchema(classes)


def test_an_unknown_class_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'normal', 'abnormal'"):
        SCHEMA.index("nrmal")
