"""Labels and the Hugging Face library understand each other: ours are loaded there, and what it writes is imported here."""

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels
from sidelight.labeling import LabelSchema

IDS = ["n1", "n2", "n3", "n4"]


@pytest.fixture
def datasets(monkeypatch):
    """The library, told to ask nobody."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "1")
    found = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    found.disable_progress_bars()
    return found


@pytest.fixture
def home(tmp_path):
    labels = Labels(
        ids=np.array(IDS),
        patient_ids=np.array(["p1", "p1", "", "p2"]),
        proba=np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5], [1 / 3, 2 / 3]]),
        label=np.array([0, 1, -1, 1]),
        covered=np.array([True, True, False, True]),
        n_votes=np.array([1, 2, 0, 1]),
        schema=LabelSchema(["no", "yes"]),
    )
    labels.write(tmp_path / "labels.parquet")
    command = [
        "export",
        str(tmp_path / "labels.parquet"),
        "--to",
        "huggingface",
        "--out",
        str(tmp_path / "set"),
    ]
    assert main(command) == 0
    return tmp_path


def load(datasets, folder, cache):
    return datasets.load_dataset(str(folder), split="train", cache_dir=str(cache))


def test_what_is_exported_loads_there_with_its_classes(datasets, home):
    loaded = load(datasets, home / "set", home / "cache")
    assert loaded["id"][:] == IDS
    assert loaded["patient_id"][:] == ["p1", "p1", "", "p2"]
    assert loaded["label"][:] == [0, 1, -1, 1], "-1 is that library's sign of no label, too"
    assert loaded.features["label"] == datasets.ClassLabel(names=["no", "yes"])
    assert loaded.features["label"].int2str(1) == "yes"
    np.testing.assert_array_equal(loaded["probabilities"][:], Labels.read(home / "labels.parquet").proba)
    assert "text" not in loaded.column_names


def test_what_that_library_writes_comes_back(datasets, home):
    loaded = load(datasets, home / "set", home / "cache")
    chosen = loaded.filter(lambda row: row["patient_id"] != "p2")
    (home / "theirs" / "data").mkdir(parents=True)
    for shard in range(2):
        chosen.shard(2, shard).to_parquet(home / f"theirs/data/train-0000{shard}-of-00002.parquet")
    command = ["import", str(home / "theirs"), "--from", "huggingface", "--out", str(home / "back.parquet")]
    assert main(command) == 0
    back, before = Labels.read(home / "back.parquet"), Labels.read(home / "labels.parquet")
    assert back.ids.tolist() == IDS[:3]
    assert back.patient_ids.tolist() == ["p1", "p1", ""]
    assert back.label.tolist() == [0, 1, -1]
    assert back.schema.classes == ("no", "yes")
    np.testing.assert_array_equal(back.proba, before.proba[:3])
