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
@overwrite_option
@json_option
def init(folder: str, export: str | None, overwrite: bool, as_json: bool) -> int:
    """Write a commented project into FOLDER, on bundled ECG reports or on an export of your own; it runs at once."""
    from sidelight.apps.project.draft import init_export, init_sample

    facts: dict[str, object] = {}
    if export is None:
        files = init_sample(folder, overwrite=overwrite)
    else:
        files, look = init_export(folder, export, overwrite=overwrite)
        facts = {
            "records looked at": look.n_records,
            "format": look.format,
            "columns": dict(look.columns),
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
    return 0
