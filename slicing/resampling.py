"""Metrics of all slices under the same draws of patients: intervals where no formula exists, or by request."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from sidelight.labeling.statistics import Interval, interval_of_draws, patient_weights

from .estimates import effective_patients, n_distinct
from .metrics import Metric, Task

BINS = 1024
"""Distinct scores told apart while resampling areas; estimates themselves are exact."""

CACHE = 400_000_000
"""Most draws times patients kept as bytes, so that several metrics share them."""


class Resampler:
    """Draws patients once for every metric and slice.

    Parameters
    ----------
    members : ndarray of bool of shape (n_records, n_slices)
        Membership.
    codes : ndarray of int of shape (n_records,)
        The patient of each record.
    n_patients : int
        Number of patients.
    n_draws : int
        Number of resamples.
    seed : int
        Seed of the draws.
    level : float
        Confidence level.
    """

    def __init__(
        self,
        members: NDArray[np.bool_],
        codes: NDArray[np.intp],
        n_patients: int,
        n_draws: int,
        seed: int,
        level: float,
    ) -> None:
        self.members, self.codes, self.n_patients = members, codes, n_patients
        self.n_draws, self.seed, self.level = n_draws, seed, level
        self._cache: list[NDArray[np.uint8]] = []
        # patients in each slice and each rest, and how many of equal size they are worth: what small intervals depend on
        self.slice_patients = np.array([n_distinct(codes[column]) for column in members.T], dtype=np.int64)
        self.rest_patients = np.array([n_distinct(codes[~column]) for column in members.T], dtype=np.int64)
        self.slice_effective = [effective_patients(codes[column]) for column in members.T]
        self.rest_effective = [effective_patients(codes[~column]) for column in members.T]

    def draws(
        self, metric: Metric, task: Task
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the metric under every draw: overall (n_draws,), in slices and in rests (n_draws, n_slices)."""
        if metric.kind in ("share", "mean"):
            return self._means(*task.parts(metric))
        if metric.kind == "area":
            return self._areas(task)
        return self._custom(metric, task)

    def interval(self, estimate: float, draws: NDArray[np.float64], n_patients: float, n: int) -> Interval:
        """Return an estimate with the interval of its draws."""
        if math.isnan(estimate):
            return Interval.missing("not defined on these records", level=self.level, n=n)
        return interval_of_draws(estimate, draws, n_patients, level=self.level, n=n)

    def gap(self, estimate: float, draws: NDArray[np.float64], n_patients: float, n: int) -> Interval:
        """Return a paired difference with interval and p."""
        interval = self.interval(estimate, draws, n_patients, n)
        if math.isnan(interval.low):
            return interval
        ratio = abs(estimate) / (float(np.nanstd(draws, ddof=1)) * math.sqrt(n_patients / (n_patients - 1)))
        p = float(2 * special.stdtr(n_patients - 1, -ratio))
        return Interval(interval.estimate, interval.low, interval.high, self.level, n, p)

    def _weights(self) -> Iterator[NDArray[np.float32]]:
        """Yield patient weights of shape (draws, n_patients), the same each time."""
        chunk = max(1, min(64, 20_000_000 // max(self.n_patients, 1)))
        if self._cache:
            for kept in self._cache:
                yield kept.astype(np.float32)
            return
        keep = self.n_draws * self.n_patients <= CACHE
        for weights in patient_weights(self.n_patients, self.n_draws, seed=self.seed, chunk=chunk):
            if keep and weights.max(initial=0) < 256:
                self._cache.append(weights.astype(np.uint8))
            else:
                keep = False
            yield weights
        if not keep:
            self._cache = []

    def _means(
        self, inside: NDArray[np.bool_], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Ratio of weighted sums: patients' sums once, then one matrix product a draw."""
        columns = [np.ones(len(inside), dtype=bool), *self.members.T]
        sums = np.empty((self.n_patients, 2 * len(columns)), dtype=np.float32)
        for place, column in enumerate(columns):
            rows = column & inside
            sums[:, place] = np.bincount(self.codes[rows], weights=values[rows], minlength=self.n_patients)
            sums[:, place - len(columns)] = np.bincount(self.codes[rows], minlength=self.n_patients)
        drawn = np.concatenate([weights @ sums for weights in self._weights()]).astype(np.float64)
        top, bottom = drawn[:, : len(columns)], drawn[:, len(columns) :]
        rest_top, rest_bottom = top[:, :1] - top[:, 1:], bottom[:, :1] - bottom[:, 1:]
        return (
            _ratio(top[:, 0], bottom[:, 0]),
            _ratio(top[:, 1:], bottom[:, 1:]),
            _ratio(rest_top, rest_bottom),
        )

    def _areas(self, task: Task) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Areas from weighted histograms of the scores; the rest's is everyone's less the slice's."""
        distinct, level_of = np.unique(task.score, return_inverse=True)
        n_bins = min(len(distinct), BINS)
        if len(distinct) > BINS:  # bins of equal numbers of records, equal scores together
            rank = np.searchsorted(np.sort(task.score), distinct, side="left")[level_of]
            bins = (rank * BINS) // len(task)
        else:
            bins = level_of
        n_columns = self.members.shape[1] + 1
        cell = bins * 2 + task.positive
        rows = [cell]
        records = [np.arange(len(task))]
        for place, column in enumerate(self.members.T, start=1):
            chosen = np.flatnonzero(column)
            rows.append(cell[chosen] + place * 2 * n_bins)
            records.append(chosen)
        where = np.concatenate(rows), self.codes[np.concatenate(records)]
        ones = np.ones(len(where[0]), dtype=np.float32)
        cells = sparse.csr_array((ones, where), shape=(n_columns * 2 * n_bins, self.n_patients))
        overall, inside, rest = [], [], []
        for weights in self._weights():
            step = max(1, 40_000_000 // (n_columns * 2 * n_bins))
            for start in range(0, len(weights), step):
                part = np.ascontiguousarray(weights[start : start + step].T)
                counts = np.asarray(cells @ part).reshape(n_columns, n_bins, 2, part.shape[1])
                areas = _areas_of(counts)
                overall.append(areas[0])
                inside.append(areas[1:])
                rest.append(_areas_of(counts[:1] - counts[1:]))
        return np.concatenate(overall), np.concatenate(inside, axis=1).T, np.concatenate(rest, axis=1).T

    def _custom(
        self, metric: Metric, task: Task
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Any function: called on the drawn records of each slice and each rest."""
        if metric.function is None:
            raise ValueError(f"metric {metric.name!r} has no function")
        gold, predicted = task.arguments()
        n_slices = self.members.shape[1]
        overall = np.empty(self.n_draws)
        inside, rest = np.empty((self.n_draws, n_slices)), np.empty((self.n_draws, n_slices))
        draw = 0
        for weights in self._weights():
            for row in weights:
                drawn = np.repeat(np.arange(len(task)), row[self.codes].astype(np.intp))
                overall[draw] = metric.function(gold[drawn], predicted[drawn])
                for place in range(n_slices):
                    member = self.members[drawn, place]
                    for target, rows in ((inside, drawn[member]), (rest, drawn[~member])):
                        value = metric.function(gold[rows], predicted[rows]) if len(rows) else math.nan
                        target[draw, place] = value
                draw += 1
        return overall, inside, rest


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0.5)
    return ratio


def _areas_of(counts: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return areas of shape (n_columns, n_draws) from counts (n_columns, n_bins, 2, n_draws)."""
    negative, positive = counts[:, :, 0], counts[:, :, 1]
    below = np.cumsum(negative, axis=1, dtype=np.float32)
    wins = np.einsum("sbd,sbd->sd", positive, below - negative / 2, dtype=np.float64)
    pairs = positive.sum(axis=1, dtype=np.float64) * below[:, -1]
    return _ratio(wins, pairs)
