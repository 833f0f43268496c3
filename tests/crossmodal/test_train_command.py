import json
from pathlib import Path

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.crossmodal import patient_split
from sidelight.label_model import Labels, MajorityLabelVoter
from sidelight.labeling import LabelSchema, as_votes


@pytest.fixture
def project(two_views, tmp_path, monkeypatch):
    """Labels and signals of 60 records, in which a test patient's signal is a copy of a training patient's."""
    monkeypatch.chdir(tmp_path)
    _, votes, signals = two_views(60)
    parts = patient_split([f"p{row}" for row in range(60)]).parts
    train, test = np.flatnonzero(parts == "train")[3], np.flatnonzero(parts == "test")[2]
    signals[test] = 2 * signals[train]
    schema = LabelSchema(("slow", "fast"))
    table = as_votes(votes, schema=schema)
    labels = Labels.from_model(MajorityLabelVoter(cardinality=2).fit(table), table)
    ids = np.array([f"r{row}" for row in range(60)])
    labels = type(labels)(
        ids=ids,
        patient_ids=np.array([f"p{row}" for row in range(60)]),
        proba=labels.proba,
        label=labels.label,
        covered=labels.covered,
        n_votes=labels.n_votes,
        schema=schema,
        lineage={},
    )
    labels.write("labels.parquet")
    np.savez("signals.npz", signals=signals, ids=ids, lead_names=["a", "b", "c"], sampling_hz=100)
    return labels


COMMAND = ["train", "labels.parquet", "--signals", "signals.npz", "--epochs", "1", "--json"]


def test_copies_across_parts_teach_nothing_and_are_told(project, capsys):
    assert main([*COMMAND, "--out", "clean", "--precision", "bf16-mixed", "--accumulate", "2"]) == 0
    told = capsys.readouterr()
    assert "copies stood in two parts (1 found)" in told.err
    clean = json.loads(told.out)["parts"]["train"]
    assert main([*COMMAND, "--out", "leaky", "--no-copies"]) == 0
    leaky = json.loads(capsys.readouterr().out)["parts"]["train"]
    assert leaky["covered"] - clean["covered"] == 1
    lineages = [json.loads(Path(name, "bundle.json").read_text())["lineage"] for name in ("clean", "leaky")]
    assert [lineage["copies across parts"] for lineage in lineages] == [1, None]


def test_the_command_knows_every_encoder_and_loss_that_needs_no_more_than_its_name():
    from sidelight.apps.cli import studies
    from sidelight.crossmodal import ENCODERS, LOSSES

    assert set(studies.ENCODERS) == set(ENCODERS)
    assert {*studies.LOSSES, "forward-correction"} == set(LOSSES)


def test_encoder_and_loss_are_chosen_and_a_checkpoint_is_kept(project, capsys):
    assert main([*COMMAND, "--out", "b", "--encoder", "dilated1d", "--loss", "class-reweighting",
                 "--checkpoint", "c.ckpt"]) == 0  # fmt: skip
    about = json.loads(Path("b", "bundle.json").read_text())
    assert about["encoder"]["name"] == "dilated1d"
    assert Path("c.ckpt").exists()


def test_a_text_model_speaks_for_reports_that_no_function_covers(project, capsys):
    """Half of the labels are taken away; the words of the reports give them back."""
    table = Labels.read("labels.parquet")
    right = table.label.copy()
    covered = np.arange(60) % 2 == 0
    proba = np.where(covered[:, None], np.eye(2)[np.maximum(right, 0)], 0.5)
    type(table)(
        ids=table.ids, patient_ids=table.patient_ids, proba=proba, label=np.where(covered, right, -1),
        covered=covered, n_votes=covered.astype(np.int64), schema=table.schema, lineage={},
    ).write("labels.parquet")  # fmt: skip
    words = ["calm slow wave" if value == 0 else "hurried fast wave" for value in right]
    rows = [f"{name},{text}" for name, text in zip(table.ids, words, strict=True)]
    Path("notes.csv").write_text("\n".join(["id,text", *rows]) + "\n")
    assert main([*COMMAND, "--out", "plain", "--no-copies"]) == 0
    plain = json.loads(capsys.readouterr().out)["parts"]["train"]
    assert main([*COMMAND, "--out", "told", "--no-copies", "--reports", "notes.csv"]) == 0
    told = capsys.readouterr()
    assert "text model: coverage 0." in told.err
    assert json.loads(told.out)["parts"]["train"]["covered"] == plain["records"] > plain["covered"]
    decision = json.loads(Path("told", "bundle.json").read_text())["lineage"]["text model"]
    assert decision["used"] is True
    assert "wave" not in Path("told", "bundle.json").read_text()


def test_a_folder_of_files_is_read_by_template_each_study_as_a_bag(project, capsys):
    signals = np.load("signals.npz")["signals"]
    for row, values in enumerate(signals):
        for view in range(1 + row % 2):
            Path("files", f"r{row}").mkdir(parents=True, exist_ok=True)
            np.save(Path("files", f"r{row}", f"view{view}.npy"), values)
    given = [
        "train",
        "labels.parquet",
        "--signals",
        "files",
        "--by",
        "{study_id}/{view}.npy",
        "--epochs",
        "1",
        "--json",
    ]
    assert main([*given, "--out", "single", "--no-copies"]) == 0
    assert main([*given, "--out", "bags", "--bags"]) == 0
    capsys.readouterr()
    single, bags = (json.loads(Path(name, "bundle.json").read_text()) for name in ("single", "bags"))
    assert (bags["input"]["bag"], single["input"]["bag"]) == (True, False)
    assert sum(part["records"] for part in bags["lineage"]["parts"].values()) == 60
    assert sum(part["records"] for part in single["lineage"]["parts"].values()) == 90
    for name, n_rows in (("bags", 60), ("single", 90)):
        assert main(["predict", name, "files", "--by", given[5], "--out", f"{name}.csv", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["studies"] == n_rows
    assert main([*given[:3], "signals.npz", "--bags", "--out", "x"]) == 2
    assert "--bags is for a folder" in capsys.readouterr().err
