"""`sidelight audit`: how good predictions are, where worse, what is hidden, why, and what to do."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options, open_export, read_fields
from .output import interval_text, json_option, note, overwrite_option, print_facts, print_json, print_table

if TYPE_CHECKING:
    from sidelight.apps.audits import Material, Wishes
    from sidelight.labeling.statistics import Interval
    from sidelight.slicing import Audit, Comparison, Findings, RecordTable


@click.command(
    short_help="Measure predictions, overall and slice by slice.",
    epilog="Example: sidelight audit predictions.parquet --bundle bundle --records notes.csv --id ecg_id "
    "--gold-column abnormal --slices slices.py --subclass subclass --group sex --signals signals.npz --discover "
    "--out audit",
)
@click.argument("predictions", type=click.Path())
@click.option(
    "--records", required=True, type=click.Path(), help="The export: metadata, text, patients, gold labels."
)
@click.option(
    "--gold-column", required=True, metavar="COLUMN", help="Column of the gold label in the export."
)
@click.option(
    "--finding",
    metavar="NAME",
    help="Of a network that learned several findings, the one to audit  [default: the one that the gold column is called].",
)
@click.option("--slices", help="A Python file or module of slicing functions. Its code is run.")
@click.option(
    "--strata", multiple=True, metavar="COLUMN", help="Column whose values become slices; may be repeated."
)
@click.option("--subclass", metavar="COLUMN", help="Column of subclasses, several joined by |: hidden gaps.")
@click.option(
    "--expect",
    metavar="NAMES",
    help="Subclasses that should be there, comma-separated; absent ones are told.",
)
@click.option(
    "--subclass-schema",
    type=click.Path(),
    metavar="FILE",
    help="A subclasses.toml with what is expected and how severe errors are; --subclass writes one to fill in.",
)
@click.option(
    "--group", multiple=True, metavar="COLUMN", help="Column of care groups: parity gaps; may be repeated."
)
@click.option("--discover", is_flag=True, help="Search for slices that nobody named, and confirm them.")
@click.option(
    "--metadata", multiple=True, metavar="COLUMN", help="Column the search may use, beside strata and groups."
)
@click.option(
    "--signals", type=click.Path(), help="Signals of the studies: embeddings by the bundle, and pictures."
)
@click.option(
    "--embeddings", type=click.Path(), help="NPZ file of ids and arrays (n, n_features) for the search."
)
@click.option("--labels", type=click.Path(), help="The labels trained on: tells why slices fail.")
@click.option("--votes", type=click.Path(), help="The votes these were made of: label quality by slice.")
@click.option("--sheet", type=click.Path(), help="An errors.csv of an earlier audit that people filled in.")
@click.option(
    "--show", multiple=True, metavar="COLUMN", help="Column to show in errors.csv; may be repeated."
)
@click.option(
    "--with-text",
    is_flag=True,
    help="Let the search use reports and show them in errors.csv; not for sharing.",
)
@click.option(
    "--bundle", type=click.Path(), help="The bundle that predicted: only its test patients are audited."
)
@click.option(
    "--part", default="test", show_default=True, help="Part of the bundle's split to audit, or all."
)
@click.option(
    "--smallest-cell",
    type=click.IntRange(min=2),
    metavar="N",
    help="For a folder to share: withhold what rests on fewer than N patients or would tell of so few, and leave out "
    "errors.csv, records.npz, what --sheet tells, pictures and the map.",
)
@click.option("--title", default="Slice audit", show_default=True, help="Heading of the page.")
@click.option(
    "--out",
    required=True,
    type=click.Path(),
    help="Folder to write: audit.html, audit.json, slices.csv, model_card.md, errors.csv, records.npz, subclasses.toml.",
)
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of predictions that may be of unknown studies."
)
@click.option(
    "--compare",
    type=click.Path(),
    metavar="OLD.JSON",
    help="An earlier audit.json: shows what changed; shared records are paired if its records.npz lies beside it.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the search and of resampled intervals.")
@export_options
@overwrite_option
@json_option
def audit(
    predictions: str,
    records: str,
    gold_column: str,
    out: str,
    overwrite: bool,
    as_json: bool,
    columns: Mapping[str, Any],
    **given: Any,
) -> int:
    """Compare PREDICTIONS with gold labels, overall and slice by slice, with intervals by patient.

    audit.html, audit.json and model_card.md hold no record's text and no id. errors.csv and records.npz are about
    single records: keep them where the records are kept. Where small numbers may not leave the house either, write a
    second folder with --smallest-cell.
    """
    from sidelight.apps.audits import read_material, study, without_taught
    from sidelight.labeling import LimitError, UsageError

    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    if given["smallest_cell"] and given["show"]:
        raise UsageError("--show is for errors.csv, which --smallest-cell leaves out")
    shown = [*given["show"], *(["text"] if given["with_text"] else [])]
    wishes = _wishes(given)
    material = read_material(
        predictions,
        lambda names, optional: read_fields(open_export(records, columns), names, optional=optional),
        gold_column,
        finding=given["finding"],
        bundle=given["bundle"],
        part=given["part"],
        slices=given["slices"],
        reading=lambda: open_export(records, columns),
        columns=[
            *wishes.groups,
            *wishes.metadata,
            *given["show"],
            *([wishes.subclass] if wishes.subclass else []),
        ],
        optional=["text"] if given["with_text"] else [],
        strata_columns=given["strata"],
        signals=given["signals"],
        embeddings=given["embeddings"],
        say=note,
    )
    material = without_taught(material, wishes.labels, note)
    if wishes.review is not None and wishes.review.unknown(material.ids):
        note(
            f"{Path(given['sheet']).name}: {wishes.review.unknown(material.ids)} of {wishes.review.n_reviewed} reviewed "
            "rows are of no predicted record; did a spreadsheet rewrite their ids?"
        )
    if given["discover"] and not (material.embeddings or wishes.metadata or given["with_text"]):
        raise UsageError(
            "--discover needs --signals with --bundle, --embeddings, --metadata, --strata or --group"
        )
    findings, table = study(material, wishes, title=given["title"])
    findings = _placed(findings, given["bundle"], given["part"], taught=len(material.training) > 0)
    _write(out, overwrite, findings, None if wishes.smallest_cell else table, material, shown, wishes.seed)
    if as_json:
        print_json(findings.to_json())
    else:
        _print(findings, given["part"] if given["bundle"] else "all", out)
    n_all = len(material.ids) + material.n_unknown
    if material.n_unknown > given["limit"] * n_all:
        raise LimitError(
            f"{material.n_unknown} of {n_all} predictions are of studies that the records do not hold"
        )
    if material.n_unknown:
        note(
            f"{material.n_unknown} of {n_all} predictions are of studies that the records do not hold; they were left out"
        )
    return 0


def _wishes(given: Mapping[str, Any]) -> "Wishes":
    """Read what the options name besides the records."""
    from sidelight.apps.audits import Wishes
    from sidelight.label_model import Labels
    from sidelight.labeling import UsageError, read_votes
    from sidelight.slicing import SubclassSchema, read_error_sheet

    if given["subclass_schema"] is not None and given["subclass"] is None:
        raise UsageError("--subclass-schema needs --subclass, the column that its subclasses stand in")
    searched = [*given["strata"], *given["group"], *given["metadata"]]
    review = None if given["sheet"] is None else read_error_sheet(given["sheet"])
    for told in () if review is None else review.set_aside:
        note(f"{Path(given['sheet']).name}: {told}; it was set aside")
    return Wishes(
        subclass=given["subclass"],
        expected=tuple(name.strip() for name in (given["expect"] or "").split(",") if name.strip()),
        schema=None if given["subclass_schema"] is None else SubclassSchema.read(given["subclass_schema"]),
        groups=given["group"],
        discover=given["discover"],
        metadata=tuple(dict.fromkeys(searched)),
        with_text=given["with_text"],
        labels=None if given["labels"] is None else Labels.read(given["labels"]),
        votes=None if given["votes"] is None else read_votes(given["votes"]),
        review=review,
        earlier=None if given["compare"] is None else _earlier(given["compare"]),
        smallest_cell=given["smallest_cell"] or 0,
        seed=given["seed"],
    )


def _placed(findings: "Findings", bundle: str | None, part: str, *, taught: bool) -> "Findings":
    """Tell on the page which patients these are, that the model learned from them, or that nobody knows."""
    notes, known = list(findings.notes), dict(findings.provenance)
    if bundle is None:
        notes.append(
            "Whether the model learned from some of these patients: no bundle was given that knows its own split."
        )
    else:
        known["part of the bundle's split"] = part
    if bundle is not None and (part == "train" or (part == "all" and taught)):
        notes.append(
            f"How the model does on patients it has not seen: the part “{part}” holds those it learned from."
        )
    return replace(findings, notes=notes, provenance=known)


def _earlier(path: str) -> "tuple[Audit, RecordTable | None]":
    """Read an earlier audit and, where they lie beside it, its records; or say what is wrong with the file."""
    from sidelight.labeling import InputError
    from sidelight.slicing import RecordTable, read_audit
    from sidelight.slicing.record_table import FILE

    try:
        old = read_audit(json.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(path, "does not exist; --compare takes the audit.json of an earlier audit") from None
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError, ValueError):
        raise InputError(path, "is no audit that this version reads; --compare takes an audit.json") from None
    beside = Path(path).with_name(FILE)
    if not beside.exists():
        return old, None
    try:
        return old, RecordTable.read(beside)
    except ValueError as error:
        raise InputError(beside, str(error)) from None


def _write(
    out: str,
    overwrite: bool,
    findings: "Findings",
    table: "RecordTable | None",
    material: "Material",
    shown: list[str],
    seed: int,
) -> None:
    """Write everything into one folder, whole or not at all; without `table` nothing that is of single records."""
    from sidelight.labeling import write_file, write_folder
    from sidelight.slicing import error_sheet
    from sidelight.slicing.record_table import FILE

    rows = material.rows
    sheet = error_sheet(
        material.ids[rows].tolist(),
        material.gold[rows],
        material.proba[rows],
        classes=material.schema.classes,
        slices=material.members.take_rows(rows) if material.members.n_slices else None,
        columns={
            name: material.cells(name, rows) for name in dict.fromkeys(shown) if name in material.columns
        },
        seed=seed,
    )
    with write_folder(out, overwrite=overwrite) as folder:
        findings.write(folder)
        if table is not None:
            table.write(folder / FILE)
            sheet.write(folder / "errors.csv")
        if findings.comparison is not None:
            told = json.dumps(findings.comparison.to_json(), indent=1, sort_keys=True)
            write_file(folder / "comparison.json", told + "\n")


def _print_changes(changes: "Comparison") -> None:
    rows = [
        [
            row.slice,
            row.metric,
            _told(row.before),
            _told(row.after),
            _told(row.change),
            row.q,
            row.verdict,
        ]
        for row in changes.in_both
    ]
    print_table("Changes", ["slice", "metric", "before", "after", "change", "q", "verdict"], rows)
    for told in changes.notes:
        click.echo(told)


def _told(value: "Interval") -> str:
    """Return a figure, or what stands in its place."""
    from sidelight.slicing.small_cells import mark_of

    return mark_of(value) or interval_text(value.estimate, value.low, value.high)


def _searched(findings: "Findings") -> str:
    """Return what the search found, its classes by name."""
    from sidelight.slicing.page import class_named

    told = str(findings.discovery)
    for part in () if findings.discovery is None else findings.discovery.slices:
        told = told.replace(part.description, class_named(part.description, part.label, findings.classes))
    return told


def _print(findings: "Findings", part: str, out: str) -> None:
    result = findings.audit
    print_facts(
        {
            "part": part,
            "records": result.n_records,
            "patients": result.n_patients if result.patients_known else "unknown",
            "without gold": "withheld" if result.n_without_gold is None else result.n_without_gold,
            **({"prevalence": result.prevalence} if len(findings.classes) == 2 else {}),
            **{row.title: _told(row.value) for row in result.overall},
        }
    )
    metric = result.metrics[0]
    rows = [
        [
            row.slice,
            row.withheld if row.n is None else row.n,
            row.prevalence,
            _told(row.value),
            _told(row.gap),
            row.q,
            "none"
            if row.assessable and not row.withheld and row.detectable_gap != row.detectable_gap
            else row.detectable_gap,
            row.verdict + (f" ({row.reason})" if row.reason else ""),
        ]
        for row in result.of(metric)
    ]
    if rows:
        head = ["slice", "n", "prevalence", metric, "gap to the rest", "q", "could show", "verdict"]
        print_table(f"Slices: {metric}", head, rows)
        click.echo(
            "Could show: the smallest gap that would be found with 80 % probability at the corrected level. "
            f"audit.html holds the same of {', '.join(result.metrics[1:])}."
            if len(result.metrics) > 1
            else "Could show: the smallest gap that would be found with 80 % probability at the corrected level."
        )
    if findings.subclasses is not None:
        table = [
            [row.subclass, row.within, row.recall.reason if row.n is None else row.n, _told(row.recall),
             row.rest.estimate, row.q, row.verdict]
            for row in findings.subclasses.rows
        ]  # fmt: skip
        print_table("Subclasses", ["subclass", "class", "n", "found", "rest of class", "q", "verdict"], table)
    if findings.discovery is not None:
        click.echo(_searched(findings))
    if findings.comparison is not None:
        _print_changes(findings.comparison)
    if findings.review is not None:
        click.echo(
            f"sheet: {findings.review.n_reviewed} of {findings.review.n_rows} rows reviewed, "
            f"gold found wrong in {findings.review.label_errors()} of the errors"
        )
    click.echo(findings.verdict)
    click.echo(f"written to {out}")
