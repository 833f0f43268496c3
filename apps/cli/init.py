"""`sidelight init`: a project to start from."""

from pathlib import Path

import click

from .output import json_option, overwrite_option, print_facts, print_json


@click.command(
    short_help="Write a project file to start from.",
    epilog="Example: sidelight init my-project --from notes.csv",
)
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option(
    "--from", "export", type=click.Path(), help="Draft it from this export: a file, or a folder of files."
)
@click.option(
    "--id", "id_column", metavar="COLUMN", help="Column that holds the record's id [default: guessed]."
)
@click.option(
    "--text", "text_column", metavar="COLUMN", help="Column that holds the text [default: guessed]."
)
@click.option(
    "--patient", "patient_column", metavar="COLUMN", help="Column of the patient [default: guessed]."
)
@click.option(
    "--time", "time_column", metavar="COLUMN", help="Column of the document's time [default: guessed]."
)
@overwrite_option
@json_option
def init(
    folder: str,
    export: str | None,
    id_column: str | None,
    text_column: str | None,
    patient_column: str | None,
    time_column: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Write a commented project into FOLDER, on bundled ECG reports or on an export of your own; it runs at once."""
    from sidelight.apps.project.draft import init_export, init_sample
    from sidelight.labeling import UsageError

    facts: dict[str, object] = {}
    given = {"id": id_column, "text": text_column, "patient": patient_column, "time": time_column}
    if export is None and any(given.values()):
        raise UsageError("columns are those of an export; name it with --from")
    if export is None:
        files = init_sample(folder, overwrite=overwrite)
    else:
        files, look = init_export(folder, export, columns=given, overwrite=overwrite)
        facts = {
            "records looked at": look.n_records,
            "format": look.format,
            "columns": dict(look.columns) or "called as sidelight calls them",
            "text": "yes" if look.has_text else "no",
            "events": ", ".join(look.kinds) if look.has_events else "no",
            "patients": "yes" if look.has_patient else "not found: name the column in [data]",
        }
    written = [path.relative_to(Path(folder)).as_posix() for path in files]
    if as_json:
        print_json({**facts, "written": written})
        return 0
    print_facts({**facts, "written": ", ".join(written)})
    click.echo(f"next: cd {folder} && sidelight run" if folder != "." else "next: sidelight run")
    if export is not None:
        click.echo(
            "then rewrite functions.py for your question; `sidelight ui .` shows records, and takes labels to measure by"
        )
    return 0
