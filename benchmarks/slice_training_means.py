"""Means over seeds of what `slice_training.py` measures, and how sure they are: medians of five say little of a stratum."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

PLAIN, ROBUST = "plain training", "group DRO of the yardstick"
BOUND = -2.0
"""Points that no stratum is to lose."""

Runs = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
"""Trainings by contender and problem, a seed each, in the order of the seeds."""


def means(runs: Runs, strata: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return each contender's mean change against plain training, in points.

    "lift" and "overall" are means over problems, with the standard error over seeds; "over_group_dro" is how much more of
    the hidden stratum it mends than group DRO with the same seed; "strata" holds each stratum's mean and 95 % interval
    (Student's t over the paired seeds).
    """
    problems = list(strata)
    found: dict[str, Any] = {}
    for contender in dict.fromkeys(contender for contender, _ in runs):
        change = {
            column: np.mean([_paired(runs, contender, PLAIN, name, column) for name in problems], axis=0)
            for column in ("target", "overall")
        }
        over = np.mean([_paired(runs, contender, ROBUST, name, "target") for name in problems], axis=0)
        inside = {
            f"{name}: {stratum}": interval(column)
            for name in problems
            for stratum, column in zip(
                strata[name], _paired(runs, contender, PLAIN, name, "strata").T, strict=True
            )
            if np.isfinite(column).sum() > 1
        }
        found[contender] = {
            "lift": _mean_and_error(change["target"]), "overall": _mean_and_error(change["overall"]),
            "over_group_dro": _mean_and_error(over), "strata": inside,
        }  # fmt: skip
    return found


def interval(changes: np.ndarray) -> tuple[float, float, float]:
    """Return mean, lower and upper end of the 95 % interval of the mean of paired changes."""
    mean, error = _mean_and_error(changes)
    reach = float(stats.t.ppf(0.975, np.isfinite(changes).sum() - 1)) * error
    return mean, mean - reach, mean + reach


def show_means(found: Mapping[str, Any], n_seeds: int) -> None:
    """Print a line for each contender, and the strata of sidelight's that lose most."""
    print(f"\nmeans over {n_seeds} seeds (standard error); strata against plain training, 95 % intervals")
    print(
        f"{'':<34}{'hidden stratum':>16}{'overall':>16}{'over group DRO':>16}  strata below {BOUND:g}: mean, surely"
    )
    for contender, values in sorted(found.items(), key=lambda item: -item[1]["lift"][0]):
        told = "".join(
            f"{f'{mean:+.2f} ({error:.2f})':>16}"
            for mean, error in (values[name] for name in ("lift", "overall", "over_group_dro"))
        )
        ends = values["strata"].values()
        below = sum(mean < BOUND for mean, _, _ in ends), sum(upper < BOUND for _, _, upper in ends)
        print(f"{contender:<34}{told}  {below[0]}, {below[1]} of {len(ends)}")
    for contender, values in found.items():
        if contender.startswith("sidelight"):
            worst = sorted(values["strata"].items(), key=lambda item: item[1][0])[:6]
            told = "; ".join(
                f"{name} {mean:+.1f} ({low:+.1f} to {high:+.1f})" for name, (mean, low, high) in worst
            )
            print(f"{contender}, strata that change for the worst: {told}")


def _paired(runs: Runs, contender: str, other: str, problem: str, column: str) -> np.ndarray:
    """Return the differences between two contenders, a row a seed, in points."""
    pairs = zip(runs[contender, problem], runs[other, problem], strict=True)
    return 100 * np.array([np.subtract(mine[column], theirs[column]) for mine, theirs in pairs])


def _mean_and_error(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    spread = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return float(known.mean()), spread / np.sqrt(len(known))
