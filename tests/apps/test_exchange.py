"""Labels go out to every format and come back the same; text goes along only when asked."""

import csv
import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.apps.cli.main import main
from sidelight.apps.exchange import FORMATS, Content
from sidelight.label_model import Labels
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, read_votes, write_votes
from sidelight.labeling.spreadsheet import plain_cell, safe_cell

IDS = ["1", "2", "3", "4"]
CERTAIN = {"label-studio", "doccano", "prodigy", "wrench"}


@pytest.fixture
def content():
    schema = LabelSchema(["=no", "yes"], task="effusion")
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.1, 0.9]])
    labels = Labels(
        ids=np.array(IDS), patient_ids=np.array(["p1", "p1", "", "-p2"]), proba=proba, label=np.array([0, 1, -1, 1]),
        covered=np.array([True, True, False, True]), n_votes=np.array([1, 2, 0, 1]), schema=schema,
        lineage={"model": "0123456789abcdef" * 4},
    )  # fmt: skip
    values = np.array([[0, -1], [1, 1], [-1, -1], [-1, 1]], dtype=np.int8)
    votes = VoteMatrix(values, schema, (FunctionInfo("a", "f1"), FunctionInfo("b", "f2")), ids=np.array(IDS))
    return Content(labels, votes, {name: f"text {name}\nwith “signs”" for name in IDS})


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_labels_come_back_as_they_went(content, tmp_path, name):
    if name == "spacy":
        pytest.importorskip("spacy", reason="spaCy is not installed")
    path = tmp_path / f"out.{name}"
    FORMATS[name].write(content, path)
    files = [file for file in [path, *tmp_path.rglob("*")] if file.is_file()]
    assert {os.stat(file).st_mode & 0o777 for file in files} == {0o600}
    back = FORMATS[name].read(path, None if name not in CERTAIN - {"wrench"} else content.labels.schema)
    labels = back.labels
    assert labels.ids.tolist() == IDS
    assert labels.label.tolist() == [0, 1, -1, 1]
    assert labels.schema.classes == ("=no", "yes")
    if name != "omop-note-nlp":
        assert labels.patient_ids.tolist() == ["p1", "p1", "", "-p2"]
    if name not in CERTAIN:
        np.testing.assert_array_equal(labels.proba, content.labels.proba)
    if name == "wrench":
        assert back.votes.functions == content.votes.functions
        np.testing.assert_array_equal(back.votes.dense(), content.votes.dense())


@pytest.mark.parametrize("name", ["csv", "huggingface", "jsonl", "parquet"])
@pytest.mark.parametrize("taught", [[True, False, False, True], [False] * 4, None])
def test_which_gold_labels_taught_the_label_model_comes_back(content, tmp_path, name, taught):
    known = None if taught is None else np.array(taught)
    gone = replace(content, labels=replace(content.labels, from_gold=known))
    FORMATS[name].write(gone, tmp_path / f"out.{name}")
    back = FORMATS[name].read(tmp_path / f"out.{name}", None).labels
    assert (None if back.from_gold is None else back.from_gold.tolist()) == taught
    assert back.label.tolist() == [0, 1, -1, 1]


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"spacy"}))
def test_no_text_goes_along_unasked(content, tmp_path, name):
    FORMATS[name].write(Content(content.labels, content.votes), tmp_path / "out")
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or b"with" not in file.read_bytes()


@given(st.text(max_size=20))
def test_no_cell_starts_a_formula_and_each_is_undone(cell):
    safe = safe_cell(cell)
    assert plain_cell(safe) == cell
    if safe.startswith(("=", "+", "-", "@", "\t", "\r", "\x00")):
        float(safe)


def test_people_override_suggestions(content, tmp_path):
    FORMATS["label-studio"].write(content, tmp_path / "t.json")
    tasks = json.loads((tmp_path / "t.json").read_text())

    def said(choice, **more):
        return {"result": [{"value": {"choices": [choice]}}], **more}

    tasks[0]["annotations"] = [said("yes")]
    tasks[1]["annotations"] = [said("yes"), said("=no")]
    tasks[3]["annotations"] = [said("=no", was_cancelled=True)]
    (tmp_path / "t.json").write_text(json.dumps(tasks))
    back = FORMATS["label-studio"].read(tmp_path / "t.json", content.labels.schema)
    assert back.labels.label.tolist() == [1, -1, -1, 1]


def test_the_commands_carry_labels_and_text_when_asked(content, tmp_path, capsys):
    content.labels.write(tmp_path / "labels.parquet")
    write_votes(content.votes, tmp_path / "votes")
    with (tmp_path / "notes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *content.texts.items()])
    given = ["export", str(tmp_path / "labels.parquet"), "--out"]
    assert main([*given, str(tmp_path / "a.json"), "--to", "label-studio"]) == 0
    assert "signs" not in (tmp_path / "a.json").read_text()
    assert main([*given, str(tmp_path / "a.json"), "--to", "label-studio"]) == 2
    more = ["--overwrite", "--records", str(tmp_path / "notes.csv"), "--with-text"]
    assert main([*given, str(tmp_path / "a.json"), "--to", "label-studio", *more]) == 0
    assert "for the eyes of those" in capsys.readouterr().err
    assert json.loads((tmp_path / "a.json").read_text())[0]["data"]["text"] == content.texts["1"]
    assert main([*given, str(tmp_path / "w.json"), "--to", "wrench"]) == 2
    assert main([*given, str(tmp_path / "w.json"), "--to", "wrench", "--votes", str(tmp_path / "votes")]) == 0
    back = ["import", str(tmp_path / "w.json"), "--from", "wrench", "--out", str(tmp_path / "back.parquet")]
    assert main([*back, "--votes-out", str(tmp_path / "votes2")]) == 0
    assert read_votes(tmp_path / "votes2").names == ("a", "b")
    assert Labels.read(tmp_path / "back.parquet").label.tolist() == [0, 1, -1, 1]


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"spacy", "huggingface"}))
@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"ZEBRAFISH\n", b"{}\n", b"[1]"])
def test_other_files_are_refused_without_a_word_of_them(tmp_path, capsys, name, data):
    (tmp_path / "x").write_bytes(data)
    code = main(
        [
            "import",
            str(tmp_path / "x"),
            "--from",
            name,
            "--out",
            str(tmp_path / "o.parquet"),
            "--classes",
            "a,b",
        ]
    )
    assert code in (0, 2, 3)
    if code == 0:
        assert len(Labels.read(tmp_path / "o.parquet")) == 0
    assert "ZEBRAFISH" not in "".join(capsys.readouterr())
