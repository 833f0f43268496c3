"""Whether an audit's numbers can be trusted: intervals that cover, false alarms that stay rare, and what it costs.

    python benchmarks/slice_audit.py
    python benchmarks/slice_audit.py --part speed

Patients are simulated with one to eight records each that resemble one another, in labels and in scores; the truth of
a metric in a slice is that metric over two million records of the same law.
"""

import argparse
import json
import resource
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.slicing import audit, discover

METRICS = ("auroc", "accuracy", "sensitivity", "specificity", "brier")
SLICES = {"half": 0.5, "fifth": 0.2, "tenth": 0.1, "hard tenth": 0.1, "records": 0.15}
"""How large each slice is; the first four hold whole patients, the last cuts through them, the fourth is harder."""


def main() -> None:
    """Run what was asked for, print it, and end with a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["all", "coverage", "alarms", "search", "speed"], default="all")
    parser.add_argument(
        "--audits", type=int, default=200, help="simulated audits for coverage and alarms each"
    )
    parser.add_argument("--searches", type=int, default=100, help="simulated searches of each kind")
    parser.add_argument("--patients", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    if options.part in ("all", "coverage"):
        figures["coverage"] = {
            kind: coverage(options.audits, options.patients, options.seed, kind)
            for kind in ("auto", "bootstrap")
        }
        for kind, found in figures["coverage"].items():
            told = ", ".join(f"{name} {value:.3f}" for name, value in found["by"].items())
            print(f"coverage of 95 % intervals ({kind}): {found['covered']:.3f} of {found['n']} ({told})")
    if options.part in ("all", "alarms"):
        figures["alarms"] = alarms(options.audits, options.patients, options.seed)
        print("false alarms: " + json.dumps(figures["alarms"]))
    if options.part in ("all", "search"):
        figures["search"] = search(options.searches, options.seed)
        print("search, patients with several records: " + json.dumps(figures["search"]))
    if options.part in ("all", "speed"):
        figures["speed"] = speed(options.seed)
        print("100,000 predictions, 200 slices, 1,000 draws: " + json.dumps(figures["speed"]))
    print(json.dumps(figures))


def simulate(
    n_patients: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64], dict[str, NDArray[np.bool_]], NDArray[np.intp]]:
    """Return gold, probabilities, slices and patients."""
    patients = np.repeat(np.arange(n_patients), random.integers(1, 9, n_patients))
    n = len(patients)
    slices = {name: (random.random(n_patients) < share)[patients] for name, share in SLICES.items()}
    slices["records"] = random.random(n) < SLICES["records"]
    disease = random.beta(1.2, 2.0, n_patients)[patients]
    y = (random.random(n) < disease).astype(np.int64)
    clear = np.where(slices["hard tenth"], 0.8, 2.0)
    own = random.normal(0, 0.7, n_patients)[patients]
    logit = clear * (y - 0.5) * 1.6 + own + random.normal(0, 1, n)
    return y, 1 / (1 + np.exp(-logit)), slices, patients


def coverage(n_audits: int, n_patients: int, seed: int, kind: str) -> dict[str, Any]:
    """Return the share of intervals that hold the truth, of values and of gaps."""
    random = np.random.default_rng([seed, 1])
    y, proba, slices, _ = simulate(444_000, random)
    truth = {}
    for name, inside in slices.items():
        for metric in METRICS:
            ours, rest = _value(metric, y[inside], proba[inside]), _value(metric, y[~inside], proba[~inside])
            truth[name, metric] = {"value": ours, "gap": ours - rest}
    held: dict[str, list[bool]] = {}
    for number in range(n_audits):
        y, proba, slices, patients = simulate(n_patients, np.random.default_rng([seed, 2, number]))
        found = audit(
            y,
            proba,
            slices,
            patients,
            metrics=METRICS,
            intervals=kind,
            n_draws=1000,
            seed=number,  # type: ignore[arg-type]
        )
        for row in found.rows:
            if not row.assessable:
                continue
            for what, interval in (("value", row.value), ("gap", row.gap)):
                right = interval.low <= truth[row.slice, row.metric][what] <= interval.high
                for key in ("all", what, row.metric, row.slice):
                    held.setdefault(key, []).append(right)
    every = held.pop("all")
    by = {name: round(float(np.mean(values)), 4) for name, values in held.items()}
    return {"n": len(every), "covered": round(float(np.mean(every)), 4), "by": by}


def _value(metric: str, y: NDArray[np.int64], proba: NDArray[np.float64]) -> float:
    called = proba >= 0.5
    if metric == "auroc":
        ranks = np.empty(len(y))
        ranks[np.argsort(proba, kind="stable")] = np.arange(1, len(y) + 1)
        n = int(y.sum())
        return float((ranks[y == 1].sum() - n * (n + 1) / 2) / (n * (len(y) - n)))
    return float(
        {
            "accuracy": lambda: (called == y).mean(),
            "sensitivity": lambda: called[y == 1].mean(),
            "specificity": lambda: (~called[y == 0]).mean(),
            "brier": lambda: ((proba - y) ** 2).mean(),
        }[metric]()
    )


def alarms(n_audits: int, n_patients: int, seed: int, n_slices: int = 40, n_worse: int = 5) -> dict[str, Any]:
    """Return what is called worse or better where nothing is, and the share of false finds where something is."""
    null, wrong, found = [], [], []
    for number in range(n_audits):
        random = np.random.default_rng([seed, 3, number])
        patients = np.repeat(np.arange(n_patients), random.integers(1, 9, n_patients))
        n = len(patients)
        members = random.random((n_patients, n_slices)) < random.uniform(0.08, 0.3, n_slices)
        y = (random.random(n) < random.beta(2, 2, n_patients)[patients]).astype(np.int64)
        own = random.normal(0, 0.7, n_patients)[patients]
        for n_real in (0, n_worse):
            hard = members[:, :n_real].any(axis=1)[patients] if n_real else np.zeros(n, dtype=bool)
            logit = np.where(hard, 0.5, 3.0) * (y - 0.5) + own + random.normal(0, 1, n)
            names = {f"s{column}": members[patients, column] for column in range(n_slices)}
            report = audit(y, 1 / (1 + np.exp(-logit)), names, patients, seed=number, n_draws=400)
            called = {
                row.slice for row in report.rows if row.verdict in ("worse", "slightly worse", "better")
            }
            tests = [
                (row.slice, row.verdict)
                for row in report.rows
                if row.verdict not in ("no evidence", "not assessable")
            ]
            if n_real:
                false = [name for name, _ in tests if int(name[1:]) >= n_real]
                wrong.append(len(false) / max(len(tests), 1))
                found.append(len({name for name in called if int(name[1:]) < n_real}) / n_real)
            else:
                null.append(bool(called))
    return {
        "audits": n_audits,
        "slices": n_slices,
        "any alarm where nothing is worse": round(float(np.mean(null)), 4),
        "false discovery rate, q 0.05": round(float(np.mean(wrong)), 4),
        "worse slices found": round(float(np.mean(found)), 4),
    }


def search(n_searches: int, seed: int, n_patients: int = 160) -> dict[str, Any]:
    """Return how often a search confirms a slice where patients alone differ, and finds a hard site where there is one.

    Patients have one to eight records, alike in embedding and metadata, and some patients are hard: a quarter of the
    errors' variance lies between patients, or two thirds where also all records of a patient have one class.
    """
    figures: dict[str, Any] = {"searches of each": n_searches}
    for name, clustering, excess in (
        ("confirmed where patients are a little alike", 0.25, 0.0),
        ("confirmed where patients are much alike", 0.67, 0.0),
        ("hard site found", 0.25, 0.35),
    ):
        found = []
        for number in range(n_searches):
            random = np.random.default_rng([seed, 4, number])
            patients = np.repeat(np.arange(n_patients), random.integers(1, 9, n_patients))
            n = len(patients)
            site, age = (
                random.integers(0, 5, n_patients)[patients],
                random.normal(60, 15, n_patients)[patients],
            )
            disease = (
                random.beta(1.2, 2.0, n_patients) if clustering < 0.5 else random.random(n_patients).round()
            )
            y = (random.random(n) < disease[patients]).astype(np.int64)
            concentration = 1 / clustering - 1
            hardness = random.beta(0.12 * concentration, 0.88 * concentration, n_patients)[patients]
            wrong = random.random(n) < np.where(site == 2, hardness + excess * (1 - hardness), hardness)
            right = np.where(wrong, random.uniform(0, 0.5, n), random.uniform(0.5, 1, n))
            own = random.normal(size=(n_patients, 6))[patients] + random.normal(0, 0.5, (n, 6))
            shown = discover(
                y,
                np.where(y == 1, right, 1 - right),
                embeddings=own,
                metadata={"site": site.astype(str), "age": age, "quality": random.normal(size=n)},
                patients=patients,
                seed=number,
            ).confirmed
            found.append(
                any(part.description.endswith("site is 2") for part in shown) if excess else bool(shown)
            )
        figures[name] = int(np.sum(found))
    return figures


def speed(seed: int, n_records: int = 100_000, n_slices: int = 200) -> dict[str, Any]:
    """Return seconds and memory of one large audit, by formulas and by resampling alone."""
    random = np.random.default_rng(seed)
    patients = random.integers(0, n_records // 2, n_records)
    y = random.integers(0, 2, n_records)
    proba = 1 / (1 + np.exp(-(y - 0.5) * 2 - random.normal(0, 1, n_records)))
    members = random.random((n_records, n_slices)) < random.uniform(0.005, 0.3, n_slices)
    figures: dict[str, Any] = {}
    for kind in ("auto", "bootstrap"):
        start, cpu = time.perf_counter(), time.process_time()
        audit(y, proba, members, patients, intervals=kind, n_draws=1000, seed=seed)  # type: ignore[arg-type]
        figures[kind] = {
            "wall s": round(time.perf_counter() - start, 1),
            "cpu s": round(time.process_time() - cpu, 1),
        }
    figures["peak GB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)
    return figures


if __name__ == "__main__":
    main()
