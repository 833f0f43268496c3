"""`sidelight run`: from the project file to a run folder, doing only what changed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .exports import runner_options
from .output import dry_run_option, json_option, note, print_facts, print_json, print_table, progress

if TYPE_CHECKING:
    from sidelight.apps.project import Run
    from sidelight.labeling.engine import Runner

project_option = click.option(
    "--project",
    "project_path",
    default=".",
    show_default=True,
    type=click.Path(),
    help="The project file or its folder.",
)


@click.command(
    short_help="Run a project, doing only what changed.",
    epilog="Example: sidelight run --dry-run",
)
@project_option
@click.option(
    "--select",
    multiple=True,
    metavar="STEP",
    help="Do only these steps and what they need: fit, label:rules, 'train:*'.",
)
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1), help="Steps at a time, in processes."
)
@runner_options
@click.option(
    "--mlflow", "mlflow_uri", metavar="URI", help="Log the run to MLflow too: a folder, or its server."
)
@dry_run_option
@json_option
def run(
    project_path: str,
    select: Sequence[str],
    jobs: int,
    runner: "Runner | None",
    mlflow_uri: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Label, fit, train, audit and report, as sidelight.toml declares, and write runs/NUMBER.

    Functions run part by part (--runner, --workers); what is done is not done again. A run that was stopped, however,
    goes on where it was: run it again.
    """
    return run_it(project_path, select, jobs, runner, mlflow_uri, dry_run, as_json)


def run_it(
    project_path: str,
    select: Sequence[str] = (),
    jobs: int = 1,
    runner: "Runner | None" = None,
    mlflow_uri: str | None = None,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Run a project and tell of it; see `run`."""
    from sidelight.apps.project import load_project, run_project
    from sidelight.apps.project.run import check_limits, plan_project

    project = load_project(project_path)
    if dry_run:
        planned = plan_project(project, select)
        rows = [[entry.step.name, "done" if entry.done else "to do", entry.reason] for entry in planned]
        if as_json:
            print_json({"steps": [dict(zip(("step", "state", "reason"), row, strict=True)) for row in rows]})
        else:
            print_table(f"{project.config.project.name}: what a run would do", ["step", "state", "why"], rows)
        return 0
    bars = _Bars()
    try:
        done = run_project(project, select=select, jobs=jobs, runner=runner, tell=bars.teller())
    finally:
        bars.close()
    if done is None:
        print_json({"run": None}) if as_json else click.echo(
            "done; a run folder is written when all steps are"
        )
        return 0
    summary = {"run": done.number, "new": done.new, **headline(done)}
    if as_json:
        print_json({**summary, "folder": str(done.folder)})
    else:
        if not done.new:
            click.echo(f"nothing changed since run {done.number}")
        which = " --task TASK" if len(project.config.questions) > 1 else ""
        print_facts(
            {
                **{k: v for k, v in summary.items() if k != "new"},
                "report": str(done.folder / "report.html"),
                "labels": f"sidelight export {project_path}{which} --to csv --out labels.csv",
            }
        )
    if mlflow_uri is not None:
        from sidelight.apps.project.mlflow_log import log_run

        note(f"MLflow run {log_run(done, mlflow_uri)} in {mlflow_uri}")
    check_limits(done)
    return 0


def headline(run: "Run") -> Mapping[str, Any]:
    """Return a run's figures that people ask for first."""
    figures: dict[str, Any] = {}
    for metric in run.metrics():
        name, task = metric["metric"], metric.get("task", "")
        if metric["step"] == "records" and name in ("records", "patients") and "part" not in metric:
            figures[name] = metric["value"]
        elif metric["step"].startswith("fit:") and name == "covered":
            figures[f"{task}: records with a vote"] = metric["value"]
        elif name == "labeled against all votes":
            figures[f"{task}: labels against all votes, {metric['class']}"] = metric["said"]
        elif metric["step"].startswith("audit:") and "slice" not in metric and "of" in metric:
            bounds = {"estimate": metric["value"], "low": metric["low"], "high": metric["high"]}
            known = metric.get("reason") if metric["value"] is None else metric["value"]
            figures[f"{task}: {name} of the {metric['of']} (test)"] = (
                known if None in bounds.values() else bounds
            )
        elif name == "label accuracy" and metric["part"] == "test" and metric["low"] is not None:
            bounds = {"estimate": metric["value"], "low": metric["low"], "high": metric["high"]}
            figures[f"{task}: label accuracy (test)"] = bounds
    return figures


class _Bars:
    """Steps as lines with their reasons; on a terminal a bar shows how far each is."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Any, Any]] = {}

    def teller(self) -> Any:
        """Return what a run is to tell."""
        from sidelight.apps.project.run import Teller

        return Teller(self._begin, self._advance, self._end)

    def close(self) -> None:
        """Close whatever is open."""
        for name in list(self._open):
            self._end(name, 0.0, quiet=True)

    def _begin(self, name: str, reason: str) -> None:
        note(f"· {name} ({reason})")
        if not self._open:
            bar = progress(f"  {name}", total=None)
            self._open[name] = (bar, bar.__enter__())

    def _advance(self, name: str, done: int) -> None:
        if name in self._open:
            self._open[name][1](done)

    def _end(self, name: str, seconds: float, *, quiet: bool = False) -> None:
        if name in self._open:
            self._open.pop(name)[0].__exit__(None, None, None)
        if not quiet and seconds >= 1:
            note(f"  {name}: {seconds:.1f} s")
