import json

from sidelight.apps.cli.main import main
from sidelight.crossmodal import load_bundle, save_bundle, summarize
from sidelight.labeling import LabelSchema


def test_every_bundle_says_what_a_reader_must_know(two_views, quick, tmp_path):
    gold, _, signals = two_views(60)
    model = quick().fit(signals, gold)
    folder = save_bundle(
        tmp_path / "b",
        model,
        LabelSchema(("normal", "abnormal"), task="ecg"),
        lineage={
            "labels": {"model": "ab12"},
            "parts": {"train": {"records": 60, "covered": 50}},
            "linked": {"labels": 70, "signals": 65, "both": 60},
        },
        metrics={"auroc": {"estimate": 0.812345, "low": 0.7, "high": 0.9}},
    )
    summary = load_bundle(folder).summary
    assert summary == json.loads((folder / "bundle.json").read_text())["summary"]
    assert summary["outcome"] == "ecg: classes normal, abnormal"
    assert summary["data split"] == "by patient: train 60 records, 50 labeled"
    assert summary["performance"] == "auroc: 0.812 [0.700, 0.900]"
    assert summary["external validation"] == "not reported"
    assert "60 records had both" in summary["missing data"]
    assert "not a medical device" in summary["intended use"]


def test_what_is_not_known_is_not_reported():
    assert set(summarize({"classes": []}).values()) >= {"not reported"}


def test_labels_that_learned_from_gold_are_told_as_such():
    def told(labels):
        return summarize({"classes": [], "lineage": {"labels": labels}})["labels"]

    assert told({"model": "x"}).endswith("without reference labels")
    assert told({"model": "x", "gold_records": 150}).endswith("learned from 150 reference labels as well")
    several = {"effusion": {"model": "x"}, "nodule": {"model": "y", "gold_records": 20}}
    assert told(several).endswith("learned from 20 reference labels as well")


def test_several_findings_are_told_as_findings():
    about = {"classes": ["effusion", "nodule"], "task": "findings", "multi_label": True}
    assert summarize(about)["outcome"] == "effusion, nodule: findings, several of which may be present"


def test_the_inspect_command_shows_a_bundles_summary(two_views, quick, tmp_path, capsys):
    gold, _, signals = two_views(20)
    folder = save_bundle(tmp_path / "b", quick(max_epochs=1).fit(signals, gold), LabelSchema(("no", "yes")))
    assert main(["inspect", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["privacy"].startswith("trained without a guarantee")
    assert told["fingerprint"] == load_bundle(folder).fingerprint
    (folder / "model.safetensors").unlink()
    assert main(["inspect", str(folder)]) == 3
    assert "is no bundle" in capsys.readouterr().err
