"""`sidelight inspect`: what an export holds, without a word of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .exports import export_options, open_export
from .output import json_option, print_facts, print_json, print_table


@click.command(
    short_help="Say what an export or a bundle holds.", epilog="Example: sidelight inspect export/"
)
@click.argument("export", type=click.Path())
@export_options
@json_option
def inspect(export: str, as_json: bool, columns: Mapping[str, Any]) -> int:
    """Say what EXPORT holds: formats, rows, columns, lengths of text, patients, events and problems.

    Nothing of what a record says is shown. Of a trained bundle's folder its summary is shown: what it tells, from what,
    how well, and what it is not for.
    """
    if Path(export, "bundle.json").is_file():
        return _show_bundle(export, as_json)
    from sidelight.labeling.readers.survey import survey

    found = survey(open_export(export, columns)).to_json()
    if as_json:
        print_json(found)
        return 0
    rows = [(name, entry["type"], entry["filled"]) for name, entry in found["columns"].items()]
    print_table("Columns", ["column", "type", "filled"], rows)
    if found["events"]:
        listed = [
            (name, entry["rows"], entry["kept"], entry["set_aside"])
            for name, entry in found["events"].items()
        ]
        print_table("Events", ["file", "rows", "kept", "set aside"], listed)
    print_facts(
        {
            "files": found["files"],
            "rows": found["rows"],
            "records": found["records"],
            "patients": _or_missing(found, "patients", "patient_id", "--patient"),
            "characters of text": _or_missing(found, "text_lengths", "text", "--text"),
            "records without text": found["empty_texts"],
            "years": "-" if found["years"] is None else " to ".join(map(str, found["years"])),
            **({"status of reports": found["statuses"]} if found["statuses"] else {}),
            "set aside": found["problems"],
        }
    )
    return 0


def _or_missing(found: Mapping[str, Any], fact: str, column: str, option: str) -> Any:
    """Return what was counted in a column, or how to name the column if the export calls it otherwise."""
    if column in found["columns"] or not found["records"]:
        return found[fact]
    return f"- (no column {column!r}; {option} names another)"


def _show_bundle(path: str, as_json: bool) -> int:
    """Print a bundle's summary."""
    from sidelight.apps.bundles import open_bundle

    bundle = open_bundle(path)
    facts = {**bundle.summary, "fingerprint": bundle.fingerprint}
    print_json(facts) if as_json else print_facts(facts)
    return 0
