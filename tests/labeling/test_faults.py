"""Kinds of fault and what the command line ends with for each."""

import pickle

import pytest

from sidelight.labeling import ColumnError, FunctionError, InputError, LimitError, SidelightError, UsageError


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (LimitError("too many"), 1),
        (UsageError("no such column"), 2),
        (FunctionError("says_normal", 3, "raised KeyError"), 2),
        (InputError("notes.csv", "is empty"), 3),
        (SidelightError("a bug"), 4),
    ],
)
def test_exit_codes(fault, code):
    assert isinstance(fault, SidelightError)
    assert fault.exit_code == code


def test_an_input_error_names_the_file_and_not_its_folder():
    assert str(InputError("/home/ward/patients/notes.csv", "is empty")) == "notes.csv: is empty"


def test_a_function_error_names_function_and_row():
    fault = FunctionError("says_normal", 3, "raised KeyError")
    assert str(fault) == "function 'says_normal', row 3: raised KeyError"
    assert (fault.function, fault.row, fault.problem) == ("says_normal", 3, "raised KeyError")
    assert "notes.csv at 7" in str(FunctionError("says_normal", 3, "raised KeyError", "notes.csv at 7"))


@pytest.mark.parametrize(
    "fault",
    [
        InputError("notes.csv", "is empty"),
        ColumnError("notes.csv", "has no column 'id'", "id", ("note", "text")),
        FunctionError("f", 3, "raised KeyError", "notes.csv at 7"),
        LimitError("x"),
    ],
)
def test_faults_travel_between_processes(fault):
    copy = pickle.loads(pickle.dumps(fault))  # noqa: S301
    assert type(copy) is type(fault)
    assert str(copy) == str(fault)
    assert copy.__dict__ == fault.__dict__
