"""What a slice of an audit could have shown: the smallest gap it had the power to show, and the size the margin needs."""

from __future__ import annotations

import math

from .estimates import Areas, Estimate, Means, Shares
from .metrics import Kind
from .power import detectable_gap, needed_size


def power_by_law(
    kind: Kind,
    estimator: Shares | Means | Areas,
    inside: Estimate,
    rest: Estimate,
    mix: tuple[float, ...],
    n: int,
    n_all: int,
    margin: float,
    alpha: float,
) -> tuple[float, int | None]:
    """Return the smallest gap a share or an area could show, and the records that would show the margin.

    Parameters
    ----------
    kind : {"share", "area"}
        Of the metric.
    estimator : Shares or Areas
        Knows the variance for any value.
    inside, rest : Estimate
        In the slice, and in all other records.
    mix : tuple of float
        Share of the slice's records that each part of the metric rests on.
    n, n_all : int
        Records of the slice, and of the audit.
    margin : float
        Smallest gap that matters.
    alpha : float
        Level of the test.
    """
    reference, n_rest = rest.interval.estimate, n_all - n
    if math.isnan(reference) or min(rest.counted) == 0:
        return math.nan, None
    design, rest_design = max(inside.design, 1.0), max(rest.design, 1.0)
    rest_mix = tuple(count / n_rest for count in rest.counted)
    weight = n * mix[0] / (n * mix[0] + rest.counted[0])
    step = 0.5 * design / mix[0] if kind == "share" and mix[0] > 0 else 0.0
    seen = math.nan
    if n and min(inside.counted) > 0:
        seen = detectable_gap(
            reference,
            estimator.power(design, mix, n),
            estimator.power(rest_design, rest_mix, n_rest),
            alpha=alpha,
            room=reference if kind == "share" else reference - 0.5,
            weight=weight,
            step=step / n,
            n_patients=min(inside.n_effective, rest.n_effective) if estimator.repeated else math.inf,
        )
    size = needed_size(
        reference,
        lambda wanted: estimator.power(design, mix, wanted),
        lambda wanted: estimator.power(rest_design, rest_mix, n_rest * max(wanted / max(n, 1), 1.0)),
        margin,
        alpha=alpha,
        weight=weight,
        step=step,
    )
    return seen, size


def power_of_mean(
    inside: Estimate, rest: Estimate, n: int, margin: float, alpha: float, most: float = math.inf
) -> tuple[float, int | None]:
    """Return the same of a mean, whose variances are taken as they were seen and which is `most` at its worst."""
    own, noise = inside.variance, rest.variance
    if not n or math.isnan(own) or math.isnan(noise):
        return math.nan, None
    n_patients = min(inside.n_effective, rest.n_effective)
    room = min(most - rest.interval.estimate, 1e6)
    seen = detectable_gap(0.0, lambda _: own, noise, alpha=alpha, room=room, n_patients=n_patients)
    size = needed_size(
        0.0,
        lambda wanted: lambda _: own * n / wanted,
        lambda wanted: noise * min(n / wanted, 1.0),
        margin,
        alpha=alpha,
    )
    return seen, size
