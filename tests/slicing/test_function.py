import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sidelight.labeling.faults import FunctionError, UsageError
from sidelight.slicing import (
    PandasSFApplier,
    SFApplier,
    SliceMatrix,
    as_slices,
    slice_dataframe,
    slicing_function,
)

ROWS = [
    {"id": "a", "patient_id": "p1", "age": 84, "text": "Schrittmacher"},
    {"id": "b", "patient_id": "p1", "age": 31, "text": "Sinusrhythmus"},
    {"id": "c", "patient_id": "p2", "age": 80, "text": "normal"},
]


@slicing_function
def elderly(record):
    return record.age >= 80


@slicing_function(name="paced", resources={"word": "Schrittmacher"})
def has_word(record, word):
    return word in record.text


def test_decorator_works_with_and_without_parentheses():
    S = SFApplier([elderly, has_word]).apply(ROWS)
    assert S.names == ("elderly", "paced")
    np.testing.assert_array_equal(S["elderly"], [True, False, True])
    np.testing.assert_array_equal(S["paced"], [True, False, False])
    assert np.asarray(S).dtype == np.bool_
    assert S.ids.tolist() == ["a", "b", "c"]
    assert S.patient_ids.tolist() == ["p1", "p1", "p2"]


@pytest.mark.parametrize("answer", [-1, None, 0, False, np.int64(0), np.bool_(False), np.int8(-1)])
def test_these_answers_are_not_membership(answer):
    sf = slicing_function(name="s")(lambda record: answer)
    assert not SFApplier([sf]).apply(ROWS)["s"].any()


@pytest.mark.parametrize("answer", [True, 1, np.bool_(True), np.int64(1)])
def test_these_answers_are_membership(answer):
    sf = slicing_function(name="s")(lambda record: answer)
    assert SFApplier([sf]).apply(ROWS)["s"].all()


@pytest.mark.parametrize("answer", [2, -2, "yes", 0.5, [True], "Schrittmacher bei Herrn M."])
def test_anything_else_names_function_and_row_but_not_the_value(answer):
    sf = slicing_function(name="odd")(lambda record: answer if record.id == "b" else True)
    with pytest.raises(FunctionError, match="odd") as caught:
        SFApplier([sf]).apply(ROWS)
    assert "1" in str(caught.value)
    assert "Herrn" not in str(caught.value)


def test_a_crash_is_an_error_by_default_and_never_membership():
    @slicing_function()
    def broken(record):
        if record.id == "b":
            raise KeyError(record.text)
        return True

    with pytest.raises(FunctionError, match="broken") as caught:
        SFApplier([broken]).apply(ROWS)
    assert "Sinusrhythmus" not in str(caught.value)
    S = SFApplier([broken]).apply(ROWS, on_error="exclude")
    np.testing.assert_array_equal(S["broken"], [True, False, True])
    assert S.errors == {"broken": 1}
    with pytest.raises(ValueError, match="on_error"):
        SFApplier([broken]).apply(ROWS, on_error="ignore")


def test_data_frames_keep_their_index_as_ids():
    frame = pd.DataFrame({"age": [84, 31], "text": ["", ""]}, index=["x", "y"])
    assert PandasSFApplier([elderly]).apply(frame).ids.tolist() == ["x", "y"]
    assert slice_dataframe(frame, elderly).index.tolist() == ["x"]


def test_names_are_unique_and_functions_are_needed():
    with pytest.raises(UsageError):
        SFApplier([elderly, elderly])
    with pytest.raises(UsageError):
        SFApplier([])
    with pytest.raises(UsageError):
        SFApplier([lambda record: True])


def test_no_records_give_an_empty_matrix():
    assert SFApplier([elderly]).apply([]).shape == (0, 1)


# -- the matrix ----------------------------------------------------------------------------------------


def test_rows_are_aligned_by_id_never_by_position():
    S = SFApplier([elderly]).apply(ROWS)
    moved = S.align(["c", "b"])
    np.testing.assert_array_equal(moved["elderly"], [True, False])
    assert moved.patient_ids.tolist() == ["p2", "p1"]
    with pytest.raises(ValueError, match="row 1"):
        S.align(["a", "z"])
    with pytest.raises(ValueError, match="never joined by position"):
        as_slices({"s": [True]}).align(["a"])


def test_every_usual_form_is_understood():
    wanted = np.array([[True, False], [False, True]])
    recarray = np.rec.fromarrays([[1, 0], [-1, 1]], names="a,b")
    frame = pd.DataFrame({"a": [True, False], "b": [0, 1]})
    mapping = {"a": [True, None], "b": [float("nan"), 1.0]}
    for form in (recarray, frame, mapping, wanted):
        np.testing.assert_array_equal(np.asarray(as_slices(form)), wanted)
    assert as_slices(recarray).names == ("a", "b")


def test_what_is_no_membership_is_refused_by_name_and_row():
    with pytest.raises(ValueError, match=r"'a' holds 2 in row 1"):
        as_slices({"a": [1, 2]})
    with pytest.raises(TypeError, match="'a'"):
        as_slices({"a": ["yes", "no"]})
    with pytest.raises(ValueError, match="3 records"):
        as_slices({"a": [True]}, n_records=3)


def test_unknown_slice_is_named():
    with pytest.raises(KeyError, match="nope"):
        as_slices({"a": [True]})["nope"]


def test_matrix_takes_rows_and_slices():
    S = SFApplier([elderly, has_word]).apply(ROWS)
    assert S.take_rows([2]).counts() == {"elderly": 1, "paced": 0}
    assert S.take_slices(["paced"]).names == ("paced",)
    assert isinstance(S.take_slices([]), SliceMatrix)
    assert len(S) == 3
    assert "elderly" in repr(S)


def test_slicing_functions_travel_by_name(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from sidelight.slicing import slicing_function\n"
        "@slicing_function\ndef old(record):\n    return record.age > 79\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        import mine

        assert pickle.loads(pickle.dumps(mine.old)) is mine.old  # noqa: S301
    finally:
        sys.path.remove(str(tmp_path))


def test_import_loads_nothing_heavy():
    code = (
        "import sys; from sidelight.slicing import slicing_function, audit; "
        "print([m for m in ('torch', 'pandas', 'matplotlib', 'jinja2', 'streamlit', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
