"""The command line as somebody meets it who has not read anything: what it says of a first mistake."""

import json

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels
from sidelight.labeling import LabelSchema


def test_without_a_command_the_help_is_shown_and_no_error(capsys):
    assert main([]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Usage: sidelight")
    assert "error:" not in shown


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("analyse", "Did you mean 'analyze'?"),
        ("lable", "Did you mean 'label'?"),
        ("zzz", "No such command 'zzz'.\n"),
    ],
)
def test_a_misspelt_command_is_answered_with_a_near_one(given, said, capsys):
    assert main([given]) == 2
    assert said in capsys.readouterr().err


def test_a_missing_id_column_is_asked_for_in_words_of_the_command_line(tmp_path, capsys):
    (tmp_path / "notes.csv").write_text("row_id,pmid,text\n1,7,a\n")
    assert main(["inspect", str(tmp_path / "notes.csv")]) == 3
    shown = capsys.readouterr().err
    assert "did you mean 'row_id'?" in shown
    assert "--id" in shown


def test_a_column_that_is_not_there_is_not_counted_as_empty(tmp_path, capsys):
    (tmp_path / "notes.csv").write_text("id,report\n1,a\n")
    assert main(["inspect", str(tmp_path / "notes.csv")]) == 0
    shown = capsys.readouterr().out
    assert "no column 'patient_id'; --patient" in shown
    assert "no column 'text'; --text" in shown
    assert main(["inspect", str(tmp_path / "notes.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["patients"] == 0


@pytest.fixture
def pictures(tmp_path):
    """Labels named as picture files with their suffix, as in many public sets, and the pictures."""
    image = pytest.importorskip("PIL.Image")
    folder, n = tmp_path / "images", 12
    folder.mkdir()
    names = np.array([f"{row:04}.png" for row in range(n)])
    for row, name in enumerate(names):
        image.fromarray(np.full((8, 8), 20 * row, dtype=np.uint8)).save(folder / str(name))
    proba = np.eye(2)[np.arange(n) % 2] * 0.8 + 0.1
    Labels(
        names,
        np.array([f"p{row}" for row in range(n)]),
        proba,
        proba.argmax(axis=1),
        np.ones(n, dtype=bool),
        np.ones(n, dtype=np.int64),
        LabelSchema(classes=("absent", "present")),
    ).write(tmp_path / "labels.parquet")
    return tmp_path


def train(folder, *more):
    given = ["train", str(folder / "labels.parquet"), "--signals", str(folder / "images")]
    return main([*given, "--out", str(folder / "bundle"), "--no-copies", *more])


def test_labels_that_find_no_study_are_no_bug_of_ours(pictures, capsys):
    assert train(pictures) == 2
    shown = capsys.readouterr().err
    assert "no id of the labels is that of a study" in shown
    assert "--by name" in shown
    assert "0000.png" not in shown


def test_studies_can_be_called_as_their_files(pictures, capsys):
    assert train(pictures, "--by", "name", "--dry-run", "--json") == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert sum(part["records"] for part in parts.values()) == 12


@pytest.mark.parametrize(
    "option", [("--by", "filename"), ("--by", "{study}.png"), ("--image-size", "0"), ("--threads", "0")]
)
def test_options_that_cannot_be_are_wrong_usage(pictures, option, capsys):
    assert train(pictures, *option) == 2
    assert option[0] in capsys.readouterr().err


def test_a_device_that_is_not_there_is_no_bug_of_ours(pictures, capsys):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    assert train(pictures, "--by", "name", "--device", "gpu", "--epochs", "1", "--test", "0") == 2
    assert "no such devices here" in capsys.readouterr().err


def test_an_interval_below_zero_cannot_be_read_as_a_difference_of_signs():
    from sidelight.apps.cli.output import interval_text

    assert interval_text(0.83, 0.7, 0.9) == "0.830 (0.700-0.900)"
    assert interval_text(-0.557, -0.722, 0.045) == "-0.557 (-0.722 to 0.045)"
