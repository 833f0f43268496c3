"""`sidelight check`, as a user meets it."""

import json

import pytest

from sidelight.apps.cli.main import main

LFS = """
from sidelight.labeling import LabelSchema, keyword_lf
SCHEMA = LabelSchema(["clear", "cough"])
good = keyword_lf("good", ["cough"], "cough", examples={{"A cough.": "cough", "Clear.": None}})
other = keyword_lf("other", ["zebra"], {vote!r}, examples={{"zebra": "cough"}})
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lfs.py").write_text(LFS.format(vote="cough"))
    (tmp_path / "notes.csv").write_text("id,text\n1,A cough\n2,Clear\n")
    return tmp_path


def test_examples_that_hold_end_in_0(folder, capsys):
    assert main(["check", "lfs.py"]) == 0
    assert "2 functions, 3 examples, 0 of them failed" in capsys.readouterr().out


def test_an_example_that_fails_ends_in_1(folder, capsys):
    (folder / "lfs.py").write_text(LFS.format(vote="clear"))
    assert main(["check", "lfs.py", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["failed"] == 1
    assert answer["remarks"][0]["message"] == "example 1: expected 'cough', voted 'clear'"


def test_records_show_what_never_fires(folder, capsys):
    assert main(["check", "lfs.py", "--records", "notes.csv", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [(r["function"], r["kind"]) for r in answer["remarks"]] == [("other", "never fires")]


def test_records_show_what_each_function_does_on_them(folder, capsys):
    (folder / "lfs.py").write_text(
        LFS.format(vote="cough") + 'clear = keyword_lf("clear", ["clear", "a"], "clear")\n'
    )
    assert main(["check", "lfs.py", "--records", "notes.csv", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["records"] == 2
    assert (answer["tried"]["coverage"], answer["tried"]["conflict"]) == (1.0, 0.5)
    shares = {
        row["function"]: (row["coverage"], row["overlaps"], row["conflicts"])
        for row in answer["tried"]["functions"]
    }
    assert shares == {"good": (0.5, 0.5, 0.5), "other": (0.0, 0.0, 0.0), "clear": (1.0, 0.5, 0.5)}
    assert {row["function"]: row["classes"] for row in answer["tried"]["functions"]}["clear"] == ["clear"]
    assert main(["check", "lfs.py", "--records", "notes.csv"]) == 0
    told = capsys.readouterr().out
    assert "on 2 records: 100.0% have a vote, 50.0% votes that differ" in told
    assert "conflicts" in told


def test_a_selection_of_nothing_is_wrong_usage(folder):
    assert main(["check", "lfs.py", "--select", "none*"]) == 2
    assert main(["check", "missing.py"]) == 3


def test_class_names_without_classes_are_answered_with_the_option(tmp_path, capsys):
    (tmp_path / "lfs.py").write_text(
        'from sidelight.labeling import keyword_lf\n\ncough = keyword_lf("cough", ["cough"], "yes")\n'
    )
    (tmp_path / "notes.csv").write_text("id,text\n1,a cough\n")
    given = ["check", str(tmp_path / "lfs.py"), "--records", str(tmp_path / "notes.csv"), "--json"]
    assert main(given) == 1
    assert "no classes were given (schema=LabelSchema(...), or --classes)" in capsys.readouterr().out
    assert main([*given, "--classes", "no,yes"]) == 0
