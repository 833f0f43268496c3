"""How well the search finds strata whose truth is known, on problems beside those of the yardstick of `slices.py`.

    python benchmarks/slice_problems.py --seeds 3

Seventeen problems: subclasses that are rare, mislabeled or subtle; signals with a device's trait, hum or a
cue that follows the label; tables whose slice is two columns' intersection; reports with a telling term; digits in three
classes; films with a border or a marker. A small network learns each; the search sees its features and the metadata,
with `--inputs` the inputs too. Figures are those of the yardstick of `slices.py`: best precision at 10 of five slices,
the same of the slice ranked first, and F1 of the best.
"""

import argparse
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sidelight.slicing import Discovery, discover

PHRASES = (
    "no acute disease", "heart size normal", "lungs are clear", "mild scoliosis", "degenerative change", "no effusion",
    "prior study", "stable", "comparison made", "clinical correlation", "interval change", "unremarkable mediastinum",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Problem:
    """Records with the stratum that the model fails on.

    Parameters
    ----------
    inputs : ndarray of shape (n_records, n_features)
    y, labels : ndarray of int of shape (n_records,)
        The truth, and what the model is taught.
    stratum : ndarray of bool of shape (n_records,) or (n_records, n_strata)
        Who is to be found.
    kept : ndarray of bool of shape (n_records,)
        Who may be trained on.
    metadata : mapping of column to ndarray of shape (n_records,)
    text : list of str, optional
    patients : ndarray of int of shape (n_records,), optional
    """

    inputs: NDArray[Any]
    y: NDArray[Any]
    labels: NDArray[Any]
    stratum: NDArray[Any]
    kept: NDArray[Any]
    metadata: dict[str, NDArray[Any]]
    text: list[str] | None = None
    patients: NDArray[Any] | None = None


def main() -> None:
    """Search every problem, print each, and end with a line of JSON."""
    options = arguments(__doc__.splitlines()[0])
    table_of(problems(options.data), options)


def arguments(description: str) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--inputs", action="store_true", help="show the search the inputs beside the features"
    )
    return parser.parse_args()


def table_of(builders: Mapping[str, Callable[[int], Problem]], options: argparse.Namespace) -> None:
    """Search every problem with every seed and print what was found."""
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    figures: dict[str, list[float]] = {}
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for name, build in builders.items():
        try:
            rows = [searched(build(seed), seed, inputs=options.inputs) for seed in seeds]
        except FileNotFoundError:
            print(f"absent: {name}")
            continue
        figures[name] = np.median(rows, axis=0).round(3).tolist()
        told = "  ".join("/".join(f"{value:.1f}" for value in row) for row in rows)
        print(f"{name:<18} precision at 10, first, F1: {told}", flush=True)
    mean = np.mean(list(figures.values()), axis=0).round(3).tolist()
    print(f"mean of medians over {options.seeds} seeds: {mean}")
    print(json.dumps({"mean": mean, "problems": figures}))


def problems(data: Path) -> dict[str, Callable[[int], Problem]]:
    """Return every problem as a function of its seed."""
    makers: dict[str, tuple[Callable[..., Problem], tuple[str, ...]]] = {
        "blobs": (blobs, ("rare", "noise", "subtle")),
        "signals": (signals, ("device", "hum", "cue", "rare", "subtle")),
        "table": (table, ("age and site", "sex and ward", "ward, sick")),
        "notes": (notes, ("term", "term, sick")),
        "films": (films, ("border", "marker")),
    }
    found: dict[str, Callable[[int], Problem]] = {
        f"{name} {kind}": partial(make, kind) for name, (make, kinds) in makers.items() for kind in kinds
    }
    found["blobs three"] = lambda seed: blobs("rare", seed + 50, n_classes=3, n_within=4)
    found["digits three"] = lambda seed: digits(data, seed)
    return found


def searched(problem: Problem, seed: int, *, inputs: bool) -> tuple[float, float, float]:
    """Train, search the other half, and score the five slices against the truth."""
    given, truth = shown(problem, seed, inputs=inputs)
    return scored(discover(**given, seed=seed), truth)


def shown(problem: Problem, seed: int, *, inputs: bool) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """Train on one half of the patients; return what the search is given of the other, and its strata."""
    people = np.arange(len(problem.y)) if problem.patients is None else problem.patients
    train = (np.random.default_rng([70, seed]).random(int(people.max()) + 1) < 0.5)[people]
    learned, held = np.flatnonzero(train & problem.kept), np.flatnonzero(~train)
    centre, spread = problem.inputs[learned].mean(axis=0), problem.inputs[learned].std(axis=0) + 1e-6
    scaled = (problem.inputs - centre) / spread
    model = MLPClassifier((24,), max_iter=50, alpha=1e-3, random_state=seed)
    model.fit(scaled[learned], problem.labels[learned])
    features = np.maximum(scaled[held] @ model.coefs_[0] + model.intercepts_[0], 0)
    given = {
        "y": problem.y[held],
        "proba": model.predict_proba(scaled[held]),
        "embeddings": {"model": features, **({"input": problem.inputs[held]} if inputs else {})},
        "metadata": {name: column[held] for name, column in problem.metadata.items()},
        "text": None if problem.text is None else [problem.text[row] for row in held],
        "patients": people[held],
    }
    return given, problem.stratum[held].reshape(len(held), -1)


def scored(found: Discovery, strata: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return precision at 10 of the best slice, the same of the first, and F1 of the best: means over the strata.

    The first slice can show one stratum only: of several, the one it shows best counts.
    """
    best, first, overlaps = [], [0.0], []
    for truth in strata.T:
        tops = [float(truth[np.argsort(-part.scores, kind="stable")[:10]].mean()) for part in found.slices]
        overlap = [
            2 * float((part.members & truth).sum()) / max(float(part.members.sum() + truth.sum()), 1.0)
            for part in found.slices
        ]
        best.append(max(tops, default=0.0))
        first.append(tops[0] if tops else 0.0)
        overlaps.append(max(overlap, default=0.0))
    return float(np.mean(best)), max(first), float(np.mean(overlaps))


def blobs(kind: str, seed: int, n_classes: int = 2, n_within: int = 5, n: int = 3000) -> Problem:
    """Clusters within classes, of which one is rare in training, mislabeled there, or near another class."""
    random = np.random.default_rng([71, seed])
    centres = random.normal(0, 1.6, (n_classes * n_within, 16))
    cluster = random.integers(0, n_classes * n_within, n)
    y, target = cluster // n_within, int(random.integers(0, n_classes * n_within))
    stratum = cluster == target
    if kind == "subtle":
        others = centres[np.arange(len(centres)) // n_within != target // n_within]
        nearest = others[np.argmin(((others - centres[target]) ** 2).sum(axis=1))]
        centres[target] = 0.45 * centres[target] + 0.55 * nearest
    labels, kept = y.copy(), np.ones(n, dtype=bool)
    if kind == "rare":
        kept = ~stratum | (random.random(n) < 0.05)
    if kind == "noise":
        flipped = stratum & (random.random(n) < 0.45)
        labels[flipped] = (labels[flipped] + 1) % n_classes
    about = {
        "site": random.choice(["a", "b", "c"], n), "age": random.normal(55, 15, n).round(),
        "sex": random.integers(0, 2, n),
    }  # fmt: skip
    return Problem(centres[cluster] + random.normal(0, 1, (n, 16)), y, labels, stratum, kept, about)


def signals(kind: str, seed: int, n: int = 2400, length: int = 96) -> Problem:
    """Waveforms with three morphologies of the disease; a device, hum, a cue, or one morphology makes the slice."""
    random, t = np.random.default_rng([72, seed]), np.arange(length) / length
    y, shape = (random.random(n) < 0.4).astype(int), random.integers(0, 3, n)
    device = random.choice(["alpha", "beta", "gamma"], n, p=[0.6, 0.3, 0.1])
    waves = 0.12 * random.normal(size=(n, length))
    for row in range(n):
        at = 0.3 + 0.1 * random.normal()
        waves[row] += _bump(t, at, 0.02) + 0.4 * _bump(t, at + 0.25, 0.06)
        waves[row] += 0.1 * np.sin(2 * np.pi * (t * random.uniform(0.5, 2) + random.random()))
        if y[row]:
            depth = 0.22 if kind == "subtle" else 0.5
            parts = ((-0.5, 0.12, 0.05), (0.45, 0.4, 0.04), (-depth, 0.3, 0.05))
            size, after, width = parts[shape[row]]
            waves[row] += size * _bump(t, at + after, width)
    kept, about = np.ones(n, dtype=bool), {"device": device, "age": random.uniform(20, 90, n)}
    stratum = (y == 1) & (shape == 2)
    if kind == "device":
        stratum = device == "gamma"
        waves[stratum] = waves[stratum] * 0.55 + 0.5 * np.sin(2 * np.pi * 20 * t)
        kept = ~stratum | (random.random(n) < 0.3)
    elif kind == "hum":
        stratum = random.random(n) < 0.1
        phase = random.random((int(stratum.sum()), 1))
        waves[stratum] += 0.5 * np.sin(2 * np.pi * (20 * t[None] + phase))
        kept = ~stratum | (random.random(n) < 0.1)
    elif kind == "cue":
        cue = np.where(random.random(n) < 0.92, y, 1 - y) == 1
        waves[cue, 5] += 2.0
        stratum = (y == 1) & ~cue
    elif kind == "rare":
        kept = ~stratum | (random.random(n) < 0.07)
    if kind != "device":
        about |= {"std": waves.std(axis=1), "max": waves.max(axis=1)}
    return Problem(waves, y, y, stratum, kept, about)


def table(kind: str, seed: int, n: int = 3000) -> Problem:
    """Numbers of which the telling ones are wrong for some records of an intersection of two columns."""
    random = np.random.default_rng([73, seed])
    values = random.normal(0, 1, (n, 8))
    about = {
        "site": random.choice(list("ABCDE"), n), "age": random.uniform(18, 95, n), "sex": random.choice(["f", "m"], n),
        "ward": random.choice(["icu", "er", "gp", "out"], n), "bmi": random.normal(27, 4, n),
    }  # fmt: skip
    noise = 0.3 * random.normal(size=n)
    y = (values[:, 0] + 0.6 * values[:, 1] - 0.4 * values[:, 2] * values[:, 3] + noise > 0).astype(int)
    ward = random.choice(["icu", "er", "gp", "out"])
    stratum = {
        "age and site": (about["site"] == random.choice(list("ABCDE"))) & (about["age"] > 60),
        "sex and ward": (about["sex"] == "f") & (about["ward"] == ward),
        "ward, sick": (about["ward"] == ward) & (y == 1),
    }[kind]
    values[stratum & (random.random(n) < 0.4), :2] *= -1
    return Problem(values, y, y, stratum, np.ones(n, dtype=bool), about)


def notes(kind: str, seed: int, n: int = 2400) -> Problem:
    """Features that fade in records whose report holds a term."""
    random = np.random.default_rng([74, seed])
    y = (random.random(n) < 0.4).astype(int)
    held = random.random(n) < (0.12 if kind == "term" else 0.25)
    centres = random.normal(0, 1, (2, 12))
    values = centres[y] * 1.1 + random.normal(0, 1, (n, 12))
    stratum = held.copy() if kind == "term" else held & (y == 1)
    faded = centres[1 - y[stratum]] * 0.5 + random.normal(0, 0.6, (int(stratum.sum()), 12))
    values[stratum] = values[stratum] * 0.3 + faded
    told = "portable film" if kind == "term" else "drain in place"
    text = []
    for row in range(n):
        words = [*random.choice(PHRASES, 4, replace=False), *([told] if held[row] else [])]
        words += ["opacity seen"] if y[row] and random.random() < 0.7 else []
        text.append(". ".join(random.permutation(words)))
    about = {"age": random.normal(60, 14, n).round(), "sex": random.choice(["f", "m"], n)}
    return Problem(values, y, y, stratum, ~stratum | (random.random(n) < 0.4), about, text)


def films(kind: str, seed: int, n: int = 2000, side: int = 20) -> Problem:
    """Pictures with a spot: a bright border that training hardly saw, or a marker that follows the label."""
    random = np.random.default_rng([76, seed])
    down, across = np.mgrid[0:side, 0:side]
    y = (random.random(n) < 0.45).astype(int)
    pictures = 0.1 * random.normal(size=(n, side, side))
    for row in range(n):
        x, z = random.uniform(5, side - 5, 2)
        height, width = (0.55, 8) if y[row] else (0.38, 22)
        pictures[row] += 0.5 + 0.2 * np.sin(down / 3 + random.uniform(0, 6))
        pictures[row] += height * np.exp(-((across - x) ** 2 + (down - z) ** 2) / width)
    kept = np.ones(n, dtype=bool)
    if kind == "border":
        stratum = random.random(n) < 0.12
        pictures[stratum, :3] = pictures[stratum, -3:] = 1.4
        kept = ~stratum | (random.random(n) < 0.1)
    else:
        marked = np.where(random.random(n) < 0.9, y, 1 - y) == 1
        pictures[marked, 1:4, 1:4] = 1.5
        stratum = (y == 1) & ~marked
    about = {
        "mean": pictures.mean(axis=(1, 2)), "std": pictures.std(axis=(1, 2)), "max": pictures.max(axis=(1, 2)),
        "site": random.choice(["x", "y"], n),
    }  # fmt: skip
    return Problem(pictures.reshape(n, -1), y, y, stratum, kept, about)


def digits(data: Path, seed: int, n: int = 4200) -> Problem:
    """Written digits in three classes, one digit of ten thinned in training."""
    random = np.random.default_rng([75, seed])
    with np.load(data / "mnist_superclass/digits.npz") as stored:
        rows = random.permutation(len(stored["digit"]))[:n]
        images, digit = stored["images"][rows], stored["digit"][rows].astype(int)
    small = images.reshape(len(rows), 14, 2, 14, 2).mean(axis=(2, 4)) / 255
    stratum = digit == int(random.integers(0, 10))
    about = {"mean": small.mean(axis=(1, 2)), "std": small.std(axis=(1, 2))}
    kept = ~stratum | (random.random(len(rows)) < 0.04)
    return Problem(small.reshape(len(rows), -1), digit % 3, digit % 3, stratum, kept, about)


def _bump(t: NDArray[Any], centre: float, width: float) -> NDArray[Any]:
    return np.asarray(np.exp(-(((t - centre) / width) ** 2)))


if __name__ == "__main__":
    main()
