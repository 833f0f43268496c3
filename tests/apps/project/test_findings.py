"""Findings of one multi-label task: labeled and judged one by one, trained together."""

import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.graph import build_graph
from sidelight.apps.project.monitor import monitor
from sidelight.apps.project.run import plan_project
from sidelight.crossmodal import Predictions, load_bundle
from sidelight.label_model import Labels
from sidelight.labeling import UsageError

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
