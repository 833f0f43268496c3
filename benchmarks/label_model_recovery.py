"""How well `LabelModel` recovers known parameters: by scenario, by number of records, and whether its intervals hold.

    python benchmarks/label_model_recovery.py --yardstick DIR --seeds 5 --quick --json

The scenarios are the yardstick's (`synthetic.py`): 20 functions, class balance given.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.label_model import DawidSkene, LabelModel, TripletModel


def accuracy_of(theta: Any, prior: Any) -> Any:
    """Return P(right | votes) of tables [function, class, outcome] with abstaining first."""
    joint = theta[:, :, 1:] * np.asarray(prior)[None, :, None]
    return np.einsum("jyy->j", joint) / joint.sum(axis=(1, 2))


def error(model: Any, theta: Any, prior: Any) -> float:
    """Return the RMSE of the accuracies of functions that ever vote."""
    return float(np.sqrt(np.nanmean((model.get_weights() - accuracy_of(theta, prior)) ** 2)))


def scenarios(synthetic: Any, seeds: int, sizes: list[int]) -> dict[str, Any]:
    """Return the RMSE of each model in each scenario and size, mean over seeds."""
    kinds = {"sidelight": LabelModel, "Dawid-Skene (ours)": DawidSkene, "triplets (ours)": TripletModel}
    found: dict[str, Any] = {}
    for name in synthetic.SCENARIOS:
        for n in sizes:
            errors: dict[str, list[float]] = {kind: [] for kind in kinds}
            for seed in range(seeds):
                made = synthetic.scenario(name, n, seed)
                for kind, make in kinds.items():
                    model = make(made["k"]).fit(made["L"], class_balance=made["prior"])
                    errors[kind].append(error(model, made["theta"], made["prior"]))
            found.setdefault(name, {})[n] = {kind: float(np.mean(values)) for kind, values in errors.items()}
    return found


def draw(synthetic: Any, n: int, k: int, seed: int, m: int = 20) -> tuple[Any, Any, Any]:
    """Return votes, true tables and balance of independent functions."""
    rng = np.random.default_rng([seed, n, k])
    prior = np.full(k, 1 / k)
    accuracy = np.repeat(rng.uniform(0.6, 0.9, (m, 1)), k, 1)
    coverage = np.repeat(rng.uniform(0.1, 0.4, (m, 1)), k, 1)
    votes, _, theta = synthetic.sample(synthetic.theta_from(accuracy, coverage, k), prior, n, rng)
    return votes, theta, prior


def flatness(synthetic: Any, sizes: list[int]) -> dict[str, Any]:
    """Return RMSE times root n for 2, 3 and 5 classes."""
    found: dict[str, Any] = {}
    for k in (2, 3, 5):
        for n in sizes:
            votes, theta, prior = draw(synthetic, n, k, 0)
            model = LabelModel(k).fit(votes, class_balance=prior)
            found.setdefault(str(k), {})[n] = error(model, theta, prior) * np.sqrt(n)
    return found


def interval_coverage(synthetic: Any, repetitions: int, n: int = 5000) -> dict[str, float]:
    """Return the share of 95 % intervals of accuracies that hold the truth, class balance unknown."""
    inside, refined = [], 0
    for seed in range(repetitions):
        votes, theta, prior = draw(synthetic, n, 2, 1000 + seed)
        model = LabelModel().fit(votes)
        if not model.refined_:
            continue
        refined += 1
        found = model.intervals(votes)
        truth = accuracy_of(theta, prior)
        inside += ((found.accuracy_low <= truth) & (truth <= found.accuracy_high)).tolist()
    return {"intervals": len(inside), "coverage": float(np.mean(inside)), "fits": refined}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yardstick", type=Path, default=Path("../shared/bench/peers"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="nothing above 10,000 records")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    sys.path.insert(0, str(options.yardstick.resolve()))
    import synthetic

    begun = time.process_time()
    report: dict[str, Any] = {
        "scenarios": scenarios(
            synthetic, options.seeds, [1000, 10_000] if options.quick else [1000, 10_000, 100_000]
        ),
        "flatness": flatness(
            synthetic, [1000, 10_000] if options.quick else [1000, 10_000, 100_000, 1_000_000]
        ),
        "intervals": interval_coverage(synthetic, 20 if options.quick else 110),
    }
    report["cpu_seconds"] = time.process_time() - begun
    if not options.json:
        print("RMSE of accuracies, class balance given")
        for name, sizes in report["scenarios"].items():
            for n, errors in sizes.items():
                print(
                    f"{name:16s} n={n:<8d}"
                    + "  ".join(f"{kind} {value:.4f}" for kind, value in errors.items())
                )
        print("RMSE times root n")
        for k, sizes in report["flatness"].items():
            print(f"{k} classes: " + "  ".join(f"{n}: {value:.2f}" for n, value in sizes.items()))
        print("95 % intervals:", report["intervals"])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
