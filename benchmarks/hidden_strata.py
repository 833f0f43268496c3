"""Whether an audit names a thinned subclass that nobody told it of: MNIST superclasses and Bonn EEG.

    python benchmarks/hidden_strata.py --data DIR

A small model learns a superclass; one subclass is thinned in training. The audit sees gold of the superclass, the
model's probabilities, and two embeddings (the model's own and the inputs'), never the subclass. A slice names the subclass
when it is confirmed and holds more of that subclass than of any other, relative to all records; "named" is that the slice
ranked first does, "place" the first of those shown that does. Each subclass in turn is thinned; "share" is the thinned
subclass's share of the first slice's members.
"""

import argparse
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sidelight.slicing import discover, subclass_metrics

BANDS = ((0.5, 4), (4, 8), (8, 13), (13, 30), (30, 43))
"""Hertz of the bands that an EEG segment is described by."""


@dataclass(frozen=True, eq=False)
class Strata:
    """Records whose classes hide subclasses.

    Parameters
    ----------
    inputs : ndarray of shape (n_records, n_features)
    subclass : ndarray of shape (n_records,)
        What the audit is not told of.
    superclass : ndarray of int of shape (n_records,)
        Gold.
    group : ndarray of int of shape (n_records,)
        Records of one group stay together, as a patient's do.
    """

    inputs: NDArray[np.float64]
    subclass: NDArray[Any]
    superclass: NDArray[np.int64]
    group: NDArray[np.intp]

    @property
    def inner(self) -> list[Any]:
        """The subclasses that share their class with another."""
        return [
            value
            for value in np.unique(self.subclass).tolist()
            if len(np.unique(self.subclass[self.superclass == self.superclass[self.subclass == value][0]]))
            > 1
        ]


def main() -> None:
    """Audit each data set with each subclass thinned, print it, and end with a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", default="mnist,bonn")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--keep", type=float, default=0.04, help="share of the thinned subclass kept in training"
    )
    parser.add_argument(
        "--noise", type=int, default=0, help="searches of predictions dealt out anew within classes"
    )
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    loaders: dict[str, Callable[[Path], Strata]] = {"mnist": mnist, "bonn": bonn}
    figures: dict[str, Any] = {}
    for name in options.sets.split(","):
        try:
            strata = loaders[name](options.data)
        except FileNotFoundError:
            print(f"absent: {name}")
            continue
        if options.noise:
            figures[name] = alarms(strata, options.keep, options.noise)
            print(f"{name}: a slice was confirmed in {figures[name]} of {options.noise} searches of noise\n")
            continue
        rows = [
            audited(strata, thinned, options.keep, seed)
            for thinned in strata.inner
            for seed in range(options.seeds)
        ]
        figures[name] = rows
        for row in rows:
            print(
                f"{name} thinned {row['thinned']!s:>2}: "
                + json.dumps({k: v for k, v in row.items() if k != "thinned"})
            )
        failed = [row for row in rows if row["gap"] <= -0.1]
        print(
            f"{name}: first slice names the thinned subclass in {sum(row['named'] for row in failed)} of {len(failed)} runs in "
            f"which thinning cost it ten points, a confirmed slice does in {sum(row['place'] > 0 for row in failed)}; told of "
            f"the subclasses, the table names it in {sum(row['in table'] for row in failed)}\n"
        )
    print(json.dumps(figures))


def mnist(data: Path) -> Strata:
    """Return images as rows, digits, whether a digit is 5 or more, and each image's group: itself."""
    with np.load(data / "mnist_superclass/digits.npz") as stored:
        images, digit = stored["images"], stored["digit"]
    small = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(images), -1) / 255
    return Strata(small, digit.astype(int), (digit >= 5).astype(np.int64), np.arange(len(small)))


def bonn(data: Path) -> Strata:
    """Return spectra and amplitudes of quarter segments, sets, the state, and the segment.

    The states are healthy (sets Z, O), interictal (N, F) and seizure (S).
    """
    with np.load(data / "bonn_eeg/eeg.npz") as stored:
        eeg, names, rate = stored["eeg"].astype(float), stored["segment_id"], float(stored["sampling_hz"])
    letters = dict(
        line.split(",")[:2] for line in (data / "bonn_eeg/segments.csv").read_text().splitlines()[1:]
    )
    letter = np.repeat([letters[str(name)] for name in names], 4)
    parts = eeg[:, :4096].reshape(-1, 1024)
    power = np.abs(np.fft.rfft((parts - parts.mean(axis=1, keepdims=True)) * np.hanning(1024), axis=1)) ** 2
    hertz = np.fft.rfftfreq(1024, 1 / rate)
    bands = [np.log(power[:, (hertz >= low) & (hertz < high)].mean(axis=1)) for low, high in BANDS]
    shape = [
        np.log(parts.std(axis=1)),
        np.log(np.abs(np.diff(parts)).mean(axis=1)),
        (np.diff(np.sign(parts)) != 0).mean(axis=1),
    ]
    features = np.stack([*bands, *shape], axis=1)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    state = (np.isin(letter, ["N", "F"]) + 2 * (letter == "S")).astype(np.int64)
    return Strata(features, letter, state, np.arange(len(letter)) // 4)


def audited(strata: Strata, thinned: Any, keep: float, seed: int) -> dict[str, Any]:
    """Train with one subclass thinned, search, and compare the first slice with the truth."""
    held, proba, own = _trained(strata, thinned, keep, seed)
    y, kind, owner = strata.superclass[held], strata.subclass[held], strata.group[held]
    views = {"model": own, "input": strata.inputs[held]}
    found = discover(y, proba, embeddings=views, patients=owner, seed=seed)
    wrong = proba.argmax(axis=1) != y
    same = (y == y[kind == thinned][0]) & (kind != thinned)
    rises = [
        {
            value: float(np.mean(kind[part.members] == value) / np.mean(kind == value))
            for value in np.unique(kind)
        }
        for part in found.slices
    ]
    naming = [
        place
        for place, (part, rise) in enumerate(zip(found.slices, rises, strict=True), start=1)
        if part.confirmed and max(rise, key=lambda value: rise[value]) == thinned
    ]
    share = float(np.mean(kind[found.slices[0].members] == thinned)) if found.slices else 0.0
    table = subclass_metrics(y, proba, [str(value) for value in kind], patients=owner)
    return {
        "thinned": thinned,
        "gap": round(float(wrong[same].mean() - wrong[kind == thinned].mean()), 3),
        "overall": round(float(1 - wrong.mean()), 3),
        "confirmed": len(found.confirmed),
        "named": naming[:1] == [1],
        "place": naming[0] if naming else 0,
        "share": round(share, 2),
        "rise": round(rises[0][thinned], 1) if rises else 0.0,
        "in table": str(thinned) in {row.subclass for row in table.hidden},
    }


def alarms(strata: Strata, keep: float, n_searches: int) -> int:
    """Return in how many searches a slice is confirmed once groups of a class have swapped all their predictions."""
    thinned, found = strata.inner, 0
    for number in range(n_searches):
        seed = number // len(thinned)
        held, proba, own = _trained(strata, thinned[number % len(thinned)], keep, seed)
        y, owner = strata.superclass[held], strata.group[held]
        random = np.random.default_rng([number, 1])
        dealt = proba.copy()
        for label in np.unique(y):
            owners = np.unique(owner[y == label])
            for taker, giver in zip(owners, random.permutation(owners), strict=True):
                dealt[owner == taker] = proba[owner == giver]
        views = {"model": own, "input": strata.inputs[held]}
        found += bool(discover(y, dealt, embeddings=views, patients=owner, seed=number).confirmed)
    return found


def _trained(
    strata: Strata, thinned: Any, keep: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Return which records were held out, and a small model's probabilities and embedding of them."""
    random = np.random.default_rng(seed)
    inputs = strata.inputs
    train = (random.random(int(strata.group.max()) + 1) < 0.5)[strata.group]
    seen = train & ((strata.subclass != thinned) | (random.random(len(inputs)) < keep))
    model = MLPClassifier((32,), max_iter=60, alpha=1e-3, random_state=seed)
    model.fit(inputs[seen], strata.superclass[seen])
    held = np.flatnonzero(~train)
    proba = model.predict_proba(inputs[held])
    own = np.maximum(inputs[held] @ model.coefs_[0] + model.intercepts_[0], 0)
    return held, proba, own


if __name__ == "__main__":
    main()
