"""Slices with `train = true`: what they change of a run, and what stands in the bundle."""

import json
import shutil

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.run import plan_project
from sidelight.crossmodal import CrossModalClassifier, Predictions, load_bundle
from sidelight.slicing import train_robustly

ELSEWHERE = """
import sys
from sidelight.apps.cli.main import main
sys.exit(main(["predict", sys.argv[1], sys.argv[2], "--out", sys.argv[3]]))
"""


@pytest.mark.parametrize("recipe", ["balanced", "slice-heads"])
def test_slices_with_train_reach_the_network_and_nothing_else(home, declare, recipe):
    plain = run_project(home)
    declare(
        ("at_least = 60", "at_least = 60\ntrain = true"),
        ("max_epochs = 1", f'max_epochs = 1\nrecipe = "{recipe}"'),
    )
    todo = {entry.step.name for entry in plan_project(load_project(home)) if not entry.done}
    assert todo == {"train:state", "audit:state", "bundle:state", "profile"}
    run = run_project(home)
    assert run.keys["slices"] == plain.keys["slices"]
    weights = [(r.folder / "bundle/state/model.safetensors").read_bytes() for r in (plain, run)]
    assert weights[0] != weights[1]
    about = json.loads((run.folder / "bundle/state/bundle.json").read_text())
    assert about["lineage"]["slices trained"] == ["old"]
    assert about["head"]["name"] == ("slices" if recipe == "slice-heads" else "linear")
    [count] = [m for m in run.metrics() if m["metric"] == "labeled training records"]
    assert count["slice"] == "old"
    assert count["value"] > 10
    out = home / "predictions.parquet"
    assert (
        main(["predict", str(run.folder / "bundle/state"), str(home / "signals.npz"), "--out", str(out)]) == 0
    )
    known = Predictions.read(run.step("train:state") / "predictions.parquet")
    np.testing.assert_allclose(Predictions.read(out).proba, known.proba, atol=1e-6)


@pytest.mark.parametrize("recipe", ["balanced", "slice-heads"])
def test_slices_train_as_the_recipes_of_slicing_do(home, declare, recipe, monkeypatch):
    declare(
        ("at_least = 60", "at_least = 60\ntrain = true"),
        ("max_epochs = 1", f'max_epochs = 2\nrecipe = "{recipe}"'),
    )
    fit, seen = CrossModalClassifier.fit, {}

    def listen(self, signals, proba, covered, **keywords):
        seen.update(signals=signals, proba=proba, covered=covered, validation=keywords["validation"])
        seen["slices"] = self.sampler.membership
        return fit(self, signals, proba, covered, **keywords)

    monkeypatch.setattr(CrossModalClassifier, "fit", listen)
    run = run_project(home)
    monkeypatch.undo()
    known = load_bundle(run.folder / "bundle/state")
    tuning = load_project(home).config.tuning
    plain = CrossModalClassifier(
        "resnet1d", max_epochs=2, batch_size=tuning.batch_size, learning_rate=tuning.learning_rate,
        weight_decay=tuning.weight_decay, patience=tuning.patience or None, loss=tuning.loss, accelerator="cpu",
        seed=load_project(home).config.project.seed,
    )  # fmt: skip
    slices = {"old": seen["slices"][:, 0]}
    model = train_robustly(
        plain, seen["signals"], seen["proba"], slices, recipe=recipe, covered=seen["covered"],
        validation=seen["validation"],
    )  # fmt: skip
    np.testing.assert_allclose(
        model.predict_proba(seen["signals"]), known.predict_proba(seen["signals"]), atol=1e-6
    )
    assert model.schedule == ("averaged" if recipe == "balanced" else "constant")


def test_all_slices_of_a_file_train_when_it_says_so(home, declare):
    declare(('functions = "slices.py"', 'functions = "slices.py"\ntrain = true'))
    steps = {entry.step.name: entry.step for entry in plan_project(load_project(home))}
    assert steps["train:state"].parts["slices"] == ["long_text"]
    assert "slices" in steps["train:state"].needs


def test_a_training_that_was_cut_off_with_slice_heads_goes_on(home, declare, tmp_path):
    declare(
        ("at_least = 60", "at_least = 60\ntrain = true"),
        ("max_epochs = 1", 'max_epochs = 3\nrecipe = "slice-heads"'),
    )
    whole = shutil.copytree(home, tmp_path / "whole")

    class CutOff(Exception):
        """The power fails."""

    from sidelight.apps.project.run import Teller

    steps = []

    def advance(name, done):
        steps.append(done if name == "train:state" else 0)
        if sum(steps) > 4:  # in the second of three epochs
            raise CutOff

    with pytest.raises(CutOff):
        run_project(home, tell=Teller(advance=advance))
    assert list((home / ".sidelight" / "partial").rglob("training.ckpt"))
    results = [run_project(place).folder / "bundle/state/model.safetensors" for place in (home, whole)]
    assert results[0].read_bytes() == results[1].read_bytes()


def test_a_bundle_with_slice_heads_is_read_where_nothing_else_is_loaded(home, declare, in_another_process):
    declare( ("at_least = 60", "at_least = 60\ntrain = true"),
        ("max_epochs = 1", 'max_epochs = 1\nrecipe = "slice-heads"'),
    )  # fmt: skip
    bundle = run_project(home).folder / "bundle" / "state"
    done = in_another_process(ELSEWHERE, bundle, home / "signals.npz", home / "out.parquet")
    assert done.returncode == 0, done.stderr
    assert len(Predictions.read(home / "out.parquet").ids) == 160
