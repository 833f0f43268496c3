"""A share, or a mean, within a group and outside of it: both intervals, their difference, and its test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sidelight.labeling.statistics import (
    Interval,
    benjamini_hochberg,
    cluster_variance,
    clustered_proportion,
    fisher_mid_p,
    interval_difference,
    normal_quantile,
)

from .estimates import effective_patients, n_distinct


@dataclass(frozen=True)
class GapRow:
    """One measure of one subject in one group of records.

    Parameters
    ----------
    group : str
        Slice, or care group.
    subject : str
        Whose measure: a labeling function, the labels, the model.
    measure : str
        What is measured.
    value, rest, gap : Interval
        In the group, among the records it is compared to, and the first minus the second with its p.
    q : float
        That p after Benjamini and Hochberg, over the whole table.
    verdict : str
        "differs", "no evidence" or "not assessable".
    """

    group: str
    subject: str
    measure: str
    value: Interval
    rest: Interval
    gap: Interval
    q: float = math.nan
    verdict: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what is not a number is None."""
        plain: dict[str, Any] = {}
        for name, value in self.__dict__.items():
            if isinstance(value, Interval):
                plain[name] = value.to_json()
            else:
                plain[name] = None if isinstance(value, float) and math.isnan(value) else value
        return plain


@dataclass(frozen=True)
class GapTable:
    """Many gaps that were judged together.

    Parameters
    ----------
    rows : tuple of GapRow
        Group by group.
    """

    rows: tuple[GapRow, ...]

    @property
    def differing(self) -> tuple[GapRow, ...]:
        """Return the rows that surely differ, largest gap first, those whose gap is withheld last."""
        found = [row for row in self.rows if row.verdict == "differs"]
        return tuple(sorted(found, key=lambda row: -np.nan_to_num(abs(row.gap.estimate))))

    def told(self, between: str, subject: str = "model") -> str:
        """Return how many rows differ `between` what, and each of these; `subject` goes without saying."""
        lines = [f"{len(self.differing)} of {len(self.rows)} measures differ between {between}."]
        lines += [
            f"  {row.group}: {row.measure}{'' if row.subject == subject else f' of {row.subject}'} {row.value} against "
            f"{row.rest.estimate:.3f} (gap {row.gap}, q {row.q:.3f})"
            for row in self.differing
        ]
        return "\n".join(lines)


def gap_between(
    values: NDArray[Any],
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    codes: NDArray[np.intp],
    *,
    least: int = 20,
    least_patients: int = 5,
    level: float = 0.95,
) -> tuple[Interval, Interval, Interval]:
    """Return the mean of `values` inside, outside, and the gap between them.

    Parameters
    ----------
    values : ndarray of shape (n_records,)
        Booleans or numbers; NaN where the measure does not count a record.
    inside, outside : ndarray of bool of shape (n_records,)
        The two groups of records.
    codes : ndarray of int of shape (n_records,)
        Each record's patient.
    least : int, default 20
        Records that count on either side, or the gap is not tested.
    least_patients : int, default 5
        Patients of these records on either side, likewise.
    level : float, default 0.95
        Confidence level.
    """
    numbers = np.asarray(values, dtype=np.float64)
    counted = ~np.isnan(numbers)
    parts = [_mean(numbers[side & counted], codes[side & counted], level) for side in (inside, outside)]
    gap = interval_difference(parts[0], parts[1])
    sizes = [int((side & counted).sum()) for side in (inside, outside)]
    people = [n_distinct(codes[side & counted]) for side in (inside, outside)]
    if min(sizes) < least or min(people) < least_patients:
        fewest = "1 record that counts" if min(sizes) == 1 else f"{min(sizes)} records that count"
        reason = f"{fewest}; {least} are needed"
        if min(sizes) >= least:
            reason = f"{min(people)} patient{'' if min(people) == 1 else 's'}; {least_patients} are needed"
        return (
            parts[0],
            parts[1],
            Interval(gap.estimate, gap.low, gap.high, level, sum(sizes), math.nan, reason),
        )
    p = _p(numbers, inside & counted, outside & counted, codes)
    return parts[0], parts[1], Interval(gap.estimate, gap.low, gap.high, level, sum(sizes), p)


def judged(rows: list[GapRow], q: float) -> tuple[GapRow, ...]:
    """Return the rows with corrected p-values and verdicts."""
    adjusted = benjamini_hochberg([row.gap.p for row in rows]).tolist() if rows else []
    done = []
    for row, corrected in zip(rows, adjusted, strict=True):
        if math.isnan(corrected):
            verdict = "not assessable"
        else:
            verdict = "differs" if corrected <= q else "no evidence"
        done.append(GapRow(**{**row.__dict__, "q": corrected, "verdict": verdict}))
    return tuple(done)


def _mean(values: NDArray[np.float64], codes: NDArray[np.intp], level: float) -> Interval:
    if not len(values):
        return Interval.missing("no record that counts", level=level)
    if np.isin(values, (0.0, 1.0)).all():
        return clustered_proportion(values, codes, level)
    own = np.unique(codes, return_inverse=True)[1].reshape(-1)
    mean = float(values.mean())
    variance = cluster_variance((values - mean) / len(values), own, int(own.max()) + 1)
    half = normal_quantile(level) * math.sqrt(variance)
    return Interval(mean, mean - half, mean + half, level=level, n=len(values))


def _p(
    values: NDArray[np.float64],
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    codes: NDArray[np.intp],
) -> float:
    """Return Fisher's mid-p for shares of independent records, else a test between patients.

    Shares are tested with the variance they would have if they were equal, at their effective sizes: one that is 0 or 1
    in a few patients has no variance of its own to be judged by. The smaller side's patients give the tails.
    """
    both = inside | outside
    binary = np.isin(values[both], (0.0, 1.0)).all()
    if binary and len(np.unique(codes[both])) == int(both.sum()):
        hits, others = values[inside], values[outside]
        return fisher_mid_p(round(float(hits.sum())), len(hits), round(float(others.sum())), len(others))
    sides = (inside, outside)
    n_codes = int(codes[both].max()) + 1
    sums = [
        np.bincount(codes[side], weights=(values[side] - values[side].mean()) / side.sum(), minlength=n_codes)
        for side in sides
    ]
    if binary:
        pooled = float(values[both].mean())
        sizes = [_worth(values[side], codes[side]) for side in sides]
        variance = pooled * (1 - pooled) * sum(1 / size for size in sizes) - 2 * float(np.dot(*sums))
    else:
        own = np.unique(codes[both], return_inverse=True)[1].reshape(-1)
        influence = np.zeros(len(values))
        for side, sign in ((inside, 1.0), (outside, -1.0)):
            influence[side] = sign * (values[side] - values[side].mean()) / side.sum()
        variance = cluster_variance(influence[both], own, int(own.max()) + 1)
    gap = float(values[inside].mean() - values[outside].mean())
    if not variance > 0:
        return 1.0 if gap == 0 else math.nan
    n_patients = min(effective_patients(codes[side]) for side in sides)
    if n_patients <= 1:
        return math.nan
    return float(2 * stats.t.sf(abs(gap) / math.sqrt(variance), n_patients - 1))


def _worth(values: NDArray[np.float64], codes: NDArray[np.intp]) -> float:
    """Return how many independent records carry as much as these; where all are alike, how many patients there are."""
    own = np.unique(codes, return_inverse=True)[1].reshape(-1)
    n_patients, share = int(own.max()) + 1, float(values.mean())
    variance = cluster_variance((values - share) / len(values), own, n_patients)
    return min(share * (1 - share) / variance, float(len(values))) if variance > 0 else float(n_patients)
