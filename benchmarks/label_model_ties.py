"""Where the label model's labels differ from majority vote's: records on which votes tie, and majorities that it overrules.

    python benchmarks/label_model_ties.py --votes UNSEEN VOTES --json

Reads vote sets as NAME.npz with L, Y and k, such as `label_model_unseen.py` and `label_models.py --votes` leave them.
Majority vote tosses a coin among the classes that tie; what it gets right there is the coin's expectation.
"""

import argparse
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from label_model_sets import gold_balance, load
from numpy.typing import NDArray

from sidelight.label_model import LabelModel

EVEN = 0.02
"""Share of the tied records up to which the model and a coin are called even."""


@dataclass(frozen=True)
class Differences:
    """Records with gold and votes, those that tie, and on how many of each kind which labels are right."""

    name: str
    records: int
    ties: int
    coin: float
    model: int
    sure: float
    overruled: int
    majority: int
    instead: int

    @property
    def by_ties(self) -> float:
        """Accuracy on all records that deciding ties gains."""
        return (self.model - self.coin) / max(1, self.records)

    @property
    def by_overruling(self) -> float:
        """Accuracy on all records that overruling a majority gains."""
        return (self.instead - self.majority) / max(1, self.records)


def differences(
    name: str, votes: NDArray[np.int8], gold: NDArray[np.int64], k: int, balance: Any
) -> Differences:
    """Fit the default on a set and compare its labels with majority vote's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proba = LabelModel(k).fit(votes, class_balance=balance).predict_proba(votes)
    label = proba.argmax(axis=1)
    counts = np.stack([(votes == c).sum(axis=1) for c in range(k)], axis=1)
    known = (gold >= 0) & (counts.sum(axis=1) > 0)
    first = counts == counts.max(axis=1, keepdims=True)
    tied, leads = known & (first.sum(axis=1) > 1), known & (first.sum(axis=1) == 1)
    chance = first[np.arange(len(gold)), np.maximum(gold, 0)] / first.sum(axis=1)
    against = leads & (label != counts.argmax(axis=1))
    return Differences(
        name, int(known.sum()), int(tied.sum()), float(chance[tied].sum()), int((label == gold)[tied].sum()),
        float(proba.max(axis=1)[tied].sum()), int(against.sum()), int((counts.argmax(axis=1) == gold)[against].sum()),
        int((label == gold)[against].sum()),
    )  # fmt: skip


def summary(found: list[Differences]) -> dict[str, Any]:
    """Return means over sets that have ties, and how many sets gain or lose by them."""
    tied = [entry for entry in found if entry.ties]
    shares = np.array([[e.coin, e.model, e.sure] for e in tied]) / np.array([[e.ties] for e in tied])
    apart = shares[:, 1] - shares[:, 0]
    below = [entry for entry in found if entry.by_ties + entry.by_overruling < -0.01]
    return {
        "sets": len(found),
        "with ties": len(tied),
        "coin": float(shares[:, 0].mean()),
        "model": float(shares[:, 1].mean()),
        "sure": float(shares[:, 2].mean()),
        "better": int((apart > EVEN).sum()),
        "worse": int((apart < -EVEN).sum()),
        "a point below": [entry.name for entry in below],
        "of these by ties": [entry.name for entry in below if entry.by_ties < entry.by_overruling],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--votes", type=Path, nargs="+", required=True, help="folders of vote sets")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    report: dict[str, Any] = {}
    for balance in ("unknown", "given"):
        found = []
        for path in sorted(path for folder in options.votes for path in folder.glob("*.npz")):
            votes, gold, k = load(path)
            if (gold >= 0).any():
                known = gold_balance(gold, k) if balance == "given" else None
                found.append(differences(path.stem, votes, gold, k, known))
        found.sort(key=lambda entry: entry.by_ties + entry.by_overruling)
        report[balance] = summary(found)
        for entry in found if not options.json else ():
            print(
                f"{balance:7s} {entry.name:34s} {entry.by_ties + entry.by_overruling:+.3f}  "
                f"{entry.ties:5d} ties of {entry.records:5d}: coin {entry.coin:7.1f}, model {entry.model:5d}  "
                f"{entry.overruled:4d} overruled: majority {entry.majority:4d}, model {entry.instead:4d}"
            )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
