"""`sidelight label`: run labeling functions over an export."""

import fnmatch
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options, open_export, parse_classes, runner_options, verify_option
from .faults import faults_json, print_faults
from .output import dry_run_option, json_option, note, overwrite_option, print_facts, print_json, progress

if TYPE_CHECKING:
    from sidelight.labeling.engine import Runner, RunReport


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
@click.option(
    "--note-seconds", default=1.0, show_default=True, help="Time a function may take over one note."
)
@click.option(
    "--keep-raw", is_flag=True, help="Keep rows set aside as they stand, in raw/; they hold patients' data."
)
@runner_options
@verify_option
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
    note_seconds: float,
    keep_raw: bool,
    verify: bool,
    runner: "Runner | None",
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    columns: Mapping[str, Any],
) -> int:
    """Run labeling functions over EXPORT and write their votes to a folder, or bring the folder up to date.

    EXPORT is a file or folder of CSV, TSV, Parquet, JSON lines, FHIR, OMOP, MIMIC, HL7 v2 or text. What the folder holds
    already is not computed again: a run that was cut off goes on, a changed function rewrites its own column, a new file
    is added. Rows that cannot be read are set aside and counted; a function that raises abstains. Either, beyond its
    limit, ends in exit code 1.
    """
    from sidelight.labeling import LabelingFunction, UsageError, load_functions
    from sidelight.labeling.engine import label_export, plan_export
    from sidelight.labeling.engine.lean import make_lean

    names = None
    if select:
        known = [lf.name for lf in load_functions(functions, LabelingFunction)]
        names = [name for name in known if any(fnmatch.fnmatchcase(name, glob) for glob in select)]
        if not names:
            raise UsageError(f"--select {' '.join(select)} matches no function of {Path(functions).name}")
    settings: dict[str, Any] = {
        "schema": parse_classes(classes, functions),
        "names": names,
        "evidence": evidence,
    }
    if click.get_current_context().obj:
        make_lean()
    reading = open_export(export, columns)
    empty = [file.source for file in reading.files if file.format == "empty"]
    if empty:
        listed = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
        note(
            f"{len(empty)} {'file holds' if len(empty) == 1 else 'files hold'} nothing and will be set aside: {listed}"
        )
    if dry_run:
        work = plan_export(reading, functions, out, **settings)
        reasons = Counter(entry.reason or "nothing to do" for entry in work)
        parts = [
            {
                "file": entry.part.files[0].source,
                "files": len(entry.part.files),
                "why": entry.reason or "nothing to do",
            }
            for entry in work
        ]
        facts = {
            "would write": out,
            "parts": len(work),
            "to compute": sum(bool(entry.reason) for entry in work),
        }
        asked = estimate_prompts(functions, names, open_export(export, columns))
        if as_json:
            print_json({**facts, "why": dict(reasons), "each": parts, "prompts": asked})
        else:
            print_facts({**facts, **{f"because {reason}": count for reason, count in reasons.items()}})
            for name, cost in asked.items():
                print_facts(
                    {
                        f"{name} would send": "{calls} calls, about {tokens} tokens, cost {cost:g}".format(
                            **cost
                        )
                    }
                )
        return 0
    if overwrite and Path(out).is_dir():
        shutil.rmtree(out)
    with progress("labeling records") as advance:
        report = label_export(
            reading, functions, out, **settings, runner=runner, on_error="raise" if on_error == "raise" else "abstain",
            note_seconds=note_seconds, verify=verify, keep_raw=keep_raw, progress=advance,
        )  # fmt: skip
    show_report(report, as_json)
    report.check_limits(limit, error_budget)
    return 0


def estimate_prompts(functions: str, names: list[str] | None, reading: Any) -> dict[str, dict[str, float]]:
    """Return the calls, tokens and cost that functions which ask a model would take over a whole export; sends nothing."""
    from sidelight.labeling import LabelingFunction, PromptFunction, load_functions

    asking = [
        function
        for function in load_functions(functions, LabelingFunction)
        if isinstance(function, PromptFunction) and (names is None or function.name in names)
    ]
    totals = {function.name: {"calls": 0, "tokens": 0, "cost": 0.0} for function in asking}
    for batch in reading if asking else ():
        records = list(batch)
        for function in asking:
            estimate = function.estimate(records)
            total = totals[function.name]
            total["calls"] += estimate.n_calls
            total["tokens"] += estimate.n_tokens
            total["cost"] += estimate.cost
    return totals


def show_report(report: "RunReport", as_json: bool) -> None:
    """Print what a folder of votes holds after a run, and what the run did."""
    from sidelight.labeling.engine import read_faults, read_moments

    manifest = report.manifest
    moments, patterns = read_moments(report.folder)
    summary: dict[str, Any] = {
        "records": manifest["n_records"],
        "set aside": manifest["reasons"],
        "functions": len(manifest["functions"]),
        "classes": manifest["schema"]["classes"],
        "covered": moments.n_covered / max(1, moments.n_records),
        "overlapping": None,
        "conflicting": None,
        "errors": report.errors,
        "parts": report.n_parts,
        "computed": len(report.reasons),
        "votes": str(report.folder),
    }
    if patterns is not None:
        cast = patterns.values >= 0
        low, high = patterns.values.copy(), patterns.values
        low[~cast] = 127
        conflict = cast.any(axis=1) & (low.min(axis=1) < high.max(axis=1))
        total = max(1, int(patterns.counts.sum()))
        summary["overlapping"] = float(patterns.counts[cast.sum(axis=1) > 1].sum() / total)
        summary["conflicting"] = float(patterns.counts[conflict].sum() / total)
    faults = read_faults(report.folder)
    if as_json:
        print_json({**summary, "faults": faults_json(faults)})
    else:
        print_facts({**summary, "classes": ", ".join(summary["classes"])})
        print_faults(faults)
