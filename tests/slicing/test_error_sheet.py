"""Error sheets go out safely, and come back with what people found."""

import csv
import io

import numpy as np
import pytest

from sidelight.labeling.faults import InputError
from sidelight.slicing import contrast_errors, error_sheet, read_error_sheet

Y = np.array([0, 0, 1, 1, 1, 1, 0, 1])
P = np.array([0.1, 0.9, 0.2, 0.05, 0.8, 0.9, 0.3, 0.7])
IDS = [f"r{row}" for row in range(8)]
CLASSES = ["normal", "abnormal"]


def test_errors_come_first_surest_first_then_controls_of_their_classes():
    sheet = error_sheet(IDS, Y, P, classes=CLASSES, slices={"late": np.arange(8) > 2}, n_controls=3)
    errors = [row for row in sheet.rows if row["kind"] == "error"]
    assert [row["id"] for row in errors] == ["r3", "r1", "r2"]
    assert errors[0]["slices"] == "late"
    assert (errors[0]["gold"], errors[0]["predicted"], errors[0]["probability"]) == (
        "abnormal",
        "normal",
        "0.950",
    )
    assert sheet.n_controls == 3
    assert {row["gold"] for row in sheet.rows if row["kind"] == "control"} == {"normal", "abnormal"}


def test_the_rest_of_the_errors_is_counted():
    assert error_sheet(IDS, Y, P, classes=CLASSES, n_errors=1).n_left_out == 2


def test_nothing_in_the_sheet_runs_in_a_spreadsheet():
    cells = ["=HYPERLINK(1)", "+1+1", "@x", "-2", "plain", "\t=1", '"quoted", with comma', None]
    text = error_sheet(IDS, Y, P, classes=CLASSES, columns={"report": cells}).to_csv()
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r"))


def test_a_sheet_comes_back_with_what_was_written_into_it(tmp_path):
    path = error_sheet(IDS, Y, P, classes=CLASSES, columns={"report": ["=1"] * 8}).write(
        tmp_path / "errors.csv"
    )
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0] |= {"subclass": "paced", "gold_is_wrong": "no"}
    rows[1] |= {"subclass": "paced|noisy", "gold_is_wrong": "yes", "note": "lead swapped"}
    rows[3] |= {"subclass": "paced"}
    rows[4] |= {"gold_is_wrong": "perhaps"}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=";")  # as some spreadsheets save it
    writer.writeheader()
    writer.writerows(rows)
    path.write_text("\ufeff" + out.getvalue() + "a;b\n" + ";;\n", encoding="utf-8")
    review = read_error_sheet(path)
    assert review.n_reviewed == 3
    assert review.contrast()[0] == ("paced", 2, 1)
    assert review.label_errors().estimate == pytest.approx(0.5)
    assert review.subclass_column(["r3", "r7x"]) == ["paced", None]
    assert len(review.set_aside) == 2
    assert "neither yes nor no" in review.set_aside[0]
    assert not any(name in line for name in IDS for line in review.set_aside), "rows are told by number"
    told = review.to_json()
    assert "lead swapped" not in str(told)
    assert "r1" not in str(told)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\x00"])
def test_a_file_that_is_no_sheet_is_told(tmp_path, content):
    path = tmp_path / "sheet.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=r"sheet\.csv"):
        read_error_sheet(path)
    with pytest.raises(InputError, match="does not exist"):
        read_error_sheet(tmp_path / "none.csv")


def test_what_only_errors_have_is_told():
    random = np.random.default_rng(0)
    y, paced = random.integers(0, 2, 900), random.random(900) < 0.2
    wrong = random.random(900) < np.where(paced & (y == 1), 0.5, 0.08)
    found = contrast_errors(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, {"paced": paced, "other": random.random(900) < 0.3},
                            classes=CLASSES)  # fmt: skip
    assert (found[0].group, found[0].subject, found[0].verdict) == ("paced", "abnormal", "differs")
    assert found[0].value.estimate > found[0].rest.estimate
    assert {row.verdict for row in found[1:]} == {"no evidence"}


def as_saved(rows, habit):
    """A sheet as people's spreadsheets save it."""
    names = list(rows[0])
    if habit == "columns in another order":
        names = [*reversed(names), "my own column"]
    if habit == "headers in capitals":
        rows = [{name.upper(): cell for name, cell in row.items()} for row in rows]
        names = [name.upper() for name in names]
    out = io.StringIO()
    mark = {"semicolons": ";", "tabs": "\t"}.get(habit, ",")
    end = "\r\n" if habit in ("carriage returns", "a hint for Excel") else "\n"
    writer = csv.DictWriter(out, names, delimiter=mark, lineterminator=end, restval="")
    writer.writeheader()
    writer.writerows(rows)
    text = out.getvalue()
    if habit == "a hint for Excel":
        return "sep=,\r\n" + text
    if habit == "empty rows":
        head, *rest = text.splitlines()
        return "\n\n" + "\n".join([head, ",,,", *(line + "\n" for line in rest)]) + "\n\n\n"
    if habit == "empty columns":
        return "".join(line + ",,,\n" for line in text.splitlines())
    if habit == "cut rows":
        return "".join(line.rstrip(",") + "\n" for line in text.splitlines())
    return ("\ufeff" if habit == "a mark" else "") + text


HABITS = [
    "none", "semicolons", "tabs", "columns in another order", "headers in capitals", "carriage returns", "a hint for Excel",
    "empty rows", "empty columns", "cut rows", "a mark",
]  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_a_sheet_is_read_alike_however_a_spreadsheet_saved_it(tmp_path, habit):
    path = tmp_path / "errors.csv"
    sheet = error_sheet(IDS, Y, P, classes=CLASSES, columns={"report": ['one, "two"; three', *["-"] * 7]})
    rows = [dict(row) for row in sheet.rows]
    rows[0] |= {"subclass": "paced|noisy", "gold_is_wrong": "WAHR", "note": "lead, swapped; again"}
    rows[1] |= {"gold_is_wrong": "FALSE"}
    rows[2] |= {"note": "=1+1"}
    path.write_bytes(as_saved(rows, habit).encode())
    review = read_error_sheet(path)
    assert review.set_aside == ()
    assert (review.n_rows, review.n_reviewed) == (len(rows), 3)
    assert review.subclasses == {"r3": "paced|noisy"}
    assert review.gold_is_wrong == {"r3": True, "r1": False, "r2": False}
    assert review.notes == {"r3": "lead, swapped; again", "r2": "=1+1"}
    assert review.unknown(IDS) == 0
    assert review.unknown(IDS[2:]) == 1


def test_rows_that_slid_are_set_aside(tmp_path):
    path = tmp_path / "errors.csv"
    path.write_text(
        "id,kind,subclass,gold_is_wrong,note\nr1,error,a,yes,b,c\nr2,a,error,no,\nr3,error,a,no\n"
    )
    review = read_error_sheet(path)
    assert review.subclasses == {"r3": "a"}
    assert review.set_aside == (
        "row 2 has 6 cells; there are 5 columns",
        "row 3: kind is neither error nor control",
    )
