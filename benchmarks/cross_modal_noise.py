"""Which loss minds wrong labels least: the same network on clean and on spoiled labels, EEG and radiographs.

    python benchmarks/cross_modal_noise.py --data ../shared/data --seeds 5 --save noise.json

`bonn_eeg` (seizure or not, 362 segments) and `pneumoniamnist_small` (pneumonia or not, 28 x 28, 1,200 of them). Labels of
the training part are flipped at random: abnormal ones to normal at the stated rate, normal ones at a quarter of it, and
in the worse stratum (the third of each class that varies most) at one and a half times both, at most at 0.49. Every loss
learns from the flipped labels as they are, as after a majority vote, and from the probabilities that a label model which
knew the rates would give; forward correction, which needs class labels, knows the mean rates. Self-training needs records
without a label: it, and plain soft cross-entropy beside it, also learn with half of the flipped labels hidden. The dev
part, for early stopping, is spoiled alike. Areas are on clean test labels, of all test records and of the worse stratum alone. Each seed
draws split, noise and weights anew; Bonn's split is by segment, since its subjects were not published. Prints tables and,
last, one line of JSON.
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
    LOSSES,
    CrossModalClassifier,
    DilatedNet1d,
    ForwardCorrection,
    MixedReweighting,
    ResNet2d,
    SelfTraining,
    SoftCrossEntropy,
    find_duplicate_studies,
    stratified_split,
)
from sidelight.labeling.statistics import auroc, clustered_bootstrap

RATES = (0.0, 0.2, 0.4)
PLAIN = "soft-cross-entropy"
SMOOTH = "soft-cross-entropy, smoothing 0.05"
HALF = "flipped, half hidden"
KINDS = ("flipped", "probabilities", HALF)
FRACTIONS = {"train": 0.6, "dev": 0.15, "test": 0.25}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--seeds", type=int, default=1, help="draws of split, noise and weights")
    parser.add_argument("--epochs", type=int, default=12, help="epochs of each training at most")
    parser.add_argument(
        "--loss", action="append", help="a row of the table beside the plain one; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="fewer records and epochs: shows that it runs")
    parser.add_argument("--save", type=Path, help="file to write what is found to, as it is found")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args(arguments)
    found: dict[str, Any] = {
        "benchmark": "cross_modal_noise",
        "quick": options.quick,
        "n_seeds": options.seeds,
        "epochs": 2 if options.quick else options.epochs,
        "absent": [name for name in READERS if not (options.data / name).exists()],
        "runs": [],
    }
    for name in found["absent"]:
        print(f"{name}: absent below {options.data}, passed over", file=sys.stderr)
    present = {
        name: read(options.data / name, options.quick)
        for name, read in READERS.items()
        if name not in found["absent"]
    }
    for seed in range(options.seeds):
        for name, (studies, gold) in present.items():
            found["runs"] += run(name, studies, gold, seed, found["epochs"], options.loss)
            if options.save is not None:
                options.save.write_text(json.dumps(found) + "\n")
    if present:
        found["against_plain"] = against_plain(found["runs"])
    if present and not options.json:
        for name in present:
            show(name, [row for row in found["runs"] if row["data"] == name])
        show_verdict(found["against_plain"])
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
    kept = np.random.default_rng(0).permutation(len(images))[: 400 if quick else 1200]
    return images[kept, None].astype(np.float32) / 255, gold[kept]


READERS = {"bonn_eeg": read_bonn, "pneumoniamnist_small": read_pneumonia}


def run(
    name: str, studies: NDArray[Any], gold: NDArray[np.intp], seed: int, epochs: int, wanted: list[str] | None
) -> list[dict[str, Any]]:
    """Return the areas of every loss at every rate, for one draw of split, noise and weights."""
    copies = find_duplicate_studies(studies, correlation=0.99)
    split = stratified_split(np.arange(len(gold)), gold, FRACTIONS, duplicates=copies, key=f"seed {seed}")
    copies.check(split.parts)
    train, dev, test = (split[part] for part in FRACTIONS)
    worse = worse_stratum(studies, gold)
    rows = []
    for rate in RATES:
        flipped, chance, confusion = spoil(gold, worse, rate, seed)
        for kind in KINDS if rate else KINDS[:1]:
            labels = chance if kind == "probabilities" else np.eye(2)[flipped]
            told = np.random.default_rng([seed, 1]).random(len(gold)) < (0.5 if kind == HALF else 1)
            for loss, module in losses(confusion, kind, rate).items():
                if wanted and loss not in (PLAIN, *wanted):
                    continue
                start = time.process_time()
                model = CrossModalClassifier(
                    encoder_of(name), loss=module, max_epochs=epochs, accelerator="cpu", seed=seed
                )
                model.fit(studies[train], labels[train], told[train], validation=(studies[dev], labels[dev]))
                score = model.predict_proba(studies[test])[:, 1]
                hard = worse[test]
                rows.append(
                    {
                        "data": name,
                        "seed": seed,
                        "rate": rate,
                        "labels": kind,
                        "loss": loss,
                        "auroc": auroc(gold[test], score),
                        "auroc_worse": auroc(gold[test][hard], score[hard]),
                        "cpu_seconds": time.process_time() - start,
                    }
                )
                print(
                    f"{name} {rate:.0%} {kind} {loss} seed {seed}: {rows[-1]['auroc']:.3f}", file=sys.stderr
                )
    return rows


def losses(confusion: list[list[float]], kind: str, rate: float) -> dict[str, Any]:
    """Return the losses to compare on labels of a kind, by name."""
    if kind == HALF:
        return {
            PLAIN: PLAIN,
            "self-training": SelfTraining(),
            "self-training, consistency 1": SelfTraining(consistency=1.0),
        }
    named: dict[str, Any] = {
        name: name for name in LOSSES if name not in ("forward-correction", "self-training")
    }
    named[SMOOTH] = SoftCrossEntropy(smoothing=0.05)
    # rows of one weight are mixed as mixup mixes them
    named["mixup"] = MixedReweighting(gamma=0.0, factor=1e6, start=0.05)
    if kind == "flipped" and rate:
        named["forward-correction"] = ForwardCorrection(confusion)
    return named


def encoder_of(name: str) -> Any:
    """Return what builds the network of a data set; an EEG's amplitude tells much and is left as it is."""
    if name == "bonn_eeg":
        return lambda n_leads: DilatedNet1d(n_leads, width=16, stride=8, normalize="none")
    return lambda n_leads: ResNet2d(n_leads, width=8)


def worse_stratum(studies: NDArray[Any], gold: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which studies are in the third of their class that varies most: a network can tell them."""
    spread = studies.reshape(len(studies), -1).std(axis=1)
    worse = np.zeros(len(gold), dtype=bool)
    for value in np.unique(gold):
        of_class = gold == value
        worse[of_class] = spread[of_class] > np.quantile(spread[of_class], 2 / 3)
    return worse


def spoil(
    gold: NDArray[np.intp], worse: NDArray[np.bool_], rate: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], list[list[float]]]:
    """Return flipped labels, the probabilities that whoever knew the rates would give, and the mean confusion."""
    random = np.random.default_rng([seed, int(100 * rate)])
    factor = np.where(worse, 1.5, 1.0)
    missed, invented = np.minimum(0.49, factor * rate), np.minimum(0.49, factor * rate / 4)
    flipped = np.where(random.random(len(gold)) < np.where(gold == 1, missed, invented), 1 - gold, gold)
    prior = gold.mean()
    # Bayes: how likely a record labeled so is abnormal
    if_positive = np.where(flipped == 1, 1 - missed, missed)
    if_negative = np.where(flipped == 1, invented, 1 - invented)
    abnormal = prior * if_positive / (prior * if_positive + (1 - prior) * if_negative)
    confusion = [
        [1 - float(invented.mean()), float(invented.mean())],
        [float(missed.mean()), 1 - float(missed.mean())],
    ]
    return flipped, np.stack([1 - abnormal, abnormal], axis=1), confusion


def against_plain(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each loss's mean area under noise minus plain soft cross-entropy's in the same runs, seeds resampled."""
    key = ("data", "seed", "rate", "labels")
    plain = {tuple(row[k] for k in key): row for row in runs if row["loss"] == PLAIN}
    rows = []
    for kind in KINDS:
        for loss in sorted({row["loss"] for row in runs} - {PLAIN}):
            noisy = [row for row in runs if row["rate"] and row["labels"] == kind and row["loss"] == loss]
            if not noisy:
                continue
            seeds = [str(row["seed"]) for row in noisy]
            entry: dict[str, Any] = {"labels": kind, "loss": loss, "n_runs": len(noisy)}
            for area in ("auroc", "auroc_worse"):
                gaps = [row[area] - plain[tuple(row[k] for k in key)][area] for row in noisy]
                entry[area] = clustered_bootstrap(np.mean, seeds, gaps).to_json()
            rows.append(entry)
    return rows


def show(name: str, runs: list[dict[str, Any]]) -> None:
    """Print a data set's table for people."""
    print(f"\n{name}: median AUROC (lowest, highest) | in the worse stratum")
    cases = list(dict.fromkeys((row["labels"], row["loss"]) for row in runs))
    print(f"{'':52}" + "".join(f"{rate:>29.0%}" for rate in RATES))
    for kind, loss in cases:
        cells = ""
        for rate in RATES:
            found = [r for r in runs if (r["labels"], r["loss"], r["rate"]) == (kind, loss, rate)]
            areas = [row["auroc"] for row in found]
            worse = np.median([row["auroc_worse"] for row in found]) if found else 0
            cell = (
                f"{np.median(areas):.3f} ({min(areas):.3f}, {max(areas):.3f}) | {worse:.3f}" if found else ""
            )
            cells += cell.rjust(29)
        print(f"{kind + ', ' + loss:52}{cells}")


def show_verdict(rows: list[dict[str, Any]]) -> None:
    """Print the losses under noise against the plain one."""
    print(
        f"\nunder noise, both sets: mean AUROC minus that of {PLAIN} on the same labels [95 %, seeds resampled]"
    )
    for row in rows:
        cells = [row[area] for area in ("auroc", "auroc_worse")]
        words = [
            f"{cell['estimate']:+.4f} [{cell['low']:+.4f}, {cell['high']:+.4f}]"
            if cell["low"] is not None
            else f"{cell['estimate']:+.4f}"
            for cell in cells
        ]
        print(f"{row['labels'] + ', ' + row['loss']:52} {words[0]}   worse stratum {words[1]}")


if __name__ == "__main__":
    sys.exit(main())
