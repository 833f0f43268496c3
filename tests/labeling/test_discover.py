"""Finding the functions a file or module defines."""

import os
import sys

import pytest

from sidelight.labeling import (
    InputError,
    LabelingFunction,
    LFApplier,
    UsageError,
    load_functions,
    load_schema,
)

SOURCE = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

SCHEMA = LabelSchema(["normal", "abnormal"])

@labeling_function()
def says_paced(record):
    return "abnormal" if "paced" in record.text else None

FUNCTIONS = [keyword_lf(word, [word], "abnormal") for word in ("stemi", "flutter")]

@labeling_function
def says_normal(record):
    return "normal" if "normal" in record.text else None

again = says_paced
"""


def write(folder, source, name="lfs.py"):
    (folder / name).write_text(source)
    return folder / name


def names(functions):
    return [function.name for function in functions]


def test_functions_come_in_the_order_of_the_file_and_once_each(tmp_path):
    path = write(tmp_path, SOURCE)
    functions = load_functions(path, LabelingFunction)
    assert names(functions) == ["says_paced", "stemi", "flutter", "says_normal"]
    schema = load_schema(path)
    assert schema.classes == ("normal", "abnormal")
    assert LFApplier(functions, schema=schema).apply(["paced", "normal"]).dense().tolist() == [
        [1, -1, -1, -1],
        [-1, -1, -1, 0],
    ]


def test_a_module_is_found_by_its_dotted_name(tmp_path, monkeypatch):
    (tmp_path / "wardpackage").mkdir()
    write(tmp_path / "wardpackage", "", "__init__.py")
    write(tmp_path / "wardpackage", SOURCE, "lfs.py")
    monkeypatch.syspath_prepend(tmp_path)
    assert names(load_functions("wardpackage.lfs", LabelingFunction))[0] == "says_paced"
    with pytest.raises(UsageError, match=r"wardpackage.nothing"):
        load_functions("wardpackage.nothing", LabelingFunction)


def test_a_second_load_gives_the_same_functions_and_an_edit_new_ones(tmp_path):
    path = write(tmp_path, SOURCE)
    first = load_functions(path, LabelingFunction)
    assert load_functions(path, LabelingFunction)[0] is first[0]
    before = first[0].fingerprint
    write(tmp_path, SOURCE.replace('"paced" in', '"pacemaker" in'))
    os.utime(path, ns=(1, 1))
    assert load_functions(path, LabelingFunction)[0].fingerprint != before


def test_a_file_named_like_a_library_shadows_nothing(tmp_path):
    json = sys.modules.get("json")
    assert names(load_functions(write(tmp_path, SOURCE, "json.py"), LabelingFunction))[0] == "says_paced"
    assert sys.modules.get("json") is json


def test_a_file_without_functions_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"lfs.py defines no LabelingFunction"):
        load_functions(write(tmp_path, "x = 1"), LabelingFunction)
    assert load_schema(tmp_path / "lfs.py") is None


def test_two_schemas_leave_the_choice_open(tmp_path):
    path = write(tmp_path, SOURCE + '\nOTHER = LabelSchema(["a", "b"])\n')
    assert load_schema(path) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\ndef (:\n", r"lfs.py: line 2"),
        ("x = 1\n\n1 / 0\n", r"lfs.py: line 3: ZeroDivisionError"),
        ("import nothing_of_this_name\n", r"lfs.py: line 1: ModuleNotFoundError.*nothing_of_this_name"),
        ("x = undefined\n", r"lfs.py: line 1: NameError.*undefined"),
    ],
    ids=["syntax", "an error", "an import", "a name"],
)
def test_a_file_that_does_not_load_is_refused_with_its_line(tmp_path, source, message):
    path = write(tmp_path, source)
    with pytest.raises(InputError, match=message) as caught:
        load_functions(path, LabelingFunction)
    assert caught.value.__context__ is None


def test_what_a_file_read_while_loading_is_not_repeated(tmp_path):
    write(tmp_path, "ZEBRAFISH-4711 seen", "notes.txt")
    source = "import pathlib\nint((pathlib.Path(__file__).parent / 'notes.txt').read_text())\n"
    with pytest.raises(InputError, match=r"lfs.py: line 2: ValueError") as caught:
        load_functions(write(tmp_path, source), LabelingFunction)
    assert "ZEBRAFISH" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"^lfs.py: does not exist"):
        load_functions(tmp_path / "lfs.py", LabelingFunction)
