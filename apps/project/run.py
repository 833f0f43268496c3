"""Running a project: the steps that are not done yet, each committed when whole, and the folder that tells of it."""

import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sidelight.labeling import LimitError
from sidelight.labeling.readers.base import percent

from . import judgement, supervision
from .artefact import do_bundle
from .checks import check_columns
from .file import Project, load_project
from .graph import Planned, Step, build_graph, chosen_steps, plan
from .profile import do_profile
from .runs import Run, commit_run, latest_run
from .store import Store
from .training import do_train
from .work import Work, write_json

if TYPE_CHECKING:
    from sidelight.labeling.engine import Runner

ACTIONS: dict[str, Callable[[Work], None]] = {
    "analyze": judgement.do_analyze,
    "audit": judgement.do_audit,
    "bundle": do_bundle,
    "fit": supervision.do_fit,
    "label": supervision.do_label,
    "profile": do_profile,
    "records": supervision.do_records,
    "slices": supervision.do_slices,
    "train": do_train,
}
"""What each kind of step does."""


@dataclass(frozen=True)
class Teller:
    """Who is told how a run goes.

    Parameters
    ----------
    begin : callable
        Called with a step's name and the reason it is done.
    advance : callable
        Called with a step's name and the number of records or training steps done since the last call.
    end : callable
        Called with a step's name and the seconds it took.
    """

    begin: Callable[[str, str], None] = lambda name, reason: None
    advance: Callable[[str, int], None] = lambda name, done: None
    end: Callable[[str, float], None] = lambda name, seconds: None


def plan_project(project: Project, select: Sequence[str] = ()) -> list[Planned]:
    """Return what a run would do, and why; nothing is written."""
    check_columns(project)
    before = latest_run(project)
    steps = chosen_steps(build_graph(project), select)
    return plan(steps, Store(project.work), {} if before is None else before.keys)


def run_project(
    project: Project | str | Path,
    *,
    select: Sequence[str] = (),
    jobs: int = 1,
    runner: "Runner | None" = None,
    tell: Teller | None = None,
) -> Run | None:
    """Do what is not done yet, and write a run folder.

    A run that is killed, at any moment, leaves the steps it finished; the next one goes on from them and ends with
    the same bytes.

    Parameters
    ----------
    project : Project or path-like
        The project, its file, or the folder of it.
    select : sequence of str, optional
        Steps to do, by name, kind or pattern, with those they need; no run folder is written then.
    jobs : int, default 1
        Steps that do not need each other run in so many processes; the results are the same.
    runner : Runner, optional
        Where labeling functions run; by default the cores of this machine when the export is large. The votes are the
        same.
    tell : Teller, optional
        Told how it goes.

    Returns
    -------
    Run
        The run; an earlier one when nothing changed since; None with `select`.
    """
    if not isinstance(project, Project):
        project = load_project(project)
    tell = tell or Teller()
    store = Store(project.work)
    with store.locked():
        planned = plan_project(project, select)
        steps = {entry.step.name: entry.step for entry in planned}
        seconds: dict[str, float] = {}
        _do_all(project, planned, jobs, runner, tell, seconds)
        if select:
            return None
        return commit_run(project, steps, store, seconds)


def broken_limits(run: Run) -> list[str]:
    """Return the limits that a run broke, in words."""
    limits, said = run.project.config.limits, []
    about = run.read_json("records", "records.json")
    if about["damaged"] > limits.set_aside * about["rows"]:
        said.append(
            f"{about['damaged']} of {about['rows']} rows were set aside, more than {percent(limits.set_aside)}"
        )
    for name, source in run.project.config.sources.items():
        if source.functions is not None:
            counts = run.read_json(f"label:{name}", "errors.json")
            over = {f: n for f, n in counts["errors"].items() if n > limits.errors * counts["records"]}
            if over:
                listed = ", ".join(f"{function} {n}" for function, n in over.items())
                said.append(
                    f"{name}: calls that raised exceed {percent(limits.errors)} of the records: {listed}"
                )
    return said


def check_limits(run: Run) -> None:
    """Raise `LimitError` when a run broke a limit."""
    broken = broken_limits(run)
    if broken:
        raise LimitError("; ".join(broken))


def do_step(
    project: Project,
    step: Step,
    keys: Mapping[str, str],
    progress: Callable[[int], None],
    runner: "Runner | None" = None,
) -> float:
    """Do one step, commit its output, and return the seconds it took."""
    begin = time.perf_counter()
    store = Store(project.work)
    inputs = {need: store.place(need, keys[need]) for need in step.needs}
    about = {"parts": dict(step.parts), "needs": {need: keys[need] for need in step.needs}}
    with store.write(step.name, step.key, about) as folder:
        work = Work(project, step, inputs, folder, store.partial(step.name, step.key), progress, runner)
        ACTIONS[step.kind](work)
        write_json(folder / "metrics.json", work.metrics)
    return time.perf_counter() - begin


def _do_all(
    project: Project,
    planned: Sequence[Planned],
    jobs: int,
    runner: "Runner | None",
    tell: Teller,
    seconds: dict[str, float],
) -> None:
    """Do the steps that are not done, each when all it needs is there."""
    keys = {entry.step.name: entry.step.key for entry in planned}
    reasons = {entry.step.name: entry.reason for entry in planned}
    waiting = {entry.step.name: entry.step for entry in planned if not entry.done}
    if not waiting:
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) if jobs > 1 else nullcontext() as pool:
        running: dict[Future[float], str] = {}
        while waiting or running:
            ready = [n for n, s in waiting.items() if not set(s.needs) & ({*waiting} | {*running.values()})]
            for name in ready:
                step = waiting.pop(name)
                tell.begin(name, reasons[name])
                if pool is None:
                    seconds[name] = do_step(project, step, keys, partial(tell.advance, name), runner)
                    tell.end(name, seconds[name])
                else:
                    running[pool.submit(_do_elsewhere, str(project.file), name, step.key, runner)] = name
            if running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    seconds[name] = future.result()
                    tell.end(name, seconds[name])


def _do_elsewhere(file: str, name: str, key: str, runner: "Runner | None") -> float:
    """Do a step in a process of its own."""
    project = load_project(file)
    steps = build_graph(project)
    if steps[name].key != key:
        raise LimitError(f"{name}: its inputs changed while the run was at work; run again")
    return do_step(project, steps[name], {n: s.key for n, s in steps.items()}, _silent, runner)


def _silent(done: int) -> None:
    """Progress of another process is not shown."""
