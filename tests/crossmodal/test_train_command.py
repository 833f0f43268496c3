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
    frugal = ["--precision", "bf16-mixed", "--accumulate", "2", "--checkpoint-activations"]
    assert main([*COMMAND, "--out", "clean", *frugal]) == 0
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


def test_several_files_of_labels_teach_one_network_several_findings(project, capsys):
    """The second finding knows half of the records, and names the patients that the first one does not."""
    project.write("fast.parquet")
    half = np.arange(60) % 2 == 0
    type(project)(
        ids=project.ids[half], patient_ids=project.patient_ids[half], proba=project.proba[half][:, ::-1],
        label=project.label[half], covered=project.covered[half], n_votes=project.n_votes[half],
        schema=project.schema, lineage={},
    ).write("slow.parquet")  # fmt: skip
    rows = [f"{name},{row % 2},{(row + 1) % 2}" for row, name in enumerate(project.ids)]
    Path("gold.csv").write_text("\n".join(["id,fast,slow", *rows]) + "\n")
    command = ["train", "fast.parquet", "slow.parquet", *COMMAND[2:]]
    assert main([*command, "--out", "several", "--gold", "gold.csv"]) == 0
    told = json.loads(capsys.readouterr().out)
    about = json.loads(Path("several", "bundle.json").read_text())
    assert (about["classes"], about["multi_label"]) == (["fast", "slow"], True)
    assert set(about["lineage"]["labels"]) == {"fast", "slow"}
    assert {"auroc, fast", "auroc, slow"} <= set(told)
    assert main(["predict", "several", "signals.npz", "--out", "scores.csv", "--json"]) == 0
    assert (
        Path("scores.csv").read_text().splitlines()[0] == '"id","p_fast","p_slow","label_fast","label_slow"'
    )
    capsys.readouterr()
    Path("other").mkdir()
    project.write("other/fast.parquet")
    type(project)(**{**vars(project), "patient_ids": np.full(60, "q")}).write("theirs.parquet")
    for labels, more, fault in (
        (["fast.parquet", "other/fast.parquet"], [], "called as its file"),
        (["fast.parquet", "theirs.parquet"], [], "row 0: is another patient's"),
        (["fast.parquet", "slow.parquet"], ["--reports", "gold.csv"], "one file of labels"),
        (["fast.parquet", "slow.parquet"], ["--loss", "class-reweighting"], "exclude each other"),
        (
            ["fast.parquet", "slow.parquet"],
            ["--gold", "gold.csv", "--gold-column", "fast"],
            "leave out --gold-c",
        ),
    ):
        assert main(["train", *labels, *COMMAND[2:], "--out", "x", *more]) in (2, 3)
        assert fault in capsys.readouterr().err
    assert not Path("x").exists()


def test_settings_that_cannot_be_trained_with_are_refused(project, capsys):
    for more, fault in (
        (["--epochs", "0"], "--epochs is 0; it is at least 1"),
        (["--accumulate", "40"], "a step has only"),
        (["--search", "-1"], "--search is a number of trials"),
        (["--search", "2", "--checkpoint", "c"], "leave out --checkpoint"),
        (["--delta", "0.1"], "give --epsilon"),
        (["--learning-rate", "1e30", "--epochs", "2"], "no finite number after epoch"),
    ):
        assert main([*COMMAND, "--out", "x", *more]) == 2
        assert fault in capsys.readouterr().err
    assert not Path("x").exists()


def test_private_training_spends_what_was_allowed_and_says_so_in_the_bundle(project, capsys):
    pytest.importorskip("opacus")
    given = [*COMMAND, "--out", "private", "--epsilon", "8", "--batch-size", "20"]
    assert main(given) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["epsilon spent"] <= 8
    about = json.loads(Path("private", "bundle.json").read_text())
    assert about["lineage"]["privacy"]["n_patients"] == told["parts"]["train"]["covered"]
    assert about["lineage"]["parts"]["dev"]["records"] == 0
    assert about["summary"]["privacy"].startswith("differential privacy by patient, epsilon ")
    assert main(["predict", "private", "signals.npz", "--out", "scores.csv", "--json"]) == 0
    for more, fault in (
        (["--checkpoint", "c.ckpt", "--accumulate", "2"], "knows no --checkpoint, --accumulate"),
        (["--checkpoint-activations"], "knows no --checkpoint-activations"),
        (["--loss", "instance-reweighting"], "depend on each other"),
        (["--epsilon", "0"], "above 0"),
    ):
        assert main([*given, "--overwrite", *more]) == 2
        assert fault in capsys.readouterr().err


def test_settings_are_searched_and_kept_in_the_bundle(project, capsys):
    pytest.importorskip("optuna")
    assert main([*COMMAND, "--out", "found", "--search", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    search = json.loads(Path("found", "bundle.json").read_text())["lineage"]["search"]
    assert search["settings"] == told["settings found"]
    assert (search["trials"], len(search["with other seeds"])) == (2, 3)
    assert main([*COMMAND, "--out", "x", "--search", "2", "--dev", "0"]) == 2
    assert "holds no labeled record" in capsys.readouterr().err


def test_cycles_show_what_shorter_trainings_would_have_reached(project, capsys):
    assert main([*COMMAND, "--out", "b", "--epochs", "6", "--schedule", "cycles"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["epochs"] == 6
    assert told["shorter trainings"].startswith("2 epochs, ")
    assert told["shorter trainings"].count(";") == 1
