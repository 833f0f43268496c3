"""How well `LabelModel` recovers known parameters: by scenario, by number of records, and whether its intervals hold.

    python benchmarks/label_model_recovery.py --yardstick DIR --peers VENVS --seeds 20 --quick --json

The scenarios are the yardstick's (`synthetic.py`): 20 functions, class balance given. Peers run in environments of their
own, see `label_models.py`, on the same draws; differences to the best of them are paired.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.label_model import LabelModel

PEERS = {
    "crowdkit_ds": "crowdkit", "crowdkit_onecoin": "crowdkit", "snorkel": "snorkel", "metal": "metal",
    "flyingsquid": "flyingsquid", "skweak_nb": "skweak",
}  # fmt: skip


def accuracy_of(theta: Any, prior: Any) -> Any:
    """Return P(right | votes) of tables [function, class, outcome] with abstaining first."""
    joint = theta[:, :, 1:] * np.asarray(prior)[None, :, None]
    return np.einsum("jyy->j", joint) / joint.sum(axis=(1, 2))


def error(model: Any, theta: Any, prior: Any) -> float:
    """Return the RMSE of the accuracies of functions that ever vote."""
    return float(np.sqrt(np.nanmean((model.get_weights() - accuracy_of(theta, prior)) ** 2)))


def scenarios(options: argparse.Namespace, names: tuple[str, ...], sizes: list[int]) -> dict[str, Any]:
    """Return the RMSE of the accuracies of each contender: by scenario, size and contender, one a seed."""
    here = Path(__file__).resolve().parent
    search = [str(here), str(options.yardstick.resolve()), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search), "OMP_NUM_THREADS": "1"}
    contenders = {"label_models_adapter:Sidelight": sys.executable}
    for name, venv in PEERS.items():
        python = options.peers / venv / "bin/python" if options.peers else None
        if python and python.exists():
            contenders[name] = str(python)
        elif options.peers:
            print(f"absent: {name}", file=sys.stderr)
    found: dict[str, Any] = {}
    seeds = ",".join(map(str, range(options.seeds)))
    for contender, python in contenders.items():
        worker = [str(python), str((options.yardstick / "worker.py").resolve()), "recover", contender]
        for scenario in names:
            done = subprocess.run(
                [*worker, scenario, ",".join(map(str, sizes)), seeds],
                capture_output=True, text=True, env=environment, check=False,
            )  # fmt: skip
            for line in done.stdout.splitlines():
                entry = json.loads(line[2:]) if line.startswith("@@") else {}
                if entry.get("rmse_acc") is not None:
                    by_size = found.setdefault(scenario, {}).setdefault(entry["n"], {})
                    by_size.setdefault(contender.split(":")[-1], []).append(entry["rmse_acc"])
    return found


def against_best(errors: dict[str, list[float]]) -> str:
    """Return a line: our mean RMSE, the best peer's, and the mean of the paired differences with its standard error."""
    ours = np.array(errors["Sidelight"])
    full = {name: np.array(values) for name, values in errors.items() if len(values) == len(ours)}
    peers = sorted((values.mean(), name) for name, values in full.items() if name != "Sidelight")
    if not peers:
        return f"sidelight {ours.mean():.5f}"
    best, name = peers[0]
    gap = ours - full[name]
    return (
        f"sidelight {ours.mean():.5f}  best peer {best:.5f} {name}  "
        f"difference {gap.mean():+.5f} (SE {gap.std() / max(1, len(gap) - 1) ** 0.5:.5f}, {len(gap)} draws)"
    )


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
    parser.add_argument("--peers", type=Path, help="folder of the peers' virtual environments")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--sizes", default="1000,10000", help="records in the scenarios")
    parser.add_argument("--quick", action="store_true", help="nothing above 10,000 records")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    sys.path.insert(0, str(options.yardstick.resolve()))
    import synthetic

    begun = time.process_time()
    report: dict[str, Any] = {
        "scenarios": scenarios(
            options,
            synthetic.SCENARIOS,
            [1000] if options.quick else list(map(int, options.sizes.split(","))),
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
                print(f"{name:16s} n={n:<8d}{against_best(errors)}")
        print("RMSE times root n")
        for k, sizes in report["flatness"].items():
            print(f"{k} classes: " + "  ".join(f"{n}: {value:.2f}" for n, value in sizes.items()))
        print("95 % intervals:", report["intervals"])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
