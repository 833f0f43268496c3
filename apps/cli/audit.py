"""`sidelight audit`: how good predictions are, overall and in every slice."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options, open_export, read_fields
from .output import interval_text, json_option, note, overwrite_option, print_facts, print_json, print_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sidelight.slicing import Audit, Comparison, SliceMatrix


@click.command(
    short_help="Measure predictions, overall and slice by slice.",
    epilog="Example: sidelight audit predictions.parquet --bundle bundle --records notes.csv --id ecg_id "
    "--gold-column abnormal --slices slices.py --out audit",
)
@click.argument("predictions", type=click.Path())
@click.option(
    "--records", required=True, type=click.Path(), help="The export: metadata, text, patients, gold labels."
)
@click.option(
    "--gold-column", required=True, metavar="COLUMN", help="Column of the gold label in the export."
)
@click.option("--slices", help="A Python file or module of slicing functions. Its code is run.")
@click.option(
    "--bundle", type=click.Path(), help="The bundle that predicted: only its test patients are audited."
)
@click.option(
    "--part", default="test", show_default=True, help="Part of the bundle's split to audit, or all."
)
@click.option(
    "--out", required=True, type=click.Path(), help="Folder to write: audit.json, slices.csv, audit.html."
)
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of predictions that may be of unknown studies."
)
@click.option(
    "--compare",
    type=click.Path(),
    metavar="OLD.JSON",
    help="An earlier audit.json: shows what changed, and writes comparison.json.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the resampled intervals.")
@export_options
@overwrite_option
@json_option
def audit(
    predictions: str,
    records: str,
    gold_column: str,
    slices: str | None,
    bundle: str | None,
    part: str,
    out: str,
    limit: float,
    compare: str | None,
    seed: int,
    overwrite: bool,
    as_json: bool,
    columns: Mapping[str, Any],
) -> int:
    """Compare PREDICTIONS with gold labels, overall and slice by slice, with intervals by patient."""
    import numpy as np

    from sidelight.crossmodal import Predictions
    from sidelight.labeling import LimitError, UsageError, encode_gold, load_functions
    from sidelight.labeling.folder import write_file
    from sidelight.slicing import SFApplier, SlicingFunction, compare_audits
    from sidelight.slicing import audit as run_audit

    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    earlier = None if compare is None else _earlier(compare)
    table = Predictions.read(predictions)
    reading = open_export(records, columns)
    gold = read_fields(reading, [gold_column], optional=["patient_id"])
    known = np.array([str(name) in gold[gold_column] for name in table.ids], dtype=bool)
    if not known.any():
        raise UsageError("no prediction is of a study in the records; is --id the right column?")
    ids = table.ids[known]
    patients = _patients(gold.get("patient_id"), ids)
    chosen = _part(bundle, table.bundle, part, patients, ids)
    ids, patients, proba = ids[chosen], patients[chosen], table.proba[known][chosen]
    if not len(ids):
        raise UsageError(f"no prediction is of a patient in the part {part!r} of the bundle's split")
    truth = encode_gold([gold[gold_column][str(name)] for name in ids], table.schema)
    members: SliceMatrix | Mapping[str, Any] = {}
    if slices is not None:
        members = SFApplier(load_functions(slices, SlicingFunction)).apply(open_export(records, columns))
    result = run_audit(truth, proba, members, patients=patients, ids=ids, seed=seed)
    changes = None if earlier is None else compare_audits(earlier, result)
    result.write(out, overwrite=overwrite)
    if changes is not None:
        write_file(
            Path(out) / "comparison.json", json.dumps(changes.to_json(), indent=1, sort_keys=True) + "\n"
        )
    if as_json:
        told = {} if changes is None else {"comparison": changes.to_json()}
        print_json(result.to_json() | told)
    else:
        _print(result, part if bundle else "all", out)
        if changes is not None:
            _print_changes(changes)
    lost = int((~known).sum())
    if lost > limit * len(known):
        raise LimitError(f"{lost} of {len(known)} predictions are of studies that the records do not hold")
    if lost:
        note(
            f"{lost} of {len(known)} predictions are of studies that the records do not hold; they were left out"
        )
    return 0


def _earlier(path: str) -> "Audit":
    """Read an earlier audit, or say what is wrong with the file."""
    from sidelight.labeling import InputError
    from sidelight.slicing import read_audit

    try:
        return read_audit(json.loads(Path(path).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(path, "does not exist; --compare takes the audit.json of an earlier audit") from None
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError, ValueError):
        raise InputError(path, "is no audit that this version reads; --compare takes an audit.json") from None


def _print_changes(changes: "Comparison") -> None:
    rows = [
        [
            row.slice,
            row.metric,
            interval_text(row.before.estimate, row.before.low, row.before.high),
            interval_text(row.after.estimate, row.after.low, row.after.high),
            interval_text(row.change.estimate, row.change.low, row.change.high),
            row.q,
            row.verdict,
        ]
        for row in changes.rows
    ]
    print_table("Changes", ["slice", "metric", "before", "after", "change", "q", "verdict"], rows)
    click.echo(changes.verdict)


def _patients(known: Mapping[str, Any] | None, ids: "NDArray[Any]") -> "NDArray[Any]":
    import numpy as np

    if known is None:
        return np.full(len(ids), "", dtype=np.str_)
    return np.array([known.get(str(name)) or "" for name in ids], dtype=np.str_)


def _part(
    bundle: str | None, made_by: str, part: str, patients: "NDArray[Any]", ids: "NDArray[Any]"
) -> "NDArray[Any]":
    """Return which predictions belong to the part to be audited."""
    import numpy as np

    from sidelight.crossmodal import patient_split
    from sidelight.labeling import UsageError

    if bundle is None:
        note("no --bundle given: patients that the model was trained on may be among these")
        return np.arange(len(ids))
    from sidelight.crossmodal import load_bundle

    model = load_bundle(bundle)
    if made_by and model.fingerprint != made_by:
        raise UsageError(f"{Path(bundle).name} is not the bundle that made these predictions")
    cut = model.lineage.get("split")
    if part == "all" or cut is None:
        return np.arange(len(ids))
    split = patient_split(patients, dict(cut["fractions"]), key=cut["key"], ids=ids)
    if part not in split.names:
        raise UsageError(f"no part {part!r}; the bundle's split has {', '.join(split.names)}, or all")
    return split[part]


def _print(result: "Audit", part: str, out: str) -> None:
    print_facts(
        {
            "part": part,
            "records": result.n_records,
            "patients": result.n_patients if result.patients_known else "unknown",
            "without gold": result.n_without_gold,
            "prevalence": result.prevalence,
            **{
                row.title: interval_text(row.value.estimate, row.value.low, row.value.high)
                for row in result.overall
            },
        }
    )
    metric = result.metrics[0]
    rows = [
        [
            row.slice,
            row.n,
            row.prevalence,
            interval_text(row.value.estimate, row.value.low, row.value.high),
            interval_text(row.gap.estimate, row.gap.low, row.gap.high),
            row.q,
            row.verdict,
        ]
        for row in result.of(metric)
    ]
    if rows:
        print_table(
            f"Slices: {metric}", ["slice", "n", "prevalence", metric, "gap to the rest", "q", "verdict"], rows
        )
    click.echo(result.verdict)
    click.echo(f"written to {out}")
