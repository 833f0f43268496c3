"""`sidelight runs`: what was run, when, and how it came out."""

import click

from .output import json_option, print_json, print_table
from .run import headline, project_option


@click.command(short_help="List a project's runs.", epilog="Example: sidelight runs --json")
@project_option
@json_option
def runs(project_path: str, as_json: bool) -> int:
    """List the runs of a project, with what each measured first."""
    from sidelight.apps.project import load_project
    from sidelight.apps.project.runs import list_runs

    found = list_runs(load_project(project_path))
    if as_json:
        print_json({"runs": [{"run": r.number, "ended": r.log().get("ended"), **headline(r)} for r in found]})
        return 0
    if not found:
        click.echo("no run yet; `sidelight run` makes one")
        return 0
    rows: list[list[object]] = []
    for run in found:
        figures = headline(run)
        areas = {name: value for name, value in figures.items() if ": auroc" in name}
        name, value = next(
            iter(areas.items()), next(((n, v) for n, v in figures.items() if "accuracy" in n), ("", None))
        )
        rows.append([run.number, run.log().get("ended", ""), figures.get("records"), name, value])
    print_table("Runs", ["run", "ended", "records", "measured", "value"], rows)
    return 0
