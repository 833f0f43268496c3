"""`sidelight train`: a network that learns labels of reports from the signals beside them."""

from pathlib import Path
from typing import Any

import click

from .gold import gold_options, read_gold
from .output import dry_run_option, json_option, note, overwrite_option, print_facts, print_json, progress


@click.command(
    short_help="Train a network on signals with those labels.",
    epilog="Example: sidelight train labels.parquet --signals signals.npz --out bundle",
)
@click.argument("labels", type=click.Path())
@click.option(
    "--signals", required=True, type=click.Path(), help="Signals (NPZ) whose study ids are the labels' ids."
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
@gold_options
@overwrite_option
@dry_run_option
@json_option
def train(
    labels: str,
    signals: str,
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
    nothing, nor do copies of signals in another patient's part. Gold labels, if given, only measure the network on the test part.
    """
    from sidelight.apps.threads import torch_threads
    from sidelight.crossmodal import (
        CrossModalClassifier,
        LinkLimitError,
        SignalSet,
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
    linked = link(table, SignalSet.read(signals))
    for line in linked.report.lines():
        note(line)
    fractions = {"train": 1 - dev - test, "dev": dev, "test": test}
    split = patient_split(linked.patient_ids, fractions, key=split_key, ids=linked.ids)
    n_leaks, teaches = _without_copies(linked, split) if copies else (None, linked.covered)
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
        max_epochs=epochs,
        batch_size=batch_size,
        accumulate=accumulate,
        precision=precision,  # type: ignore[arg-type]
        learning_rate=learning_rate,
        seed=seed,
    )
    rows, held = split["train"], split["dev"]
    assert linked.proba is not None  # noqa: S101 - labels bring probabilities
    validation = (
        (linked.signals.take(held), linked.proba[held], teaches[held]) if parts["dev"]["covered"] else None
    )
    with torch_threads(threads), progress("training steps", total=None) as advance:
        seen = 0

        def show(state: Any) -> None:
            nonlocal seen
            advance(state.step - seen)
            seen = state.step

        model.fit(
            linked.signals.take(rows),
            linked.proba[rows],
            teaches[rows],
            validation=validation,
            progress=show,
        )
    metrics: dict[str, Any] = {}
    truth = read_gold(gold, gold_id, gold_column, table.schema, linked.ids)
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
        **metrics,
        "bundle": out,
    }
    print_json(summary) if as_json else print_facts(
        {**summary, "parts": {n: p["records"] for n, p in parts.items()}}
    )
    if linked.report.share_lost > limit:
        raise LinkLimitError(linked.report, limit)
    return 0


def _without_copies(linked: Any, split: Any) -> tuple[int, Any]:
    """Return how many copies stand in two parts, and what teaches once the earlier part's ones do not."""
    from sidelight.crossmodal import find_duplicate_studies

    found = find_duplicate_studies(linked.signals)
    teaches = linked.covered.copy()
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
