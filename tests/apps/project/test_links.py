"""Tasks of a project whose answers rule each other out are labeled together."""

import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.file import parse
from sidelight.apps.project.lines import Places
from sidelight.label_model import Labels
from sidelight.labeling import UsageError

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf
schema = LabelSchema(classes=({classes}))
{lines}
"""
EFFUSION = """fluid = keyword_lf("fluid", ["fluid"], "present")
blunted = keyword_lf("blunted", ["blunted"], "present")
clear = keyword_lf("clear", ["clear"], "absent")
"""
SIDE = """left = keyword_lf("left", ["left"], "left")
right = keyword_lf("right", ["right"], "right")
nowhere = keyword_lf("nowhere", ["both sides free"], "none")
"""
PROJECT = """
[data]
export = "notes.csv"
patient = "patient_id"

[payloads.text]
kind = "text"

[tasks.effusion]
classes = ["absent", "present"]
class_balance = { absent = 0.5, present = 0.5 }

[tasks.side]
classes = ["none", "left", "right"]

[sources.effusion_rules]
task = "effusion"
functions = "effusion.py"

[sources.side_rules]
task = "side"
functions = "side.py"

[[never]]
effusion = "absent"
side = ["left", "right"]

[[never]]
effusion = "present"
side = "none"
"""
TEXTS = ["clear", "both sides free", "fluid, left", "blunted, fluid", "right", "heart normal"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "effusion.py").write_text(FUNCTIONS.format(classes='"absent", "present"', lines=EFFUSION))
    (tmp_path / "side.py").write_text(FUNCTIONS.format(classes='"none", "left", "right"', lines=SIDE))
    rows = "".join(f'{row},p{row},"{TEXTS[row % 6]}"\n' for row in range(240))
    (tmp_path / "notes.csv").write_text("id,patient_id,text\n" + rows)
    (tmp_path / "sidelight.toml").write_text(PROJECT)
    return tmp_path


def labels_of(run, task):
    return Labels.read(run.step(f"fit:{task}") / "labels.parquet")


def test_votes_on_one_task_label_the_other_and_no_labels_contradict_each_other(place):
    run = run_project(place)
    effusion, side = labels_of(run, "effusion"), labels_of(run, "side")
    kinds = {text: (effusion.label[row], side.label[row]) for row, text in enumerate(TEXTS)}
    assert kinds == {
        "clear": (0, 0), "both sides free": (0, 0), "fluid, left": (1, 1), "blunted, fluid": (1, -1),
        "right": (1, 2), "heart normal": (-1, -1),
    }  # fmt: skip
    assert (effusion.n_votes[4], side.n_votes[0]) == (0, 0)
    page = (run.folder / "report.html").read_text()
    assert "labeled together with side" in page
    assert "estimated together with theirs from what is declared: absent" in page
    assert "estimated together with theirs: none" in page
    for task, labels in (("effusion", effusion), ("side", side)):
        told = [m["value"] for m in run.metrics() if (m.get("task"), m["metric"]) == (task, "class balance")]
        assert told == labels.lineage["class_balance"]
    assert main(["export", ".", "--task", "side", "--to", "csv", "--out", "side.csv"]) == 0
    assert main(["monitor", "notes.csv"]) == 0


def test_a_changed_link_fits_the_linked_tasks_again_and_no_other(place):
    text = PROJECT.replace("[[never]]", '[tasks.heart]\nclasses = ["a", "b"]\n[sources.heart_rules]\ntask = "heart"\nfunctions = "effusion.py"\n[[never]]', 1).replace('["a", "b"]', '["absent", "present"]')  # fmt: skip
    (place / "sidelight.toml").write_text(text)
    first = run_project(place)
    (place / "sidelight.toml").write_text(text.replace('side = ["left", "right"]', 'side = "left"'))
    second = run_project(place)
    changed = {name for name, key in second.keys.items() if first.keys[name] != key}
    assert {"fit:effusion", "fit:side"} <= changed
    assert not changed & {"fit:heart", "label:side_rules", "label:effusion_rules", "records"}


def test_without_links_tasks_stay_apart(place):
    (place / "sidelight.toml").write_text(PROJECT.partition("[[never]]")[0])
    run = run_project(place)
    assert labels_of(run, "side").label[0] == -1
    assert "labeled together" not in (run.folder / "report.html").read_text()
    assert "never" not in load_project(place).effective()


def test_links_read_back_as_they_were(place):
    project = load_project(place)
    assert parse(project.effective(), Places("effective.toml", project.effective())) == project.config


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('side = "none"', 'sid = "none"', "line 24: never: [2]: no task 'sid'; did you mean 'side'?"),
        ('side = "none"', 'side = "nowhere"', "never: [2].side: no class 'nowhere'; there are none, left, right"),
        ('side = "none"', "", "never: [2]: names classes of two tasks or more"),
        ('side = "none"', 'side = ["none", "left", "right"]', "never: no feasible combination has 'present' for effusion"),
        ('side = "none"', "side = 3", "never: [2].side: is a class or a list of classes"),
        ('side = "none"', 'side = ["none", 3]', "never: [2].side: is a class or a list of classes"),
        ('side = "none"', 'sides.left = "yes"', "never: [2]: no task 'sides'; did you mean 'side'?"),
        ('[tasks.side]', '[tasks.side]\nlabel_model = "majority"', "tasks.side.label_model: [[never]] links tasks of matrix-completion only"),
        ('[tasks.side]', '[tasks.side]\nparent = "effusion"\nwhen = "present"', "tasks.side.parent: already says when it is asked"),
    ],
)  # fmt: skip
def test_links_that_cannot_be_name_their_place(place, old, new, said):
    assert old in PROJECT
    (place / "sidelight.toml").write_text(PROJECT.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_project(place)
    assert said in str(caught.value)
    assert str(caught.value).startswith("sidelight.toml, line ")


def test_an_empty_list_of_links_says_so(place):
    (place / "sidelight.toml").write_text("never = []\n" + PROJECT.partition("[[never]]")[0])
    with pytest.raises(UsageError, match=r"sidelight.toml, line 1: never: .*at least 1 item"):
        load_project(place)


def test_a_project_file_may_come_from_windows(place):
    (place / "sidelight.toml").write_bytes(b"\xef\xbb\xbf" + PROJECT.replace("\n", "\r\n").encode())
    assert load_project(place).config.never is not None
