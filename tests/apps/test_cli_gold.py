"""`sidelight fit --learn-from-gold`: any number of gold labels take part in the fit."""

import json

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
