"""Comparing two profiles: groups of tests over patients, gated together, so that false alarms stay rare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sidelight.labeling import generator

from .profile import Profile, Quantity

N_DRAWS = 2000
_BLOCK = 64


@dataclass(frozen=True)
class Drift:
    """One quantity in one slice, then and now.

    Parameters
    ----------
    family, name, source, task : str
        What it is, as in `Quantity`; a category stands in the name, as in "device = AT-6".
    slice : str
        The slice it was compared in, empty for all records.
    what : str
        "share", "level" (of a number) or "spread".
    reference, new : float
        Share or median in each export, or half the distance between its quartiles.
    n_reference, n_new : int
        Records compared.
    effect : float
        Difference of shares; for numbers, the chance that a new value is above an old one, less a half.
    z : float
        The effect in standard errors.
    p : float
        Corrected, for the other groups of tests and for the tests of its own group: the larger of both.
    verdict : str
        "drift", "below margin" (sure, but small), "no evidence" or "not assessable".
    """

    family: str
    name: str
    source: str
    task: str
    slice: str
    what: str
    reference: float
    new: float
    n_reference: int
    n_new: int
    effect: float
    z: float = math.nan
    p: float = math.nan
    verdict: str = "not assessable"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in vars(self).items()
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that was compared.

    Parameters
    ----------
    rows : tuple of Drift
        The tests, in the order of the profile.
    n_reference, n_new : int
        Records of each export.
    n_tests : int
        Tests in the family.
    family_error, margin : float
        As declared in `[monitors]`.
    """

    rows: tuple[Drift, ...]
    n_reference: int
    n_new: int
    n_tests: int
    family_error: float
    margin: float
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def alarms(self) -> list[Drift]:
        """What drifted, the surest first; among groups of words, the one that changed most stands for all."""
        found = sorted((row for row in self.rows if row.verdict == "drift"), key=lambda row: -abs(row.z))
        words = [row for row in found if row.family == "words"]
        return [row for row in found if row.family != "words" or row is words[0]]

    @property
    def n_word_alarms(self) -> int:
        """How many groups of words are used more or less than before."""
        return sum(row.verdict == "drift" for row in self.rows if row.family == "words")

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "alarm": bool(self.alarms),
            "records": {"reference": self.n_reference, "new": self.n_new},
            "tests": self.n_tests,
            "family_error": self.family_error,
            "margin": self.margin,
            "groups of words that changed": self.n_word_alarms,
            "alarms": [row.to_json() for row in self.alarms],
            "rows": [row.to_json() for row in self.rows],
            **self.settings,
        }


@dataclass(frozen=True, eq=False)
class _Test:
    """A test before the draws: the row it fills and each patient's share of the statistic."""

    row: Drift
    column: NDArray[np.float64] | None


def compare(
    reference: Profile,
    new: Profile,
    *,
    family_error: float = 0.03,
    margin: float = 0.02,
    least: int = 10,
    n_draws: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare a new export with the reference.

    Parameters
    ----------
    reference, new : Profile
        What was watched in each.
    family_error : float, default 0.03
        Chance that nothing has changed and any test at all raises an alarm.
    margin : float, default 0.02
        Smallest change of a share, or of the chance that a new value is above an old one, that is worth an alarm.
    least : int, default 10
        Records that must have a property, and that must lack it, for its share to be compared.
    n_draws : int, optional
        Random divisions of the patients; 2000, or more where `family_error` is so small that it takes more.
    seed : int, default 0
        Of those.

    Notes
    -----
    If nothing changed, it is chance which patients are in which export. So the patients of both are divided anew, again
    and again, and all tests are computed for each division. Tests come in groups: a family among all records, and the
    same family in slices. The first gate is the groups: the p value of a group's largest test (Westfall and Young's
    max-T), corrected for the number of groups by the least p value that a division has in any of those not yet
    passed (their step-down min-P). Behind it, within a group that passed, each test is corrected for the group alone.
    So a group of few tests, such as labels, does not pay for one of many, such as words, and any alarm at all is as
    rare as `family_error` when nothing changed. Where something did change, that holds for each other group and for
    the tests of each group, not for all tests together. Tests that hang together need no separate correction, and
    records of one patient move together.

    References
    ----------
    P. Westfall, S. Young, "Resampling-Based Multiple Testing", Wiley 1993.
    """
    if n_draws is None:
        n_draws = max(N_DRAWS, math.ceil(20 / family_error))
    both = _Both(reference, new)
    tests = list(_tests(both, least))
    usable = [number for number, test in enumerate(tests) if test.column is not None]
    groups = [(tests[number].row.family, bool(tests[number].row.slice)) for number in usable]
    z, p = _corrected(both, [tests[number].column for number in usable], groups, n_draws, seed)
    rows = [test.row for test in tests]
    for place, number in enumerate(usable):
        row = rows[number]
        verdict = "no evidence"
        if p[place] <= family_error:
            verdict = "drift" if abs(row.effect) >= margin else "below margin"
        rows[number] = Drift(**{**vars(row), "z": float(z[place]), "p": float(p[place]), "verdict": verdict})
    return Comparison(
        tuple(rows),
        len(reference),
        len(new),
        len(usable),
        family_error,
        margin,
        {"draws": n_draws, "seed": seed},
    )


class _Both:
    """Two profiles, one under the other."""

    def __init__(self, reference: Profile, new: Profile) -> None:
        self.is_new = np.r_[np.zeros(len(reference), dtype=bool), np.ones(len(new), dtype=bool)]
        known = {_what(quantity): number for number, quantity in enumerate(new.quantities)}
        self.quantities: list[Quantity] = []
        self.columns: list[NDArray[Any]] = []
        for number, quantity in enumerate(reference.quantities):
            place = known.get(_what(quantity))
            if place is None:
                continue
            pair = [reference.columns[number], new.columns[place]]
            if (
                quantity.kind != new.quantities[place].kind
            ):  # numbers then, words now: both are taken for names
                quantity = replace(quantity, kind="category")
                pair = [_as_names(column) for column in pair]
            self.quantities.append(quantity)
            self.columns.append(np.concatenate(pair))
        self.members = {
            name: np.concatenate([values, new.members[name]])
            for name, values in reference.members.items()
            if name in new.members
        }
        codes = np.concatenate([reference.patients, new.patients + reference.patients.max(initial=-1) + 1])
        self.units = np.unique(codes, return_inverse=True)[1]
        self.n_units = int(self.units.max(initial=-1)) + 1
        owner = np.zeros(self.n_units, dtype=bool)
        owner[self.units] = self.is_new
        self.new_units = owner

    def by_unit(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum a patient."""
        sums = np.bincount(self.units, weights=values, minlength=self.n_units)
        return np.asarray(sums, dtype=np.float64)


def _what(quantity: Quantity) -> tuple[str, str, str, str]:
    """Return what a quantity is of, whatever form it has."""
    return (quantity.family, quantity.name, quantity.source, quantity.task)


def _as_names(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as names."""
    if column.dtype == object:
        return column
    return np.array([None if value != value else f"{value:g}" for value in column.tolist()], dtype=object)


def _tests(both: _Both, least: int) -> Iterator[_Test]:
    """Yield every test: each quantity among all records, and most of them in each slice."""
    scopes = {"": np.ones(len(both.is_new), dtype=bool), **both.members}
    for quantity, column in zip(both.quantities, both.columns, strict=True):
        pieces: Sequence[tuple[Quantity, NDArray[np.float64], str]]
        if quantity.kind == "category":
            pieces = [(part, values, "share") for part, values in _categories(quantity, column, least)]
        elif quantity.kind == "share":
            pieces = [(quantity, column, "share")]
        else:
            missing = Quantity(
                quantity.family, f"{quantity.name} missing", "share", quantity.source, quantity.task
            )
            pieces = [(quantity, column, "level"), (quantity, column, "spread")]
            if quantity.family not in (
                "predictions",
                "labels",
            ):  # known of some records of the reference only
                pieces += [(missing, np.isnan(column).astype(np.float64), "share")]
        for part, values, what in pieces:
            for name, members in scopes.items():
                if name and (part.family in ("words", "slices") or what == "spread"):
                    continue
                yield _test(both, part, values, what, name, members, least)


def _categories(
    quantity: Quantity, column: NDArray[Any], least: int
) -> Iterator[tuple[Quantity, NDArray[np.float64]]]:
    """Yield a share a common value of a column, one of all rarer ones, and one of missing ones."""
    values = np.array(["" if value is None else str(value) for value in column], dtype=np.str_)
    names, counts = np.unique(values[values != ""], return_counts=True)
    common = [
        str(name) for name in names[np.argsort(-counts, kind="stable")][:20] if counts[names == name] >= least
    ]
    told = [(f"{quantity.name} = {name}", values == name) for name in sorted(common)]
    told.append((f"{quantity.name} = rarer values", (values != "") & ~np.isin(values, common)))
    told.append((f"{quantity.name} missing", values == ""))
    for name, hits in told:
        yield (
            Quantity(quantity.family, name, "share", quantity.source, quantity.task),
            hits.astype(np.float64),
        )


def _test(
    both: _Both,
    quantity: Quantity,
    values: NDArray[np.float64],
    what: str,
    scope: str,
    members: NDArray[np.bool_],
    least: int,
) -> _Test:
    """Return a test: which records it is on, then and now, and each patient's part in it."""
    rows = members & ~np.isnan(values)
    old, new = rows & ~both.is_new, rows & both.is_new
    n_old, n_new = int(old.sum()), int(new.sum())
    place = (quantity.family, quantity.name, quantity.source, quantity.task, scope, what)
    if not n_old or not n_new:
        return _Test(Drift(*place, math.nan, math.nan, n_old, n_new, math.nan), None)
    if what == "share":
        scores = values
        then, now = float(values[old].mean()), float(values[new].mean())
        events = min(float(values[rows].sum()), float((1 - values[rows]).sum()))
        enough = events * min(n_old, n_new) / (n_old + n_new) >= least / 2 and events >= least
        effect = now - then
    else:
        scores = np.full(len(values), np.nan)
        centre = np.median(values[rows])
        scores[rows] = stats.rankdata(np.abs(values[rows] - centre) if what == "spread" else values[rows])
        scores[rows] /= n_old + n_new
        summary = _half_range if what == "spread" else np.median
        then, now = float(summary(values[old])), float(summary(values[new]))
        effect = float(scores[new].mean() - scores[old].mean())
        enough = min(n_old, n_new) >= least and bool(np.ptp(values[rows]) > 0)
    row = Drift(*place, then, now, n_old, n_new, effect)
    if not enough:
        return _Test(row, None)
    residual = np.where(rows, np.nan_to_num(scores) - float(scores[rows].mean()), 0.0)
    units = both.by_unit(residual)
    return _Test(row, units) if np.any(np.abs(units) > 1e-12) else _Test(row, None)


def _half_range(values: NDArray[np.float64]) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) / 2


def _corrected(
    both: _Both,
    columns: Sequence[NDArray[np.float64] | None],
    groups: Sequence[tuple[str, bool]],
    n_draws: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return z and corrected p of every test.

    The statistic is the sum over new patients of what they depart from the common mean, in the standard errors that a
    random division of the patients gives it.
    """
    n, n_new = both.n_units, int(both.new_units.sum())
    if not columns or n_new == 0 or n_new == n:
        return np.full(len(columns), math.nan), np.full(len(columns), math.nan)
    known = sorted(set(groups))
    of = np.array([known.index(group) for group in groups])
    places = [np.flatnonzero(of == number) for number in range(len(known))]
    table = np.stack([np.asarray(column) for column in columns], axis=1).astype(np.float32)
    table -= table.mean(axis=0)
    spread = np.sqrt((table.astype(np.float64) ** 2).sum(axis=0) * n_new * (n - n_new) / (n * (n - 1)))
    table /= np.maximum(spread, 1e-30).astype(np.float32)
    z = both.new_units.astype(np.float32) @ table
    random = generator(seed, "monitor", "divisions")
    largest = [np.array([[np.abs(z[place]).max() for place in places]])]
    for start in range(0, n_draws, _BLOCK):
        size = min(_BLOCK, n_draws - start)
        drawn = np.zeros((size, n), dtype=np.float32)
        order = np.argpartition(random.random((size, n)), n_new - 1, axis=1)[:, :n_new]
        np.put_along_axis(drawn, order, np.float32(1), axis=1)
        sizes = np.abs(drawn @ table)
        largest.append(np.stack([sizes[:, place].max(axis=1) for place in places], axis=1))
    peaks = np.concatenate(largest)  # the division that is, and those that were drawn
    gates = _gates(np.stack([_share_above(peak, peak) for peak in peaks.T], axis=1))
    p = np.empty(len(columns))
    for number, place in enumerate(places):
        p[place] = np.maximum(gates[number], _share_above(peaks[:, number], np.abs(z[place])))
    return z.astype(np.float64), p


def _share_above(peaks: NDArray[Any], values: NDArray[Any]) -> NDArray[np.float64]:
    """Return which share of the peaks is as large as each value, but for rounding."""
    below = np.searchsorted(np.sort(peaks), values - 1e-4, side="left")
    return np.asarray(1 - below / len(peaks), dtype=np.float64)


def _gates(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the step-down min-P p value of each group.

    Parameters
    ----------
    p : ndarray of float of shape (1 + n_draws, n_groups)
        Of each group in each division, the one that is in the first row.
    """
    gates, least = np.empty(p.shape[1]), 0.0
    left = np.argsort(p[0], kind="stable")
    for place, group in enumerate(left):
        rare = p[:, left[place:]].min(axis=1) <= p[0, group] + 1e-12
        least = gates[group] = max(least, float(rare.mean()))
    return gates
