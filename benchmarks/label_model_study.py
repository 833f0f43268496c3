"""Why `LabelModel` is set as it is: ideas side by side on every vote set, and the choice made without each set in turn.

    python benchmarks/label_model_study.py --data DIR --quick --json

Each variant changes one decision of the model. Nothing is fitted per set: one variant is one configuration for all.
The second table chooses the strengths (how far dependence throws lifts off, what a vote is worth at first, how far the
votes' shares of two classes are heard) by the mean over all sets but one and scores the choice on the set left out.
"""

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import label_model_sets as sets
import numpy as np

from sidelight.label_model import (
    DawidSkene,
    LabelModel,
    LabelModelWarning,
    MajorityLabelVoter,
    OneCoin,
    TripletModel,
    WeightedMajority,
    camps,
    learn_dependencies,
    learning,
    matrix_completion,
    refinement,
)
from sidelight.label_model import solver as inside

Scores = dict[str, dict[str, float]]
GRID = [(spread, precision, heard) for spread in (0.5, 0.7, 1.0, 1.4, 2.0) for precision in (0.6, 0.7, 0.8) for heard in (0.0, 0.25, 0.5)]  # fmt: skip


@contextmanager
def changed(**constants: Any) -> Iterator[None]:
    """Give constants of the model other values for a while."""
    homes = [
        (module, name)
        for name in constants
        for module in (inside, learning, refinement, camps, matrix_completion)
        if hasattr(module, name)
    ]
    before = [getattr(module, name) for module, name in homes]
    for module, name in homes:
        setattr(module, name, constants[name])
    try:
        yield
    finally:
        for (module, name), value in zip(homes, before, strict=True):
            setattr(module, name, value)


def model(
    constants: dict[str, Any] | None = None, fit: dict[str, Any] | None = None, **settings: Any
) -> Callable[..., Any]:
    """Return a function from votes to probabilities by `LabelModel` with some decisions changed."""

    def run(votes: Any, k: int, balance: Any) -> Any:
        with changed(**(constants or {})):
            fitted = LabelModel(k, **settings).fit(votes, class_balance=balance, **(fit or {}))
            return fitted.predict_proba(votes)

    return run


def relative(kind: Any) -> Callable[..., Any]:
    """Return a function from votes to probabilities by another model."""
    return lambda votes, k, balance: kind(k).fit(votes, class_balance=balance).predict_proba(votes)


def full_evidence(votes: Any, k: int, balance: Any) -> Any:
    """Return probabilities of the default model without tempering."""
    fitted = LabelModel(k).fit(votes, class_balance=balance)
    fitted.temperature_, fitted.per_record_ = 1.0, False
    return fitted.predict_proba(votes)


def sparse_and_low_rank(values: Any, rounds: int = 80, step: float = 1.0, strength: float = 1.0) -> Any:
    """Return which functions depend on each other by the sparse part of the inverse correlation of their votes.

    Minimises 1/2 <R, C R> - tr R + strength * rate * (sum of |S| off the diagonal + trace of L) for R = S - L with L
    positive semidefinite, rate = sqrt(log m / n), by alternating directions. A vote is +1 or -1 by whether it is for the
    function's most frequent class, an abstention 0.

    References
    ----------
    Varma, Sala, He, Ratner, Re: Learning Dependency Structures for Weak Supervision Models (2019).
    """
    n, m = values.shape
    usual = np.array([np.bincount(column[column >= 0], minlength=1).argmax() for column in values.T])
    signed = np.where(values < 0, 0.0, np.where(values == usual, 1.0, -1.0))
    signed = signed - signed.mean(axis=0)
    spread = signed.std(axis=0)
    signed /= np.where(spread > 0, spread, 1.0)
    sizes, axes = np.linalg.eigh(signed.T @ signed / n + 1e-3 * np.eye(m))
    rate = strength * np.sqrt(np.log(max(m, 2)) / n)
    sparse, low, dual = np.eye(m), np.zeros((m, m)), np.zeros((m, m))
    for _ in range(rounds):
        target = np.eye(m) + step * (sparse - low) - dual
        both = axes @ ((axes.T @ target @ axes) / ((sizes[:, None] + sizes[None, :]) / 2 + step)) @ axes.T
        wished = both + low + dual / step
        sparse = np.sign(wished) * np.maximum(np.abs(wished) - rate / step, 0.0)
        np.fill_diagonal(sparse, wished.diagonal())
        share, turn = np.linalg.eigh((sparse - both - dual / step + (sparse - both - dual / step).T) / 2)
        low = (turn * np.maximum(share - rate / step, 0.0)) @ turn.T
        dual += step * (both - sparse + low)
    scale = np.sqrt(np.maximum(sparse.diagonal(), 1e-9))
    linked = -sparse / np.outer(scale, scale) > 0.1  # partial correlation
    np.fill_diagonal(linked, False)
    return linked


def by_sparse_and_low_rank(votes: Any, k: int, balance: Any) -> Any:
    """Return probabilities of the default with the pairs of `sparse_and_low_rank` given to it, up to 200 functions."""
    linked = sparse_and_low_rank(votes) if votes.shape[1] <= 200 else np.zeros((1, 1), dtype=bool)
    pairs = [[int(i), int(j)] for i, j in np.argwhere(np.triu(linked))]
    fitted = LabelModel(k, dependencies=pairs or "copies").fit(votes, class_balance=balance)
    return fitted.predict_proba(votes)


def by_greedy_search(votes: Any, k: int, balance: Any) -> Any:
    """Return probabilities of the default with what `learn_dependencies` finds given to it, up to 60 functions."""
    small = votes.shape[1] <= 60
    groups = learn_dependencies(votes, k, balance, most_pairs=10).groups if small else ()
    return (
        LabelModel(k, dependencies=groups or "copies").fit(votes, class_balance=balance).predict_proba(votes)
    )


def planted(runs: int = 4, n: int = 5000) -> dict[str, dict[str, float]]:
    """Return the precision and recall of two ways to find planted pairs: twenty annotators, four of whom copy another."""
    copies = ((0, 1, 0.8), (2, 3, 0.8), (4, 5, 0.9), (5, 6, 0.9))
    truth = {(0, 1), (2, 3), (4, 5), (5, 6), (4, 6)}
    found: dict[str, list[tuple[float, float]]] = {"greedy search": [], "sparse and low rank": []}
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        classes = rng.integers(0, 2, (n, 1))
        accuracy, coverage = rng.uniform(0.6, 0.9, 20), rng.uniform(0.1, 0.4, 20)
        accuracy[[0, 2, 4]], coverage[[0, 2, 4]] = 0.62, 0.4
        votes = np.where(rng.random((n, 20)) < accuracy, classes, 1 - classes)
        votes = np.where(rng.random((n, 20)) < coverage, votes, -1).astype(np.int8)
        for source, copy, share in copies:
            rows = rng.random(n) < share
            votes[rows, copy] = votes[rows, source]
        groups = [[int(name[3:]) for name in group] for group in learn_dependencies(votes).groups]
        pairs = {(i, j) for group in groups for i in group for j in group if i < j}
        edges = {(int(i), int(j)) for i, j in np.argwhere(np.triu(sparse_and_low_rank(votes)))}
        for name, members in (("greedy search", pairs), ("sparse and low rank", edges)):
            hits = len(members & truth)
            found[name].append((hits / max(1, len(members)), hits / len(truth)))
    return {
        name: {
            "precision": float(np.mean([p for p, _ in values])),
            "recall": float(np.mean([r for _, r in values])),
        }
        for name, values in found.items()
    }


def one_temperature(votes: Any, k: int, balance: Any) -> Any:
    """Return probabilities of the default model with one temperature for all records."""
    fitted = LabelModel(k).fit(votes, class_balance=balance)
    fitted.per_record_ = False
    return fitted.predict_proba(votes)


VARIANTS: dict[str, Callable[..., Any]] = {
    "default": model(),
    "majority vote": relative(MajorityLabelVoter),
    "weighted majority": relative(WeightedMajority),
    "Dawid-Skene": relative(DawidSkene),
    "one coin": relative(OneCoin),
    "triplets": relative(TripletModel),
    "rules trusted like annotators": model({"HUMAN_SPREAD": 0.0}),
    "annotators trusted like rules": model({"ANNOTATOR_SPREAD": 1.0}),
    "no refinement by likelihood": model({"FITS": -1.0}),
    "refinement never questioned": model({"FITS": 1e9}),
    "refined however few the votes": model(
        {"FEWEST_IN_CELL": 0, "FEWEST_OF_EACH": 0, "FEWEST_FUNCTIONS": 0, "FEWEST_RECORDS": 0}
    ),
    "pulls of refinement not learned": model({"FEWEST_STEPS_TO_POOL": 10**9}),
    "full evidence, no temperature": full_evidence,
    "one temperature for all records": one_temperature,
    "votes' shares of classes not heard": model({"VOTES_TRUST": 0.0}),
    "followed however little votes say": model({"SAYS_LITTLE": 0.0}),
    "abstentions always informative": model(abstentions="informative"),
    "abstentions always ignored": model(abstentions="ignored"),
    "balance taken as uniform": model({"BALANCE_STEPS": 0}),
    "balance estimate believed": model({"BALANCE_TRUST": 1.0}),
    "no guard": model(guard=False),
    "copies not sought": model(dependencies=None),
    "shared cues not sought": model({"BEYOND_CHANCE": 1e9}),
    "equal classes expected only": model({"UNEVEN": 1e9}),
    "pairs of sparse plus low rank": by_sparse_and_low_rank,
    "pairs of the greedy search": by_greedy_search,
    "no first guess to speak of": model(fit={"l2": 1.0}),
}


def score(run: Callable[..., Any], paths: list[Path], *, given: bool = False) -> Scores:
    """Return the scores of one variant on every set."""
    found: Scores = {}
    for path in paths:
        votes, gold, k = sets.load(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelModelWarning)
            proba = run(votes, k, sets.gold_balance(gold, k) if given else None)
        found[path.stem] = sets.judge(proba, votes, gold)
    return found


def worst(found: Scores, baseline: Scores) -> tuple[float, str]:
    """Return the largest loss of accuracy against majority vote, and where."""
    return min((found[name]["accuracy"] - baseline[name]["accuracy"], name) for name in found)


def merit(found: Scores, names: list[str]) -> float:
    """Return what the choice is made by: the mean of the three shares, less a fifth of the log loss."""
    mean = sets.means(found, names)
    return (mean["accuracy"] + mean["macro_f1"] + mean["auroc"]) / 3 - 0.2 * mean["log_loss"]


def cue(coverage: float, seeds: int = 3, n: int = 20_000) -> dict[str, float]:
    """Return accuracies where five annotators follow one misleading cue and five follow the class."""
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        truth = (rng.random(n) < 0.4).astype(int)
        cue = np.where(rng.random(n) < 0.75, truth, 1 - truth)
        misled = np.where(rng.random((n, 5)) < 0.85, cue[:, None], 1 - cue[:, None])
        honest = np.where(rng.random((n, 5)) < 0.75, truth[:, None], 1 - truth[:, None])
        votes = np.concatenate([misled, honest], axis=1)
        votes = np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8)
        for name in ("default", "majority vote", "Dawid-Skene", "weighted majority"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LabelModelWarning)
                proba = VARIANTS[name](votes, 2, None)
            found.setdefault(name, []).append(sets.judge(proba, votes, truth)["accuracy"])
    return {name: float(np.mean(values)) for name, values in found.items()}


def leave_one_out(paths: list[Path]) -> dict[str, Any]:
    """Choose the strengths without each set in turn, and score the choice there."""
    tried = {
        strengths: score(
            model({"HUMAN_SPREAD": strengths[0], "VOTES_TRUST": strengths[2]}, {"prec_init": strengths[1]}),
            paths,
        )
        for strengths in GRID
    }
    names = [path.stem for path in paths]
    held: Scores = {}
    chosen: dict[str, int] = {}
    for left_out in names:
        rest = [name for name in names if name != left_out]
        best = max(GRID, key=lambda strengths: merit(tried[strengths], rest))
        held[left_out] = tried[best][left_out]
        chosen[str(best)] = chosen.get(str(best), 0) + 1
    every = sorted(GRID, key=lambda strengths: -merit(tried[strengths], names))
    return {
        "held_out": sets.means(held, names),
        "chosen": chosen,
        "default": sets.means(tried[(1.0, 0.7, 0.25)], names),
        "best_in_hindsight": [str(every[0]), sets.means(tried[every[0]], names)],
        "worst_of_grid": [str(every[-1]), sets.means(tried[every[-1]], names)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--yardstick", type=Path, default=Path("../shared/bench/peers"))
    parser.add_argument("--votes", type=Path, help="folder in which the vote sets are kept between runs")
    parser.add_argument(
        "--quick", action="store_true", help="leave out sets of more than 5,000 records, and the grid"
    )
    parser.add_argument("--grid-only", action="store_true", help="leave out all but the choice of strengths")
    parser.add_argument("--also", type=Path, help="folder of further vote sets, for the choice of strengths")
    parser.add_argument("--no-grid", action="store_true", help="leave out the choice of strengths")
    parser.add_argument("--json", action="store_true", help="print the line of JSON alone")
    options = parser.parse_args()
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        paths = sets.make_sets(options.data, options.yardstick, options.votes or Path(scratch))
        if options.quick:
            paths = [path for path in paths if len(sets.load(path)[0]) <= 5000]
        if not paths:
            raise SystemExit("no vote set could be made from these data")
        report: dict[str, Any] = {"sets": [path.stem for path in paths], "variants": {}}
        groups = {
            "all": [path.stem for path in paths],
            "text": [path.stem for path in paths if path.stem in sets.TEXT_SETS],
            "stored": [path.stem for path in paths if path.stem not in sets.TEXT_SETS],
            "crowds": [path.stem for path in paths if path.stem in sets.CROWDS],
        }
        baseline = score(VARIANTS["majority vote"], paths)
        for given in () if options.grid_only else (False, True):
            title = "class balance given" if given else "class balance unknown"
            lines = []
            for name, run in VARIANTS.items():
                found = score(run, paths, given=given)
                loss, where = worst(found, baseline)
                entry = {group: sets.means(found, members) for group, members in groups.items()}
                report["variants"].setdefault(name, {})[title] = {
                    **entry,
                    "worst": [loss, where],
                    "sets": found,
                }
                lines += [sets.row(f"{name} [{group}]", entry[group]) for group in entry if entry[group]]
                lines[-1] += f"  worst {loss:+.3f} {where}"
            if not options.json:
                print(f"\n{title}: accuracy, macro-F1, AUROC, log loss (means over sets)")
                print("\n".join(lines), flush=True)
        if not options.grid_only:
            report["camps"] = {str(coverage): cue(coverage) for coverage in (0.25, 0.6, 1.0)}
            report["camps of 2,000"] = cue(0.25, 6, 2000)
            report["planted pairs"] = planted()
        if not (options.json or options.grid_only):
            print("\nfive annotators follow a misleading cue, five the class; accuracy by coverage:")
            print(json.dumps(report["camps"], indent=1))
            print("2,000 records, coverage 25 %:", json.dumps(report["camps of 2,000"]))
            print("pairs of annotators who copy:", json.dumps(report["planted pairs"]))
        if not (options.quick or options.no_grid):
            more = sorted(options.also.glob("*.npz")) if options.also else []
            small = [path for path in [*paths, *more] if len(sets.load(path)[0]) <= 17_000]
            report["leave_one_out"] = leave_one_out(small)
            if not options.json:
                print("\nstrengths chosen without the set they are scored on:")
                print(json.dumps(report["leave_one_out"], indent=1))
        report["cpu_seconds"] = time.process_time() - begun
    print(json.dumps(report, default=float))


if __name__ == "__main__":
    main()
