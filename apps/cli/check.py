"""`sidelight check`: a look at a project, or at labeling functions alone, for what will go wrong later."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options, open_export, parse_classes
from .output import json_option, note, print_json, print_table
from .retry import is_project

if TYPE_CHECKING:
    from sidelight.labeling import LabelSchema
    from sidelight.labeling.inspection import Together, Tried


@click.command(
    short_help="Check a project or functions: faults, examples, what is slow, silent or leaking.",
    epilog="Example: sidelight check, or: sidelight check lfs.py --records notes.csv --text report",
)
@click.argument("functions", metavar="[PATH]", default=".")
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
    """Look at a project (its folder or sidelight.toml), or at labeling functions: a Python file, a module, or pack:NAME.

    Of a project the file, the columns of its export, and the functions of all its sources and slices are checked; of
    functions their examples, and with --records what they do on a sample: what share of it each votes on, alone or beside
    others, and against them; which are slow, never fire, say the same as another one, or read what was only known later. Ends in exit code 1 when an example fails or a function votes for what
    is no class, 2 when the project file is wrong.
    """
    if is_project(functions) or functions == ".":
        if records or classes or select or tag or columns != _UNTOLD:
            raise click.UsageError("a project says itself which records, classes and functions it has")
        return _check_project(functions, sample, slow_ms, overlap, as_json)
    from sidelight.labeling import discover
    from sidelight.labeling.inspection import look_at, tried_together

    found = discover(functions, names=select or "*", tags=tag)
    schema = parse_classes(classes, functions) if classes or Path(functions).suffix == ".py" else None
    data = None if records is None else open_export(records, columns)
    look = look_at(found, data, schema=schema, slow_ms=slow_ms, overlap=overlap, sample=sample)
    remarks, tried = look.remarks, tried_together([look])
    n_examples = sum(len(function.examples) for function in found)
    failed = [remark for remark in remarks if remark.kind == "example"]
    if as_json:
        print_json(
            {
                "functions": [function.name for function in found],
                "examples": n_examples,
                "failed": len(failed),
                "records": len(look.votes),
                "tried": _tried_json(tried, schema),
                "remarks": [{"function": r.function, "kind": r.kind, "message": r.message} for r in remarks],
            }
        )
    else:
        click.echo(f"{len(found)} functions, {n_examples} examples, {len(failed)} of them failed")
        if tried.functions:
            print_table(_title(tried, len(look.votes)), _TRIED, _tried_rows(tried, schema))
        if remarks:
            print_table(
                "remarks", ["function", "kind", "what"], [[r.function, r.kind, r.message] for r in remarks]
            )
        elif records is None:
            note("pass --records to try them on an export")
    return 1 if any(remark.is_failure for remark in remarks) else 0


_UNTOLD = {
    "id_column": None, "text_column": None, "patient_column": None, "time_column": None, "format_name": None,
    "encoding": "utf-8", "types": (),
}  # fmt: skip
"""The options of an export when nobody gave one."""


_TRIED = ["function", "votes for", "coverage", "overlaps", "conflicts", "ms a record", "errors"]


def _title(tried: "Together", n: int) -> str:
    return f"on {n} records: {tried.coverage:.1%} have a vote, {tried.conflict:.1%} votes that differ"


def _classes(row: "Tried", schema: "LabelSchema | None") -> list[str]:
    return [str(number) if schema is None else schema.name(number) for number in row.classes]


def _tried_rows(tried: "Together", schema: "LabelSchema | None") -> list[list[Any]]:
    """Return what functions did on the sample, as rows of a table."""
    return [
        [
            row.function,
            ", ".join(_classes(row, schema)) or "-",
            *(f"{share:.1%}" for share in (row.coverage, row.overlaps, row.conflicts)),
            row.milliseconds,
            row.errors,
        ]
        for row in tried.functions
    ]


def _tried_json(
    tried: "Together", schema: "LabelSchema | None", sources: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the same as plain values."""
    rows: list[dict[str, Any]] = [
        {**asdict(row), "classes": _classes(row, schema)} for row in tried.functions
    ]
    for row, source in zip(rows, sources, strict=False):
        row["source"] = source
    return {"coverage": tried.coverage, "conflict": tried.conflict, "functions": rows}


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _check_project(path: str, sample: int, slow_ms: float, overlap: float, as_json: bool) -> int:
    """Say what a look at a project shows."""
    from sidelight.apps.project import load_project
    from sidelight.apps.project.trial import try_project

    project = load_project(path)
    trial = try_project(project, sample=sample, slow_ms=slow_ms, overlap=overlap)
    if as_json:
        remarks = [
            {"source": where, "function": r.function, "kind": r.kind, "message": r.message}
            for where, r in trial.remarks
        ]
        counts = {name: value for name, value in vars(trial).items() if name.startswith("n_")}
        tried = {
            question: _tried_json(found, project.schema(question), sources)
            for question, (sources, found) in trial.tried.items()
        }
        print_json({**counts, "failed": len(trial.failed), "tried": tried, "remarks": remarks})
        return 1 if trial.failed else 0
    config = project.config
    click.echo(
        f"{project.file.name} is in order: {_count(len(config.tasks), 'task')}, {_count(len(config.sources), 'source')}, "
        f"{_count(trial.n_functions, 'function')}, {_count(trial.n_slices, 'slice')}, {_count(trial.n_steps, 'step')}"
    )
    click.echo(
        f"{trial.n_examples} examples, {len(trial.failed)} of them failed; tried on {trial.n_records} records"
    )
    for question, (sources, found) in trial.tried.items():
        rows = _tried_rows(found, project.schema(question))
        if rows:
            told = [[source, *row] for source, row in zip(sources, rows, strict=True)]
            print_table(f"{question}, {_title(found, trial.n_records)}", ["source", *_TRIED], told)
    if trial.remarks:
        rows = [[where, r.function, r.kind, r.message] for where, r in trial.remarks]
        print_table("remarks", ["source", "function", "kind", "what"], rows)
    return 1 if trial.failed else 0
