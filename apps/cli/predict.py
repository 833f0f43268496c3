"""`sidelight predict`: score signals with a bundle; no text, no labels, no labeling functions."""

from pathlib import Path

import click

from .output import json_option, overwrite_option, print_facts, print_json, progress


@click.command(
    short_help="Score signals with a trained bundle.",
    epilog="Example: sidelight predict bundle signals.npz --out predictions.parquet",
)
@click.argument("bundle", type=click.Path())
@click.argument("signals", type=click.Path())
@click.option(
    "--out", required=True, type=click.Path(), help="Table of predictions to write (Parquet or CSV)."
)
@click.option(
    "--by",
    default="stem",
    show_default=True,
    metavar="HOW",
    help="What tells the study of a folder's file: stem, name (with the suffix), accession, study_uid, or a template.",
)
@click.option("--batch-size", default=64, show_default=True, help="Studies at a time; changes speed alone.")
@click.option(
    "--part-size",
    default=1024,
    show_default=True,
    help="Studies in memory, and what a killed run loses at most.",
)
@overwrite_option
@json_option
def predict(
    bundle: str,
    signals: str,
    out: str,
    by: str,
    batch_size: int,
    part_size: int,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Score SIGNALS (an NPZ file or a folder of study files) with a trained BUNDLE: the probability of each class.

    Memory does not grow with the file. The same command goes on where a killed one stopped.
    """
    from sidelight.apps.bundles import open_bundle
    from sidelight.crossmodal import score_studies
    from sidelight.labeling import UsageError

    if Path(out).exists() and not overwrite:
        raise UsageError(f"{out} exists already; choose another --out or pass --overwrite")
    for option, value in (("--batch-size", batch_size), ("--part-size", part_size)):
        if value < 1:
            raise UsageError(f"{option} is {value}; it is at least 1")
    model = open_bundle(bundle)
    with progress("studies", total=None) as advance:
        seen = 0

        def show(done: int, total: int) -> None:
            nonlocal seen
            advance(done - seen)
            seen = done

        scored = score_studies(
            model, signals, out, batch_size=batch_size, part_size=part_size, by=by, progress=show
        )
    summary = {
        "studies": scored.n_studies,
        "set aside": scored.n_set_aside,
        "taken over": scored.n_resumed,
        "predicted": scored.counts,
        "bundle": model.fingerprint,
        "intended use": model.intended_use,
        "predictions": out,
    }
    print_json(summary) if as_json else print_facts(summary)
    return 0
