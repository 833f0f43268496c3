"""`sidelight check` and `sidelight retry` of a project."""

import json

import pytest

from sidelight.apps.cli.main import main


@pytest.fixture
def home(sea, tmp_path):
    home = sea.write(tmp_path / "sea", n=80)
    text = (home / "sidelight.toml").read_text()
    (home / "sidelight.toml").write_text(text.replace('target = "waves"\n', ""))
    return home


def edit(home, name, old, new):
    text = (home / name).read_text()
    assert old in text
    (home / name).write_text(text.replace(old, new))


def test_a_project_in_order_says_so_and_writes_nothing(home, capsys):
    before = sorted(home.rglob("*"))
    assert main(["check", str(home)]) == 0
    said = capsys.readouterr().out
    assert "sidelight.toml is in order: 1 task, 3 sources, 4 functions, 2 slices" in said
    assert sorted(path for path in home.rglob("*") if "__pycache__" not in path.parts) == before


def test_examples_of_functions_and_slices_are_run(home, capsys):
    edit(
        home, "lfs.py", '["gale"], "wild")', '["gale"], "wild", examples={"A gale.": "wild", "calm": "calm"})'
    )
    edit(home, "slices.py", "@slicing_function", '@slicing_function(examples=[("brief", True)])')
    assert main(["check", str(home / "sidelight.toml"), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["n_examples"] == 3
    failed = [r for r in answer["remarks"] if r["kind"] == "example"]
    assert [(r["source"], r["function"]) for r in failed] == [("rules", "says_wind"), ("slices", "long_text")]


def test_empty_slices_silent_functions_and_faults_are_told(home, capsys):
    edit(home, "lfs.py", '["gale"]', '["iceberg"]')
    edit(home, "sidelight.toml", "at_least = 60", "at_least = 600")
    edit(home, "slices.py", "return len(record.text) > 16", "return record.nothing > 16")
    assert main(["check", str(home), "--json"]) == 0
    kinds = {(r["function"], r["kind"]) for r in json.loads(capsys.readouterr().out)["remarks"]}
    assert {("says_wind", "never fires"), ("old", "empty"), ("long_text", "error")} <= kinds


def test_functions_of_several_sources_are_compared(home, capsys):
    (home / "more.py").write_text(
        'from sidelight.labeling import keyword_lf\nnever_wild = keyword_lf("never_wild", ["wild"], "calm")\n'
    )
    text = (home / "sidelight.toml").read_text()
    more = '[sources.more]\ntask = "state"\nfunctions = "more.py"\n\n[sources.anna]'
    (home / "sidelight.toml").write_text(text.replace("[sources.anna]", more))
    assert main(["check", str(home), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["tried"]["state"]
    rows = {row["function"]: row for row in found["functions"]}
    assert (rows["says_wild"]["source"], rows["never_wild"]["source"]) == ("rules", "more")
    assert 0 < rows["never_wild"]["conflicts"] == rows["never_wild"]["coverage"] <= found["conflict"]
    assert main(["check", str(home)]) == 0
    told = capsys.readouterr().out
    assert "never_wild" in told.partition("state, on 80 records: ")[2], told


def test_a_wrong_file_and_wrong_columns_end_in_2(home, capsys):
    edit(home, "sidelight.toml", 'functions = "lfs.py"', 'functoins = "lfs.py"')
    assert main(["check", str(home)]) == 2
    assert "sources.rules.functoins: no such key; did you mean 'functions'?" in capsys.readouterr().err
    edit(home, "sidelight.toml", 'functoins = "lfs.py"', 'functions = "lfs.py"')
    edit(home, "sidelight.toml", 'column = "age"', 'column = "agee"')
    assert main(["check", str(home)]) == 2
    assert (
        "slices.old.column: the export has no column 'agee'; did you mean 'age'?" in capsys.readouterr().err
    )
    assert main(["check", str(home), "--classes", "a,b"]) == 2
    assert "a project says itself" in capsys.readouterr().err


def test_check_needs_no_argument_in_a_project(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    assert main(["check"]) == 0
    assert "is in order" in capsys.readouterr().out
    monkeypatch.chdir(home.parent)
    assert main(["check"]) == 3
    assert "sidelight init" in capsys.readouterr().err


def test_retry_finishes_a_project(home, capsys):
    assert main(["run", "--project", str(home), "--select", "fit"]) == 0
    assert main(["retry", str(home), "--workers", "1"]) == 0
    shown = capsys.readouterr()
    assert "· analyze:state" in shown.err
    assert shown.err.count("· fit:state") == 1
    assert "0001" in shown.out
    assert main(["retry", str(home / "sidelight.toml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] is False
