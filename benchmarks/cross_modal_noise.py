"""Which loss minds wrong labels least: the same network on clean and on spoiled labels, EEG and radiographs.

    python benchmarks/cross_modal_noise.py --data ../shared/data --seeds 3

`bonn_eeg` (seizure or not, 362 segments) and `pneumoniamnist_small` (pneumonia or not, 28 x 28). Labels of the training
part are flipped at random: abnormal ones to normal at the stated rate, normal ones at a quarter of it, and in a third of
the records (the "worse stratum") at one and a half times both, at most at 0.49. Networks see hard flipped labels, as
after a majority vote; "calibrated" sees the probabilities that a label model which knew the rates would give, and
forward correction knows the mean rates. The dev part, for early stopping, is spoiled alike. Areas are on clean test
labels; splits are stratified, of Bonn by segment, since its subjects were not published. Prints a table and, last, one
line of JSON.
"""

import argparse
import csv
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.crossmodal import (
    CrossModalClassifier,
    DilatedNet1d,
    ForwardCorrection,
    ResNet2d,
    find_duplicate_studies,
    stratified_split,
)
from sidelight.labeling.statistics import auroc

RATES = (0.0, 0.2, 0.4)
LOSSES = (
    "soft-cross-entropy",
    "generalized-cross-entropy",
    "symmetric-cross-entropy",
    "instance-reweighting",
    "forward-correction",
    "calibrated",
)
FRACTIONS = {"train": 0.6, "dev": 0.15, "test": 0.25}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--seeds", type=int, default=1, help="draws of noise and weights")
    parser.add_argument("--quick", action="store_true", help="fewer records and epochs: shows that it runs")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args(arguments)
    found: dict[str, Any] = {
        "benchmark": "cross_modal_noise",
        "quick": options.quick,
        "n_seeds": options.seeds,
    }
    found["absent"] = [name for name in READERS if not (options.data / name).exists()]
    for name in found["absent"]:
        print(f"{name}: absent below {options.data}, passed over", file=sys.stderr)
    for name, read in READERS.items():
        if name not in found["absent"]:
            found[name] = run(
                name, *read(options.data / name, options.quick), options.seeds, quick=options.quick
            )
            if not options.json:
                show(name, found[name])
    found["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))
    return 0


def read_bonn(folder: Path, quick: bool) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return segments in 100 uV, thinned to a quarter of their rate, and whether each shows a seizure."""
    with (folder / "segments.csv").open(newline="", encoding="utf-8") as stream:
        gold = np.array([int(row["seizure"]) for row in csv.DictReader(stream)])
    eeg = np.load(folder / "eeg.npz")["eeg"][:, :4096].astype(np.float32)
    return eeg.reshape(len(eeg), 1, 1024, 4).mean(axis=3) / 100, gold


def read_pneumonia(folder: Path, quick: bool) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return radiographs and whether each shows pneumonia."""
    arrays = np.load(folder / "images.npz")
    images = np.concatenate([arrays["train_images"], arrays["val_images"]])
    gold = np.concatenate([arrays["train_labels"], arrays["val_labels"]]).ravel().astype(int)
    kept = np.random.default_rng(0).permutation(len(images))[: 800 if quick else 1200]
    return images[kept, None].astype(np.float32) / 255, gold[kept]


READERS = {"bonn_eeg": read_bonn, "pneumoniamnist_small": read_pneumonia}


def run(
    name: str, studies: NDArray[Any], gold: NDArray[np.intp], n_seeds: int, *, quick: bool
) -> dict[str, Any]:
    """Return the areas of every loss at every rate, by seed."""
    copies = find_duplicate_studies(studies, correlation=0.99)
    split = stratified_split(np.arange(len(gold)), gold, FRACTIONS, duplicates=copies)
    copies.check(split.parts)
    areas: dict[str, dict[str, list[float]]] = {}
    start = time.process_time()
    for rate in RATES:
        for seed in range(n_seeds):
            flipped, chance, rates = spoil(gold, rate, seed)
            for loss in LOSSES:
                if rate == 0 and loss in ("forward-correction", "calibrated"):
                    continue  # without noise both are the plain loss
                labels = chance if loss == "calibrated" else np.eye(2)[flipped]
                model = CrossModalClassifier(
                    encoder_of(name),
                    loss=ForwardCorrection(rates)
                    if loss == "forward-correction"
                    else "soft-cross-entropy"
                    if loss == "calibrated"
                    else loss,
                    max_epochs=6 if quick else 12,
                    accelerator="cpu",
                    seed=seed,
                )
                model.fit(
                    studies[split["train"]],
                    labels[split["train"]],
                    validation=(studies[split["dev"]], labels[split["dev"]]),
                )
                area = auroc(gold[split["test"]], model.predict_proba(studies[split["test"]])[:, 1])
                areas.setdefault(loss, {}).setdefault(f"{rate:.0%}", []).append(area)
                print(f"{name} {rate:.0%} {loss} seed {seed}: {area:.3f}", file=sys.stderr)
    return {
        "n_records": split.counts(),
        "n_copies": copies.n_copies,
        "areas": areas,
        "cpu_seconds": time.process_time() - start,
    }


def encoder_of(name: str) -> Any:
    """Return what builds the network of a data set; an EEG's amplitude tells much and is left as it is."""
    if name == "bonn_eeg":
        return lambda n_leads: DilatedNet1d(n_leads, width=16, stride=8, normalize="none")
    return lambda n_leads: ResNet2d(n_leads, width=8)


def spoil(
    gold: NDArray[np.intp], rate: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], list[list[float]]]:
    """Return flipped labels, the probabilities that whoever knew the rates would give, and the mean confusion."""
    random = np.random.default_rng([seed, int(100 * rate)])
    worse = random.random(len(gold)) < 1 / 3
    factor = np.where(worse, 1.5, 1.0)
    chance = np.minimum(0.49, factor * np.where(gold == 1, rate, rate / 4))
    flipped = np.where(random.random(len(gold)) < chance, 1 - gold, gold)
    prior = gold.mean()
    missed, invented = np.minimum(0.49, factor * rate), np.minimum(0.49, factor * rate / 4)
    # Bayes: how likely a record labeled so is abnormal
    if_positive, if_negative = (
        np.where(flipped == 1, 1 - missed, missed),
        np.where(flipped == 1, invented, 1 - invented),
    )
    abnormal = prior * if_positive / (prior * if_positive + (1 - prior) * if_negative)
    confusion = [
        [1 - float(invented.mean()), float(invented.mean())],
        [float(missed.mean()), 1 - float(missed.mean())],
    ]
    return flipped, np.stack([1 - abnormal, abnormal], axis=1), confusion


def show(name: str, found: dict[str, Any]) -> None:
    """Print a data set's table for people."""
    print(
        f"\n{name}: {found['n_records']}, {found['n_copies']} copies kept together; median AUROC (lowest, highest)"
    )
    print(f"{'':26}" + "".join(f"{rate:>24.0%}" for rate in RATES))
    for loss, by_rate in found["areas"].items():
        cells = [by_rate.get(f"{rate:.0%}", []) for rate in RATES]
        print(
            f"{loss:26}"
            + "".join(
                f"{np.median(c):.3f} ({min(c):.3f}, {max(c):.3f})".rjust(24) if c else " " * 24 for c in cells
            )
        )


if __name__ == "__main__":
    sys.exit(main())
