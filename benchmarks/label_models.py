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
from pathlib import Path
from typing import Any

import label_model_sets as sets
import numpy as np

OURS = "label_models_adapter:Sidelight"
LINES = {
    "majority vote": "adapters.reference:MajorityVote",
    "every vote right 70 %": "adapters.reference:FixedAccuracy",
}
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
    parser.add_argument(
        "--timeout", type=float, default=600, help="seconds after which a contender is stopped"
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
        chosen = Path(scratch) / "chosen"
        chosen.mkdir()
        for path in paths:
            (chosen / path.name).symlink_to(path.resolve())
        out = Path(scratch) / "results.jsonl"
        present = {
            name: venv
            for name, venv in PEERS.items()
            if options.peers
            and (options.peers / venv / "bin/python").exists()
            and name not in options.without.split(",")
        }
        for name in sorted(set(PEERS) - set(present) - set(options.without.split(","))):
            print(f"absent: {name}; put its environment into --peers DIR/{PEERS[name]}", file=sys.stderr)
        call(options, chosen, out, sorted(present))
        found = read(out)
    report = table(found, show=not options.json)
    print(json.dumps(report, default=float))


def call(options: argparse.Namespace, inputs: Path, out: Path, present: list[str]) -> None:
    """Let the yardstick run every contender."""
    here = Path(__file__).resolve().parent
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(here), str(options.yardstick.resolve()), environment.get("PYTHONPATH", "")]
    )
    own = [f"--contender={name}={sys.executable}" for name in (OURS, *LINES.values())]
    base = [
        sys.executable,
        str((options.yardstick / "run.py").resolve()),
        "real",
        f"--inputs={inputs}",
        f"--out={out}",
    ]
    base += [f"--venvs={(options.peers or inputs).resolve()}", f"--timeout={options.timeout}"]
    if not present:  # run.py insists on a registered name, so its worker is called directly
        for contender in (OURS, *LINES.values()):
            worker = [sys.executable, str((options.yardstick / "worker.py").resolve()), "real", contender]
            environment["OMP_NUM_THREADS"] = "1"
            done = subprocess.run(
                worker + [str(path) for path in sorted(inputs.glob("*.npz"))],
                capture_output=True, text=True, env=environment, check=False, timeout=options.timeout,
            )  # fmt: skip
            with out.open("a") as file:
                file.writelines(line[2:] + "\n" for line in done.stdout.splitlines() if line.startswith("@@"))
        return
    subprocess.run(
        [*base, "--only", ",".join(present), *own], env=environment, check=False, stdout=subprocess.DEVNULL
    )


def read(path: Path) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Return scores by contender, balance and set."""
    names = {OURS: "sidelight", **{module: name for name, module in LINES.items()}}
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "cov_accuracy" not in entry:
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
            if show:
                print(
                    sets.row(name, sets.means(scores, list(scores)), f"n={len(scores)}; {loss:+.3f} {where}")
                )
    return report


if __name__ == "__main__":
    main()
