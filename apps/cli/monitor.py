"""`sidelight monitor`: whether what comes in now looks like what the run was made of."""

from collections.abc import Sequence
from pathlib import Path

import click

from .output import json_option, overwrite_option, print_json, print_table
from .run import project_option


@click.command(
    short_help="Compare a new export with a run.",
    epilog="Example: sidelight monitor may.csv --studies ecg=may.npz --out monitoring/may",
)
@click.argument("export", type=click.Path())
@project_option
@click.option("--run", "run_name", metavar="NUMBER", help="The reference run [default: the newest].")
@click.option("--studies", multiple=True, metavar="PAYLOAD=PATH", help="New signals or images of a payload.")
@click.option("--out", type=click.Path(), help="Folder to write: monitor.json and monitor.html.")
@overwrite_option
@json_option
def monitor(
    export: str,
    project_path: str,
    run_name: str | None,
    studies: Sequence[str],
    out: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Compare votes, coverage, labels, texts, columns, signals and predictions of EXPORT with those of a run.

    Ends with exit code 1 when something drifted. If nothing did, it does so once in a hundred checks at most
    (`family_error` in [monitors]). What --out leaves in the project's folder the app shows: sidelight ui PROJECT.
    """
    from sidelight.apps.project import load_project
    from sidelight.apps.project.monitor import monitor as compare_export
    from sidelight.labeling import LimitError, UsageError

    paths = {}
    for given in studies:
        name, separator, path = given.partition("=")
        if not separator:
            raise UsageError(f"--studies is PAYLOAD=PATH, not {given!r}")
        paths[name] = path
    if out is not None and Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    found = compare_export(load_project(project_path), export, run=run_name, studies=paths)
    if out is not None:
        found.write(out, overwrite=overwrite)
    alarms = found.comparison.alarms
    if as_json:
        print_json(found.to_json())
    else:
        rows = [
            [r.family, r.name, r.slice or "all records", r.what, r.reference, r.new, f"{r.p:.4f}"]
            for r in alarms[:30]
        ]
        if rows:
            columns = ["about", "what", "among", "compared", "reference", "new", "p, corrected"]
            print_table(f"Alarms against run {found.run.number}", columns, rows)
        counts = f"{found.comparison.n_new} new records, {found.comparison.n_reference} in the reference"
        click.echo(f"{len(alarms)} alarms in {found.comparison.n_tests} tests; {counts}")
        if out is not None:
            click.echo(f"written to {out}")
    if alarms:
        raise LimitError(
            f"the new records differ from run {found.run.number}: {', '.join(found.by_family())}"
        )
    return 0
