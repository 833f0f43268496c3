"""`sidelight report`: the page of a run, once more, with or without the words of records."""

import click

from .output import json_option, overwrite_option, print_json
from .run import project_option


@click.command(
    short_help="Write a run's page again, with text if you ask for it.",
    epilog="Example: sidelight report 4 --with-text --out for-us-only.html",
)
@click.argument("run_name", metavar="[RUN]", default="latest")
@project_option
@click.option(
    "--out", type=click.Path(), help="The page to write [default: say where the run's own page is]."
)
@click.option(
    "--with-text", is_flag=True, help="Show records with their words; such a page is not for sharing."
)
@overwrite_option
@json_option
def report(
    run_name: str, project_path: str, out: str | None, with_text: bool, overwrite: bool, as_json: bool
) -> int:
    """Write the page of a run (the newest one by default) to a file of your choice.

    The page in the run's folder never holds text. With --with-text a page shows labels that gold contradicts, unsure ones
    and records without a vote, readable by you alone and marked as not for sharing.
    """
    from pathlib import Path

    from sidelight.apps.project import load_project
    from sidelight.apps.project.page import run_page
    from sidelight.apps.project.runs import find_run
    from sidelight.labeling import UsageError, write_file

    run = find_run(load_project(project_path), run_name)
    if out is None:
        if with_text:
            raise UsageError("--with-text needs --out FILE: the run's own page holds no text")
        target = run.folder / "report.html"
    else:
        target = Path(out)
        if target.exists() and not overwrite:
            raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
        quotes = []
        if with_text:
            from sidelight.apps.project.quotes import choose_quotes

            quotes = choose_quotes(run)
        write_file(target, run_page(run, quotes))
    if as_json:
        print_json({"run": run.number, "report": str(target), "holds text": with_text})
    else:
        click.echo(str(target) + (" (holds patient text: not for sharing)" if with_text else ""))
    return 0
