"""Training for slices, beside its peers: hidden strata, a flipped region, what it costs, and patients' data.

    python benchmarks/slice_training.py --part strata --bench DIR --epochs-scale 1
    python benchmarks/slice_training.py --part strata --bench DIR --first-seed 40 --seeds 15 --means
    python benchmarks/slice_training.py --part flip
    python benchmarks/slice_training.py --part cost
    python benchmarks/slice_training.py --part clinical --data DIR

strata: the six problems of the yardstick in --bench, with slicing functions that are 20 % noise, each recipe against the
yardstick's plain training of the same seed. Snorkel's slice heads are run with `--snorkel` where Snorkel is installed, and
read from the yardstick's results otherwise. "plain, another seed" is the yardstick's own training a second time: what of a
change is chance. With `--means` the means over seeds too, with standard errors, and each stratum's paired 95 % interval. flip: arXiv 1909.06349's synthetic task. cost: weights that a slice adds, and CPU seconds of 20 slices.
clinical: `ptbxl_ecg` and `covid_cxr` of --data, folds by patient pooled, paired intervals of the gain in named slices.
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
from slice_training_means import means, show_means
from slice_training_parts import clinical, cost, flip

COLUMNS = ("lift", "cost", "cpu_ratio")
STORED = {1.0: "training.jsonl", 3.0: "training_epochs_x3.jsonl"}


def main() -> None:
    """Run what was asked for and print it; one thread, so that CPU seconds compare."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OMP_NUM_THREADS": "1"})  # noqa: S606
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=["all", "strata", "flip", "cost", "clinical"], default="all")
    parser.add_argument("--bench", type=Path, default=Path("../shared/bench/slices"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--recipes", default="plain,balanced,slice-heads", help="names of sidelight's recipes"
    )
    parser.add_argument(
        "--epochs-scale", type=float, default=1.0, help="1 is the short budget, 3 the long one"
    )
    parser.add_argument("--snorkel", action="store_true", help="run Snorkel's slice heads too")
    parser.add_argument("--means", action="store_true", help="means and intervals beside the medians")
    parser.add_argument("--problems", help="some of the yardstick's problems, by name")
    parser.add_argument(
        "--runs", type=Path, help="file of finished trainings of the strata: kept, and not run again"
    )
    parser.add_argument("--save", type=Path, help="file for the JSON")
    parser.add_argument("--quick", action="store_true", help="one seed, few epochs: shows that it runs")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.quick:
        options.seeds = 1
    wanted = ["strata", "flip", "cost", "clinical"] if options.part == "all" else [options.part]
    figures: dict[str, Any] = {"seeds": options.seeds}
    for part in wanted:
        figures[part] = {"strata": strata, "flip": flip, "cost": cost, "clinical": clinical}[part](options)
        if part == "strata" and "absent" not in figures[part]:
            show(figures[part], options)
        if options.save:
            options.save.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    print(json.dumps(figures))


def strata(options: argparse.Namespace) -> dict[str, Any]:
    """Return each contender's paired change against plain training: medians over seeds, then means over problems."""
    if not (options.bench / "slicebench").is_dir():
        print(f"absent: {options.bench} holds no slicebench", file=sys.stderr)
        return {"absent": "slicebench"}
    sys.path[:0] = [str(options.bench.resolve())]
    from slicebench import base, problems, score
    from slicebench import training as peers
    from slices_adapter import recipe_contender

    scale = 0.1 if options.quick else options.epochs_scale
    budgets = {kind: dict(settings) for kind, settings in base.BUDGET.items()}
    for settings in base.BUDGET.values():
        settings["epochs"] = max(1, round(settings["epochs"] * scale))
    contenders: dict[str, Any] = {
        "plain training": lambda problem, seed: peers.ERM().fit(problem, seed),
        "plain, another seed": lambda problem, seed: peers.ERM().fit(problem, seed + 100),
        "group DRO of the yardstick": lambda problem, seed: peers.GroupDRO().fit(problem, seed),
    }
    if options.snorkel:
        contenders["Snorkel's slice heads"] = lambda problem, seed: peers.SnorkelSliceAware().fit(
            problem, seed
        )
    for recipe in options.recipes.split(","):
        contenders[f"sidelight {recipe}"] = recipe_contender(recipe).fit
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    strata_names: dict[str, list[str]] = {}
    names = [name for name in problems.BUILDERS if not name.endswith("/null")]
    if options.problems:
        names = options.problems.split(",")
    kept = _read(options.runs)
    for name in names:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            problem = problems.BUILDERS[name](seed=seed, strength=0.9, sf_noise=0.2)
            strata_names[name] = problem.strata
            for contender, fit in contenders.items():
                key = f"{contender}|{name}|{seed}|{scale:g}"
                if key not in kept:
                    base.seed_all(seed)
                    start = time.process_time()
                    fitted = fit(problem, seed)
                    cpu = time.process_time() - start
                    proba = fitted.predict_proba(problem.test.X)
                    found = score.training(proba, problem)
                    kept[key] = {
                        "target": found["target"], "overall": found["overall"], "cpu": cpu,
                        "strata": _by_stratum(proba, problem),
                    }  # fmt: skip
                    if options.runs:
                        with options.runs.open("a", encoding="utf-8") as stream:
                            stream.write(json.dumps([key, kept[key]]) + "\n")
                runs.setdefault((contender, name), []).append(kept[key])
    base.BUDGET.update(budgets)
    summary = {
        contender: _summary({name: (runs[contender, name], runs["plain training", name]) for name in names})
        for contender in contenders
    }
    if options.means:
        summary["means"] = means(runs, strata_names)
        show_means(summary["means"], options.seeds)
    if not options.snorkel:
        stored = _stored(options.bench / "results" / STORED.get(scale, "none"), options, names)
        summary |= {"Snorkel's slice heads (stored)": stored} if stored else {}
    return summary


def show(summary: dict[str, Any], options: argparse.Namespace) -> None:
    """Print the strata's table, the greatest lift first."""
    scale = 0.1 if options.quick else options.epochs_scale
    print(
        f"\nstrata: {options.seeds} seeds, {scale:g} times the budget; points against the yardstick's plain training"
    )
    print(f"{'':<34}{'lift':>8}{'overall':>9}{'worst stratum':>15}{'CPU':>7}")
    medians = {contender: values for contender, values in summary.items() if contender != "means"}
    for contender, values in sorted(medians.items(), key=lambda item: -item[1]["mean"]["lift"]):
        mean = values["mean"]
        worst = "-" if mean["worst_stratum"] is None else f"{mean['worst_stratum']:+.1f}"
        print(
            f"{contender:<34}{mean['lift']:>+8.1f}{mean['cost']:>+9.2f}{worst:>15}{mean['cpu_ratio']:>7.1f}"
        )


def _read(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return the trainings that an earlier run finished."""
    if path is None or not path.exists():
        return {}
    return dict(map(json.loads, path.read_text(encoding="utf-8").splitlines()))


def _by_stratum(proba: np.ndarray, problem: Any) -> list[float]:
    """Return the accuracy in each stratum, NaN in those with fewer than 20 test rows."""
    right = proba.argmax(axis=1) == problem.test.y
    inside = [problem.test.stratum == code for code in range(len(problem.strata))]
    return [float(right[rows].mean()) if rows.sum() >= 20 else float("nan") for rows in inside]


def _summary(runs: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]) -> dict[str, Any]:
    """Return medians of paired changes by problem; of the strata, the one whose median fell most."""
    found: dict[str, dict[str, Any]] = {}
    for problem, (mine, plain) in runs.items():
        pairs = list(zip(mine, plain, strict=True))
        change = 100 * np.array([np.subtract(one["strata"], other["strata"]) for one, other in pairs])
        found[problem] = {
            "lift": 100 * float(np.median([one["target"] - other["target"] for one, other in pairs])),
            "cost": 100 * float(np.median([one["overall"] - other["overall"] for one, other in pairs])),
            "worst_stratum": float(np.nanmin(np.nanmedian(change, axis=0))) if change.size else None,
            "cpu_ratio": float(np.median([one["cpu"] / other["cpu"] for one, other in pairs])),
        }
    mean: dict[str, Any] = {
        column: float(np.mean([values[column] for values in found.values()])) for column in COLUMNS
    }
    known = [values["worst_stratum"] for values in found.values() if values["worst_stratum"] is not None]
    return {"mean": mean | {"worst_stratum": min(known, default=None)}, "problems": found}


def _stored(path: Path, options: argparse.Namespace, names: list[str]) -> dict[str, Any] | None:
    """Return Snorkel's figures from the yardstick's results, which hold no strata but the hidden one."""
    if not path.exists():
        return None
    kept: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in map(json.loads, path.read_text().splitlines()):
        if row["seed"] in range(options.first_seed, options.first_seed + options.seeds) and "target" in row:
            kept.setdefault((row["contender"], row["problem"]), []).append(row | {"strata": []})
    both = [name for name in names if ("snorkel-sliceaware", name) in kept and ("erm", name) in kept]
    runs = {}
    for name in both:
        plain = {row["seed"]: row for row in kept["erm", name]}
        mine = {row["seed"]: row for row in kept["snorkel-sliceaware", name]}
        seeds = sorted(plain.keys() & mine.keys())
        runs[name] = ([mine[seed] for seed in seeds], [plain[seed] for seed in seeds])
    return _summary(runs) if len(runs) == len(names) else None


if __name__ == "__main__":
    main()
