"""Running a project: what is redone, what is kept, and what stands in the folder of a run."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.cli.run import headline
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.run import plan_project
from sidelight.apps.project.runs import find_run, list_runs
from sidelight.label_model import Labels
from sidelight.labeling import UsageError, read_votes


@pytest.fixture(scope="module")
def done(sea, tmp_path_factory):
    """A project that was run once; tests copy it."""
    home = sea.write(tmp_path_factory.mktemp("run") / "sea")
    run_project(home)
    return home


@pytest.fixture
def home(done, tmp_path):
    return shutil.copytree(done, tmp_path / "sea")


def edit(home, name, old, new):
    text = (home / name).read_text()
    assert old in text
    (home / name).write_text(text.replace(old, new, 1))


def to_do(home):
    return {entry.step.name: entry.reason for entry in plan_project(load_project(home)) if not entry.done}


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("run.log.jsonl", "receipt.json")
    }


def test_a_run_leaves_manifest_metrics_report_and_configuration(done):
    run = find_run(load_project(done))
    assert run.number == "0001"
    names = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file()}
    wanted = {
        "manifest.json",
        "metrics.jsonl",
        "report.html",
        "effective.toml",
        "functions/state.json",
        "code/lfs.py",
    }
    assert wanted | {"audit/state/audit.json", "audit/state/audit.html"} <= names
    steps = ["records", "label:rules", "label:anna", "label:codes", "slices", "fit:state", "analyze:state"]
    assert list(run.keys) == [*steps, "train:state", "audit:state", "bundle:state", "profile"]
    measured = {(m["metric"], m.get("part"), m.get("slice")) for m in run.metrics()}
    assert {("auroc", "test", None), ("auroc", "test", "old"), ("label accuracy", "dev", None)} <= measured
    page = (run.folder / "report.html").read_text()
    assert "Class balance the label model works with, estimated from votes alone" in page
    assert "says_wind" in page
    assert "What to do next" in page


def test_nothing_changed_is_nothing_done(home):
    assert to_do(home) == {}
    again = run_project(home)
    assert not again.new
    assert [run.number for run in list_runs(load_project(home))] == ["0001"]


def test_a_comment_changes_nothing(home):
    edit(home, "lfs.py", '"""Few words."""', '"""Hardly any words."""  # a comment')
    assert to_do(home) == {}


def test_one_function_changed_is_the_only_one_that_runs(home):
    edit(home, "lfs.py", '["gale"]', '["gale", "wind"]')
    reasons = to_do(home)
    assert (
        reasons["label:rules"] == "functions says_wind changed"
        or reasons["label:rules"] == "says_wind changed"
    )
    assert reasons["fit:state"] == "after label:rules"
    assert not {"records", "slices", "label:anna", "label:codes"} & set(reasons)
    mark = home / "called"
    edit(home, "lfs.py", "@labeling_function\n", "import pathlib\n\n@labeling_function(version='1')\n")
    edit(
        home,
        "lfs.py",
        '    return "calm" if',
        f'    pathlib.Path({str(mark)!r}).write_text("")\n    return "calm" if',
    )
    run_project(home, select=["label:rules"])
    assert mark.exists()
    mark.unlink()
    edit(home, "lfs.py", '["gale", "wind"]', '["gale", "winds"]')
    run_project(home, select=["label:rules"])
    assert not mark.exists()


def test_other_functions_votes_are_as_if_all_had_run(home, tmp_path, done):
    edit(home, "lfs.py", '["gale"]', '["gale", "noises"]')
    run_project(home, select=["label:rules"])
    fresh = tmp_path / "fresh"
    shutil.copytree(home, fresh, ignore=shutil.ignore_patterns(".sidelight", "runs"))
    run_project(fresh, select=["label:rules"])
    places = [
        next((folder / ".sidelight/steps/label.rules").glob("*/votes/parts/*")) for folder in (home, fresh)
    ]
    fingerprints = {
        p.parent.parent.parent.name for p in (home / ".sidelight/steps/label.rules").glob("*/votes/parts/*")
    }
    key = places[1].parent.parent.parent.name
    assert key in fingerprints
    assert (
        home / ".sidelight/steps/label.rules" / key / "votes/parts/part-00000.parquet"
    ).read_bytes() == places[1].read_bytes()


def test_tuning_changes_no_label_split_or_slice(home):
    before = find_run(load_project(home))
    edit(home, "sidelight.toml", "max_epochs = 1", "max_epochs = 2\nbatch_size = 16")
    assert set(to_do(home)) == {"train:state", "audit:state", "bundle:state", "profile"}
    text = (home / "sidelight.toml").read_text()
    (home / "sidelight.toml").write_text(text[: text.index("[tuning]")])
    assert not {"records", "label:rules", "slices", "fit:state", "analyze:state"} & set(to_do(home))
    (home / "sidelight.toml").write_text(text)
    after = run_project(home)
    assert after.new
    for step in ("records", "label:rules", "label:anna", "label:codes", "slices", "fit:state"):
        assert files_below(before.step(step)) == files_below(after.step(step))
    assert files_below(before.step("train:state")) != files_below(after.step("train:state"))


def test_the_effective_configuration_reproduces_the_run(home, tmp_path):
    first = find_run(load_project(home))
    fresh = shutil.copytree(home, tmp_path / "fresh", ignore=shutil.ignore_patterns(".sidelight", "runs"))
    shutil.copy(first.folder / "effective.toml", fresh / "sidelight.toml")
    assert files_below(run_project(fresh).folder) == files_below(first.folder)


def test_steps_in_processes_give_the_same_bytes(home, tmp_path):
    first = find_run(load_project(home))
    fresh = shutil.copytree(home, tmp_path / "fresh", ignore=shutil.ignore_patterns(".sidelight", "runs"))
    run_project(fresh, jobs=2, select=["fit", "slices", "analyze"])
    kept = {
        name: files_below(find_run(load_project(home)).step(name))
        for name in ("fit:state", "slices", "analyze:state")
    }
    steps = {entry.step.name: entry for entry in plan_project(load_project(fresh))}
    for name, files in kept.items():
        assert steps[name].done
        place = fresh / ".sidelight" / "steps" / name.replace(":", ".") / steps[name].step.key[:16]
        assert files_below(place) == files
    assert first.keys["fit:state"] == steps["fit:state"].step.key


def test_a_second_run_at_the_same_time_is_refused(home):
    from sidelight.apps.project.store import Store

    with (
        Store(home / ".sidelight").locked(),
        ThreadPoolExecutor(1) as pool,
        pytest.raises(UsageError, match="another run of this project is at work"),
    ):
        pool.submit(run_project, home).result()


def test_annotators_labels_are_votes_and_gold_is_not(done):
    project = load_project(done)
    run = find_run(project)
    votes = read_votes(run.step("label:anna") / "votes")
    assert votes.names == ("anna",)
    assert votes.covered().sum() == 32
    functions = json.loads((run.folder / "functions/state.json").read_text())
    assert [row["name"] for row in functions] == ["says_calm", "says_wild", "says_wind", "is_short", "anna"]


def test_a_task_within_a_class_labels_only_that_class(home):
    more = '\n[tasks.kind]\nclasses = ["gale", "no gale"]\nparent = "state"\nwhen = "wild"\n'
    more += '\n[sources.winds]\ntask = "kind"\nfunctions = "winds.py"\n\n[slices.own]'
    edit(home, "sidelight.toml", "[slices.own]", more.lstrip())
    (home / "winds.py").write_text(
        "from sidelight.labeling import keyword_lf\n"
        'a = keyword_lf("has_gale", ["gale"], "gale")\n'
        'b = keyword_lf("has_storm", ["stormy"], "gale")\n'
        'c = keyword_lf("very_wild", ["very"], "no gale")\n'
    )
    run_project(home, select=["fit:kind"])
    project = load_project(home)
    steps = {entry.step.name: entry.step for entry in plan_project(project)}
    state, kind = (
        Labels.read(home / f".sidelight/steps/fit.{name}" / steps[f"fit:{name}"].key[:16] / "labels.parquet")
        for name in ("state", "kind")
    )
    assert kind.covered.any()
    assert not kind.covered[state.label != 1].any()
    assert np.array_equal(kind.ids, state.ids)


def test_the_commands_run_dry_run_and_list(home, capsys):
    assert main(["run", "--project", str(home), "--dry-run", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert {step["state"] for step in steps} == {"done"}
    edit(home, "sidelight.toml", "at_least = 60", "at_least = 70")
    assert main(["run", "--project", str(home), "--dry-run"]) == 0
    assert "old changed" in capsys.readouterr().out
    assert main(["runs", "--project", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["run"] == "0001"
    assert main(["run", "--project", str(home), "--select", "trian"]) == 2
    told = capsys.readouterr().err
    assert "matches no step" in told
    assert "did you mean 'train'?" in told


def test_calls_that_raise_end_the_run_with_exit_code_one(home, capsys):
    edit(
        home,
        "lfs.py",
        '    return "calm" if',
        '    record.id.startswith("n1") and 1 / 0\n    return "calm" if',
    )
    edit(home, "sidelight.toml", 'target = "waves"', "")
    assert main(["run", "--project", str(home)]) == 1
    err = capsys.readouterr().err
    assert "is_short" in err
    assert "calls that raised exceed 1.0%" in err
    (kept,) = [
        json.loads(file.read_bytes()) for file in home.rglob("errors.json") if "is_short" in file.read_text()
    ]
    ((fault, n),) = kept["faults"]["is_short"].items()
    assert "ZeroDivisionError" in fault
    assert n == kept["errors"]["is_short"]


def test_the_bundle_tells_figures_by_slice_and_what_it_was_made_of(done):
    from sidelight.crossmodal import Predictions, SignalSet, load_bundle

    run = find_run(load_project(done))
    bundle = load_bundle(run.folder / "bundle" / "state")
    predicted = bundle.predict(SignalSet.read(done / "signals.npz"))
    known = Predictions.read(run.step("train:state") / "predictions.parquet")
    assert np.array_equal(predicted.ids, known.ids)
    np.testing.assert_allclose(predicted.proba, known.proba, atol=1e-6)
    assert {row["slice"] for row in bundle.metrics["slices"]} == {"old", "long_text"}
    assert set(bundle.lineage["sources"]["rules"]) == {"says_calm", "says_wild", "says_wind", "is_short"}
    assert bundle.lineage["data"][0]["file"] == "notes.csv"
    assert len(bundle.lineage["code"]["lfs.py"]) == 64
    card = (run.folder / "bundle" / "state" / "card.md").read_text()
    assert "not a medical device" in card
    assert "| old | auroc |" in card


def test_settings_that_training_refuses_are_told_with_their_place(home, capsys):
    edit(home, "sidelight.toml", "max_epochs = 1", 'max_epochs = 1\nencoder = "resnet2d"')
    assert main(["run", "--project", str(home)]) == 2
    assert "tuning: the encoder is for images; these studies are signals" in capsys.readouterr().err


def test_gold_of_no_test_record_leaves_the_audit_out_and_says_so(home):
    (home / "few.csv").write_text("id,label\n")
    project = load_project(home)
    run = find_run(project)
    from sidelight.apps.project.work import Records

    records = Records.read(run.step("records"))
    name = records.ids[records.parts == "train"][0]
    (home / "few.csv").write_text(f"id,label\n{name},calm\n")
    edit(
        home,
        "sidelight.toml",
        'role = "gold"\ncolumn = "state"',
        'role = "gold"\nlabels = "few.csv"\ncolumn = "label"',
    )
    edit(home, "sidelight.toml", 'target = "waves"\n', "")
    done = run_project(home)
    assert not (done.folder / "audit").exists()
    assert "no test record has a gold label" in (done.folder / "report.html").read_text()


def test_an_audit_looks_at_subclasses_and_care_groups_and_searches_without_training_again(home):
    edit(
        home,
        "sidelight.toml",
        "[monitors]",
        '[audit]\nsubclass = "boat"\ngroups = ["boat"]\nsearch = ["age"]\n\n[monitors]',
    )
    assert set(to_do(home)) == {"audit:state", "bundle:state"}
    folder = run_project(home).folder / "audit/state"
    told = json.loads((folder / "audit.json").read_text())
    assert {row["subclass"] for row in told["subclasses"]["rows"]} == {"sloop", "yawl"}
    assert set(told["fairness"]) == {"boat"}
    assert told["discovery"]["n_records"] == told["n_records"]
    weighed = (folder / "subclasses.toml").read_text().replace("severity = 1", "severity = 3", 1)
    (home / "boats.toml").write_text(weighed)
    edit(home, "sidelight.toml", 'subclass = "boat"', 'subclass = "boat"\nsubclass_schema = "boats.toml"')
    assert set(to_do(home)) == {"audit:state", "bundle:state"}
    told = json.loads((run_project(home).folder / "audit/state/audit.json").read_text())
    assert told["subclasses"]["weighted"]
    (home / "boats.toml").write_text(weighed.replace("severity = 3", "severity = 2"))
    assert set(to_do(home)) == {"audit:state", "bundle:state"}, "the file's content counts"


def test_an_audit_withholds_what_rests_on_few_patients_down_to_the_bundle(home):
    run_project(home)
    smallest = 12
    edit(home, "sidelight.toml", "[monitors]", f"[audit]\nsmallest_cell = {smallest}\n\n[monitors]")
    assert set(to_do(home)) == {"audit:state", "bundle:state"}
    done = run_project(home)
    told = json.loads((done.folder / "audit/state/audit.json").read_text())
    assert told["settings"]["smallest_cell"] == smallest
    assert {row["n"] for row in told["rows"]} & {None}
    card = (done.folder / "bundle/state/card.md").read_text()
    assert "None" not in card
    assert "– to –" in card
    page = (done.folder / "report.html").read_text()
    assert f"&lt;{smallest}" in page
    about = json.loads((done.folder / "bundle/state/bundle.json").read_text())["metrics"]["slices"]
    assert all(row["n"] is None or row["n"] >= smallest for row in about)
    whole = [
        row for row in done.metrics() if row["step"] == "audit:state" and "of" in row and "slice" not in row
    ]
    assert {row["reason"] for row in whole if row["value"] is None} <= {f"<{smallest}", "withheld"}
    shown = {name: value for name, value in headline(done).items() if "of the" in name}
    reasons = {row["reason"] for row in whole if row["value"] is None}
    assert reasons, "nothing to show"
    assert {value for value in shown.values() if isinstance(value, str)} == reasons
    assert None not in shown.values()


def test_of_fewer_test_patients_than_the_smallest_cell_no_audit_is_told(home):
    edit(home, "sidelight.toml", "[monitors]", "[audit]\nsmallest_cell = 9999\n\n[monitors]")
    done = run_project(home)
    assert not (done.folder / "audit/state").exists()
    assert "fewer than 9999 patients" in (done.folder / "report.html").read_text()
    assert "fewer than 9999 patients" in (done.folder / "bundle/state/card.md").read_text()


def test_a_run_without_an_audit_section_searches_the_network_alone(done):
    told = json.loads((find_run(load_project(done)).folder / "audit/state/audit.json").read_text())
    assert "subclasses" not in told
    assert told["discovery"]["settings"]["level"] == 0.05


def test_images_are_a_target_too(home, sea):
    pytest.importorskip("monai", reason="the images extra is not installed")
    from PIL import Image

    random = np.random.default_rng(0)
    (home / "images").mkdir()
    for row in range(160):
        Image.fromarray(random.integers(0, 255, size=(32, 32), dtype=np.uint8)).save(
            home / "images" / f"n{row}.png"
        )
    edit(home, "sidelight.toml", 'kind = "signal"\npath = "signals.npz"', 'kind = "image"\npath = "images"')
    run = run_project(home)
    assert (run.folder / "bundle" / "state" / "model.safetensors").is_file()
