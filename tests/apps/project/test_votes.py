"""Label steps run on the engine: part by part, on any number of processes, and never twice."""

import shutil

import numpy as np
import pytest

from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.run import plan_project
from sidelight.label_model import Labels
from sidelight.labeling import LFApplier, read, read_votes
from sidelight.labeling.engine import PoolRunner, SerialRunner


@pytest.fixture
def home(sea, tmp_path):
    """A project whose export is a folder of three files, and so is labeled in three parts."""
    home = sea.write(tmp_path / "sea", n=120)
    head, *lines = (home / "notes.csv").read_text().splitlines()
    (home / "notes").mkdir()
    for number in range(3):
        (home / "notes" / f"{number}.csv").write_text("\n".join([head, *lines[number::3]]) + "\n")
    text = (home / "sidelight.toml").read_text().replace('target = "waves"\n', "")
    (home / "sidelight.toml").write_text(text.replace('"notes.csv"', '"notes"'))
    mark = f"    with open({str(home / 'calls')!r}, 'a') as file:\n        file.write(record.id + ' ')\n    return \"calm\" if"
    functions = (home / "lfs.py").read_text().replace('    return "calm" if', mark)
    (home / "lfs.py").write_text(functions)
    return home


def calls(home):
    file = home / "calls"
    found = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def output(home, name):
    project = load_project(home)
    step = next(entry.step for entry in plan_project(project) if entry.step.name == name)
    return project.work / "steps" / name.replace(":", ".") / step.key[:16]


class Stopping:
    """A runner that is cut off after its first part."""

    def run(self, job, parts):
        yield next(iter(SerialRunner().run(job, parts)))
        raise KeyboardInterrupt


def test_votes_are_those_of_one_pass_over_the_export(home):
    from sidelight.apps.project.checks import open_export
    from sidelight.apps.project.sources import functions_of

    run_project(home, select=["fit"])
    project = load_project(home)
    votes = read_votes(output(home, "label:rules") / "votes")
    alone = LFApplier(functions_of(project, "rules"), schema=project.schema("state")).apply(
        open_export(project)
    )
    assert np.array_equal(
        votes.align(dict(zip(alone.ids, alone.dense()[:, 3], strict=True))), votes.dense()[:, 3]
    )
    assert set(votes.ids) == set(alone.ids)
    assert len(read(home / "notes", id="note", text="note_text").files) == 3


def test_a_label_step_that_was_cut_off_goes_on_after_its_last_part(home, tmp_path):
    whole = shutil.copytree(home, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_project(home, select=["label:rules"], runner=Stopping())
    first = calls(home)
    assert len(first) == 40
    run_project(home, select=["label:rules"])
    second = calls(home)
    assert len(second) == 80
    assert not set(first) & set(second)
    run_project(whole, select=["label:rules"])
    files = [sorted((output(place, "label:rules") / "votes" / "parts").iterdir()) for place in (home, whole)]
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


def test_processes_give_the_same_bytes(home, tmp_path):
    many = shutil.copytree(home, tmp_path / "many")
    run_project(home, select=["fit"])
    run_project(many, select=["fit"], runner=PoolRunner(2))
    for step, name in (("label:rules", "votes/manifest.json"), ("fit:state", "labels.parquet")):
        assert (output(home, step) / name).read_bytes() == (output(many, step) / name).read_bytes()


def test_a_new_file_of_the_export_is_all_that_is_labeled(home):
    run_project(home, select=["label:rules"])
    assert len(calls(home)) == 120
    (home / "notes" / "3.csv").write_text("note,patient,age,boat,note_text,state\nnew,p,30,yawl,calm,calm\n")
    run_project(home, select=["label:rules"])
    assert calls(home) == ["new"]
    assert read_votes(output(home, "label:rules") / "votes").n_records == 121


def test_a_record_that_kills_its_process_is_left_without_votes(home):
    deadly = '    if record.id == "n7":\n        __import__("os")._exit(9)\n    with open('
    (home / "lfs.py").write_text((home / "lfs.py").read_text().replace("    with open(", deadly))
    run_project(home, select=["fit", "analyze"], runner=PoolRunner(2))
    labels = Labels.read(output(home, "fit:state") / "labels.parquet")
    assert len(labels) == 120
    assert not labels.covered[labels.ids == "n7"].any()
    assert labels.patient_ids[labels.ids == "n7"].tolist() == ["p3"]
