"""`sidelight fit --hierarchy`: labels for classes within classes."""

import json

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import HierarchicalLabelModel, Labels
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, write_votes

TREE = {"clear": None, "effusion": {"small": None, "large": None}}
NODES = ("clear", "effusion", "small", "large")


@pytest.fixture
def votes(tmp_path):
    """Six functions that vote for a leaf or, at times, for the class above it."""
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 2, 3], 400)
    wrong = rng.choice([0, 2, 3], (400, 6))
    values = np.where(rng.random((400, 6)) < 0.8, truth[:, None], wrong)
    values = np.where((rng.random((400, 6)) < 0.3) & (values >= 2), 1, values)
    values = np.where(rng.random((400, 6)) < 0.7, values, -1).astype(np.int8)
    ids = np.array([f"r{i}" for i in range(400)])
    matrix = VoteMatrix(values, LabelSchema(NODES), tuple(FunctionInfo(f"f{j}") for j in range(6)), ids=ids)
    write_votes(matrix, tmp_path / "votes")
    (tmp_path / "tree.json").write_text(json.dumps(TREE))
    gold = ["id,label", *(f"r{i},{NODES[c]}" for i, c in enumerate(truth))]
    (tmp_path / "gold.csv").write_text("\n".join(gold) + "\n")
    return tmp_path


def test_labels_are_for_the_leaves(votes, capsys):
    out, kept = votes / "labels.parquet", votes / "model"
    command = [
        "fit",
        str(votes / "votes"),
        "--hierarchy",
        str(votes / "tree.json"),
        "--out",
        str(out),
        "--json",
    ]
    assert (
        main(
            [
                *command,
                "--model-out",
                str(kept),
                "--gold",
                str(votes / "gold.csv"),
                "--gold-id",
                "id",
                "--gold-column",
                "label",
            ]
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert list(told["labeled"]) == ["clear", "small", "large"]
    assert told["quality"]["accuracy"] > 0.85
    assert sum(told["class balance"].values()) == pytest.approx(1)
    assert Labels.read(out).schema.classes == ("clear", "small", "large")
    assert HierarchicalLabelModel.load(kept).hierarchy.nodes == NODES


def test_a_class_balance_is_of_the_leaves(votes, capsys):
    command = ["fit", str(votes / "votes"), "--hierarchy", str(votes / "tree.json"), "--json", "--out"]
    balance = "clear=0.5,small=0.25,large=0.25"
    assert main([*command, str(votes / "labels.parquet"), "--class-balance", balance]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["class balance"]["clear"] == pytest.approx(0.5)
    assert told["class balance from"] == "given"


def test_a_file_that_is_no_tree_of_these_classes_is_refused(votes, capsys):
    command = ["fit", str(votes / "votes"), "--out", str(votes / "labels.parquet"), "--hierarchy"]
    for text, error in [
        ("{", "no tree of classes"),
        ('{"a": null, "b": null}', "the votes are for"),
        ("3", "no tree"),
    ]:
        (votes / "wrong.json").write_text(text)
        assert main([*command, str(votes / "wrong.json")]) != 0
        assert error in capsys.readouterr().err
    assert main([*command, str(votes / "absent.json")]) != 0
    assert main([*command, str(votes / "tree.json"), "--model", "majority"]) != 0
    assert not (votes / "labels.parquet").exists()
