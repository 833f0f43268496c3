"""sidelight's label model beside its peers on every vote set: one run, one table, one line of JSON.

    python benchmarks/label_models.py --data DIR --peers VENVS --quick --json

Each contender runs in a process of its own, with one thread, through the adapters of the yardstick; a peer runs in
the environment VENVS/NAME. Peers whose environment is absent are named and left out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import label_model_sets as sets
import numpy as np

OURS = "label_models_adapter:Sidelight"
LINES = {
    "majority vote": "adapters.reference:MajorityVote",
    "every vote right 70 %": "adapters.reference:FixedAccuracy",
}
BALANCES = ("none", "gold")
PEERS = {
    "snorkel": "snorkel", "snorkel_500": "snorkel", "flyingsquid": "flyingsquid", "metal": "metal",
    "crowdkit_ds": "crowdkit", "crowdkit_glad": "crowdkit", "crowdkit_mace": "crowdkit", "skweak_nb": "skweak",
    "cleanlab": "cleanlab",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--yardstick", type=Path, default=Path("../shared/bench/peers"))
    parser.add_argument("--peers", type=Path, help="folder of the peers' virtual environments")
    parser.add_argument("--votes", type=Path, help="folder in which the vote sets are kept between runs")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a contender may take for one set")
    parser.add_argument(
        "--results", type=Path, help="file of figures: peers that stand in it already are not run again"
    )
    parser.add_argument("--without", default="", help="peers to leave out, by name, separated by commas")
    parser.add_argument("--sets", default="", help="vote sets to use alone, by name, separated by commas")
    parser.add_argument("--quick", action="store_true", help="leave out sets of more than 5,000 records")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        paths = sets.make_sets(options.data, options.yardstick, options.votes or Path(scratch) / "votes")
        if options.quick:
            paths = [path for path in paths if len(sets.load(path)[0]) <= 5000]
        if options.sets:
            paths = [path for path in paths if path.stem in options.sets.split(",")]
        out = options.results or Path(scratch) / "results.jsonl"
        present = {
            name: str(options.peers / venv / "bin/python")
            for name, venv in PEERS.items()
            if options.peers
            and (options.peers / venv / "bin/python").exists()
            and name not in options.without.split(",")
        }
        for name in sorted(set(PEERS) - set(present) - set(options.without.split(","))):
            print(f"absent: {name}; put its environment into --peers DIR/{PEERS[name]}", file=sys.stderr)
        call(options, [path.resolve() for path in paths], out, present)
        found = read(out, {path.stem for path in paths})
    report = table(found, show=not options.json)
    print(json.dumps(report, default=float))


def call(options: argparse.Namespace, inputs: list[Path], out: Path, present: dict[str, str]) -> None:
    """Let every contender label every set, but for peers' figures that an earlier run left in `out`."""
    ours = (OURS, *LINES.values())
    kept = [entry for entry in figures(out) if entry["contender"] not in ours]
    out.write_text("".join(json.dumps(entry) + "\n" for entry in kept))
    for name, python in {**dict.fromkeys(ours, sys.executable), **present}.items():
        known = [entry["dataset"] for entry in kept if entry["contender"] == name]
        remaining = [path for path in inputs if known.count(path.name) < len(BALANCES)]
        while remaining:
            done = label(options, name, python, remaining, out)
            for path in remaining[done : done + 1]:
                print(f"{name} did not finish {path.stem}", file=sys.stderr)
                entry = {"contender": name, "dataset": path.name, "failed": f"within {options.timeout:g} s"}
                with out.open("a") as file:
                    file.writelines([json.dumps(entry) + "\n"] * len(BALANCES))
            remaining = remaining[done + 1 :]


def label(options: argparse.Namespace, name: str, python: str, paths: list[Path], out: Path) -> int:
    """Run one contender over sets until one takes too long or ends it; return how many it finished."""
    here = Path(__file__).resolve().parent
    search = [str(here), str(options.yardstick.resolve()), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search), "TQDM_DISABLE": "1"}
    environment.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    command = [python, str((options.yardstick / "worker.py").resolve()), "real", name, *map(str, paths)]
    found: dict[str, int] = {}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        line = "begun"
        while line:
            timer = threading.Timer(options.timeout, process.kill)
            timer.start()
            line = process.stdout.readline() if process.stdout else ""
            timer.cancel()
            if line.startswith("@@"):
                stem = Path(json.loads(line[2:])["dataset"]).stem
                found[stem] = found.get(stem, 0) + 1
                with out.open("a") as file:
                    file.write(line[2:])
    return sum(found.get(path.stem, 0) == len(BALANCES) for path in paths)


def figures(path: Path) -> list[dict[str, Any]]:
    """Return every entry of a file of results."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def read(path: Path, chosen: set[str]) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return scores by contender, balance and set, of the chosen sets."""
    names = {OURS: "sidelight", **{module: name for name, module in LINES.items()}}
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for entry in figures(path):
        if "cov_accuracy" not in entry or Path(entry["dataset"]).stem not in chosen:
            continue
        name = names.get(entry["contender"], entry["contender"])
        scores = {key: entry[f"cov_{key}"] for key in ("accuracy", "macro_f1", "auroc", "log_loss")}
        found.setdefault(name, {}).setdefault(entry["balance"], {})[Path(entry["dataset"]).stem] = {
            **scores,
            "cpu": entry["cpu"],
        }
    return found


def table(found: dict[str, Any], *, show: bool) -> dict[str, Any]:
    """Print means over all sets that a contender managed, and return every figure."""
    report: dict[str, Any] = {"sets": sorted(found["sidelight"]["none"]), "contenders": found}
    for balance, title in (("none", "class balance unknown"), ("gold", "class balance given")):
        if show:
            print(
                f"\n{title}: accuracy, macro-F1, AUROC, log loss, CPU s (means over sets; n; worst against majority)"
            )
        ranked = sorted(
            found, key=lambda name: -np.mean([s["accuracy"] for s in found[name].get(balance, {}).values()])
        )
        for name in ranked:
            scores = found[name].get(balance, {})
            if not scores:
                continue
            majority = found["majority vote"][balance]
            loss, where = min((scores[s]["accuracy"] - majority[s]["accuracy"], s) for s in scores)
            ours = sets.means(found["sidelight"][balance], list(scores))
            beside = f"; sidelight there {ours['accuracy']:.3f}" if len(scores) < len(majority) else ""
            if show:
                extra = f"n={len(scores)}; {loss:+.3f} {where}{beside}"
                print(sets.row(name, sets.means(scores, list(scores)), extra))
    return report


if __name__ == "__main__":
    main()
