"""`sidelight check`: run the examples of labeling functions and look for what will go wrong later."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .exports import export_options, open_export, parse_classes
from .output import json_option, note, print_json, print_table


@click.command(
    short_help="Run the functions' examples; warn of slow, silent, doubled and leaking ones.",
    epilog="Example: sidelight check lfs.py --records notes.csv --text report",
)
@click.argument("functions")
@click.option("--records", type=click.Path(), help="An export to try the functions on.")
@click.option("--sample", default=1000, show_default=True, help="Most records tried, the first ones.")
@click.option("--classes", help="Class names, by comma; else the schema that the functions file defines.")
@click.option(
    "--select", multiple=True, metavar="GLOB", help="Only functions whose names match (may be repeated)."
)
@click.option("--tag", multiple=True, help="Only functions that carry the tag (may be repeated).")
@click.option(
    "--slow-ms", default=1.0, show_default=True, help="Milliseconds a record from which one is slow."
)
@click.option(
    "--overlap", default=0.9, show_default=True, help="Share of common votes from which two are one."
)
@export_options
@json_option
def check(
    functions: str,
    records: str | None,
    sample: int,
    classes: str | None,
    select: tuple[str, ...],
    tag: tuple[str, ...],
    slow_ms: float,
    overlap: float,
    as_json: bool,
    columns: Mapping[str, Any],
) -> int:
    """Look at the labeling functions of a Python file, a module or an installed pack (pack:NAME).

    Runs their examples. With --records, also tries them on a sample and tells which are slow, never fire, say the same
    as another one, or read what was only known later. Ends in exit code 1 when an example fails.
    """
    from sidelight.labeling import discover, inspect_functions

    found = discover(functions, names=select or "*", tags=tag)
    schema = parse_classes(classes, functions) if classes or Path(functions).suffix == ".py" else None
    data = None if records is None else open_export(records, columns)
    remarks = inspect_functions(found, data, schema=schema, slow_ms=slow_ms, overlap=overlap, sample=sample)
    n_examples = sum(len(function.examples) for function in found)
    failed = [remark for remark in remarks if remark.is_failure]
    if as_json:
        print_json(
            {
                "functions": [function.name for function in found],
                "examples": n_examples,
                "failed": len(failed),
                "remarks": [{"function": r.function, "kind": r.kind, "message": r.message} for r in remarks],
            }
        )
    else:
        click.echo(f"{len(found)} functions, {n_examples} examples, {len(failed)} of them failed")
        if remarks:
            print_table(
                "remarks", ["function", "kind", "what"], [[r.function, r.kind, r.message] for r in remarks]
            )
        elif records is None:
            note("pass --records to try them on an export")
    return 1 if failed else 0
