"""The commands one after another, as a platform engineer runs them: on files, with exit codes."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels
from sidelight.labeling import read_votes


@pytest.fixture(scope="module")
def project(sea, tmp_path_factory):
    """Notes on the sea, and signals that are louder where they say so; no note is strange."""
    folder = sea.write(tmp_path_factory.mktemp("chain") / "sea")
    text = (folder / "notes.csv").read_text()
    (folder / "notes.csv").write_text(
        text.replace("strange noises", "wild").replace("strange silence", "calm")
    )
    return folder


def label(project, out, *more):
    return main(
        ["label", str(project / "notes.csv"), "--functions", str(project / "lfs.py"), "--id", "note", "--text", "note_text",
         "--patient", "patient", "--out", str(out), *more]
    )  # fmt: skip


def test_commands_follow_each_other(project, tmp_path, capsys):
    pytest.importorskip("torch", reason="the train extra is not installed")
    gold = ["--gold", str(project / "notes.csv"), "--gold-id", "note", "--gold-column", "state"]
    votes, labels, bundle, scores = (
        str(tmp_path / name) for name in ("votes", "labels.parquet", "bundle", "p.parquet")
    )
    assert label(project, votes) == 0
    assert main(["analyze", votes, *gold]) == 0
    assert "says_wild" in capsys.readouterr().out
    assert main(["fit", votes, "--out", labels, "--model-out", str(tmp_path / "model"), *gold, "--json"]) == 0
    fitted = json.loads(capsys.readouterr().out)
    assert fitted["covered"] == 160
    assert fitted["quality"]["auroc"] > 0.95
    signals = str(project / "signals.npz")
    assert (
        main(["train", labels, "--signals", signals, "--out", bundle, "--epochs", "3", *gold, "--json"]) == 0
    )
    trained = json.loads(capsys.readouterr().out)
    assert sum(part["records"] for part in trained["parts"].values()) == 160
    assert main(["predict", bundle, signals, "--out", scores]) == 0
    assert "not a medical device" in capsys.readouterr().out
    audit = [
        "audit", scores, "--bundle", bundle, "--records", str(project / "notes.csv"), "--id", "note", "--text", "note_text",
        "--patient", "patient", "--gold-column", "state", "--slices", str(project / "slices.py"), "--out", str(tmp_path / "audit"),
        "--json",
    ]  # fmt: skip
    assert main(audit) == 0
    audited = json.loads(capsys.readouterr().out)
    assert audited["n_records"] == trained["test records with gold"], (
        "the audit sees the test patients and no others"
    )
    assert {path.name for path in (tmp_path / "audit").iterdir()} == {
        "audit.json",
        "slices.csv",
        "audit.html",
        "model_card.md",
        "errors.csv",
        "records.npz",
    }
    assert "notes" not in audited
    for part, learned in (("dev", False), ("train", True), ("all", True)):
        assert main([*audit[:-2], str(tmp_path / part), "--part", part, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["provenance"]["part of the bundle's split"] == part
        assert any("holds those it learned from" in note for note in told.get("notes", [])) == learned


def test_no_text_in_what_training_leaves(project, tmp_path):
    pytest.importorskip("torch", reason="the train extra is not installed")
    votes, labels, bundle = (str(tmp_path / name) for name in ("votes", "labels.parquet", "bundle"))
    assert label(project, votes) == 0
    assert main(["fit", votes, "--out", labels]) == 0
    assert (
        main(["train", labels, "--signals", str(project / "signals.npz"), "--out", bundle, "--epochs", "1"])
        == 0
    )
    for file in (tmp_path / "bundle").iterdir():
        content = file.read_bytes()
        assert not any(word in content for word in (b"gale", b"stormy", b"quiet", b"p17"))


def test_same_command_twice_gives_the_same_bytes(project, tmp_path):
    for run in ("first", "second"):
        assert label(project, tmp_path / run / "votes", "--evidence") == 0
        assert (
            main(["fit", str(tmp_path / run / "votes"), "--out", str(tmp_path / run / "labels.parquet")]) == 0
        )
    names = [
        path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file()
    ]
    for name in names:
        if name.name != "run.log.jsonl":
            assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name


def test_order_of_rows_does_not_matter_to_labels(project, tmp_path):
    head, *rows = (project / "notes.csv").read_text().splitlines()
    (tmp_path / "notes.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")
    shutil.copy(project / "lfs.py", tmp_path)
    for folder in (project, tmp_path):
        assert label(folder, tmp_path / f"votes-{folder is project}") == 0
        assert (
            main(
                [
                    "fit",
                    str(tmp_path / f"votes-{folder is project}"),
                    "--out",
                    str(tmp_path / f"{folder is project}.parquet"),
                ]
            )
            == 0
        )
    one, other = (Labels.read(tmp_path / f"{name}.parquet") for name in (True, False))
    order = [other.ids.tolist().index(name) for name in one.ids.tolist()]
    np.testing.assert_allclose(one.proba, other.proba[order], atol=1e-9)


def test_select_runs_the_functions_named(project, tmp_path):
    assert label(project, tmp_path / "votes", "--select", "says_w*") == 0
    assert read_votes(tmp_path / "votes").names == ("says_wild", "says_wind")


def test_dry_run_writes_nothing(project, tmp_path, capsys):
    assert label(project, tmp_path / "votes", "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)
    assert not list(tmp_path.iterdir())


def test_a_users_own_labeling_py_breaks_nothing(project, tmp_path):
    (tmp_path / "labeling.py").write_text("raise RuntimeError('the wrong labeling')\n")
    (tmp_path / "script.py").write_text(
        (project / "lfs.py").read_text() + "\nprint(says_calm({'text': 'calm'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "calm", done.stderr


def test_covid_notes_are_labeled_fitted_and_analyzed(shared_data, tmp_path, capsys):
    notes = shared_data("covid_cxr") / "metadata.csv"
    functions = tmp_path / "covid.py"
    functions.write_text(
        "from sidelight.labeling import LabelSchema, keyword_lf, regex_lf\n"
        "schema = LabelSchema(classes=('other', 'covid'))\n"
        "names_covid = regex_lf('names_covid', r'covid|sars-cov-2|coronavirus', 'covid')\n"
        "was_in_wuhan = keyword_lf('was_in_wuhan', ['wuhan', 'italy', 'travel'], 'covid')\n"
        "pcr = regex_lf('pcr', r'rt-?pcr|swab', 'covid')\n"
        "names_other = regex_lf('names_other', r'pneumococc|klebsiella|tubercul|legionella|pneumocystis|aspergill', 'other')\n"
        "chronic = keyword_lf('chronic', ['HIV', 'alcoholism', 'transplant'], 'other')\n"
    )
    arguments = [
        "label",
        str(notes),
        "--functions",
        str(functions),
        "--id",
        "image",
        "--text",
        "clinical_notes",
    ]
    assert main([*arguments, "--out", str(tmp_path / "votes"), "--limit", "0.05"]) == 0
    assert main(["fit", str(tmp_path / "votes"), "--out", str(tmp_path / "labels.parquet")]) == 0
    capsys.readouterr()
    assert main(["analyze", str(tmp_path / "votes"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["covered"] > 0.15


def test_labels_of_unknown_studies_are_counted_and_break_the_limit(project, tmp_path, capsys):
    pytest.importorskip("torch", reason="the train extra is not installed")
    stored = np.load(project / "signals.npz")
    np.savez(
        tmp_path / "few.npz", **{**stored, "id": stored["id"][:150], "signals_mv": stored["signals_mv"][:150]}
    )
    assert label(project, tmp_path / "votes") == 0
    assert main(["fit", str(tmp_path / "votes"), "--out", str(tmp_path / "labels.parquet")]) == 0
    train = [
        "train",
        str(tmp_path / "labels.parquet"),
        "--signals",
        str(tmp_path / "few.npz"),
        "--epochs",
        "1",
    ]
    capsys.readouterr()
    assert main([*train, "--out", str(tmp_path / "bundle")]) == 1
    told = capsys.readouterr().err
    assert "150 of 160 label rows linked" in told
    assert (tmp_path / "bundle").is_dir(), "the work is done all the same"
    assert main([*train, "--out", str(tmp_path / "other"), "--limit", "0.1"]) == 0
