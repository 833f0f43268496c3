"""Old runs and unused outputs go when asked; runs that stay are whole, and two runs never overlap."""

import errno
import json
import shutil
import sys
from types import SimpleNamespace

import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.diff import diff_runs
from sidelight.apps.project.lock import hold
from sidelight.apps.project.prune import prune
from sidelight.apps.project.runs import list_runs
from sidelight.labeling import InputError, UsageError


@pytest.fixture(scope="module")
def three(sea, tmp_path_factory):
    """A project with three runs."""
    home = sea.write(tmp_path_factory.mktemp("prune") / "sea", n=80)
    text = (home / "sidelight.toml").read_text().replace('target = "waves"\n', "")
    for age in (60, 70, 50):
        (home / "sidelight.toml").write_text(text.replace("at_least = 60", f"at_least = {age}"))
        run_project(home)
    return home


@pytest.fixture
def home(three, tmp_path):
    return shutil.copytree(three, tmp_path / "sea")


def numbers(home):
    return [run.number for run in list_runs(load_project(home))]


def test_nothing_goes_that_a_run_needs(home):
    before = {path for path in home.rglob("*") if path.is_file()}
    done = prune(load_project(home))
    assert (done.runs, done.kept, done.folders) == ((), ("0001", "0002", "0003"), 0)
    assert {path for path in home.rglob("*") if path.is_file()} == before


def test_the_newest_runs_stay_whole_and_nothing_is_done_again(home):
    done = prune(load_project(home), keep=2)
    assert done.runs == ("0001",)
    assert done.folders > 0
    assert done.bytes > 0
    assert numbers(home) == ["0002", "0003"]
    first, second = list_runs(load_project(home))
    assert diff_runs(first, second).settings == [("slices.old.at_least", 70.0, 50.0)]
    assert not run_project(home).new
    assert list(home.rglob(".sidelight-*")) == []


def test_what_changed_functions_and_cut_off_steps_left_goes_too(home):
    project = load_project(home)
    for left in ("partial/train.state-0123456789abcdef", "votes/gone", "steps/fit.state/0123456789abcdef"):
        (project.work / left).mkdir(parents=True)
        (project.work / left / "file").write_text("x")
    assert prune(project, dry_run=True).folders == 3
    assert (project.work / "votes" / "gone").is_dir()
    assert prune(project).folders == 3
    assert not (project.work / "votes" / "gone").exists()
    assert (project.work / "votes" / "rules").is_dir()


def test_the_command_says_what_goes(home, capsys):
    assert main(["runs", "--project", str(home), "--keep", "1", "--dry-run"]) == 0
    assert "nothing was removed" in capsys.readouterr().out
    assert numbers(home) == ["0001", "0002", "0003"]
    assert main(["runs", "--project", str(home), "--keep", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs removed"] == "0001, 0002"
    assert numbers(home) == ["0003"]
    assert main(["runs", "--project", str(home), "--dry-run"]) == 2
    assert main(["runs", "--project", str(home), "--keep", "0"]) == 2


def test_the_next_run_has_a_number_of_its_own(home):
    prune(load_project(home), keep=1)
    text = (home / "sidelight.toml").read_text()
    (home / "sidelight.toml").write_text(text.replace("at_least = 50", "at_least = 40"))
    assert run_project(home).number == "0004"


def test_a_held_lock_is_refused_and_let_go(tmp_path):
    with (
        hold(tmp_path / "lock"),
        pytest.raises(UsageError, match="another run of this project is at work"),
        hold(tmp_path / "lock"),
    ):
        pass
    with hold(tmp_path / "lock"):
        pass


def test_on_windows_the_lock_is_of_its_own_kind(tmp_path, monkeypatch):
    taken = []

    def locking(handle, mode, size):
        if taken:
            raise OSError(errno.EACCES, "Permission denied")
        taken.append((mode, size))

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    with hold(tmp_path / "lock"):
        assert taken == [(2, 1)]
        with pytest.raises(UsageError, match="another run"), hold(tmp_path / "lock"):
            pass


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    import fcntl

    def flock(handle, mode):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(InputError, match="cannot be locked on this file system"), hold(tmp_path / "lock"):
        pass
