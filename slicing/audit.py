"""The audit: every metric in every slice, with its interval, its gap to the rest, and what could not be seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import Interval, benjamini_hochberg, group_codes, holm

from .estimates import ESTIMATORS, Areas, Estimate, Means, n_distinct
from .matrix import SliceMatrix, as_slices
from .metrics import DEFAULT_METRICS, Metric, Task, as_metrics, as_task
from .power import detectable_gap, needed_size
from .report import Audit, AuditRow, Overall
from .resampling import Resampler
from .slice_power import power_by_law, power_of_mean
from .support import DEFAULT_SUPPORT, Support, lacks_events, least_size, shortage, too_few
from .told import AuditedRecords
from .withholding import withhold_small_cells

Intervals: TypeAlias = Literal["auto", "bootstrap"]
Correction: TypeAlias = Literal["benjamini-hochberg", "holm"]


def audit(
    y: ArrayLike,
    proba: ArrayLike,
    slices: Any,
    patients: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    *,
    metrics: Iterable[str | Metric | Callable[..., float]] = DEFAULT_METRICS,
    positive: int = 1,
    threshold: float = 0.5,
    support: Support = DEFAULT_SUPPORT,
    margin: float = 0.05,
    q: float = 0.05,
    level: float = 0.95,
    correction: Correction = "benjamini-hochberg",
    intervals: Intervals = "auto",
    n_draws: int = 1000,
    seed: int = 0,
    smallest_cell: int = 0,
) -> Audit:
    """Measure a model in every slice, and say where it is worse and how sure that is.

    Parameters
    ----------
    y : array-like of shape (n_records,)
        Gold as class numbers; -1, None and NaN are missing and leave the record out.
    proba : array-like of shape (n_records,) or (n_records, n_classes)
        Predicted probabilities, of the positive class when there is one column.
    slices : SliceMatrix, DataFrame, mapping of name to bools, or bool array of shape (n_records, n_slices)
        Membership.
    patients : array-like of shape (n_records,), optional
        The patient of each record; taken from `slices` when it knows them. Records of one patient are never
        treated as independent.
    ids : array-like of shape (n_records,), optional
        Record ids; a `SliceMatrix` with ids is brought into their order.
    metrics : iterable of str, Metric or callable
        Names in `METRICS`, or any function ``f(y, p)``.
    positive : int, default 1
        The class that AUROC, sensitivity, specificity and precision are about.
    threshold : float, default 0.5
        Where a prediction of two classes becomes positive.
    support : Support
        Least that is needed to assess a slice.
    margin : float, default 0.05
        Smallest gap that matters; the size a slice would need is the size that shows this gap.
    q : float, default 0.05
        Share of false alarms that is tolerated among the slices called worse or better.
    level : float, default 0.95
        Confidence level of the intervals.
    correction : {"benjamini-hochberg", "holm"}, default "benjamini-hochberg"
        Holm's bounds the chance of even one false alarm by `q`: for slices declared before looking.
    intervals : {"auto", "bootstrap"}, default "auto"
        Wilson for proportions, DeLong for areas, the log scale for means, and a bootstrap of patients for the rest; or
        bootstrap for all, which covers a little less in small slices.
    n_draws : int, default 1000
        Resamples of the bootstrap.
    seed : int, default 0
        Seed of the resamples.
    smallest_cell : int, default 0
        From 2 on, figures that rest on fewer patients than this, and those from which such could be reckoned, are
        withheld, for an audit that leaves the house: see `withhold_small_cells`.

    Returns
    -------
    Audit

    Notes
    -----
    A gap is the slice minus all other records, never minus the whole that contains the slice. One family of tests
    holds every assessable pair of slice and metric; `q` bounds its false discoveries after Benjamini and Hochberg.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(600) < 0.5
    >>> paced = rng.random(600) < 0.2
    >>> p = np.where(paced, 0.5, 0.2 + 0.6 * y) + rng.normal(0, 0.1, 600).clip(-0.2, 0.2)
    >>> report = audit(y, p, {"paced": paced, "tiny": np.arange(600) < 4}, metrics=["auroc"])
    >>> for row in report.rows:
    ...     print(row.slice, row.n, row.verdict)
    paced 124 worse
    tiny 4 not assessable
    """
    if intervals not in ("auto", "bootstrap"):
        raise ValueError(f"intervals is {intervals!r}; it is 'auto' or 'bootstrap'")
    if correction not in ("benjamini-hochberg", "holm"):
        raise ValueError(f"correction is {correction!r}; it is 'benjamini-hochberg' or 'holm'")
    chosen = as_metrics(metrics)
    n_records = len(np.asarray(y))
    matrix = as_slices(slices, n_records=n_records, ids=ids)
    task = as_task(y, proba, positive=positive, threshold=threshold)
    if patients is None:
        patients = matrix.patient_ids
    elif len(np.asarray(patients)) != n_records:
        raise ValueError(f"patients has {len(np.asarray(patients))} entries for {n_records} records")
    known = None if patients is None else np.asarray(patients)[task.rows]
    codes, n_patients = group_codes(known, len(task))
    if known is not None and len(task) and all(name is None or str(name) in ("", "nan") for name in known):
        known = None
    members = np.ascontiguousarray(matrix.values[task.rows])
    common = _Common(task, members, codes, n_patients, matrix, support, margin, level)
    resampler = Resampler(members, codes, n_patients, n_draws, seed, level)
    overall: list[Overall] = []
    drafts: list[_Draft] = []
    for metric in chosen:
        if intervals == "auto" and metric.kind in ESTIMATORS:
            whole, part = _by_formula(metric, common)
        else:
            whole, part = _by_resampling(metric, common, resampler)
        overall.append(whole)
        drafts.extend(part)
    rows = _finished(drafts, common, q, holm if correction == "holm" else benjamini_hochberg)
    settings = {
        "positive": positive, "threshold": threshold, "margin": margin, "q": q, "level": level,
        "correction": correction, "intervals": intervals, "n_draws": n_draws, "seed": seed,
        "support": {"records": support.records, "events": support.events, "patients": support.patients},
    }  # fmt: skip
    found = Audit(
        rows=tuple(rows),
        overall=tuple(overall),
        n_records=len(task),
        n_patients=n_patients,
        n_without_gold=n_records - len(task),
        prevalence=float(task.positive.mean()) if len(task) else math.nan,
        n_tests=sum(not math.isnan(row.gap.p) for row in rows),
        patients_known=known is not None,
        settings=settings,
    )
    if not smallest_cell:
        return found
    from .findings import Findings

    return withhold_small_cells(
        Findings(found), AuditedRecords(y, proba, matrix, patients), smallest_cell
    ).audit


@dataclass(frozen=True, eq=False)
class _Common:
    """What every metric's part of an audit shares."""

    task: Task
    members: NDArray[np.bool_]
    codes: NDArray[np.intp]
    n_patients: int
    matrix: SliceMatrix
    support: Support
    margin: float
    level: float


@dataclass(frozen=True, eq=False)
class _Draft:
    """A row before the family of tests is complete; `power` computes the last columns from the test level."""

    metric: Metric
    column: int
    method: str
    value: Interval
    rest: Interval
    gap: Interval
    reason: str
    power: Callable[[float], tuple[float, int | None]]


def _by_formula(metric: Metric, common: _Common) -> tuple[Overall, list[_Draft]]:
    """Estimate a share, a mean or an area in every slice."""
    estimator = ESTIMATORS[metric.kind](metric, common.task, common.codes, common.n_patients, common.level)
    everyone = estimator.estimate(np.ones(len(common.task), dtype=bool))
    mix = tuple(count / max(len(common.task), 1) for count in everyone.counted)
    drafts = []
    for column, members in enumerate(common.members.T):
        inside, rest = estimator.estimate(members), estimator.estimate(~members)
        reason = shortage(metric, inside, common.support)
        reason = reason or shortage(metric, rest, common.support, "the rest has ")
        gap = estimator.gap(inside, rest)
        if not reason and math.isnan(gap.p):
            reason = gap.reason or "no variation to judge the gap by"
        n = int(members.sum())
        own_mix = tuple(count / n for count in inside.counted) if n and min(inside.counted) > 0 else mix

        def power(
            alpha: float,
            inside: Estimate = inside,
            rest: Estimate = rest,
            own_mix: tuple[float, ...] = own_mix,
            n: int = n,
        ) -> tuple[float, int | None]:
            if n >= common.support.records and min(inside.counted) == 0:
                return (
                    math.nan,
                    None,
                )  # a slice of one class alone: more of its records bring none of the other
            if metric.kind == "mean":
                most = estimator.most if isinstance(estimator, Means) else math.inf
                seen, size = power_of_mean(inside, rest, n, common.margin, alpha, most)
                return seen, size if size is None else max(size, common.support.records)
            parts = (inside, rest, own_mix, n, len(common.task))
            seen, size = power_by_law(metric.kind, estimator, *parts, common.margin, alpha)
            return seen, size if size is None else max(size, least_size(metric, own_mix, common.support))

        drafts.append(
            _Draft(metric, column, estimator.method, inside.interval, rest.interval, gap, reason, power)
        )
    whole = Overall(metric.name, metric.title, everyone.interval, estimator.method, metric.higher_is_better)
    return whole, drafts


def _by_resampling(metric: Metric, common: _Common, resampler: Resampler) -> tuple[Overall, list[_Draft]]:
    """Estimate any metric in every slice under common draws of patients."""
    value = _function(metric, common)
    everyone = np.ones(len(common.task), dtype=bool)
    overall_draws, slice_draws, rest_draws = resampler.draws(metric, common.task)
    whole = resampler.interval(value(everyone), overall_draws, common.n_patients, len(common.task))
    drafts = []
    for column, members in enumerate(common.members.T):
        n, n_rest = int(members.sum()), int((~members).sum())
        n_patients, n_others = int(resampler.slice_patients[column]), int(resampler.rest_patients[column])
        worth, worth_others = resampler.slice_effective[column], resampler.rest_effective[column]
        inside = resampler.interval(value(members), slice_draws[:, column], worth, n)
        rest = resampler.interval(value(~members), rest_draws[:, column], worth_others, n_rest)
        difference = slice_draws[:, column] - rest_draws[:, column]
        gap_value = inside.estimate - rest.estimate
        gap = resampler.gap(gap_value, difference, min(worth, worth_others), n + n_rest)
        reason = ""
        for chosen, groups, owner in ((members, n_patients, ""), (~members, n_others, "the rest has ")):
            reason = reason or lacks_events(metric, common.task, chosen, common.support, owner)
            reason = reason or too_few(groups, common.support.patients, "patients", owner)
        reason = reason or inside.reason or rest.reason or gap.reason
        errors = (_spread(slice_draws[:, column]), _spread(rest_draws[:, column]), _spread(difference))

        def power(
            alpha: float,
            n: int = n,
            errors: tuple[float, float, float] = errors,
            patients: float = min(worth, worth_others),
        ) -> tuple[float, int | None]:
            slice_error, rest_error, gap_error = errors
            if math.isnan(gap_error) or gap_error == 0:
                return math.nan, None
            seen = detectable_gap(
                0.0, lambda _: gap_error**2, 0.0, alpha=alpha, room=1e6, n_patients=patients
            )
            size = needed_size(
                0.0,
                lambda wanted: lambda _: slice_error**2 * n / wanted,
                lambda wanted: rest_error**2 * min(n / wanted, 1.0),
                common.margin,
                alpha=alpha,
            )
            return seen, size if size is None else max(size, common.support.records)

        drafts.append(_Draft(metric, column, "bootstrap of patients", inside, rest, gap, reason, power))
    return Overall(metric.name, metric.title, whole, "bootstrap of patients", metric.higher_is_better), drafts


def _spread(draws: NDArray[np.float64]) -> float:
    known = draws[~np.isnan(draws)]
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan


def _function(metric: Metric, common: _Common) -> Callable[[NDArray[np.bool_]], float]:
    """Return the metric as a function of who takes part."""
    task = common.task
    if metric.kind == "area":
        areas = Areas(metric, task, common.codes, common.n_patients, common.level)
        return lambda members: areas.estimate(members).interval.estimate
    if metric.kind in ("share", "mean"):
        inside, values = task.parts(metric)

        def mean(members: NDArray[np.bool_]) -> float:
            rows = members & inside
            return float(values[rows].mean()) if rows.any() else math.nan

        return mean
    gold, predicted = task.arguments()
    function = metric.function
    if function is None:
        raise ValueError(f"metric {metric.name!r} has no function")
    return lambda members: float(function(gold[members], predicted[members])) if members.any() else math.nan


def _finished(
    drafts: list[_Draft], common: _Common, q: float, adjust: Callable[[ArrayLike], NDArray[np.float64]]
) -> list[AuditRow]:
    """Correct the family of tests, and turn drafts into rows."""
    p = np.array([math.nan if draft.reason else draft.gap.p for draft in drafts])
    adjusted = adjust(p)
    alpha = q / max(int(np.sum(~np.isnan(p))), 1)
    members, task = common.members, common.task
    gold_missing = common.matrix.values.sum(axis=0) - members.sum(axis=0)
    rows = []
    for draft, corrected in zip(drafts, adjusted, strict=True):
        inside = members[:, draft.column]
        n = int(inside.sum())
        detectable, needed = draft.power(alpha)
        verdict = _verdict(draft, float(corrected), q, common.margin)
        rows.append(
            AuditRow(
                slice=common.matrix.names[draft.column],
                metric=draft.metric.name,
                n=n,
                n_patients=n_distinct(common.codes[inside]),
                n_positive=int(task.positive[inside].sum()),
                n_without_gold=int(gold_missing[draft.column]),
                prevalence=float(task.positive[inside].mean()) if n else math.nan,
                share=n / len(task) if len(task) else math.nan,
                value=draft.value,
                rest=draft.rest,
                gap=draft.gap if not draft.reason else _untested(draft.gap),
                q=float(corrected),
                verdict=verdict,
                reason=draft.reason,
                detectable_gap=detectable,
                n_needed=needed,
                method=draft.method,
                higher_is_better=draft.metric.higher_is_better,
            )
        )
    return rows


def _untested(gap: Interval) -> Interval:
    return Interval(gap.estimate, gap.low, gap.high, gap.level, gap.n, math.nan, gap.reason)


def _verdict(draft: _Draft, corrected: float, q: float, margin: float) -> str:
    """Return worse, slightly worse, better, no evidence or not assessable."""
    if draft.reason or math.isnan(corrected):
        return "not assessable"
    if corrected > q:
        return "no evidence"
    gap = draft.gap.estimate if draft.metric.higher_is_better else -draft.gap.estimate
    if gap > 0:
        return "better"
    return "worse" if -gap >= margin else "slightly worse"
