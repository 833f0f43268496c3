"""`sidelight train`: a network that learns labels of reports from the signals beside them."""

from pathlib import Path
from typing import Any

import click

from .exports import export_options
from .gold import gold_options, read_gold
from .output import dry_run_option, json_option, note, overwrite_option, print_facts, print_json, progress
from .studies import ENCODERS, LOSSES, encoder_for, open_studies, told_by_words


@click.command(
    short_help="Train a network on signals with those labels.",
    epilog="Example: sidelight train labels.parquet --signals signals.npz --out bundle",
)
@click.argument("labels", type=click.Path())
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
    help="What tells a file's study: stem, accession, study_uid, or a template such as {study_id}/{view}.png.",
)
@click.option("--image-size", type=int, metavar="PIXELS", help="Side that images are brought to.")
@click.option("--bags", is_flag=True, help="All files of a study make one bag, joined by attention.")
@click.option(
    "--encoder",
    type=click.Choice(["auto", *ENCODERS]),
    default="auto",
    show_default=True,
    help="Network; auto takes a residual one for the kind of study.",
)
@click.option(
    "--loss",
    type=click.Choice(LOSSES),
    default="soft-cross-entropy",
    show_default=True,
    help="Training loss.",
)
@click.option(
    "--reports",
    type=click.Path(),
    help="The reports; a text model may then speak for the labels, where these cover or know too little.",
)
@click.option(
    "--checkpoint", type=click.Path(), help="File to go on from after a kill; written after every epoch."
)
@click.option("--out", required=True, type=click.Path(), help="Folder of the bundle to write.")
@click.option("--epochs", default=30, show_default=True, help="Most passes over the training records.")
@click.option("--batch-size", default=32, show_default=True, help="Records a step.")
@click.option(
    "--accumulate", default=1, show_default=True, help="Pieces of a step, computed one by one; saves memory."
)
@click.option(
    "--precision",
    type=click.Choice(["32-true", "bf16-mixed", "16-mixed"]),
    default="32-true",
    show_default=True,
    help="Numbers the network computes with in training.",
)
@click.option("--learning-rate", default=3e-3, show_default=True, help="Highest learning rate.")
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
@click.option("--seed", default=0, show_default=True, help="Seed of weights, order and augmentation.")
@click.option("--threads", default=1, show_default=True, help="CPU threads; the last digits depend on it.")
@click.option(
    "--limit", default=0.01, show_default=True, help="Share of labeled records that may lack a signal."
)
@click.option("--licence-note", multiple=True, help="What the data's licence asks for; kept in the bundle.")
@export_options
@gold_options
@overwrite_option
@dry_run_option
@json_option
def train(
    labels: str,
    signals: str,
    by: str,
    image_size: int | None,
    bags: bool,
    encoder: str,
    loss: str,
    reports: str | None,
    checkpoint: str | None,
    columns: Any,
    out: str,
    epochs: int,
    batch_size: int,
    accumulate: int,
    precision: str,
    learning_rate: float,
    dev: float,
    test: float,
    copies: bool,
    split_key: str,
    seed: int,
    threads: int,
    limit: float,
    licence_note: tuple[str, ...],
    gold: str | None,
    gold_id: str | None,
    gold_column: str | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Train a network on signals, with LABELS of the reports that describe them.

    Patients are split into training, development and test parts by a keyed hash. Records on which no function voted teach
    nothing, nor do copies of signals in another patient's part. Gold labels, if given, measure the network on the test
    part, and with --reports the text model on the development part; no network learns from them.
    """
    from sidelight.apps.threads import torch_threads
    from sidelight.crossmodal import (
        CrossModalClassifier,
        LinkLimitError,
        link,
        patient_split,
        save_bundle,
    )
    from sidelight.label_model import Labels
    from sidelight.labeling import UsageError

    if not 0 <= dev < 1 or not 0 <= test < 1 or dev + test >= 1:
        raise UsageError(f"--dev {dev} and --test {test} leave no patient to train on")
    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    table = Labels.read(labels)
    linked = link(table, open_studies(signals, by, image_size, bags=bags))
    for line in linked.report.lines():
        note(line)
    fractions = {"train": 1 - dev - test, "dev": dev, "test": test}
    names = table.ids[linked.label_rows]
    split = patient_split(linked.patient_ids, fractions, key=split_key, ids=names)
    truth = read_gold(gold, gold_id, gold_column, table.schema, table.ids)
    truth = None if truth is None else truth[linked.label_rows]
    proba, covered, decision = linked.proba, linked.covered, None
    if reports is not None:
        decision, proba, covered = told_by_words(linked, names, reports, columns, split, truth, seed)
    n_leaks, teaches = _without_copies(linked, covered, split) if copies and not bags else (None, covered)
    if not teaches[split["train"]].any():
        raise UsageError(
            "no training record is covered by a vote and has a signal: there is nothing to learn from"
        )
    parts: dict[str, Any] = {
        name: {"records": len(split[name]), "covered": int(teaches[split[name]].sum())} for name in fractions
    }
    if dry_run:
        print_json({"parts": parts}) if as_json else print_facts(parts)
        return 0
    model = CrossModalClassifier(
        encoder_for(linked.signals, encoder),
        loss=loss,
        max_epochs=epochs,
        batch_size=batch_size,
        accumulate=accumulate,
        precision=precision,  # type: ignore[arg-type]
        learning_rate=learning_rate,
        seed=seed,
    )
    rows, held = split["train"], split["dev"]
    assert proba is not None  # noqa: S101 - labels bring probabilities
    validation = (linked.signals.take(held), proba[held], teaches[held]) if parts["dev"]["covered"] else None
    with torch_threads(threads), progress("training steps", total=None) as advance:
        seen = 0

        def show(state: Any) -> None:
            nonlocal seen
            advance(state.step - seen)
            seen = state.step

        model.fit(
            linked.signals.take(rows),
            proba[rows],
            teaches[rows],
            validation=validation,
            progress=show,
            checkpoint=checkpoint,
        )
    metrics: dict[str, Any] = {}
    if truth is not None and len(split["test"]):
        metrics = _measure(model, linked, truth, split["test"], table.schema.cardinality)
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
        },
        metrics=metrics,
        licence_notes=licence_note,
        overwrite=overwrite,
    )
    summary = {
        "parts": parts,
        "epochs": len(model.history_),
        "best epoch": model.best_epoch_,
        "temperature": model.temperature_,
        **_times(model),
        **metrics,
        "bundle": out,
    }
    print_json(summary) if as_json else print_facts(
        {**summary, "parts": {n: p["records"] for n, p in parts.items()}}
    )
    if linked.report.share_lost > limit:
        raise LinkLimitError(linked.report, limit)
    return 0


def _times(model: Any) -> dict[str, Any]:
    """Return how long training took to be good; what the clock says is told, and kept out of the bundle."""
    from sidelight.crossmodal import time_to_quality

    found = time_to_quality(model.history_)
    return {} if found is None else {"time to quality": str(found)}


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


def _measure(model: Any, linked: Any, truth: Any, rows: Any, cardinality: int) -> dict[str, Any]:
    """Measure the network on the test patients."""
    from sidelight.labeling.statistics import bootstrap_auroc, proportion

    known = rows[truth[rows] >= 0]
    proba = model.predict_proba(linked.signals.take(known))
    right = proportion(int((proba.argmax(axis=1) == truth[known]).sum()), len(known))
    metrics = {"test records with gold": len(known), "accuracy": right.to_json()}
    if cardinality == 2:
        area = bootstrap_auroc(truth[known] == 1, proba[:, 1], linked.patient_ids[known])
        metrics["auroc"] = area.to_json()
    return metrics
