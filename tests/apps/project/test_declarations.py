"""What a project may declare beyond one task and one file: findings, classes within classes, slices that train, studies."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sidelight
from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.graph import build_graph
from sidelight.apps.project.monitor import monitor
from sidelight.apps.project.run import plan_project
from sidelight.apps.project.runs import find_run
from sidelight.crossmodal import CrossModalClassifier, Predictions, SignalSet, load_bundle
from sidelight.label_model import Labels
from sidelight.labeling import UsageError
from sidelight.slicing import train_robustly

FINDINGS = """version = 1

[data]
export = "notes.csv"
id = "note"
patient = "patient"

[payloads.report]
kind = "text"
column = "note_text"

[payloads.waves]
kind = "signal"
path = "signals.npz"

[tasks.weather]
kind = "multilabel"
classes = ["gale", "storm"]
target = "waves"
class_balance = {gale = 0.3}

[sources.gale_words]
task = "weather"
finding = "gale"
functions = "gale.py"
author = "anna"
tags = ["rules"]

[sources.storm_words]
task = "weather"
finding = "storm"
functions = "storm.py"

[sources.storm_log]
task = "weather"
finding = "storm"
role = "gold"
column = "storm"
map = {"0" = "absent", "1" = "present"}

[slices.old]
column = "age"
at_least = 60

[tuning]
max_epochs = 1
"""

WORDS = """
from sidelight.labeling import LabelSchema, keyword_lf

schema = LabelSchema(classes=("absent", "present"))
{name}_there = keyword_lf("{name}_there", [{there!r}], "present")
{name}_blows = keyword_lf("{name}_blows", [{more!r}], "present")
{name}_not = keyword_lf("{name}_not", ["calm", "quiet"], "absent")
"""


@pytest.fixture
def findings(sea, tmp_path):
    home = tmp_path / "weather"
    home.mkdir()
    states = sea.notes(home / "notes.csv", 160)
    head, *lines = (home / "notes.csv").read_text().splitlines()
    marked = [f"{line},{int('stormy' in line)}" for line in lines]
    (home / "notes.csv").write_text("\n".join([f"{head},storm", *marked]) + "\n")
    sea.signals(home / "signals.npz", states)
    (home / "gale.py").write_text(WORDS.format(name="gale", there="gale", more="wild"))
    (home / "storm.py").write_text(WORDS.format(name="storm", there="stormy", more="gale blows"))
    (home / "sidelight.toml").write_text(FINDINGS)
    return home


def labels_of(home, question):
    project = load_project(home)
    step = next(entry.step for entry in plan_project(project) if entry.step.name == f"fit:{question}")
    return Labels.read(project.work / "steps" / f"fit.{question}" / step.key[:16] / "labels.parquet")


def test_findings_are_labeled_and_judged_by_themselves_and_trained_together(findings, capsys):
    run = run_project(findings)
    assert set(run.keys) >= {"fit:weather.gale", "fit:weather.storm", "train:weather", "audit:weather.storm"}
    gale, storm = (labels_of(findings, f"weather.{name}") for name in ("gale", "storm"))
    both = (gale.label == 1) & (storm.label == 1)
    assert both.any()
    assert gale.lineage["class_balance"] == pytest.approx([0.7, 0.3])
    bundle = load_bundle(run.folder / "bundle" / "weather")
    assert bundle.multi_label
    assert bundle.schema.classes == ("gale", "storm")
    assert {row["task"] for row in bundle.metrics["overall"]} == {"weather.storm"}
    assert set(bundle.lineage["sources"]) == {"gale_words", "storm_words"}
    predictions = Predictions.read(run.step("train:weather") / "predictions.parquet")
    assert predictions.proba.shape == (160, 2)
    page = (run.folder / "report.html").read_text()
    assert "weather.gale" in page
    assert "present" in page
    assert (
        main(["report", "--project", str(findings), "--with-text", "--out", str(findings / "ours.html")]) == 0
    )


def test_the_effective_configuration_of_findings_reads_back_as_itself(findings):
    project = load_project(findings)
    (findings / "effective.toml").write_text(project.effective())
    again = load_project(findings / "effective.toml")
    assert again.config == project.config
    assert {n: s.key for n, s in build_graph(again).items()} == {
        n: s.key for n, s in build_graph(project).items()
    }


def test_findings_are_monitored(findings, sea):
    run_project(findings)
    states = sea.notes(findings / "new.csv", 160, seed=9, wild=0.95)
    head, *lines = (findings / "new.csv").read_text().splitlines()
    (findings / "new.csv").write_text("\n".join([f"{head},storm", *(f"{line},0" for line in lines)]) + "\n")
    sea.signals(findings / "new.npz", states, seed=3)
    found = monitor(load_project(findings), findings / "new.csv", studies={"waves": findings / "new.npz"})
    assert {row.task for row in found.comparison.rows if row.family == "predictions"} == {
        "weather.gale",
        "weather.storm",
    }
    assert "labels" in found.by_family()


FAULTS = [
    ('finding = "gale"\n', 'finding = "gael"\n', "sources.gale_words.finding: no finding 'gael'; did you mean 'gale'?"),
    ('finding = "gale"\n', "", "sources.gale_words: needs finding = one of gale, storm"),
    ('kind = "multilabel"\n', "", "tasks.weather.class_balance: needs a share above 0 for each class"),
    ("{gale = 0.3}", "{gale = 1.3}", "tasks.weather.class_balance.gale: a finding's share lies between 0 and 1"),
    ("{gale = 0.3}", "{gael = 0.3}", "tasks.weather.class_balance.gael: no class 'gael'; did you mean 'gale'?"),
    ("classes =", 'positive = "gale"\nclasses =', "tasks.weather.positive: each finding of a multi-label task"),
    ('"gale", "storm"]', '"gale", "storm", "hail"]', "tasks.weather: no source votes on the finding 'hail'"),
    ('"gale", "storm"]', '"gale", "storm", "a b"]', "tasks.weather.classes: the finding 'a b' has other characters"),
    ("at_least = 60", 'at_least = 60\ntrain = "yes"', "slices.old.train: input should be a valid boolean"),
    ('target = "waves"\n', "", None),
    ("at_least = 60", "at_least = 60\ntrain = true", None),
    ('path = "signals.npz"', 'path = "waves-*.npz"', "payloads.waves.path: no file is called 'waves-*.npz'"),
    ('path = "signals.npz"', 'path = "signals.npz"\nstudy = "nota"', "payloads.waves.study: the export has no column 'nota'; did you mean 'note'?"),
    ('kind = "text"', 'kind = "text"\nstudy = "note"', "payloads.report.study: a text stands in the record itself"),
    ("max_epochs = 1", 'max_epochs = 1\nrecipe = "balance"', "tuning.recipe: is 'balance'; it is one of balanced, slice-heads; did you mean 'balanced'?"),
    ("max_epochs = 1", 'max_epochs = 1\nencoder = "resnet1"', "did you mean 'resnet1d'?"),
    ("max_epochs = 1", 'max_epochs = 1\nloss = "soft-crossentropy"', "did you mean 'soft-cross-entropy'?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_faults_in_such_declarations_are_one_line_each(findings, old, new, told):
    text = (findings / "sidelight.toml").read_text()
    assert old in text
    (findings / "sidelight.toml").write_text(text.replace(old, new, 1))
    if told is None:
        plan_project(load_project(findings))
        return
    with pytest.raises(UsageError) as caught:
        plan_project(load_project(findings))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_slice_that_nobody_trains_for_may_not_ask_to_be(findings):
    text = FINDINGS.replace('target = "waves"\n', "").replace("at_least = 60", "at_least = 60\ntrain = true")
    (findings / "sidelight.toml").write_text(text)
    with pytest.raises(UsageError, match=r"slices\.old\.train: no task has a target"):
        load_project(findings)


@pytest.fixture
def home(sea, tmp_path):
    return sea.write(tmp_path / "sea", n=160)


def edit(home, *pairs):
    text = (home / "sidelight.toml").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (home / "sidelight.toml").write_text(text)


@pytest.mark.parametrize("recipe", ["balanced", "slice-heads"])
def test_slices_with_train_reach_the_network_and_nothing_else(home, recipe):
    plain = run_project(home)
    edit(
        home,
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
def test_slices_train_as_the_recipes_of_slicing_do(home, recipe, monkeypatch):
    edit(
        home,
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
    assert model.schedule == "constant"


def test_all_slices_of_a_file_train_when_it_says_so(home):
    edit(home, ('functions = "slices.py"', 'functions = "slices.py"\ntrain = true'))
    steps = {entry.step.name: entry.step for entry in plan_project(load_project(home))}
    assert steps["train:state"].parts["slices"] == ["long_text"]
    assert "slices" in steps["train:state"].needs


def test_a_training_that_was_cut_off_with_slice_heads_goes_on(home, tmp_path):
    edit(
        home,
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


def test_studies_may_have_ids_of_their_own_and_lie_in_several_files(home, tmp_path):
    plain = run_project(home)
    other = shutil.copytree(home, tmp_path / "other", ignore=shutil.ignore_patterns(".sidelight", "runs"))
    head, *lines = (other / "notes.csv").read_text().splitlines()
    numbered = [f"{line},{1000 + row}" for row, line in enumerate(lines)]
    (other / "notes.csv").write_text("\n".join([f"{head},study_uid", *numbered]) + "\n")
    signals = SignalSet.read(other / "signals.npz")
    (other / "signals.npz").unlink()
    for part, rows in {"a": slice(0, 90), "b": slice(90, 160)}.items():
        np.savez(
            other / f"waves-{part}.npz", id=np.arange(1000, 1160)[rows], signals_mv=signals.stored[rows],
            lead_names=np.array(["I", "II"]), sampling_hz=np.array(100.0),
        )  # fmt: skip
    edit(other, ('path = "signals.npz"', 'path = "waves-*.npz"\nstudy = "study_uid"'))
    run = run_project(other)
    old, new = (Predictions.read(r.step("train:state") / "predictions.parquet") for r in (plain, run))
    np.testing.assert_allclose(old.proba, new.proba, atol=1e-6)
    assert new.ids[0] == "1000"
    assert [f["file"] for f in load_bundle(run.folder / "bundle/state").lineage["target"]] == [
        "waves-a.npz",
        "waves-b.npz",
    ]
    found = monitor(load_project(other), other / "notes.csv", studies={"waves": other / "waves-a.npz"})
    assert {
        row.n_new for row in found.comparison.rows if row.name == "waves amplitude" and not row.slice
    } == {90}


def test_records_of_one_study_are_counted_and_left_out(home):
    head, *lines = (home / "notes.csv").read_text().splitlines()
    numbered = [f"{line},n{max(row, 2)}" for row, line in enumerate(lines)]
    (home / "notes.csv").write_text("\n".join([f"{head},study_uid", *numbered]) + "\n")
    edit(home, ('path = "signals.npz"', 'path = "signals.npz"\nstudy = "study_uid"'))
    run = run_project(home)
    figures = {m["metric"]: m["value"] for m in run.metrics() if m["step"] == "train:state"}
    assert figures["records that share a study"] == 3
    assert figures["linked"] == 157


def test_studies_of_other_kinds_in_one_payload_are_refused(home, capsys):
    edit(home, ('path = "signals.npz"', 'path = "waves-*.npz"'))
    for name, n_leads in (("waves-a.npz", 2), ("waves-b.npz", 3)):
        np.savez(home / name, id=np.array([f"n{n_leads}"]), signals_mv=np.ones((1, n_leads, 64), np.float32))
    assert main(["run", "--project", str(home)]) == 3
    assert "waves-b.npz: holds other signals" in capsys.readouterr().err


def test_annotators_and_older_labels_keep_their_lineage(home):
    older = '\n[sources.registry]\ntask = "state"\nlabels = "registry.csv"\ncolumn = "code"\nauthor = "harbour"\ntags = ["2019"]\nmap = {"1" = "wild", "2" = "calm"}\n\n[slices.own]'
    edit(home, ("[slices.own]", older.lstrip()))
    rows = [f"n{row},{1 + row % 2}" for row in range(0, 160, 3)]
    (home / "registry.csv").write_text("id,code\n" + "\n".join(rows) + "\n")
    run = run_project(home, select=[])
    told = {row["name"]: row for row in json.loads((run.folder / "functions/state.json").read_text())}
    assert (told["registry"]["author"], told["registry"]["tags"]) == ("harbour", ["2019"])
    assert told["registry"]["coverage"] == pytest.approx(len(rows) / 160)
    assert told["says_calm"]["source"] == "rules"
    assert find_run(load_project(home)).number == run.number


ELSEWHERE = """
import sys
from sidelight.apps.cli.main import main
sys.exit(main(["predict", sys.argv[1], sys.argv[2], "--out", sys.argv[3]]))
"""

WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from sidelight.apps.project import run_project
print(run_project(sys.argv[1]).number)
"""


def in_another_process(code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(Path(sidelight.__file__).parent.parent)}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_a_bundle_with_slice_heads_is_read_where_nothing_else_is_loaded(home):
    edit(
        home, ("at_least = 60", "at_least = 60\ntrain = true"),
        ("max_epochs = 1", 'max_epochs = 1\nrecipe = "slice-heads"'),
    )  # fmt: skip
    bundle = run_project(home).folder / "bundle" / "state"
    done = in_another_process(ELSEWHERE, bundle, home / "signals.npz", home / "out.parquet")
    assert done.returncode == 0, done.stderr
    assert len(Predictions.read(home / "out.parquet").ids) == 160


def test_a_project_that_trains_no_network_needs_no_torch(home):
    edit(home, ('target = "waves"\n', ""))
    done = in_another_process(WITHOUT_TORCH, home)
    assert done.stdout.strip() == "0001", done.stderr
