"""Where `LabelModel` might fall below majority vote: simulated extremes, and parts of the real vote sets.

    python benchmarks/label_model_stress.py --votes DIR --seeds 5 --json

Every family is one kind of votes that real projects come with, drawn several times; every real set is cut down to few
records, and to few functions. Printed is the mean gain in accuracy over majority vote with its standard error, and the
worst draw, class balance unknown and given. Ties of the majority are broken at random.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import label_model_sets as sets
import numpy as np

from sidelight.label_model import LabelModel, LabelModelWarning, MajorityLabelVoter

Drawn = tuple[Any, Any, int]


def choosers(
    rng: Any, n: int, prior: Any, accuracy: Any, coverage: Any, confusing: float = 0.0, hard: float = 0.0
) -> Drawn:
    """Draw functions that choose between classes: errors even, or drawn to the next class, or to hard records."""
    prior = np.asarray(prior, dtype=float) / np.sum(prior)
    k, m = len(prior), len(accuracy)
    truth = rng.choice(k, size=n, p=prior)
    difficulty = rng.random(n) < hard
    votes = np.full((n, m), -1, dtype=np.int8)
    for j in range(m):
        right = rng.random(n) < np.where(difficulty, 1 / k, accuracy[j])
        wrong = (truth + rng.integers(1, k, n)) % k
        wrong = np.where(rng.random(n) < confusing, (truth + 1) % k, wrong)
        said = np.where(right, truth, wrong)
        votes[:, j] = np.where(rng.random(n) < np.broadcast_to(coverage, m)[j], said, -1)
    return votes, truth, k


def rules(
    rng: Any, n: int, prior: Any, per_class: Any, precision: Any, reach: Any, shared: float = 0.0
) -> Drawn:
    """Draw one-sided functions: each votes for one class, on `reach` of the records, `precision` of the time rightly.

    `shared` is the share of each wrong vote that falls on records whose looks deceive every rule of that class.
    """
    prior = np.asarray(prior, dtype=float) / np.sum(prior)
    k = len(prior)
    truth = rng.choice(k, size=n, p=prior)
    columns = []
    for c in range(k):
        deceiving = rng.random(n) < 0.1
        for _ in range(per_class[c]):
            rate, right = rng.uniform(*reach), rng.uniform(*precision)
            hit = min(0.98, rate * right / prior[c])
            miss = min(0.98, rate * (1 - right) / (1 - prior[c]))
            odds = np.where(deceiving, miss * shared / 0.1 + miss * (1 - shared), miss * (1 - shared))
            fires = rng.random(n) < np.where(truth == c, hit, np.minimum(odds, 0.98))
            columns.append(np.where(fires, c, -1))
    return np.stack(columns, axis=1).astype(np.int8), truth, k


def crowd(
    rng: Any, n: int, k: int, people: int, votes_each: int, accuracy: Any, spammers: float = 0.0
) -> Drawn:
    """Draw records that a few of many annotators each looked at."""
    truth = rng.integers(0, k, n)
    skill = np.where(rng.random(people) < spammers, 1 / k, rng.uniform(*accuracy, people))
    votes = np.full((n, people), -1, dtype=np.int8)
    for i in range(n):
        who = rng.choice(people, votes_each, replace=False)
        right = rng.random(votes_each) < skill[who]
        votes[i, who] = np.where(right, truth[i], (truth[i] + rng.integers(1, k, votes_each)) % k)
    return votes, truth, k


def beside(first: Drawn, second_votes: Any) -> Drawn:
    """Put further columns beside drawn votes."""
    return np.concatenate([first[0], second_votes], axis=1).astype(np.int8), first[1], first[2]


def with_default_negative(rng: Any, n: int) -> Drawn:
    """Draw precise rules for a rare class beside a function that always votes for the other."""
    votes, truth, k = rules(rng, n, [0.85, 0.15], [0, 4], (0.6, 0.95), (0.03, 0.1))
    return beside((votes, truth, k), np.zeros((n, 1)))


def strong_and_weak(rng: Any, n: int) -> Drawn:
    """Draw one good model among weak ones."""
    return choosers(rng, n, [0.5, 0.5], [0.95, 0.6, 0.6, 0.6, 0.55, 0.55], [1.0, 0.5, 0.5, 0.5, 0.5, 0.5])


def mixed(rng: Any, n: int) -> Drawn:
    """Draw rules beside two models that always vote."""
    votes, truth, k = rules(rng, n, [0.7, 0.3], [3, 4], (0.6, 0.9), (0.02, 0.2), 0.3)
    said = [np.where(rng.random(n) < 0.8, truth, 1 - truth) for _ in range(2)]
    return beside((votes, truth, k), np.stack(said, axis=1))


def adversaries(rng: Any, n: int, m: int, wrong: int) -> Drawn:
    """Draw annotators some of whom are wrong more often than not."""
    accuracy = np.r_[rng.uniform(0.2, 0.4, wrong), rng.uniform(0.65, 0.9, m - wrong)]
    return choosers(rng, n, [0.5, 0.5], accuracy, rng.uniform(0.3, 1.0, m))


def camps(rng: Any, n: int, coverage: float) -> Drawn:
    """Draw five annotators who follow the class, and five who follow a cue that mostly goes with it."""
    truth = (rng.random(n) < 0.4).astype(int)
    cue = np.where(rng.random(n) < 0.75, truth, 1 - truth)
    misled = np.where(rng.random((n, 5)) < 0.85, cue[:, None], 1 - cue[:, None])
    honest = np.where(rng.random((n, 5)) < 0.75, truth[:, None], 1 - truth[:, None])
    votes = np.concatenate([misled, honest], axis=1)
    return np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8), truth, 2


def copied(rng: Any, n: int) -> Drawn:
    """Draw annotators, three of whom mostly repeat a weak fourth."""
    votes, truth, k = choosers(rng, n, [0.6, 0.4], np.r_[0.6, rng.uniform(0.6, 0.85, 9)], 0.8)
    for j in (1, 2, 3):
        again = rng.random(n) < 0.8
        votes[again, j] = votes[again, 0]
    return votes, truth, k


def repeated_rule(rng: Any, n: int) -> Drawn:
    """Draw rules, three of which look for the same poor phrase."""
    votes, truth, k = rules(rng, n, [0.5, 0.5], [4, 4], (0.6, 0.95), (0.05, 0.3))
    votes[:, 1] = np.where(rng.random(n) < 0.95, votes[:, 0], votes[:, 1])
    votes[:, 2] = np.where(rng.random(n) < 0.95, votes[:, 0], votes[:, 2])
    return votes, truth, k


FAMILIES: dict[str, Callable[[Any], Drawn]] = {
    "three annotators, 50 records": lambda r: choosers(r, 50, [0.5, 0.5], r.uniform(0.6, 0.9, 3), 1.0),
    "three annotators, 1,000 records": lambda r: choosers(r, 1000, [0.6, 0.4], r.uniform(0.6, 0.9, 3), 0.8),
    "five annotators, 50 records, 3 classes": lambda r: choosers(r, 50, np.ones(3), r.uniform(0.5, 0.9, 5), 0.7),
    "ten annotators, 50 records": lambda r: choosers(r, 50, [0.7, 0.3], r.uniform(0.55, 0.9, 10), 0.5),
    "five functions, 20 classes, 500 records": lambda r: choosers(r, 500, np.ones(20), r.uniform(0.4, 0.8, 5), 0.7),
    "five functions, 20 classes, 5,000 records": lambda r: choosers(r, 5000, np.ones(20), r.uniform(0.4, 0.8, 5), 0.7),
    "five functions, 20 classes, skewed": lambda r: choosers(
        r, 3000, 0.8 ** np.arange(20), r.uniform(0.4, 0.8, 5), 0.7, 0.5
    ),
    "annotators, 1 % positive": lambda r: choosers(r, 5000, [0.99, 0.01], r.uniform(0.85, 0.98, 6), 0.7),
    "annotators, 1 % positive, 500 records": lambda r: choosers(r, 500, [0.99, 0.01], r.uniform(0.85, 0.98, 6), 0.7),
    "annotators, 5 % positive, poor": lambda r: choosers(r, 3000, [0.95, 0.05], r.uniform(0.65, 0.85, 6), 0.6),
    "rules, 1 % positive": lambda r: rules(r, 10_000, [0.99, 0.01], [3, 5], (0.3, 0.9), (0.003, 0.02)),
    "rules, 10 % positive, shared errors": lambda r: rules(r, 5000, [0.9, 0.1], [2, 6], (0.4, 0.9), (0.01, 0.1), 0.6),
    "rules, balanced": lambda r: rules(r, 3000, [0.5, 0.5], [5, 5], (0.6, 0.95), (0.02, 0.3)),
    "rules, balanced, shared errors": lambda r: rules(r, 3000, [0.5, 0.5], [5, 5], (0.6, 0.95), (0.02, 0.3), 0.7),
    "rules, 60 records": lambda r: rules(r, 60, [0.5, 0.5], [4, 4], (0.6, 0.95), (0.05, 0.4)),
    "rules for one class, one for the other": lambda r: rules(r, 2000, [0.6, 0.4], [1, 7], (0.6, 0.9), (0.05, 0.3)),
    "rules, 6 classes": lambda r: rules(r, 3000, 0.7 ** np.arange(6), [3] * 6, (0.5, 0.95), (0.01, 0.1)),
    "rules, 20 classes": lambda r: rules(r, 5000, np.ones(20), [2] * 20, (0.5, 0.95), (0.005, 0.04)),
    "rules beside one that always says no": lambda r: with_default_negative(r, 3000),
    "rules beside two models": lambda r: mixed(r, 2000),
    "one good model among weak": lambda r: strong_and_weak(r, 2000),
    "one good model among weak, 100 records": lambda r: strong_and_weak(r, 100),
    "votes on 1 % of records each": lambda r: choosers(r, 5000, [0.5, 0.5], r.uniform(0.6, 0.9, 50), 0.01),
    "votes on 5 % each, 5 classes": lambda r: choosers(r, 3000, np.ones(5), r.uniform(0.5, 0.9, 40), 0.05),
    "2 of 7 adversaries": lambda r: adversaries(r, 1000, 7, 2),
    "2 of 7 adversaries, 80 records": lambda r: adversaries(r, 80, 7, 2),
    "3 of 7 adversaries": lambda r: adversaries(r, 2000, 7, 3),
    "crowd of 40, 3 votes each": lambda r: crowd(r, 500, 2, 40, 3, (0.6, 0.95)),
    "crowd of 40, a third spammers": lambda r: crowd(r, 500, 4, 40, 5, (0.5, 0.95), 0.33),
    "crowd of 200, 2 votes each": lambda r: crowd(r, 400, 3, 200, 2, (0.5, 0.95)),
    "half of ten follow a cue, 2,000 records": lambda r: camps(r, 2000, 0.25),
    "half of ten follow a cue, all vote": lambda r: camps(r, 2000, 1.0),
    "three of ten copy one": lambda r: copied(r, 2000),
    "rules of which three are one phrase": lambda r: repeated_rule(r, 2000),
    "annotators, a class mistaken for the next": lambda r: choosers(r, 2000, np.ones(5), r.uniform(0.5, 0.8, 6), 0.8, 0.8),
    "annotators, a third of the records hard": lambda r: choosers(r, 2000, np.ones(3), r.uniform(0.6, 0.9, 6), 0.8, 0.0, 0.33),
}  # fmt: skip


def parts(path: Path, rng: Any) -> Iterator[tuple[str, Drawn]]:
    """Yield parts of a real set: few records, few functions, both."""
    votes, gold, k = sets.load(path)
    n, m = votes.shape
    sizes = [(50, m), (200, m), (1000, m), (2000, 3), (2000, 5), (2000, m // 2)]
    for rows, columns in [size for size in sizes if size[1] > 5 or size in sizes[:5]]:
        if (rows >= n and columns >= m) or columns > m:
            continue
        chosen = np.sort(rng.choice(n, min(rows, n), replace=False))
        spoken = (votes[chosen] >= 0).sum(axis=0) + 1e-3
        which = np.sort(rng.choice(m, columns, replace=False, p=spoken / spoken.sum()))
        cut = votes[chosen][:, which]
        seen = (cut >= 0).any(axis=1) & (gold[chosen] >= 0)
        if seen.sum() >= 20:
            yield (
                f"{rows} records, {'all' if columns == m else columns if columns < 6 else 'half of the'} functions",
                (cut, gold[chosen], k),
            )


def gain(drawn: Drawn, given: bool) -> float:
    """Return by how much the default labels more records right than majority vote."""
    votes, truth, k = drawn
    balance = sets.gold_balance(truth, k) if given else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LabelModelWarning)
        ours = LabelModel(k).fit(votes, class_balance=balance).predict_proba(votes)
        theirs = MajorityLabelVoter(k).fit(votes).predict_proba(votes)
    return accuracy(ours, votes, truth) - accuracy(theirs, votes, truth)


def accuracy(proba: Any, votes: Any, truth: Any) -> float:
    """Return the accuracy on covered rows with gold, ties shared out."""
    rows = (votes >= 0).any(axis=1) & (truth >= 0)
    best = proba[rows] >= proba[rows].max(axis=1, keepdims=True) - 1e-9
    return float((best[np.arange(rows.sum()), truth[rows]] / best.sum(axis=1)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--yardstick", type=Path, default=Path("../shared/bench/peers"))
    parser.add_argument("--votes", type=Path, help="folder in which the vote sets are kept between runs")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="", help="families whose name holds this")
    parser.add_argument("--no-real", action="store_true", help="leave out the parts of real sets")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    begun = time.process_time()
    found: dict[str, dict[str, list[float]]] = {}

    def note(name: str, drawn: Drawn) -> None:
        for title, given in (("unknown", False), ("given", True)):
            found.setdefault(name, {}).setdefault(title, []).append(gain(drawn, given))

    for name, draw in FAMILIES.items():
        if options.only in name:
            for seed in range(options.seeds):
                note(name, draw(np.random.default_rng([seed, len(name)])))
            show(name, found[name], options.json)
    if not options.no_real and options.votes:
        for path in sets.make_sets(options.data, options.yardstick, options.votes):
            names = set()
            for seed in range(options.seeds):
                for part, drawn in parts(path, np.random.default_rng([seed, 7])):
                    note(f"{path.stem}: {part}", drawn)
                    names.add(f"{path.stem}: {part}")
            for name in sorted(names):
                show(name, found[name], options.json)
    over_sets: dict[str, list[list[float]]] = {}
    for name, gains in found.items():
        over_sets.setdefault(name.split(": ")[-1] if ": " in name else "families", []).append(
            [float(np.mean(values)) for values in gains.values()]
        )
    for part, means in over_sets.items():
        if not options.json:
            unknown, given = np.mean(means, axis=0)
            print(f"mean of {len(means):2d}, {part:40s} {unknown:+.4f}   {given:+.4f}")
    print(json.dumps({"gains": found, "cpu_seconds": time.process_time() - begun}))


def show(name: str, gains: dict[str, list[float]], quiet: bool) -> None:
    """Print one line."""
    if not quiet:
        cells = []
        for values in gains.values():
            error = np.std(values) / max(1, len(values) - 1) ** 0.5
            cells.append(f"{np.mean(values):+.4f} ({error:.4f}) worst {min(values):+.3f}")
        print(f"{name:58s}" + "   ".join(cells), flush=True)


if __name__ == "__main__":
    main()
