"""A run that is killed, at any moment, goes on where it was and ends with the bytes of one that was never stopped."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.runs import find_run

RUNNER = """
import os, signal, sys, time
import pyarrow.parquet, scipy.stats, pandas
import sidelight.apps.project.run, sidelight.slicing
from sidelight.apps.project import run_project

for line in sys.stdin:  # one run a line, each in a process of its own that starts with everything imported
    home, _, seconds = line.strip().partition("\t")
    child = os.fork()
    if child == 0:
        try:
            run_project(home)
        except BaseException:
            os._exit(4)
        os._exit(0)
    ended, status, until = 0, 0, time.monotonic() + float(seconds or 1e9)
    while not ended and time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not ended:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    print(status, flush=True)
"""


class Runner:
    """Runs projects in processes that can be killed."""

    def __init__(self):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, home, kill_after=None):
        """Run a project and return how its process ended, killing it after so many seconds."""
        self.process.stdin.write(f"{home}\t{kill_after or ''}\n")
        self.process.stdin.flush()
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline()))


@pytest.fixture
def runner():
    runner = Runner()
    yield runner
    runner.process.stdin.close()
    runner.process.wait(timeout=120)  # a busy machine takes its time
    runner.process.stdout.close()


def outcome(home):
    """Return the bytes of the run folder and of all that its steps made, but for what tells the time."""
    run = find_run(load_project(home))
    found = {}
    for name, folder in {"run": run.folder, **run.steps()}.items():
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.name != "run.log.jsonl":
                found[name, file.relative_to(folder).as_posix()] = file.read_bytes()
    return found


def forget(home):
    for name in ("runs", ".sidelight"):
        shutil.rmtree(home / name, ignore_errors=True)


def kill_at_work(runner, home, n_kills, moments, seconds):
    """Kill runs of a project at random moments until `n_kills` died at work; a finished one starts again."""
    died = 0
    while died < n_kills:
        begin = time.perf_counter()
        end = runner.run(home, kill_after=moments.uniform(0, seconds))
        assert end in (0, -signal.SIGKILL)
        died += end != 0
        if end == 0:  # the machine is quicker than it was: aim at the time a run takes now
            seconds = time.perf_counter() - begin
            forget(home)


def prepare(sea, tmp_path, runner, target):
    """Return a project that ran undisturbed, one to be disturbed, and how long a run takes."""
    homes = [sea.write(tmp_path / name / "sea", n=120) for name in ("whole", "killed")]
    if not target:
        for home in homes:
            text = (home / "sidelight.toml").read_text()
            (home / "sidelight.toml").write_text(text.replace('target = "waves"\n', ""))
    begin = time.perf_counter()
    assert runner.run(homes[0]) == 0
    return *homes, time.perf_counter() - begin


def check(killed, whole):
    assert outcome(killed) == outcome(whole)
    assert list(killed.rglob(".sidelight-*")) == []
    assert list((killed / ".sidelight" / "partial").iterdir()) == []


def test_killed_at_five_moments_it_ends_as_if_never_stopped(sea, tmp_path, runner):
    whole, killed, seconds = prepare(sea, tmp_path, runner, target=False)
    kill_at_work(runner, killed, 5, random.Random(0), seconds)
    assert runner.run(killed) == 0
    check(killed, whole)


@pytest.mark.slow
def test_killed_at_fifty_moments_with_a_network_it_ends_as_if_never_stopped(sea, tmp_path, runner):
    whole, killed, seconds = prepare(sea, tmp_path, runner, target=True)
    moments = random.Random(1)
    for _ in range(10):
        kill_at_work(runner, killed, 5, moments, seconds)
        assert runner.run(killed) == 0
        check(killed, whole)
        forget(killed)


def test_a_step_whose_file_was_cut_is_done_again(sea, tmp_path):
    home = sea.write(tmp_path / "sea", n=60)
    text = (home / "sidelight.toml").read_text()
    (home / "sidelight.toml").write_text(text.replace('target = "waves"\n', ""))
    run = run_project(home)
    before = outcome(home)
    labels = run.step("fit:state") / "labels.parquet"
    labels.write_bytes(labels.read_bytes()[:-7])
    assert not run_project(home).new
    assert outcome(home) == before
