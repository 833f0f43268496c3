"""Monitoring: which planted changes raise which alarms, and how often chance alone raises one; on the bundled ECGs.

Run: ``OMP_NUM_THREADS=1 python benchmarks/monitoring.py [--repeats 10] [--halves 100]``
"""

import argparse
import csv
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.draft import init_sample
from sidelight.apps.project.drift import compare
from sidelight.apps.project.monitor import monitor
from sidelight.apps.project.profile import Profile

EXPECTED = {
    "nothing": set(),
    "new template": {"text", "words"},
    "changed device": {"signals"},
    "shifted prevalence": {"votes", "labels"},
    "shifted, 60 records": {"votes", "labels"},
    "shifted, 40 records": {"votes", "labels"},
    "shifted by less": {"votes", "labels"},
}
"""What must be among the alarms of each planted change."""


def main() -> None:
    """Print the table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="taken for uniformity; only the bundled sample is used")
    parser.add_argument(
        "--repeats", type=int, default=10, help="divisions of the patients for planted changes"
    )
    parser.add_argument("--halves", type=int, default=100, help="divisions without any change")
    given = parser.parse_args()
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "all"
        init_sample(home)
        shorten(home)
        false = false_alarms(home, given.halves)
        print(f"random halves of the same records: {false} of {given.halves} raise an alarm")
        found = {change: Counter() for change in EXPECTED}
        for repeat in range(given.repeats):
            for change, families in planted(home, Path(place) / f"half-{repeat}", repeat).items():
                found[change].update(families)
                found[change]["as expected"] += EXPECTED[change] <= families and (
                    change != "nothing" or not families
                )
    print(f"\nnew records of other patients, {given.repeats} divisions; alarms by family:")
    for change, counts in found.items():
        told = ", ".join(f"{name} {n}" for name, n in counts.most_common() if name != "as expected")
        print(f"  {change:<20} as expected {counts['as expected']:>2} | {told or 'none'}")
    seconds = time.process_time() - begin
    print(
        json.dumps(
            {
                "benchmark": "monitoring", "false alarms": false, "halves": given.halves, "repeats": given.repeats,
                "planted": {change: dict(counts) for change, counts in found.items()}, "cpu_seconds": round(seconds),
            }
        )
    )  # fmt: skip


def shorten(home: Path) -> None:
    """Train for two epochs: a network that says something is all that is needed."""
    text = (home / "sidelight.toml").read_text()
    (home / "sidelight.toml").write_text(text.replace("max_epochs = 8", "max_epochs = 2"))


def false_alarms(home: Path, n_halves: int) -> int:
    """Return how many random divisions of one run's patients raise an alarm."""
    project = load_project(home)
    run = run_project(project)
    if run is None:
        raise SystemExit("the run was not finished")
    profile = Profile.read(run.step("profile") / "profile.parquet")
    watched = project.config.monitors
    random = np.random.default_rng(0)
    patients = np.unique(profile.patients)
    alarms = 0
    for repeat in range(n_halves):
        first = np.isin(profile.patients, random.permutation(patients)[: len(patients) // 2])
        compared = compare(
            profile.take(first), profile.take(~first), family_error=watched.family_error, margin=watched.margin,
            least=watched.least, seed=repeat,
        )  # fmt: skip
        alarms += bool(compared.alarms)
    return alarms


def planted(whole: Path, home: Path, seed: int) -> dict[str, set[str]]:
    """Run the project on half of the patients, plant changes in the other half, and return each one's alarms."""
    init_sample(home)
    shorten(home)
    random = np.random.default_rng(seed)
    with (whole / "data/records.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    patients = sorted({row["patient_id"] for row in rows})
    reference = set(random.permutation(patients)[: len(patients) // 2])
    old = [row for row in rows if row["patient_id"] in reference]
    new = [row for row in rows if row["patient_id"] not in reference]
    write(home / "data/records.csv", old)
    run_project(home)
    signals = dict(np.load(whole / "data/signals.npz"))
    values = next(name for name in signals if signals[name].ndim == 3)
    louder = (signals[values].astype(np.float32) * 1.5).astype(signals[values].dtype)
    np.savez(home / "louder.npz", **{**signals, values: louder})
    np.savez(home / "same.npz", **signals)
    ill = [row for row in new if row["abnormal"] == "1"]
    well = [row for row in new if row["abnormal"] == "0"]
    kept = {row["ecg_id"] for row in random.permutation(np.array(well, dtype=object))[: len(well) // 5]}
    shifted = ill + [row for row in well if row["ecg_id"] in kept]
    order = random.permutation(len(shifted))
    less = {row["ecg_id"] for row in random.permutation(np.array(well, dtype=object))[: len(well) // 2]}
    exports = {
        "nothing": (new, "same.npz"),
        "new template": (
            [
                {**row, "report": f"EKG-Befund. Beurteilung: {row['report']} Elektronisch freigegeben."}
                for row in new
            ],
            "same.npz",
        ),
        "changed device": (new, "louder.npz"),
        "shifted prevalence": (shifted, "same.npz"),
        "shifted, 60 records": ([shifted[place] for place in order[:60]], "same.npz"),
        "shifted, 40 records": ([shifted[place] for place in order[:40]], "same.npz"),
        "shifted by less": (ill + [row for row in well if row["ecg_id"] in less], "same.npz"),
    }
    found = {}
    for change, (records, studies) in exports.items():
        write(home / "new.csv", records)
        result = monitor(load_project(home), home / "new.csv", studies={"ecg": home / studies})
        found[change] = set(result.by_family())
    return found


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
