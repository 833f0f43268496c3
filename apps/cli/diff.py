"""`sidelight diff`: what changed between two runs, and whether it made things better."""

import click

from .output import interval_text, json_option, print_json, print_table
from .run import project_option


@click.command(
    short_help="Compare two runs: what improved, what broke.",
    epilog="Example: sidelight diff 3 4",
)
@click.argument("first")
@click.argument("second", default="latest")
@project_option
@click.option(
    "--q", default=0.05, show_default=True, help="Share of false alarms among the changes called sure."
)
@json_option
def diff(first: str, second: str, project_path: str, q: float, as_json: bool) -> int:
    """Compare the runs FIRST and SECOND: declarations, functions, labels, slices, and figures on the same records.

    A figure counts as improved or worse, and a share as more or fewer, when a paired test by patient says so, corrected
    for all of them. Labels and network are judged on test records, functions on the others.
    """
    from sidelight.apps.project import load_project
    from sidelight.apps.project.diff import diff_runs
    from sidelight.apps.project.runs import find_run

    project = load_project(project_path)
    found = diff_runs(find_run(project, first), find_run(project, second), q=q)
    if as_json:
        print_json(found.to_json())
        return 0
    for key, then, now in found.settings:
        click.echo(f"{key}: {'not set' if then is None else then} -> {'not set' if now is None else now}")
    for line in found.data:
        click.echo(f"data: {line}")
    if found.functions:
        rows = [
            [r["task"], r["name"], r["source"], r["state"], r["coverage before"], r["coverage after"]]
            for r in found.functions
        ]
        print_table("Functions", ["task", "function", "source", "", "votes on, before", "after"], rows)
    for task, counts in found.labels.items():
        turned = ", ".join(f"{n} {what}" for what, n in counts["turned"].items()) or "none turned"
        extra = f"; {counts['only after']} records are new, {counts['only before']} are gone"
        click.echo(f"labels of {task}, {counts['records in both']} records in both: {turned}{extra}")
    for row in found.slices:
        moved = f" ({row['joined']} joined, {row['left']} left)" if row["state"] == "changed" else ""
        click.echo(f"slice {row['name']}: {row['state']}, {row['records']} records{moved}")
    if found.shifts:
        shares = [
            [
                f"{s.task} {s.kind}".strip(), s.name, s.before, s.after,
                interval_text(s.difference.estimate, s.difference.low, s.difference.high), s.q, s.verdict,
            ]
            for s in found.shifts
        ]  # fmt: skip
        columns = ["share of records", "", "before", "after", "difference", "q", "verdict"]
        print_table("Shares of the records in both", columns, shares)
    if found.changes:
        cells = [
            [
                f"{c.task}, {c.of}", c.metric, c.slice or ("train and dev" if c.of.startswith("function") else "all test records"), c.before, c.after,
                interval_text(c.difference.estimate, c.difference.low, c.difference.high), c.q, c.verdict,
            ]
            for c in found.changes
        ]  # fmt: skip
        columns = ["of", "metric", "among", "before", "after", "difference", "q", "verdict"]
        print_table("Figures on the same records", columns, cells)
    click.echo(
        f"{len(found.improved)} figures improved, {len(found.worse)} got worse, of {len(found.changes)} compared"
    )
    return 0
