"""Labels that are all alike although functions vote for several classes: every place that shows a fit says so."""

import json

import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels, VoteModel

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf
schema = LabelSchema(classes=("absent", "present"))
clear = keyword_lf("clear", ["clear"], "absent")
fluid = keyword_lf("fluid", ["fluid"], "present")
"""
PROJECT = """
[data]
export = "notes.csv"
patient = "patient_id"
[payloads.text]
kind = "text"
[tasks.effusion]
classes = ["absent", "present"]
label_model = "dawid-skene"
[sources.rules]
task = "effusion"
functions = "lfs.py"
"""
MISSED = "no record is labeled present, though on {} every vote is for it"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An export of 40 notes and a function for each of two classes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    texts = ["clear", "clear lungs", "fluid", "nothing said"] * 10
    rows = "".join(f"{row},p{row},{text}\n" for row, text in enumerate(texts))
    (tmp_path / "notes.csv").write_text("id,patient_id,text\n" + rows)
    return tmp_path


def test_fit_says_that_a_class_is_missing_and_what_is_made_for_such_functions(place, capsys):
    assert main(["label", "notes.csv", "--functions", "lfs.py", "--out", "votes"]) == 0
    capsys.readouterr()
    collapsed = ["fit", "votes", "--model", "dawid-skene", "--model-out", "model", "--out"]
    assert main([*collapsed, "labels.parquet"]) == 0
    said = capsys.readouterr()
    assert f"against all votes   {MISSED.format(10)}" in said.out
    assert "clear, fluid vote for one class alone; matrix-completion" in said.err
    assert "Assumed accuracies: nothing was learned" in said.out
    assert "this model learns nothing of functions that vote for one class alone" in said.err
    assert (Labels.read("labels.parquet").label == 1).sum() == 0
    assert [found.n_records for found in VoteModel.load("model").overruled_] == [10]
    assert main([*collapsed, "again.parquet", "--overwrite", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["overruled"] == [
        {"class": "present", "records": 10, "labeled otherwise": 10, "swapped": False}
    ]
    assert main(["fit", "votes", "--out", "good.parquet", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["overruled"] == []
    assert "go against the votes" not in said.err
    assert (Labels.read("good.parquet").label == 1).sum() == 10


def test_a_model_without_gold_to_learn_from_calls_its_accuracies_assumed(place, capsys):
    assert main(["label", "notes.csv", "--functions", "lfs.py", "--out", "votes"]) == 0
    capsys.readouterr()
    assert main(["fit", "votes", "--model", "gold-naive-bayes", "--out", "labels.parquet"]) == 0
    said = capsys.readouterr()
    assert "0.700, assumed" in said.out
    assert "learns from gold labels alone, and none stands beside these votes" in said.err


def test_a_run_and_its_page_say_it_first(place, capsys):
    (place / "sidelight.toml").write_text(PROJECT)
    assert main(["run"]) == 0
    said = capsys.readouterr()
    assert "effusion: labels against all votes, present" in said.out
    page = (place / "runs/0001/report.html").read_text()
    first = page.partition("<h3>What to do next</h3>")[2].partition("</li>")[0]
    assert "Labels of dawid-skene go against the votes: no record is labeled present" in first
    assert "matrix-completion" in first
    assert "Class balance the label model works with, estimated from votes alone" in page
    functions = json.loads((place / "runs/0001/functions/effusion.json").read_text())
    assert [row["assumed"] for row in functions] == [True, True]
    (place / "sidelight.toml").write_text(PROJECT.replace("dawid-skene", "matrix-completion"))
    assert main(["run"]) == 0
    assert "against" not in capsys.readouterr().out
    assert "go against the votes" not in (place / "runs/0002/report.html").read_text()
