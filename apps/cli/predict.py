"""`sidelight predict`: score signals with a bundle; no text, no labels, no labeling functions."""

from pathlib import Path

import click

from .output import json_option, overwrite_option, print_facts, print_json


@click.command(
    short_help="Score signals with a trained bundle.",
    epilog="Example: sidelight predict bundle signals.npz --out predictions.parquet",
)
@click.argument("bundle", type=click.Path())
@click.argument("signals", type=click.Path())
@click.option("--out", required=True, type=click.Path(), help="Table of predictions to write (Parquet).")
@click.option("--batch-size", default=64, show_default=True, help="Studies at a time; changes speed alone.")
@overwrite_option
@json_option
def predict(bundle: str, signals: str, out: str, batch_size: int, overwrite: bool, as_json: bool) -> int:
    """Score SIGNALS (NPZ) with a trained BUNDLE and write the probability of each class for each study."""
    from sidelight.crossmodal import SignalSet, load_bundle
    from sidelight.labeling import UsageError

    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    if batch_size < 1:
        raise UsageError(f"--batch-size is {batch_size}; it is at least 1")
    model = load_bundle(bundle)
    studies = SignalSet.read(signals)
    predictions = model.predict(studies, batch_size=batch_size)
    predictions.write(out)
    summary = {
        "studies": len(predictions),
        "set aside": len(studies.set_aside),
        "predicted": {
            name: int((predictions.label == c).sum()) for c, name in enumerate(model.schema.classes)
        },
        "bundle": model.fingerprint,
        "intended use": model.intended_use,
        "predictions": out,
    }
    print_json(summary) if as_json else print_facts(summary)
    return 0
