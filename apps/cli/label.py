"""`sidelight label`: run labeling functions over an export."""

import fnmatch
import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options, open_export, parse_classes
from .output import dry_run_option, json_option, overwrite_option, print_facts, print_json, progress

if TYPE_CHECKING:
    from sidelight.labeling import LabelingFunction, Reading, VoteMatrix


@click.command(
    short_help="Run labeling functions over an export.",
    epilog="Example: sidelight label notes.csv --functions lfs.py --text report --out votes",
)
@click.argument("export", type=click.Path())
@click.option(
    "--functions", required=True, help="A Python file (lfs.py) or module (package.lfs). Its code is run."
)
@click.option("--out", required=True, type=click.Path(), help="Folder of votes to write.")
@click.option("--classes", help="Class names, by comma; else the schema that the functions file defines.")
@click.option(
    "--select", multiple=True, metavar="GLOB", help="Only functions whose names match (may be repeated)."
)
@click.option(
    "--on-error",
    type=click.Choice(["abstain", "raise"]),
    default="abstain",
    show_default=True,
    help="What a call that raises does: abstain within the error budget, or end the run.",
)
@click.option(
    "--error-budget", default=0.01, show_default=True, help="Share of a function's calls that may raise."
)
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of rows that may be set aside as unreadable."
)
@click.option(
    "--evidence/--no-evidence", default=False, help="Keep the places in the text that votes rest on."
)
@export_options
@overwrite_option
@dry_run_option
@json_option
def label(
    export: str,
    functions: str,
    out: str,
    classes: str | None,
    select: tuple[str, ...],
    on_error: str,
    error_budget: float,
    limit: float,
    evidence: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    columns: Mapping[str, Any],
) -> int:
    """Run labeling functions over EXPORT and write their votes to a folder.

    EXPORT is a CSV, TSV, Parquet or JSON-lines file, or a folder of such files. Rows that cannot be read are set aside
    and counted; a function that raises abstains. Either, beyond its limit, ends in exit code 1.
    """
    from sidelight.labeling import (
        LabelingFunction,
        LFAnalysis,
        LFApplier,
        UsageError,
        load_functions,
        write_votes,
    )

    lfs = load_functions(functions, LabelingFunction)
    if select:
        lfs = [lf for lf in lfs if any(fnmatch.fnmatchcase(lf.name, glob) for glob in select)]
        if not lfs:
            raise UsageError(f"--select {' '.join(select)} matches no function of {Path(functions).name}")
    for lf in lfs:
        _ = lf.fingerprint  # votes on disk are known by it: better to stop now than after the run
    schema = parse_classes(classes, functions)
    reading = open_export(export, columns)
    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    if dry_run:
        facts = {
            "would label": [file.source for file in reading.files],
            "with functions": [lf.name for lf in lfs],
            "writing": out,
        }
        print_json(facts) if as_json else print_facts(
            {k: v if isinstance(v, str) else ", ".join(v) for k, v in facts.items()}
        )
        return 0
    begin = time.time()
    with progress("labeling records") as advance:
        votes = LFApplier(lfs, schema=schema).apply(
            reading,
            on_error="raise" if on_error == "raise" else "abstain",
            evidence=evidence,
            progress=advance,
        )
    write_votes(
        votes,
        out,
        sources=[_identity(file.path, file.source) for file in reading.files],
        quarantine=reading.quarantine.rows,
        log=_log_entry(begin),
        overwrite=overwrite,
    )
    analysis = LFAnalysis(votes)
    summary = {
        "records": votes.n_records,
        "set aside": reading.quarantine.counts(),
        "functions": votes.n_functions,
        "classes": list(votes.schema.classes),
        "covered": analysis.label_coverage(),
        "overlapping": analysis.label_overlap(),
        "conflicting": analysis.label_conflict(),
        "errors": _errors(votes),
        "votes": out,
    }
    print_json(summary) if as_json else print_facts({**summary, "classes": ", ".join(votes.schema.classes)})
    _check_limits(reading, votes, lfs, limit, error_budget)
    return 0


def _check_limits(
    reading: "Reading", votes: "VoteMatrix", lfs: "list[LabelingFunction]", limit: float, budget: float
) -> None:
    """Raise when too many rows were set aside or too many calls of a function raised."""
    from sidelight.labeling import LimitError

    reading.check_limit(limit)
    over = {name: n for name, n in _errors(votes).items() if n > budget * votes.n_records}
    if over:
        listed = ", ".join(f"{name} {n}" for name, n in over.items())
        raise LimitError(
            f"calls that raised exceed the error budget of {budget:.1%} of {votes.n_records} records: {listed} "
            "(see --on-error raise for the place of the first)"
        )


def _errors(votes: "VoteMatrix") -> dict[str, int]:
    assert votes.statistics is not None  # noqa: S101 - the applier always counts
    return {name: int(n) for name, n in zip(votes.names, votes.statistics.errors, strict=True) if n}


def _identity(path: Path, source: str) -> dict[str, Any]:
    """Return what tells an input file from another: name, size and a hash of its content."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": source, "bytes": path.stat().st_size, "sha256": digest}


def _log_entry(begin: float) -> dict[str, Any]:
    import getpass
    import platform

    import numpy
    import pyarrow

    from sidelight import __version__

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    return {
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin)),
        "wall_seconds": round(time.time() - begin, 3),
        "user": user,
        "host": platform.node(),
        "versions": {
            "sidelight": __version__,
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "pyarrow": pyarrow.__version__,
        },
    }
