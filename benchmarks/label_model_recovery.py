"""How well `LabelModel` recovers known parameters: by scenario, by number of records, and whether its intervals hold.

    python benchmarks/label_model_recovery.py --yardstick DIR --peers VENVS --seeds 20 --results FILE --quick --json

The scenarios are the yardstick's (`synthetic.py`): 20 functions, class balance given. Peers run in environments of their
own, see `label_models.py`, on the same draws; differences to the best of them are paired. What peers found is kept in
the file of `--results`, and not run again. Further draws of some scenarios: `--first 20 --seeds 60 --scenarios adversarial`.
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
    """Return the RMSE of the accuracies of each contender: by scenario, size, contender and seed."""
    here = Path(__file__).resolve().parent
    search = [str(here), str(options.yardstick.resolve()), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search), "OMP_NUM_THREADS": "1"}
    contenders: dict[str, str | None] = {"label_models_adapter:Sidelight": sys.executable}
    kept = figures(options.results)
    for name, venv in PEERS.items():
        python = options.peers / venv / "bin/python" if options.peers else None
        if (python and python.exists()) or any(entry["contender"] == name for entry in kept):
            contenders[name] = str(python) if python and python.exists() else None
        elif options.peers:
            print(f"absent: {name}", file=sys.stderr)
    seeds = range(options.first, options.first + options.seeds)
    drawn = {(size, seed) for size in sizes for seed in seeds}
    found: dict[str, Any] = {}
    for contender, python in contenders.items():
        worker = [str(python), str((options.yardstick / "worker.py").resolve()), "recover", contender]
        for scenario in names:
            known = [
                entry for entry in kept if (entry["contender"], entry["scenario"]) == (contender, scenario)
            ]
            if python and not drawn <= {(entry["n"], entry["seed"]) for entry in known}:
                done = subprocess.run(
                    [*worker, scenario, ",".join(map(str, sizes)), ",".join(map(str, seeds))],
                    capture_output=True, text=True, env=environment, check=False,
                )  # fmt: skip
                known = [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("@@")]
                if options.results and contender in PEERS:
                    with options.results.open("a") as file:
                        file.writelines(json.dumps(entry) + "\n" for entry in known)
            for entry in known:
                if (entry["n"], entry["seed"]) in drawn and entry.get("rmse_acc") is not None:
                    by_size = found.setdefault(scenario, {}).setdefault(entry["n"], {})
                    by_size.setdefault(contender.split(":")[-1], {})[entry["seed"]] = entry["rmse_acc"]
    return found


def figures(path: Path | None) -> list[dict[str, Any]]:
    """Return what peers found in earlier runs."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def lines(errors: dict[str, dict[int, float]]) -> list[str]:
    """Return a line for each contender, the best first: mean RMSE, and ours less its with the standard error."""
    ours = errors["Sidelight"]
    found = []
    for name, values in errors.items():
        gap = np.array([ours[seed] - value for seed, value in values.items() if seed in ours])
        spread = gap.std() / max(1, len(gap) - 1) ** 0.5
        mean = float(np.mean(list(values.values())))
        beside = (
            ""
            if name == "Sidelight"
            else f"ours less its {gap.mean():+.5f} (SE {spread:.5f}, {len(gap)} draws)"
        )
        found.append((mean, f"{name:20s}{mean:.5f}  {beside}"))
    return [line for _, line in sorted(found)]


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
    parser.add_argument("--results", type=Path, help="file in which peers' figures are kept between runs")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first draw")
    parser.add_argument("--scenarios", help="scenarios to run, and nothing else, separated by commas")
    parser.add_argument("--sizes", default="1000,10000", help="records in the scenarios")
    parser.add_argument("--quick", action="store_true", help="nothing above 10,000 records")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    sys.path.insert(0, str(options.yardstick.resolve()))
    import synthetic

    begun = time.process_time()
    names = tuple(options.scenarios.split(",")) if options.scenarios else synthetic.SCENARIOS
    sizes = [1000] if options.quick else list(map(int, options.sizes.split(",")))
    report: dict[str, Any] = {"scenarios": scenarios(options, names, sizes)}
    if not options.scenarios:
        sizes = [1000, 10_000] if options.quick else [1000, 10_000, 100_000, 1_000_000]
        report["flatness"] = flatness(synthetic, sizes)
        report["intervals"] = interval_coverage(synthetic, 20 if options.quick else 110)
    report["cpu_seconds"] = time.process_time() - begun
    if not options.json:
        print("RMSE of accuracies, class balance given")
        for name, by_size in report["scenarios"].items():
            for n, errors in by_size.items():
                print("\n".join(f"{name:16s} n={n:<8d}{line}" for line in lines(errors)))
    if not options.json and not options.scenarios:
        print("RMSE times root n")
        for k, by_size in report["flatness"].items():
            print(f"{k} classes: " + "  ".join(f"{n}: {value:.2f}" for n, value in by_size.items()))
        print("95 % intervals:", report["intervals"])
    print(json.dumps(report))


if __name__ == "__main__":
    main()
