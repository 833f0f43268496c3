"""`sidelight fit --learn-from-gold`: any number of gold labels take part in the fit."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels, VoteModel
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, write_votes


@pytest.fixture
def project(tmp_path):
    """Votes of three annotators, the first of whom is nearly always wrong, and gold labels of the first 150 records."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    right = rng.random((400, 3)) < [0.05, 0.6, 0.6]
    values = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    ids = np.array([f"r{row}" for row in range(400)])
    functions = tuple(FunctionInfo(name) for name in ("contrary", "second", "third"))
    write_votes(VoteMatrix(values, LabelSchema(["no", "yes"]), functions, ids), tmp_path / "votes")
    lines = [f"r{row},{['no', 'yes'][truth[row]] if row < 150 else ''}" for row in range(400)]
    (tmp_path / "gold.csv").write_text("id,state\n" + "\n".join(lines) + "\n")
    return tmp_path, truth


def fit(folder, *options):
    gold = ["--gold", str(folder / "gold.csv"), "--gold-column", "state"]
    return main(["fit", str(folder / "votes"), "--out", str(folder / "labels.parquet"), *gold, *options])


@pytest.mark.parametrize("model", ["matrix-completion", "gold-naive-bayes"])
def test_gold_turns_a_contrary_annotator_around(project, capsys, model):
    folder, truth = project
    assert (
        fit(folder, "--learn-from-gold", "--model", model, "--json", "--model-out", str(folder / "model"))
        == 0
    )
    said = json.loads(capsys.readouterr().out)
    assert said["gold labels learned from"] == 150
    assert said["quality"] is None
    labels = Labels.read(folder / "labels.parquet")
    assert (labels.label[150:] == truth[150:]).mean() > 0.9
    assert labels.lineage["gold_records"] == 150
    weights = VoteModel.load(folder / "model").get_weights() if model == "matrix-completion" else [0.0]
    assert weights[0] < 0.3
    assert fit(folder, "--overwrite", "--json") == 0
    assert json.loads(capsys.readouterr().out)["quality"]["gold labels"] == 150
    assert "gold_records" not in Labels.read(folder / "labels.parquet").lineage


def test_what_cannot_learn_from_gold_says_so(project, capsys):
    folder, _ = project
    votes, out = str(folder / "votes"), str(folder / "labels.parquet")
    assert main(["fit", votes, "--out", out, "--learn-from-gold"]) == 2
    assert "needs --gold" in capsys.readouterr().err
    assert fit(folder, "--learn-from-gold", "--model", "majority") == 2
    assert "learns from no gold label" in capsys.readouterr().err
    gold = ["--gold", str(folder / "gold.csv"), "--gold-column", "state", "--learn-from-gold"]
    assert main(["fit", votes, votes, "--out", out, *gold]) == 2
    assert "the votes of one folder" in capsys.readouterr().err
    assert not (folder / "labels.parquet").exists()


@pytest.fixture
def trained(project, capsys):
    """Labels that learned from 150 gold labels, a network on them, and gold of all 400 records."""
    pytest.importorskip("torch", reason="the train extra is not installed")
    folder, truth = project
    lines = [f"r{row},{['no', 'yes'][value]}" for row, value in enumerate(truth)]
    (folder / "all.csv").write_text("id,state,text\n" + "\n".join(f"{line}," for line in lines) + "\n")
    signals = np.random.default_rng(1).normal(size=(400, 1, 32)) * np.where(truth, 3.0, 1.0)[:, None, None]
    np.savez(
        folder / "signals.npz", id=np.array([f"r{row}" for row in range(400)]), signals_mv=signals.astype(np.float32),
        lead_names=np.array(["I"]), sampling_hz=np.array(100.0),
    )  # fmt: skip
    assert fit(folder, "--learn-from-gold") == 0
    capsys.readouterr()
    return folder


def train(folder, capsys):
    gold = ["--gold", str(folder / "all.csv"), "--gold-column", "state"]
    command = ["train", str(folder / "labels.parquet"), "--signals", str(folder / "signals.npz"), *gold]
    assert main([*command, "--out", str(folder / "bundle"), "--epochs", "1", "--overwrite", "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err, json.loads((folder / "bundle" / "bundle.json").read_text())


TAUGHT = "gold labels that taught the label model, and measure nothing"


def test_gold_that_taught_the_labels_does_not_measure_the_network(trained, capsys):
    said, beside, bundle = train(trained, capsys)
    n_test = said["parts"]["test"]["records"]
    assert said[TAUGHT] == bundle["metrics"][TAUGHT] == 150
    assert 0 < said["test records with gold"] < n_test
    assert f"{TAUGHT}: 150" in beside
    labels = Labels.read(trained / "labels.parquet")
    assert labels.from_gold.tolist() == [row < 150 for row in range(400)]
    parquet, table = str(trained / "labels.parquet"), str(trained / "labels.csv")
    assert main(["export", parquet, "--to", "csv", "--out", table]) == 0
    assert main(["import", table, "--from", "csv", "--out", parquet, "--overwrite"]) == 0
    capsys.readouterr()
    assert train(trained, capsys)[0][TAUGHT] == 150, "by way of a CSV file they are still known"
    assert main(["export", parquet, "--to", "doccano", "--out", str(trained / "doccano.jsonl")]) == 0
    assert "learned from 150 gold labels, which doccano cannot say" in capsys.readouterr().err
    replace(labels, from_gold=None).write(trained / "labels.parquet")  # a table of an earlier version
    said, beside, bundle = train(trained, capsys)
    assert said["test records with gold"] == n_test
    assert "does not say which" in beside
    assert "does not say which" in bundle["metrics"]["caution"]
    assert "does not say which" in bundle["summary"]["performance"]


def test_an_audit_leaves_it_out_as_well(trained, capsys):
    train(trained, capsys)
    bundle, signals, scores = (str(trained / name) for name in ("bundle", "signals.npz", "scores.parquet"))
    assert main(["predict", bundle, signals, "--out", scores]) == 0
    audit = [
        "audit",
        scores,
        "--records",
        str(trained / "all.csv"),
        "--gold-column",
        "state",
        "--bundle",
        bundle,
    ]
    capsys.readouterr()
    assert main([*audit, "--out", str(trained / "first"), "--json"]) == 0
    whole = capsys.readouterr()
    assert "--labels FILE" in whole.err
    labels = ["--labels", str(trained / "labels.parquet")]
    assert main([*audit, *labels, "--out", str(trained / "second"), "--json"]) == 0
    part = capsys.readouterr()
    assert TAUGHT in part.err
    assert json.loads(part.out)["n_records"] < json.loads(whole.out)["n_records"]
