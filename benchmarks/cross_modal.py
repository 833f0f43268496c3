"""Labels from reports against hand labels: the same ECG network trained on both, five folds by patient, pooled.

    python benchmarks/cross_modal.py --data ../shared/data --seeds 3

Normal or abnormal on `ptbxl_ecg`. In each fold the label model is fitted on the votes of the training patients, without
gold; three networks learn from its labels, from the majority vote's and from gold, with one architecture and budget; all
stop early on the gold labels of the same dev fold. Scores of the five test folds are pooled; an area is the mean over
seeds, its interval comes from resampling patients. Prints a table and, last, one line of JSON.
"""

import argparse
import csv
import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.apps.demo.functions import FUNCTIONS, schema
from sidelight.crossmodal import (
    CrossModalClassifier,
    ResNet1d,
    SignalSet,
    check_split,
    compare_scores,
    link,
    patient_folds,
    patient_split,
)
from sidelight.label_model import LabelModel, Labels, MajorityLabelVoter
from sidelight.labeling import LFApplier

NOTE = "Edit:"
N_FOLDS = 5
MODELS = {"label model": LabelModel, "majority vote": MajorityLabelVoter}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder that holds ptbxl_ecg/"
    )
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each network in each fold")
    parser.add_argument("--quick", action="store_true", help="four epochs: shows that it runs, not how well")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args(arguments)
    folder = options.data / "ptbxl_ecg"
    if not folder.exists():
        print(f"ptbxl_ecg: absent below {options.data}, passed over", file=sys.stderr)
        print(json.dumps({"absent": ["ptbxl_ecg"]}))
        return 0
    result = run(folder, options.seeds, quick=options.quick, say=not options.json)
    print(json.dumps(result))
    return 0


def run(folder: Path, n_seeds: int, *, quick: bool, say: bool) -> dict[str, Any]:
    """Return every figure of the benchmark."""
    records = read_records(folder / "records.csv")
    signals = SignalSet.read(folder / "signals_100hz.npz")
    linked = link([record["id"] for record in records], signals)
    if len(linked) != len(records):
        raise SystemExit("; ".join(linked.report.lines()))
    gold = np.array([record["gold"] for record in records])
    patients = np.array([record["patient_id"] for record in records])
    folds = patient_folds(patients, N_FOLDS)
    votes = LFApplier(FUNCTIONS, schema=schema).apply(records)

    label_scores = {name: np.full(len(gold), np.nan) for name in MODELS}
    names = [*MODELS, "gold"]
    scores = {name: np.full((len(gold), n_seeds), np.nan) for name in names}
    seconds: list[float] = []
    coverage = []
    for fold in range(N_FOLDS):
        test = np.flatnonzero(folds == fold)
        dev = np.flatnonzero(folds == (fold + 1) % N_FOLDS)
        train = np.flatnonzero((folds != fold) & (folds != (fold + 1) % N_FOLDS))
        check_split(
            np.where(folds == fold, "test", np.where(np.isin(np.arange(len(gold)), dev), "dev", "train")),
            patients,
        )
        targets: dict[str, tuple[NDArray[Any], NDArray[np.bool_]]] = {"gold": (gold[train], gold[train] >= 0)}
        for name, kind in MODELS.items():
            model = kind(cardinality=schema.cardinality).fit(votes.take_rows(train))
            labels = Labels.from_model(model, votes.take_rows(train))
            targets[name] = (labels.proba, labels.covered)
            label_scores[name][test] = model.predict_proba(votes.take_rows(test))[:, 1]
        coverage.append(float(targets["label model"][1].mean()))
        for seed in range(n_seeds):
            for name in names:
                start = time.process_time()
                model = CrossModalClassifier(
                    seed=seed, accelerator="cpu", **({"max_epochs": 4} if quick else {})
                ).fit(
                    linked.signals.take(train),
                    *targets[name],
                    validation=(linked.signals.take(dev), gold[dev]),
                )
                seconds.append(time.process_time() - start)
                scores[name][test, seed] = model.predict_proba(linked.signals.take(test))[:, 1]
                if say:
                    print(f"fold {fold + 1}, seed {seed}, {name}: {seconds[-1]:.1f} CPU s", file=sys.stderr)

    cost = training_cost(linked.signals.take(np.arange(224)), epochs=2 if quick else 8)
    unread = patient_split(patients).parts != "train"
    tables = {
        "labels from reports": compare_scores(gold, label_scores, patients, reference="majority vote"),
        "labels from reports, patients outside the demo's training part": compare_scores(
            np.where(unread, gold, -1), label_scores, patients, reference="majority vote"
        ),
        "network trained on": compare_scores(gold, scores, patients, reference="gold"),
        "network trained on (against majority vote)": compare_scores(
            gold, scores, patients, reference="majority vote"
        ),
    }
    if say:
        show(tables)
        print(
            f"an epoch costs {cost['ratio']:.3f} times that of a plain PyTorch loop over the same module and data\n"
        )
    return {
        "benchmark": "cross_modal",
        "data": "ptbxl_ecg",
        "n_functions": votes.n_functions,
        "coverage": float(np.mean(coverage)),
        "n_folds": N_FOLDS,
        "n_seeds": n_seeds,
        "quick": quick,
        "tables": {name: table.to_json() for name, table in tables.items()},
        "cpu_seconds_a_training": {"median": float(np.median(seconds)), "max": float(np.max(seconds))},
        "cost_against_plain_loop": cost,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def training_cost(signals: SignalSet, epochs: int, n_repeats: int = 3) -> dict[str, float]:
    """Return CPU seconds of a training here and in a plain PyTorch loop, in turns, on one thread, first run dropped."""
    import torch
    from torch import nn

    y = np.arange(len(signals)) % 2

    def ours() -> None:
        CrossModalClassifier(ResNet1d(12), max_epochs=epochs, augment=None, accelerator="cpu").fit(signals, y)

    def plain() -> None:
        encoder = ResNet1d(12)
        network = nn.Sequential(encoder, nn.Linear(encoder.n_features, 2)).train()
        inputs, target = torch.from_numpy(signals.values), torch.from_numpy(y)
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
        for _ in range(epochs):
            for rows in torch.randperm(len(y)).split(32):
                loss = nn.functional.cross_entropy(network(inputs[rows]), target[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for _ in range(n_repeats + 1):
        for name, run_once in (("ours", ours), ("plain", plain)):
            start = time.process_time()
            run_once()
            seconds[name].append(time.process_time() - start)
    torch.set_num_threads(n_threads)
    medians = {name: float(np.median(values[1:])) for name, values in seconds.items()}
    return {**medians, "ratio": medians["ours"] / medians["plain"]}


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return id, patient, text without the appended note that holds the code, and gold (-1 where unknown)."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        {
            **row,
            "id": row["ecg_id"],
            "patient_id": row["patient_id"].removesuffix(".0"),
            "text": row["report"].split(NOTE)[0].rstrip(),
            "gold": int(row["abnormal"]) if row["abnormal"] else -1,
        }
        for row in rows
    ]


def show(tables: Mapping[str, Any]) -> None:
    """Print the tables for people."""
    for name, table in tables.items():
        print(
            f"\n{name}: {table.n_records} records of {table.n_patients} patients, {table.n_positive} abnormal"
        )
        print(table)
    print()


if __name__ == "__main__":
    sys.exit(main())
