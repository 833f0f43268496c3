"""How well the search finds strata of problems that it was not chosen by.

    python benchmarks/slice_unseen.py --seeds 3

Fifteen problems of other kinds than those of `slices.py` and `slice_problems.py`: reports with synonyms, reports that
lack a device, five classes, a severity without an edge, two strata at once, strata of two and of thirty in a hundred,
an intersection of three columns, missing values, a shell in the features, patients with several records, bursts in
signals, blurred radiographs, a tenth of lesions that are small, a class rare within the stratum. The figures are those of
`slice_problems.py`; of two strata each is looked for, and the first slice is right when it shows one of them.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from slice_problems import Problem, arguments, table_of

NORMAL = (
    "heart size is normal", "the mediastinum is unremarkable", "no pneumothorax", "no focal consolidation",
    "bony structures are intact", "lungs are well expanded", "no acute cardiopulmonary process", "aorta is tortuous",
    "degenerative changes of the spine", "compared with the prior study", "the costophrenic angles are sharp",
)  # fmt: skip
SMALL = ("trace effusion", "slight blunting of the angle", "a tiny pleural collection", "minimal fluid")
LARGE = ("large effusion", "moderate effusion", "layering pleural fluid", "opacified hemithorax")
DEVICES = ("chest tube in place", "pigtail catheter", "drain at the left base")


def main() -> None:
    """Search every problem, print each, and end with a line of JSON."""
    options = arguments(__doc__.splitlines()[0])
    table_of(problems(options.data), options)


def problems(data: Path) -> dict[str, Callable[[int], Problem]]:
    """Return every problem as a function of its seed."""
    makers: dict[str, tuple[Callable[..., Problem], tuple[str, ...]]] = {
        "reports": (reports, ("synonyms", "no device")),
        "classes": (classes, ("five", "rare class")),
        "columns": (columns, ("two percent", "thirty", "three", "missing", "two strata")),
        "space": (space, ("severity", "shell", "small lesions")),
    }
    found: dict[str, Callable[[int], Problem]] = {
        f"{name} {kind}": partial(make, kind) for name, (make, kinds) in makers.items() for kind in kinds
    }
    return found | {"patients": patients, "bursts": bursts, "radiographs": partial(radiographs, data)}


def reports(kind: str, seed: int, n: int = 2600) -> Problem:
    """Effusions in reports: small ones told in four ways, or large ones that hardly ever lack a device."""
    random = np.random.default_rng([81, seed])
    y = (random.random(n) < 0.4).astype(int)
    small = (y == 1) & (random.random(n) < 0.3)
    device = random.random(n) < np.where(y == 1, 0.88, 0.06)
    signal, tube = random.normal(0, 1, 20), random.normal(0, 1, 20)
    if kind == "synonyms":
        device, stratum = random.random(n) < 0.1, small
    else:
        small, stratum = np.zeros(n, dtype=bool), (y == 1) & ~device
    strength = np.where(small, 0.25, 1.0) * (0.5 if kind == "no device" else 0.9)
    values = (
        y[:, None] * strength[:, None] * signal
        + device[:, None] * 1.3 * tube
        + random.normal(0, 1.3, (n, 20))
    )
    text = []
    for row in range(n):
        words = random.choice(NORMAL, random.integers(3, 6), replace=False).tolist()
        words += [str(random.choice(SMALL if small[row] else LARGE))] if y[row] else ["no pleural effusion"]
        words += [str(random.choice(DEVICES))] if device[row] else []
        text.append(". ".join(random.permutation(words)) + ".")
    about = {"age": random.normal(64, 15, n).round(), "view": random.choice(["ap", "pa", "lateral"], n)}
    return Problem(values, y, y, stratum, np.ones(n, dtype=bool), about, text)


def classes(kind: str, seed: int, n: int = 4000) -> Problem:
    """Five classes of three subclasses, one near another class; or three classes, one rare and hard at one site."""
    random = np.random.default_rng([82, seed])
    if kind == "five":
        centres = random.normal(0, 1.5, (15, 20))
        cluster = random.integers(0, 15, n)
        target, near = random.choice(15, 2, replace=False)
        while near // 3 == target // 3:
            near = random.integers(0, 15)
        centres[target] = 0.3 * centres[target] + 0.7 * centres[near]
        y, stratum = cluster // 3, cluster == target
        scanner = np.where(
            stratum & (random.random(n) < 0.6), "old", random.choice(["old", "new", "mobile"], n)
        )
        about: dict[str, NDArray[Any]] = {"scanner": scanner, "age": random.normal(50, 18, n).round()}
        return Problem(
            centres[cluster] + random.normal(0, 1, (n, 20)), y, y, stratum, np.ones(n, dtype=bool), about
        )
    y = random.choice(3, n, p=[0.6, 0.28, 0.12])
    site = random.choice(["north", "south", "east", "west"], n, p=[0.3, 0.3, 0.2, 0.2])
    centres = random.normal(0, 1, (3, 10))
    stratum = (y == 2) & np.isin(site, ["east", "west"])
    values = centres[y] * np.where(stratum, 0.2, 1.2)[:, None] + random.normal(0, 0.8, (n, 10))
    return Problem(
        values, y, y, stratum, np.ones(n, dtype=bool), {"site": site, "dose": random.gamma(2, 2, n)}
    )


def columns(kind: str, seed: int) -> Problem:
    """Tables whose telling features fail for some rows, told by one, two or three of nine columns."""
    n = 8000 if kind == "two percent" else 3600
    random = np.random.default_rng([83, seed])
    about: dict[str, NDArray[Any]] = {
        "hospital": random.choice([f"h{number}" for number in range(6)], n), "age": random.uniform(1, 95, n).round(),
        "sex": random.choice(["f", "m"], n), "ward": random.choice(["icu", "er", "gp", "out"], n),
        "creatinine": random.lognormal(0, 0.4, n), "smoker": random.choice(["yes", "no", "former"], n),
        "insurance": random.choice(["a", "b"], n), "hour": random.integers(0, 24, n).astype(float),
        "weight": random.normal(75, 14, n),
    }  # fmt: skip
    values = random.normal(0, 1, (n, 10))
    score = values[:, 0] - 0.8 * values[:, 1] + 0.5 * values[:, 2] ** 2 - 0.5
    y = (score + 0.35 * random.normal(size=n) > 0).astype(int)
    night = (about["hour"] < 6) | (about["hour"] >= 22)
    strata = {
        "two percent": [(about["hospital"] == "h3") & (about["creatinine"] > 1.5)],
        "thirty": [night],
        "three": [
            (about["sex"] == "m") & (about["age"] > 50) & (about["ward"] == random.choice(["icu", "er"]))
        ],
        "missing": [random.random(n) < 0.09],
        "two strata": [(about["ward"] == "out") & (about["smoker"] == "yes"), (about["age"] < 18) & (y == 1)],
    }[kind]
    if kind == "missing":
        about["weight"] = np.where(strata[0], np.nan, about["weight"])
    share = {"two percent": 0.5, "thirty": 0.2}.get(kind, 0.4)
    for stratum in strata:
        values[stratum & (random.random(n) < share), :2] *= -1
    return Problem(values, y, y, np.stack(strata, axis=1), np.ones(n, dtype=bool), about)


def space(kind: str, seed: int, n: int = 3000) -> Problem:
    """Failures by place in the features: the more the severer, in a shell, or where lesions are small."""
    random = np.random.default_rng([84, seed])
    if kind == "severity":
        y, severity = random.integers(0, 2, n), random.beta(1, 3, n)
        values = np.stack([(2 * y - 1) * (1 - severity) * 1.6, severity * 3], axis=1) @ random.normal(
            0, 1, (2, 14)
        )
        values += 1.6 * random.normal(size=values.shape)
        about = {"score": severity + random.normal(0, 0.15, n), "age": random.normal(50, 12, n)}
        return Problem(values, y, y, severity > 0.5, np.ones(n, dtype=bool), about)
    if kind == "shell":
        place = random.uniform(-1, 1, (n, 2))
        radius = np.hypot(place[:, 0] - 0.1, place[:, 1] - 0.2)
        stratum = (radius > 0.45) & (radius < 0.65) & (place[:, 0] > 0)
        y = (place[:, 0] + place[:, 1] + 0.1 * random.normal(size=n) > 0).astype(int)
        y = np.where(stratum & (random.random(n) < 0.6), 1 - y, y)
        values = np.column_stack([3 * place, random.normal(0, 0.5, (n, 8))])
        return Problem(values, y, y, stratum, np.ones(n, dtype=bool), {"age": random.normal(50, 12, n)})
    side, y = 16, (random.random(n) < 0.5).astype(int)
    down, across = np.mgrid[0:side, 0:side]
    size = np.where(random.random(n) < 0.25, random.uniform(0.6, 1.0, n), random.uniform(1.8, 3.0, n))
    pictures = 0.5 + 0.12 * random.normal(size=(n, side, side))
    for row in np.flatnonzero(y):
        x, z = random.uniform(4, 12, 2)
        pictures[row] += 0.5 * np.exp(-((across - x) ** 2 + (down - z) ** 2) / (2 * size[row] ** 2))
    about = {
        "mean": pictures.mean(axis=(1, 2)),
        "std": pictures.std(axis=(1, 2)),
        "age": random.normal(50, 12, n),
    }
    return Problem(pictures.reshape(n, -1), y, y, (y == 1) & (size < 1.2), np.ones(n, dtype=bool), about)


def patients(seed: int, n_patients: int = 700) -> Problem:
    """Several records a patient; those with a pacemaker, few of them trained on, are read wrongly."""
    random = np.random.default_rng([85, seed])
    who = np.repeat(np.arange(n_patients), random.integers(1, 9, n_patients))
    n = len(who)
    y = (random.random(n) < random.beta(1, 1.5, n_patients)[who]).astype(int)
    paced = (random.random(n_patients) < 0.12)[who]
    own, spike = random.normal(0, 0.7, (n_patients, 12))[who], random.normal(0, 1, 12)
    values = random.normal(0, 1, 12) * 0.8 * (2 * y - 1)[:, None] + own + random.normal(0, 0.8, (n, 12))
    values[paced] = values[paced] * 0.4 + 1.5 * spike
    about = {
        "age": random.normal(60, 15, n_patients).round()[who], "sex": random.choice(["f", "m"], n_patients)[who],
        "rate": np.where(paced, 70, 75) + random.normal(0, 9, n),
    }  # fmt: skip
    kept = ~paced | (random.random(n_patients) < 0.15)[who]
    return Problem(values, y, y, paced, kept, about, patients=who)


def bursts(seed: int, n: int = 2400, length: int = 100) -> Problem:
    """Beats, wide ones abnormal; bursts of noise, told in part by a quality score, hide which."""
    random, t = np.random.default_rng([86, seed]), np.arange(length) / length
    y, burst = (random.random(n) < 0.4).astype(int), random.random(n) < 0.13
    waves = 0.08 * random.normal(size=(n, length))
    for row in range(n):
        width, at = (0.045 if y[row] else 0.03) * random.uniform(0.9, 1.1), 0.5 + 0.04 * random.normal()
        waves[row] += np.exp(-(((t - at) / width) ** 2)) - 0.3 * np.exp(-(((t - at - 0.18) / 0.05) ** 2))
        if burst[row]:
            start = random.integers(20, 50)
            waves[row, start : start + 30] += random.normal(0, 0.6, 30)
    about = {
        "quality": np.where(burst, 0.6, 0.8) + random.normal(0, 0.1, n), "device": random.choice(["a", "b", "c"], n),
        "energy": np.abs(np.diff(waves, axis=1)).mean(axis=1),
    }  # fmt: skip
    return Problem(waves, y, y, burst, np.ones(n, dtype=bool), about)


def radiographs(data: Path, seed: int) -> Problem:
    """Children's films, pneumonia or not; a seventh are blurred and dim, and hardly any of those were trained on."""
    random = np.random.default_rng([87, seed])
    with np.load(data / "pneumoniamnist_small/images.npz") as stored:
        pictures = np.concatenate([stored["train_images"], stored["val_images"]]) / 255
        y = np.concatenate([stored["train_labels"], stored["val_labels"]]).ravel().astype(int)
    rows = random.permutation(len(y))[:3200]
    pictures, y = pictures[rows].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)), y[rows]
    stratum = random.random(len(y)) < 0.14
    blurred = (pictures + np.roll(pictures, 1, 1) + np.roll(pictures, 2, 1) + np.roll(pictures, 1, 2)) / 4
    pictures[stratum] = 0.7 * blurred[stratum] + 0.05 * random.normal(size=blurred[stratum].shape)
    edges = np.abs(np.diff(pictures, axis=1)).mean(axis=(1, 2))
    about = {"mean": pictures.mean(axis=(1, 2)), "edges": edges, "view": random.choice(["ap", "pa"], len(y))}
    kept = ~stratum | (random.random(len(y)) < 0.06)
    return Problem(pictures.reshape(len(y), -1), y, y, stratum, kept, about)


if __name__ == "__main__":
    main()
