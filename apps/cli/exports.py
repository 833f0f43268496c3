"""The options of every command that reads an export, and the reading they stand for."""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .output import note

if TYPE_CHECKING:
    from sidelight.labeling import LabelSchema, Reading

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--id", "id_column", metavar="COLUMN", help="Column that holds the record's id [default: id]."
    ),
    click.option(
        "--text", "text_column", metavar="COLUMN", help="Column that holds the text [default: text]."
    ),
    click.option(
        "--patient", "patient_column", metavar="COLUMN", help="Column of the patient [default: patient_id]."
    ),
    click.option(
        "--time", "time_column", metavar="COLUMN", help="Column of the document's time [default: time]."
    ),
    click.option(
        "--format",
        "format_name",
        metavar="FORMAT",
        help="csv, fhir, fhir-bundle, hl7, jsonl, mimic, omop, parquet or text, when it is not told by the files.",
    ),
    click.option("--encoding", default="utf-8", show_default=True, help="Encoding of CSV and text files."),
    click.option(
        "--type",
        "types",
        multiple=True,
        metavar="COLUMN=TYPE",
        help="Type of a CSV column: str, int, float or bool.",
    ),
)
_RUNNER_OPTIONS = (
    click.option(
        "--runner",
        type=click.Choice(["serial", "pool", "spark", "dask"]),
        help="Where parts run [default: this machine's cores for large exports, else this process].",
    ),
    click.option("--workers", type=int, help="How many processes [default: one a core]."),
    click.option("--master", metavar="URL", help="Address of a Spark cluster."),
    click.option("--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler."),
)
verify_option = click.option(
    "--verify", is_flag=True, help="Hash all input files, instead of trusting size and time of change."
)
_TYPES: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def export_options(command: F) -> F:
    """Add the options that say how an export is read; the command gets them as `columns`."""

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> Any:
        names = (
            "id_column",
            "text_column",
            "patient_column",
            "time_column",
            "format_name",
            "encoding",
            "types",
        )
        columns = {name: arguments.pop(name) for name in names}
        return command(columns=columns, **arguments)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


def runner_options(command: F) -> F:
    """Add the options that say where parts run; the command gets them as `runner`."""

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> Any:
        from sidelight.labeling import UsageError
        from sidelight.labeling.engine import make_runner

        given = {name: arguments.pop(name) for name in ("runner", "workers", "master", "scheduler")}
        name = given.pop("runner")
        if name is None and given["workers"] is not None:
            name = "pool" if given["workers"] > 1 else "serial"
        if name is None and (given["master"] or given["scheduler"]):
            raise UsageError("--master is for --runner spark, --scheduler for --runner dask")
        return command(runner=None if name is None else make_runner(name, **given), **arguments)

    for option in reversed(_RUNNER_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


def open_export(path: str | Path, columns: Mapping[str, Any]) -> "Reading":
    """Return the reading of an export that the options describe."""
    from sidelight.labeling import UsageError, read

    types: dict[str, type] = {}
    for given in columns["types"]:
        column, _, kind = str(given).rpartition("=")
        if not column or kind not in _TYPES:
            raise UsageError(f"--type is COLUMN=TYPE with a type of {', '.join(_TYPES)}, not {given!r}")
        types[column] = _TYPES[kind]
    return read(
        path,
        id=columns["id_column"],
        text=columns["text_column"],
        patient_id=columns["patient_column"],
        time=columns["time_column"],
        format=columns["format_name"],
        encoding=columns["encoding"],
        types=types,
    )


def read_fields(
    reading: "Reading", names: Sequence[str], *, optional: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return some columns of an export by record id, `{column: {id: value}}`; `optional` ones where it has them."""
    import difflib

    from sidelight.labeling import InputError

    found: dict[str, dict[str, Any]] = {name: {} for name in (*names, *optional)}
    for batch in reading:
        ids = batch.records.column("id").to_pylist()
        for name in (*names, *optional):
            if name not in batch.records.schema.names:
                if name in optional:
                    continue
                near = difflib.get_close_matches(name, batch.records.schema.names, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InputError(batch.source, f"has no column {name!r}{hint}")
            found[name].update(zip(ids, batch.records.column(name).to_pylist(), strict=True))
    if len(reading.quarantine):
        reasons = ", ".join(f"{reason} {count}" for reason, count in reading.quarantine.counts().items())
        files = ", ".join(dict.fromkeys(file.source for file in reading.files[:3]))
        note(f"{files}: {len(reading.quarantine)} of {reading.n_rows} rows were set aside: {reasons}")
    return found


def parse_classes(classes: str | None, functions: str | None = None) -> "LabelSchema | None":
    """Return the schema that `--classes a,b` or the functions file gives, None when neither does."""
    from sidelight.labeling import LabelSchema, UsageError, load_schema

    if classes is None:
        return load_schema(functions) if functions is not None else None
    try:
        return LabelSchema([name.strip() for name in classes.split(",")])
    except ValueError as error:
        raise UsageError(f"--classes: {error}") from None
