"""How often an audit names what makes a slice fail, on problems with one known mechanism each.

    python benchmarks/mechanisms.py --bench DIR --first-seed 15 --seeds 10

DIR is the yardstick of `slices.py`. A plain network is trained on each problem; the audit is given the slice, the training
labels with gold, and attributes: the eight descriptors of each image, cut at their medians, and the marker where there is
one. Counted are seeds in which the audit calls the slice worse: how often the right mechanism is named, and how often
it alone. The thresholds were chosen on seeds 5 to 14.
"""

import argparse
import json
import os
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

RIGHT = {
    "digits/undersampled": "low prevalence",
    "digits/noise": "label noise",
    "digits/subtle": "subtle features",
    "digits/spurious": "spurious correlate",
    "radiograph/drain": "spurious correlate",
}


def main() -> None:
    """Run and print; one thread, so that nothing depends on how many there are."""
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OMP_NUM_THREADS": "1"})  # noqa: S606
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=Path("../shared/bench/slices"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="two seeds")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    if not (options.bench / "slicebench").is_dir():
        parser.error(f"{options.bench} holds no slicebench; give the yardstick's folder with --bench")
    sys.path.insert(0, str(options.bench.resolve()))
    warnings.filterwarnings("ignore")
    seeds = range(options.first_seed, options.first_seed + (2 if options.quick else options.seeds))
    figures: dict[str, Any] = {"seeds": [seeds.start, seeds.stop - 1]}
    for name, right in RIGHT.items():
        told = [_named(name, seed) for seed in seeds]
        worse = [names for verdict, names in told if verdict in ("worse", "slightly worse")]
        figures[name] = {
            "mechanism": right,
            "worse": len(worse),
            "named": sum(right in names for names in worse),
            "alone": sum(names == (right,) for names in worse),
            "told": Counter(" + ".join(names) or "none" for names in worse),
        }
    total = {key: sum(figures[name][key] for name in RIGHT) for key in ("worse", "named", "alone")}
    figures["total"] = total
    if not options.json:
        print(f"{'problem':<22}{'mechanism':<20}{'worse':>6}{'named':>7}{'alone':>7}")
        for name, right in RIGHT.items():
            row = figures[name]
            print(f"{name:<22}{right:<20}{row['worse']:>6}{row['named']:>7}{row['alone']:>7}")
        print(f"{'together':<42}{total['worse']:>6}{total['named']:>7}{total['alone']:>7}")
    print(json.dumps(figures, sort_keys=True))


def _named(name: str, seed: int) -> tuple[str, tuple[str, ...]]:
    """Return the audit's verdict on the slice, and the mechanisms it names."""
    from slicebench.base import outputs, train_plain
    from slicebench.problems import BUILDERS

    from sidelight.slicing import TrainingView, audit, explain_slice

    problem = BUILDERS[name](strength=0.9, seed=seed)
    network = train_plain(problem, seed)
    train, audited = problem.train, problem.audit
    proba = outputs(network, audited.X)[0]
    inside = audited.stratum == problem.target
    attributes = {
        f"high {column}": np.asarray(audited.meta[column]) > np.median(audited.meta[column])
        for column in audited.meta.columns
    }
    if name == "digits/spurious":
        attributes["marker"] = audited.X[:, 7] > 0.5
    elif name == "radiograph/drain":
        attributes["tube"] = np.isin(audited.stratum, (1, 3))
    training = TrainingView(
        labels=train.y,
        slices=train.stratum == problem.target,
        proba=outputs(network, train.X)[0],
        gold=train.y_clean,
    )
    found = explain_slice(inside, audited.y, proba, training, attributes=attributes)
    verdict = audit(audited.y, proba, {"slice": inside}, metrics=["accuracy"]).rows[0].verdict
    return verdict, tuple(part.name for part in found if part.fits)


if __name__ == "__main__":
    main()
