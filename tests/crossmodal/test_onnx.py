import json
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.crossmodal import (
    CrossModalClassifier,
    ParityError,
    SignalSet,
    export_onnx,
    load_bundle,
    onnx_export,
    save_bundle,
)
from sidelight.labeling import LabelSchema

pytest.importorskip("onnxscript")
pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(two_views, quick, tmp_path):
    gold, _, values = two_views(40)
    signals = SignalSet.of(values, lead_names=["V1", "V2", "V3"], sampling_hz=100)
    model = quick(max_epochs=1).fit(signals, gold, validation=(signals, gold))
    return load_bundle(save_bundle(tmp_path / "bundle", model, LabelSchema(("normal", "abnormal"))))


def test_the_file_gives_what_the_bundle_gives_without_torch_or_text(bundle, two_views, tmp_path, capfd):
    assert export_onnx(bundle, tmp_path / "model.onnx") <= 1e-5
    assert capfd.readouterr() == ("", "")
    _, _, values = two_views(7, seed=3)
    np.save(tmp_path / "values.npy", values)
    program = (
        "import sys; sys.modules['torch'] = sys.modules['spacy'] = None\n"
        "import json, numpy as np, onnxruntime\n"
        "session = onnxruntime.InferenceSession('model.onnx', providers=['CPUExecutionProvider'])\n"
        "np.save('given.npy', session.run(None, {'signals': np.load('values.npy')})[0])\n"
        "print(json.dumps([dict(session.get_modelmeta().custom_metadata_map), [i.name for i in session.get_inputs()]]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True)
    about, inputs = json.loads(done.stdout)
    assert inputs == ["signals"]
    assert json.loads(about["classes"]) == ["normal", "abnormal"]
    assert about["bundle"] == bundle.fingerprint
    assert "not a medical device" in about["intended_use"]
    signals = SignalSet.of(values, lead_names=["V1", "V2", "V3"], sampling_hz=100)
    np.testing.assert_allclose(np.load(tmp_path / "given.npy"), bundle.predict_proba(signals), atol=1e-5)


def test_images_are_exported_too(tmp_path):
    images = np.random.default_rng(0).normal(size=(8, 1, 32, 32))
    model = CrossModalClassifier("resnet2d", max_epochs=1, accelerator="cpu").fit(images, np.arange(8) % 2)
    saved = save_bundle(tmp_path / "bundle", model, LabelSchema(("a", "b")))
    assert export_onnx(load_bundle(saved), tmp_path / "model.onnx") <= 1e-5


def test_a_file_that_differs_is_not_written(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "TOLERANCE", -1.0)
    with pytest.raises(ParityError, match="differs from the network"):
        export_onnx(bundle, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_the_command_exports_a_network_of_several_findings(two_views, quick, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gold, _, values = two_views(20)
    model = quick(max_epochs=1, multi_label=True).fit(values, np.stack([gold, 1 - gold], axis=1))
    save_bundle("bundle", model, LabelSchema(("fast", "slow"), "findings"))
    assert main(["export", "bundle", "--to", "onnx", "--out", "model.onnx", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["classes"], float(told["largest difference"]) <= 1e-5) == ("fast, slow", True)
    session = import_module("onnxruntime").InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    given = session.run(None, {"signals": values})[0]
    np.testing.assert_allclose(given, model.predict_proba(values), atol=1e-5)
    assert main(["export", "bundle", "--to", "onnx", "--out", "x.onnx", "--votes", "votes"]) == 2
    assert "no votes and no records go along" in capsys.readouterr().err
