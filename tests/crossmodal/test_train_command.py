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
