"""What two runs differ in, and which figures got better or worse beyond chance; the page with text."""

import json
import math
import re
import shutil

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.diff import diff_runs
from sidelight.apps.project.paired import accuracy_change, area_change
from sidelight.apps.project.runs import find_run, list_runs
from sidelight.labeling import UsageError

CLUMSY = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(classes=("calm", "wild"))
says_calm = keyword_lf("says_calm", ["calm", "quiet", "wild"], "calm")
says_wild = keyword_lf("says_wild", ["stormy"], "wild")
never = keyword_lf("never", ["icebergs"], "wild")

@labeling_function
def is_short(record):
    return "calm" if len(record.text) < 30 else None
"""


@pytest.fixture(scope="module")
def home(sea, tmp_path_factory):
    """A project with two runs: clumsy functions, then better ones and another slice."""
    home = sea.write(tmp_path_factory.mktemp("diff") / "sea", n=400)
    good = (home / "lfs.py").read_text()
    text = (home / "sidelight.toml").read_text().replace('target = "waves"\n', "")
    (home / "sidelight.toml").write_text(text)
    (home / "lfs.py").write_text(CLUMSY)
    run_project(home)
    (home / "lfs.py").write_text(good)
    (home / "sidelight.toml").write_text(text.replace("at_least = 60", "at_least = 70"))
    run_project(home)
    return home


def test_a_diff_tells_settings_functions_labels_and_slices(home):
    found = diff_runs(*list_runs(load_project(home)))
    assert found.settings == [("slices.old.at_least", 60.0, 70.0)]
    assert found.data == []
    states = {row["name"]: row["state"] for row in found.functions}
    assert states == {
        "never": "gone", "says_wind": "new", "says_calm": "changed", "says_wild": "changed", "is_short": "changed",
    }  # fmt: skip
    assert found.labels["state"]["turned"]["calm -> wild"] > 50
    [row] = [row for row in found.slices if row["name"] == "old"]
    assert row["joined"] == 0
    assert row["left"] > 20


def test_better_functions_are_found_to_improve_labels_and_the_way_back_to_worsen_them(home):
    first, second = list_runs(load_project(home))
    there, back = diff_runs(first, second), diff_runs(second, first)
    [whole] = [c for c in there.changes if c.metric == "accuracy" and c.slice == "" and c.of == "labels"]
    assert whole.verdict == "improved"
    assert whole.difference.low > 0.05
    assert whole.after - whole.before == pytest.approx(whole.difference.estimate)
    assert there.worse == []
    assert {(c.metric, c.slice) for c in back.worse} >= {("accuracy", "")}


def test_functions_labels_and_slices_that_shift_are_tested_by_patient(home):
    first, second = list_runs(load_project(home))
    there = {(s.kind, s.name): s for s in diff_runs(first, second).shifts}
    assert there["function", "says_calm"].verdict == "fewer"
    assert there["function", "says_wild"].verdict == "more"
    assert there["label", "wild"].verdict == "more"
    assert there["slice", "old"].verdict == "fewer"
    assert there["slice", "old"].difference.high < 0
    assert ("slice", "long_text") not in there
    assert ("function", "never") not in there
    back = {(s.kind, s.name): s for s in diff_runs(second, first).shifts}
    assert back["slice", "old"].verdict == "more"


def test_a_function_that_got_better_is_called_improved_and_a_broken_one_worse(home):
    first, second = list_runs(load_project(home))
    of = {c.of: c for c in diff_runs(first, second).changes if c.of.startswith("function")}
    assert of["function says_calm"].verdict == "improved"
    assert of["function says_calm"].metric == "right minus wrong votes"
    worse = {c.of for c in diff_runs(second, first).worse}
    assert "function says_calm" in worse


def test_a_share_that_hardly_moves_is_no_evidence(home, tmp_path):
    copy = shutil.copytree(home, tmp_path / "copy")
    lines = (copy / "notes.csv").read_text().splitlines()
    row = next(n for n, line in enumerate(lines) if n and ",69," in line)
    lines[row] = lines[row].replace(",69,", ",70,")
    (copy / "notes.csv").write_text("\n".join(lines) + "\n")
    run_project(copy)
    runs = list_runs(load_project(copy))
    [old] = [s for s in diff_runs(runs[1], runs[2]).shifts if s.kind == "slice"]
    assert old.verdict == "no evidence"
    assert old.after > old.before


def test_a_run_compared_with_itself_shows_no_change(home):
    run = find_run(load_project(home))
    found = diff_runs(run, run)
    assert (found.settings, found.data, found.functions, found.slices, found.shifts) == ([], [], [], [], [])
    assert {change.verdict for change in found.changes} == {"unchanged"}


def test_the_command_prints_tables_or_json(home, capsys):
    assert main(["diff", "1", "2", "--project", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "says_wind" in shown
    assert "improved" in shown
    assert main(["diff", "1", "--project", str(home), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["runs"] == ["0001", "0002"]
    assert content["improved"] >= 1
    assert main(["diff", "1", "9", "--project", str(home)]) == 2
    assert "there are 0001, 0002" in capsys.readouterr().err


def test_accuracy_changes_of_chance_alone_are_rarely_called_sure():
    random = np.random.default_rng(0)
    sure = 0
    for _ in range(200):
        gold = random.integers(2, size=120)
        before, after = (np.eye(2)[np.where(random.random(120) < 0.8, gold, 1 - gold)] for _ in range(2))
        sure += accuracy_change(gold, before, after, (np.arange(120) // 2).astype(str))[2].p < 0.05
    assert sure <= 20


def test_equal_orders_and_rare_classes_are_not_tested():
    gold = np.arange(40) % 2 == 0
    score = np.linspace(0, 1, 40)
    groups = np.arange(40).astype(str)
    then, now, difference = area_change(gold, score, score**2, groups)
    assert then == now
    assert math.isnan(difference.p)
    assert area_change(np.arange(40) < 3, score, score[::-1], groups) is None


def test_a_page_with_text_is_asked_for_marked_and_private(home, tmp_path, capsys):
    page = tmp_path / "ours.html"
    assert main(["report", "--project", str(home), "--with-text"]) == 2
    assert main(["report", "1", "--project", str(home), "--with-text", "--out", str(page)]) == 0
    assert "not for sharing" in capsys.readouterr().out
    content = page.read_text()
    assert "This page holds patient text and is not for sharing" in content
    told = re.compile("a gale|gale blows|very wild|quiet sea|quiet all day|strange")
    assert told.search(content)
    assert page.stat().st_mode & 0o077 == 0
    assert not told.search((find_run(load_project(home), "1").folder / "report.html").read_text())
    assert main(["report", "1", "--project", str(home), "--out", str(tmp_path / "plain.html")]) == 0
    assert (tmp_path / "plain.html").read_text() == (
        find_run(load_project(home), "1").folder / "report.html"
    ).read_text()


def test_runs_whose_steps_were_removed_say_so(home, tmp_path):
    copy = shutil.copytree(home, tmp_path / "copy")
    shutil.rmtree(copy / ".sidelight" / "steps" / "fit.state")
    with pytest.raises(Exception, match="is not there any more"):
        diff_runs(*list_runs(load_project(copy)))
    with pytest.raises(UsageError, match="there is no run '7'"):
        find_run(load_project(copy), "7")
