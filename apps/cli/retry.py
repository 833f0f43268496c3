"""`sidelight retry`: finish a run that was cut off."""

from typing import TYPE_CHECKING

import click

from .exports import runner_options
from .label import show_report
from .output import json_option, progress

if TYPE_CHECKING:
    from sidelight.labeling.engine import Runner


@click.command(short_help="Finish a run that was cut off.", epilog="Example: sidelight retry votes")
@click.argument("votes", type=click.Path())
@click.option(
    "--error-budget", default=0.01, show_default=True, help="Share of a function's calls that may raise."
)
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of rows that may be set aside as unreadable."
)
@runner_options
@json_option
def retry(
    votes: str, error_budget: float, limit: float, verify: bool, runner: "Runner | None", as_json: bool
) -> int:
    """Label once more what the folder VOTES was last asked to hold: what is done is kept, the rest is computed."""
    from sidelight.labeling.engine import retry as run_again

    with progress("labeling records") as advance:
        report = run_again(votes, runner=runner, verify=verify, progress=advance)
    show_report(report, as_json)
    report.check_limits(limit, error_budget)
    return 0
