"""`sidelight train`: a network that learns labels of reports from the signals beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .exports import export_options
from .gold import gold_options
from .output import dry_run_option, json_option, note, overwrite_option, print_facts, print_json, progress
from .recipe import Recipe, recipe_options
from .studies import encoder_for, open_studies, told_by_words, why_nothing_links

if TYPE_CHECKING:
    from .findings import Supervision


@click.command(
    short_help="Train a network on signals with those labels.",
    epilog="Example: sidelight train labels.parquet --signals signals.npz --out bundle",
)
@click.argument("labels", nargs=-1, required=True, type=click.Path())
@click.option(
    "--signals",
    required=True,
    type=click.Path(),
    help="Studies whose ids are the labels' ids: an NPZ file, or a folder of WFDB, EDF, PNG, DICOM or NPY files.",
)
@click.option(
    "--by",
    default="stem",
    show_default=True,
    metavar="HOW",
    help="What tells a file's study: stem, name (with the suffix), accession, study_uid, or a template such as "
    "{study_id}/{view}.png.",
)
@click.option("--image-size", type=int, metavar="PIXELS", help="Side that images are brought to.")
@click.option("--bags", is_flag=True, help="All files of a study make one bag, joined by attention.")
@click.option(
    "--reports",
    type=click.Path(),
    help="The reports; a text model may then speak for the labels, where these cover or know too little.",
)
@click.option("--out", required=True, type=click.Path(), help="Folder of the bundle to write.")
@click.option(
    "--dev", default=0.2, show_default=True, help="Share of the patients for early stopping and calibration."
)
@click.option(
    "--test", default=0.2, show_default=True, help="Share of the patients that training never sees."
)
@click.option(
    "--copies/--no-copies",
    default=True,
    show_default=True,
    help="Look for copies among the signals, and keep those of later parts out of the earlier ones.",
)
@click.option("--split-key", default="sidelight", show_default=True, help="Another key gives another split.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="CPU threads; the last digits depend on it.",
)
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of labeled records that may lack a signal."
)
@click.option("--licence-note", multiple=True, help="What the data's licence asks for; kept in the bundle.")
@recipe_options
@export_options
@gold_options
@overwrite_option
@dry_run_option
@json_option
def train(
    labels: tuple[str, ...],
    signals: str,
    by: str,
    image_size: int | None,
    bags: bool,
    reports: str | None,
    columns: Any,
    out: str,
    dev: float,
    test: float,
    copies: bool,
    split_key: str,
    threads: int,
    limit: float,
    licence_note: tuple[str, ...],
    gold: str | None,
    gold_id: str | None,
    gold_column: str | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Train a network on signals, with LABELS of the reports that describe them.

    Several LABELS are a finding each, called as its file, with the second class for its presence; one network learns them
    all. Patients are split into training, development and test parts by a keyed hash. Records on which no function voted
    teach nothing, nor do copies of signals in another patient's part. Gold labels, if given, measure the network on the
    test part, and with --reports the text model on the development part; no network learns from them, and those that a
    label model learned from (`fit --learn-from-gold`) measure nothing.
    """
    from sidelight.apps.threads import torch_threads
    from sidelight.crossmodal import LinkLimitError, link, patient_split, save_bundle
    from sidelight.labeling import UsageError

    from .findings import read_labels

    recipe = Recipe(**options)
    recipe.check(multi_label=len(labels) > 1)
    if recipe.epsilon is not None:
        dev = 0.0  # every look at it would have to be paid for
    if not 0 <= dev < 1 or not 0 <= test < 1 or dev + test >= 1:
        raise UsageError(f"--dev {dev} and --test {test} leave no patient to train on")
    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    if reports is not None and len(labels) > 1:
        raise UsageError("--reports is for one file of labels, not for several findings")
    table = read_labels(labels)
    studies = open_studies(signals, by, image_size, bags=bags)
    linked = link(table, studies)
    for line in linked.report.lines():
        note(line)
    if not len(linked):
        raise UsageError(why_nothing_links(table.ids, studies, signals))
    fractions = {"train": 1 - dev - test, "dev": dev, "test": test}
    names = table.ids[linked.label_rows]
    split = patient_split(linked.patient_ids, fractions, key=split_key, ids=names)
    known = table.gold(gold, gold_id, gold_column)
    truth = None if known is None else known.truth[linked.label_rows]
    cautions = {} if known is None else known.cautions()
    for name, what in cautions.items():
        note(f"{name}: {what}")
    proba: Any = linked.proba
    covered: Any = linked.covered
    decision = None
    if reports is not None:
        decision, proba, covered = told_by_words(linked, names, reports, columns, split, truth, recipe.seed)
    n_leaks, teaches = _without_copies(linked, covered, split) if copies and not bags else (None, covered)
    labeled = teaches.reshape(len(teaches), -1).any(axis=1)
    if not labeled[split["train"]].any():
        raise UsageError(
            "no training record is covered by a vote and has a signal: there is nothing to learn from"
        )
    parts: dict[str, Any] = {
        name: {"records": len(split[name]), "covered": int(labeled[split[name]].sum())} for name in fractions
    }
    if dry_run:
        print_json({"parts": parts}) if as_json else print_facts(parts)
        return 0
    rows, held = split["train"], split["dev"]
    validation = (linked.signals.take(held), proba[held], teaches[held]) if parts["dev"]["covered"] else None
    with torch_threads(threads), progress("training steps", total=None) as advance:
        seen = 0

        def show(state: Any) -> None:
            nonlocal seen
            advance(state.step - seen)
            seen = state.step

        model, told = recipe.fit(
            encoder_for(linked.signals, recipe.encoder), linked.signals.take(rows), proba[rows], teaches[rows],
            linked.patient_ids[rows], validation, show, multi_label=table.multi_label,
        )  # fmt: skip
    metrics = {} if truth is None else _measure(model, linked, truth, split["test"], table) | cautions
    save_bundle(
        out,
        model,
        table.schema,
        lineage={
            "labels": dict(table.lineage),
            "split": {"key": split_key, "fractions": [[name, share] for name, share in fractions.items()]},
            "parts": parts,
            "copies across parts": n_leaks,
            "text model": None if decision is None else decision.to_json(),
            "linked": {
                "labels": linked.report.n_labels,
                "signals": linked.report.n_signals,
                "both": len(linked),
            },
            **told,
        },
        metrics=metrics,
        licence_notes=licence_note,
        overwrite=overwrite,
    )
    summary = {
        "parts": parts,
        "epochs": len(model.history_) or model.best_epoch_,
        "best epoch": model.best_epoch_,
        "temperature": model.temperature_,
        **_times(model),
        **_told(told),
        **metrics,
        "bundle": out,
    }
    print_json(summary) if as_json else print_facts(
        {**summary, "parts": {n: p["records"] for n, p in parts.items()}}
    )
    if linked.report.share_lost > limit:
        raise LinkLimitError(linked.report, limit)
    return 0


def _told(told: dict[str, Any]) -> dict[str, Any]:
    """Return what a search found and what privacy was spent, for people to read."""
    shown: dict[str, Any] = {}
    if "search" in told:
        search = told["search"]
        shown["settings found"] = search["settings"]
        shown["trials"] = search["trials"]
        shown["development loss"] = search["development loss"]
        shown["the same with other seeds"] = ", ".join(f"{loss:.3f}" for loss in search["with other seeds"])
    if "privacy" in told:
        spent = told["privacy"]
        shown["epsilon spent"], shown["delta"] = spent["epsilon"], f"{spent['delta']:.3g}"
        shown["noise"], shown["privacy"] = spent["noise"], spent["scope"]
    return shown


def _times(model: Any) -> dict[str, Any]:
    """Return how long training took to be good; what the clock says is told, and kept out of the bundle."""
    from sidelight.crossmodal import time_to_quality, trade_off

    found = time_to_quality(model.history_)
    shown = {} if found is None else {"time to quality": str(found)}
    curve = trade_off(model.history_) if model.schedule == "cycles" else None
    return shown if curve is None else {**shown, "shorter trainings": str(curve)}


def _without_copies(linked: Any, covered: Any, split: Any) -> tuple[int, Any]:
    """Return how many copies stand in two parts, and what teaches once the earlier part's ones do not."""
    from sidelight.crossmodal import find_duplicate_studies

    found = find_duplicate_studies(linked.signals)
    teaches = covered.copy()
    leaks = found.leaks(split.parts)
    order = {name: place for place, name in enumerate(split)}
    for pair in leaks:
        teaches[min(pair, key=lambda row: order[str(split.parts[row])])] = False
    if len(leaks):
        note(
            f"copies stood in two parts ({len(leaks)} found); the earlier part's record of each teaches nothing"
        )
    return len(leaks), teaches


def _measure(model: Any, linked: Any, truth: Any, rows: Any, table: "Supervision") -> dict[str, Any]:
    """Measure the network on the test patients; of several findings, each."""
    from sidelight.labeling.statistics import bootstrap_auroc, clustered_proportion, shared_patients

    known = rows[truth[rows].reshape(len(rows), -1).max(axis=1, initial=-1) >= 0]
    if not len(known):
        return {"test records with gold": 0}
    proba = model.predict_proba(linked.signals.take(known))
    metrics: dict[str, Any] = {"test records with gold": len(known)}
    if table.multi_label:
        for column, name in enumerate(table.tables):
            of_finding = truth[known][:, column] >= 0
            area = bootstrap_auroc(
                truth[known][of_finding, column] == 1,
                proba[of_finding, column],
                linked.patient_ids[known][of_finding],
            )
            metrics[f"auroc, {name}"] = area.to_json()
        return metrics
    right = clustered_proportion(
        proba.argmax(axis=1) == truth[known], shared_patients(linked.patient_ids[known])
    )
    metrics["accuracy"] = right.to_json()
    if table.schema.cardinality == 2:
        area = bootstrap_auroc(truth[known] == 1, proba[:, 1], linked.patient_ids[known])
        metrics["auroc"] = area.to_json()
    return metrics
