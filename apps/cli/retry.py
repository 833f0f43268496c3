"""`sidelight retry`: finish a run that was cut off."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .exports import runner_options, verify_option
from .label import show_report
from .output import json_option, progress
from .run import run_it

if TYPE_CHECKING:
    from sidelight.labeling.engine import Runner


@click.command(
    short_help="Finish a run that was cut off.",
    epilog="Example: sidelight retry votes, or in a project: sidelight retry",
)
@click.argument("path", metavar="[VOTES]", default=".", type=click.Path())
@click.option(
    "--error-budget", default=0.01, show_default=True, help="Share of a function's calls that may raise."
)
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of rows that may be set aside as unreadable."
)
@runner_options
@verify_option
@json_option
def retry(
    path: str, error_budget: float, limit: float, verify: bool, runner: "Runner | None", as_json: bool
) -> int:
    """Finish what was cut off in VOTES, a folder of votes, or in a project: what is done is kept, the rest is computed.

    Of a project (its folder or file) this is `sidelight run`, whose limits stand in the project file.
    """
    if is_project(path):
        return run_it(path, runner=runner, as_json=as_json)
    from sidelight.labeling.engine import retry as run_again

    with progress("labeling records") as advance:
        report = run_again(path, runner=runner, verify=verify, progress=advance)
    show_report(report, as_json)
    report.check_limits(limit, error_budget)
    return 0


def is_project(path: str) -> bool:
    """Whether a path is a project's folder or its file."""
    place = Path(path)
    return place.suffix == ".toml" or (place / "sidelight.toml").is_file()
