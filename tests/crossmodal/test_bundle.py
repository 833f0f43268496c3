import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sidelight.crossmodal import Predictions, SignalSet, load_bundle, save_bundle
from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import InputError, UsageError

SCHEMA = LabelSchema(("normal", "abnormal"))
LEADS = ["V1", "V2", "V3"]


@pytest.fixture
def trained(two_views, quick):
    gold, _, values = two_views(70)
    ids = [f"study-{row}" for row in range(70)]
    signals = SignalSet.of(values, ids=ids, lead_names=LEADS, sampling_hz=100, units="mV")
    return quick().fit(signals, gold, validation=(signals, gold)), signals


def test_a_bundle_predicts_what_the_classifier_predicts(trained, tmp_path):
    model, signals = trained
    bundle = load_bundle(save_bundle(tmp_path / "bundle", model, SCHEMA, licence_notes=["CC BY 4.0"]))
    np.testing.assert_array_equal(bundle.predict_proba(signals), model.predict_proba(signals))
    assert bundle.schema == SCHEMA
    assert bundle.contract == signals.contract
    assert bundle.licence_notes == ("CC BY 4.0",)
    assert "not a medical device" in bundle.intended_use


def test_batches_of_1_7_and_64_give_equal_predictions(trained, tmp_path):
    model, signals = trained
    bundle = load_bundle(save_bundle(tmp_path / "bundle", model, SCHEMA))
    tables = [bundle.predict(signals, batch_size=size) for size in (1, 7, 64)]
    for table in tables[1:]:
        np.testing.assert_allclose(table.proba, tables[0].proba, atol=1e-6)
        assert (table.ids == signals.ids).all()
        assert table.bundle == bundle.fingerprint


def test_a_bundle_holds_weights_and_one_json_without_text_or_ids(trained, tmp_path):
    model, _ = trained
    folder = save_bundle(
        tmp_path / "bundle",
        model,
        SCHEMA,
        lineage={"votes": "ab12", "n": 3},
        metrics={"auroc": np.float64(0.8)},
    )
    assert sorted(entry.name for entry in folder.iterdir()) == ["bundle.json", "model.safetensors"]
    assert b"study-" not in b"".join(entry.read_bytes() for entry in folder.iterdir())
    assert all(entry.stat().st_mode & 0o077 == 0 for entry in folder.iterdir())
    about = json.loads((folder / "bundle.json").read_text())
    assert about["input"] == {
        "lead_names": LEADS,
        "shape": [64],
        "sampling_hz": 100.0,
        "units": "mV",
        "bag": False,
    }
    assert about["lineage"] == {"votes": "ab12", "n": 3}
    assert all(isinstance(value, torch.Tensor) for value in load_file(folder / "model.safetensors").values())


def test_a_text_long_enough_to_be_a_report_is_refused_and_not_repeated(trained, tmp_path):
    report = "sinusrhythmus. " * 20
    with pytest.raises(ValueError, match=r"lineage.note holds a text of 300 characters") as caught:
        save_bundle(tmp_path / "bundle", trained[0], SCHEMA, lineage={"note": report})
    assert "sinus" not in str(caught.value)
    with pytest.raises(TypeError, match=r"metrics.a\[0\] is a ndarray"):
        save_bundle(tmp_path / "bundle", trained[0], SCHEMA, metrics={"a": [np.zeros(2)]})
    assert list(tmp_path.iterdir()) == []


def test_the_same_training_gives_the_same_bytes(two_views, quick, tmp_path):
    gold, _, values = two_views(40)
    fingerprints = {
        load_bundle(save_bundle(tmp_path / name, quick().fit(values, gold), SCHEMA)).fingerprint
        for name in "ab"
    }
    assert len(fingerprints) == 1


def test_an_existing_bundle_is_replaced_only_when_asked(trained, tmp_path):
    save_bundle(tmp_path / "bundle", trained[0], SCHEMA)
    with pytest.raises(UsageError, match="exists already"):
        save_bundle(tmp_path / "bundle", trained[0], SCHEMA)
    save_bundle(tmp_path / "bundle", trained[0], SCHEMA, overwrite=True)
    with pytest.raises(ValueError, match="3 classes; the model has 2"):
        save_bundle(tmp_path / "other", trained[0], LabelSchema(("a", "b", "c")))


def test_signals_that_break_the_contract_are_refused_in_one_line(trained, tmp_path):
    model, signals = trained
    bundle = load_bundle(save_bundle(tmp_path / "bundle", model, SCHEMA))
    wrong = SignalSet.of(signals.values[:, :2], ids=signals.ids, lead_names=LEADS[:2])
    with pytest.raises(UsageError, match=r"^the signals have 2 leads; the model needs 3$"):
        bundle.predict(wrong)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "bundle.json").unlink(), "holds no bundle.json"),
        (lambda folder: (folder / "bundle.json").write_text("{"), "is no JSON"),
        (lambda folder: (folder / "bundle.json").write_text('{"format": 99}'), "not in format 1"),
        (lambda folder: (folder / "bundle.json").write_text('{"format": 1}'), "lacks or garbles"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"short"), "is damaged"),
    ],
)
def test_a_spoilt_bundle_is_one_clear_error(trained, tmp_path, spoil, words):
    folder = save_bundle(tmp_path / "bundle", trained[0], SCHEMA)
    spoil(folder)
    with pytest.raises(InputError, match=words):
        load_bundle(folder)


def test_a_network_of_ones_own_is_handed_in_again(two_views, quick, tmp_path):
    gold, _, values = two_views(40)

    def network():
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 6), nn.ReLU())

    model = quick(encoder=network()).fit(values, gold)
    folder = save_bundle(tmp_path / "bundle", model, SCHEMA)
    with pytest.raises(UsageError, match="hand one in as encoder="):
        load_bundle(folder)
    again = load_bundle(folder, encoder=network())
    np.testing.assert_array_equal(again.predict_proba(values), model.predict_proba(values))


@pytest.mark.parametrize("patients", [None, ["p1", None]])
def test_predictions_survive_the_file(tmp_path, patients):
    proba = np.array([[0.25, 0.75], [0.9, 0.1]])
    table = Predictions(
        np.array(["a", "b"]), proba, SCHEMA, "f00d", None if patients is None else np.array(["p1", ""])
    )
    again = Predictions.read(table.write(tmp_path / "p.parquet"))
    np.testing.assert_array_equal(again.proba, proba)
    assert again.label.tolist() == [1, 0]
    assert (again.ids.tolist(), again.schema, again.bundle) == (["a", "b"], SCHEMA, "f00d")
    assert (again.patient_ids is None) == (patients is None)
    table.write(tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[0].startswith('"id"')
    with pytest.raises(InputError, match="no such file"):
        Predictions.read(tmp_path / "absent.parquet")
    with pytest.raises(InputError, match="no readable Parquet"):
        Predictions.read(tmp_path / "p.csv")
