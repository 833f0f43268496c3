"""`sidelight runs`: what was run, when, and how it came out; old ones are removed when asked."""

import click

from .output import json_option, print_facts, print_json, print_table
from .run import headline, project_option


@click.command(
    short_help="List a project's runs; remove old ones.", epilog="Example: sidelight runs --keep 5 --dry-run"
)
@project_option
@click.option(
    "--keep", type=click.IntRange(1), metavar="N", help="Remove all runs but the newest N; prunes too."
)
@click.option(
    "--prune", "prune_", is_flag=True, help="Remove what steps keep for no run that stays nor the next one."
)
@click.option(
    "--dry-run", is_flag=True, help="With --keep or --prune: say what would go, and remove nothing."
)
@json_option
def runs(project_path: str, keep: int | None, prune_: bool, dry_run: bool, as_json: bool) -> int:
    """List the runs of a project, with what each measured first.

    A run that stays is whole: its labels, votes and figures can be compared, reported and monitored against.
    """
    from sidelight.apps.project import load_project
    from sidelight.apps.project.runs import list_runs
    from sidelight.labeling import UsageError

    project = load_project(project_path)
    if keep is not None or prune_:
        from sidelight.apps.project.prune import prune

        done = prune(project, keep=keep, dry_run=dry_run)
        facts = {
            "runs removed": ", ".join(done.runs) or "none",
            "runs kept": ", ".join(done.kept) or "none",
            "unused outputs of steps": done.folders,
            "megabytes": round(done.bytes / 1e6, 1),
        }
        print_json({**facts, "dry run": dry_run}) if as_json else print_facts(facts)
        if dry_run and not as_json:
            click.echo("nothing was removed (--dry-run)")
        return 0
    if dry_run:
        raise UsageError("--dry-run goes with --keep or --prune")
    found = list_runs(project)
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
