"""Fit and predict over more votes than memory holds: part by part from disk, with CPU seconds and peak memory.

    python benchmarks/label_model_stream.py --records 10000000 --functions 100 --coverage 0.05 --json

One process draws the votes and writes them in parts, as `write_votes` does; another, whose figures are printed, counts
them part by part, learns from the counts, and labels every part. Where the true accuracies come out shows that nothing
is lost on the way.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.label_model import LabelModel
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, read_votes, write_votes
from sidelight.labeling.moments import Moments


def accuracies(functions: int) -> Any:
    """Return how often each function is right."""
    return np.random.default_rng(0).uniform(0.6, 0.9, functions)


def draw(rng: Any, records: int, functions: int, coverage: float) -> Any:
    """Return votes of independent functions on two classes, -1 where a function abstains."""
    truth = rng.integers(0, 2, records, dtype=np.int8)
    votes = np.full((records, functions), -1, dtype=np.int8)
    for j, accuracy in enumerate(accuracies(functions)):
        rows = np.flatnonzero(rng.random(records, dtype=np.float32) < coverage)
        wrong = rng.random(len(rows), dtype=np.float32) >= accuracy
        votes[rows, j] = truth[rows] ^ wrong
    return votes


def write(folder: Path, records: int, functions: int, coverage: float, part: int) -> None:
    """Write the parts."""
    infos = tuple(FunctionInfo(f"f{j}") for j in range(functions))
    for number, start in enumerate(range(0, records, part)):
        size = min(part, records - start)
        votes = draw(np.random.default_rng([1, number]), size, functions, coverage)
        write_votes(VoteMatrix(votes, LabelSchema(["no", "yes"]), infos), folder / f"part-{number:05d}")


def learn(folder: Path) -> dict[str, Any]:
    """Count, fit and label, and return the figures."""
    parts = sorted(folder.glob("part-*"))
    empty_mb = peak_mb()
    begun = time.process_time()
    counted = Moments.stream(read_votes(path) for path in parts)
    at_fit = time.process_time()
    model = LabelModel().fit_moments(counted, class_balance=[0.5, 0.5])
    at_labels = time.process_time()
    labeled = 0
    for path in parts:
        labeled += int((model.predict(read_votes(path)) >= 0).sum())
    ended = time.process_time()
    error = np.sqrt(np.mean((model.get_weights() - accuracies(counted.n_functions)) ** 2))
    return {
        "records": counted.n_records, "labeled": labeled, "rmse_of_accuracies": float(error),
        "cpu_count": at_fit - begun, "cpu_fit": at_labels - at_fit, "cpu_label": ended - at_labels,
        "cpu": ended - begun, "peak_mb": peak_mb(), "peak_mb_before": empty_mb,
    }  # fmt: skip


def peak_mb() -> float:
    """Return the most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--functions", type=int, default=100)
    parser.add_argument("--coverage", type=float, default=0.05)
    parser.add_argument("--part", type=int, default=250_000, help="records in a part")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the records")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    parser.add_argument("--learn-from", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.learn_from:
        print(json.dumps(learn(options.learn_from)))
        return
    records = options.records // 100 if options.quick else options.records
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch), records, options.functions, options.coverage, options.part)
        done = subprocess.run(
            [sys.executable, __file__, "--learn-from", scratch], capture_output=True, text=True, check=True
        )
    report = json.loads(done.stdout.splitlines()[-1])
    if not options.json:
        for name, value in report.items():
            print(f"{name:20s}{value:,.4g}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
