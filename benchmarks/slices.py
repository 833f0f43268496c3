"""sidelight beside its peers on slices whose truth is known: discovery, training, and what is called a find in noise.

    python benchmarks/slices.py --bench DIR --quick --json

DIR is the yardstick: its problems, its harness, and the results its peers got there (`results/*.jsonl`). Every seed is
a problem of its own; figures are medians over seeds, then means over problems, as in the yardstick's report. The rest of what
training for slices must show is in `slice_training.py`.
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from slice_training import show, strata

DISCOVERY = ("p10", "p10_first", "precision", "recall", "f1", "n_flagged", "cpu")


def main() -> None:
    """Run what was asked for and print it; one thread, so that CPU seconds compare."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OMP_NUM_THREADS": "1"})  # noqa: S606
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=Path("../shared/bench/slices"))
    parser.add_argument("--part", choices=["all", "discovery", "noise", "training"], default="all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--noise-runs", type=int, default=100, help="searches of data with nothing to find")
    parser.add_argument("--first-run", type=int, default=0, help="number of the first search of noise")
    parser.add_argument(
        "--recipes", default="plain,balanced,slice-heads", help="names of sidelight's recipes"
    )
    parser.add_argument("--snorkel", action="store_true", help="train Snorkel's slice heads too")
    parser.add_argument(
        "--epochs-scale", type=float, default=1.0, help="1 is the short budget, 3 the long one"
    )
    parser.add_argument(
        "--quick", action="store_true", help="two seeds, few epochs, thirty searches of noise"
    )
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    parser.set_defaults(problems=None, runs=None)
    options = parser.parse_args()
    if not (options.bench / "slicebench").is_dir():
        parser.error(f"{options.bench} holds no slicebench; give the yardstick's folder with --bench")
    sys.path[:0] = [str(options.bench.resolve()), str(Path(__file__).resolve().parent)]
    warnings.filterwarnings("ignore")
    if options.quick:
        options.seeds, options.noise_runs = min(options.seeds, 2), min(options.noise_runs, 30)
    figures: dict[str, Any] = {"seeds": options.seeds, "epochs_scale": options.epochs_scale}
    if options.part in ("all", "discovery"):
        figures["discovery"] = _discovery(options)
    if options.part in ("all", "noise"):
        figures["noise"] = _noise(options)
    if options.part in ("all", "training"):
        figures["training"] = strata(options)
    if not options.json:
        _print(figures, options)
    print(json.dumps(figures))


def _discovery(options: argparse.Namespace) -> dict[str, Any]:
    """Return each contender's figures; the peers' are read from the yardstick's results, same problems and seeds."""
    import run as yardstick
    from slicebench import problems, score
    from slices_adapter import SidelightDiscovery

    rows = _peers(options.bench / "results/discovery.jsonl", options)
    for seed, name in _cases(options, problems.BUILDERS):
        problem = problems.BUILDERS[name](seed=seed, strength=0.9, sf_noise=0.2)
        view = yardstick.audit_view(problem, seed, False)
        truth = problem.audit.stratum == problem.target
        start = time.process_time()
        found = SidelightDiscovery().discover(view, seed)
        row = score.discovery(found, truth, view.err)
        rows.append(row | {"contender": "sidelight", "problem": name, "cpu": time.process_time() - start})
    return _summary(rows, DISCOVERY)


def _noise(options: argparse.Namespace) -> dict[str, Any]:
    """Return in how many searches of shuffled errors a slice was confirmed."""
    import run as yardstick
    from slicebench import problems
    from slices_adapter import SidelightDiscovery

    alarms: list[int] = []
    names = [name for name in problems.BUILDERS if name.endswith("/null")]
    views: dict[str, Any] = {}
    for shuffle in range(options.first_run, options.first_run + options.noise_runs):
        name = names[shuffle % len(names)]
        if name not in views:
            problem = problems.BUILDERS[name](seed=options.first_seed, strength=0.9, sf_noise=0.2)
            views[name] = yardstick.audit_view(problem, options.first_seed, False)
        view = views[name]
        random = np.random.default_rng(1000 + shuffle)
        proba = view.proba.copy()
        for label in np.unique(view.y):
            rows = np.flatnonzero(view.y == label)
            proba[rows] = proba[random.permutation(rows)]
        shuffled = type(view)(view.X, view.emb, view.y, proba, view.meta)
        if any(SidelightDiscovery().discover(shuffled, shuffle).flagged):
            alarms.append(shuffle)
        print(f"noise {shuffle} {name}: {len(alarms)} with a confirmed slice", file=sys.stderr, flush=True)
    return {"runs": options.noise_runs, "runs_with_a_confirmed_slice": len(alarms), "which": alarms}


def _cases(options: argparse.Namespace, builders: Any) -> list[tuple[int, str]]:
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    return [(seed, name) for seed in seeds for name in builders if not name.endswith("/null")]


def _peers(path: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the peers' rows of the seeds that are run."""
    if not path.exists():
        print(f"absent: {path.name}, the peers' results", file=sys.stderr)
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    return [
        row for row in rows if row["seed"] in seeds and not row["problem"].endswith("/null") and "f1" in row
    ]


def _summary(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> dict[str, Any]:
    """Return medians over seeds by problem, and their mean over problems."""
    summary: dict[str, Any] = {}
    for contender in dict.fromkeys(row["contender"] for row in rows):
        mine = [row for row in rows if row["contender"] == contender]
        by_problem = {
            problem: {
                column: round(float(np.median([row[column] for row in mine if row["problem"] == problem])), 3)
                for column in columns
            }
            for problem in dict.fromkeys(row["problem"] for row in mine)
        }
        mean = {
            column: round(float(np.mean([values[column] for values in by_problem.values()])), 3)
            for column in columns
        }
        summary[contender] = {"mean": mean, "problems": by_problem}
    return summary


def _print(figures: dict[str, Any], options: argparse.Namespace) -> None:
    if "discovery" in figures:
        print(f"\ndiscovery, mean over problems of medians over {figures['seeds']} seeds")
        print(f"{'':<34}" + "".join(f"{column:>13}" for column in DISCOVERY))
        ranked = sorted(figures["discovery"].items(), key=lambda item: -item[1]["mean"]["f1"])
        for contender, values in ranked:
            print(f"{contender:<34}" + "".join(f"{values['mean'][column]:>13.2f}" for column in DISCOVERY))
    if "training" in figures:
        show(figures["training"], options)
    if "noise" in figures:
        noise = figures["noise"]
        print(
            f"\nnoise: a slice confirmed in {noise['runs_with_a_confirmed_slice']} of {noise['runs']} searches\n"
        )


if __name__ == "__main__":
    main()
