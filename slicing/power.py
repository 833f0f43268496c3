"""What a slice of a given size could have shown: the smallest detectable gap, and the size a gap would need."""

import math
from collections.abc import Callable

from scipy import optimize, special, stats

Variance = Callable[[float], float]
"""Variance of an estimate, given the true value."""

POWER = 0.8


def detectable_gap(
    reference: float,
    slice_variance: Variance,
    rest_variance: Variance | float,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    room: float | None = None,
    weight: float = 0.0,
    step: float = 0.0,
    n_patients: float = math.inf,
) -> float:
    """Return the smallest drop below `reference` that a two-sided test finds with probability `power`.

    Parameters
    ----------
    reference : float
        What the metric is in the rest.
    slice_variance : callable
        Variance of the slice's estimate as a function of its true value.
    rest_variance : callable or float
        Variance of the rest's estimate, likewise, or the same whatever its value.
    alpha : float, default 0.05
        Level of the test; divide it by the number of tests for a slice that fails alone among many.
    power : float, default 0.8
        Wanted probability of finding the gap.
    room : float, optional
        Largest drop that makes sense, by default down to zero.
    weight : float, default 0
        Share of the slice among all records: what a test takes for the common value lies that much of the gap below the
        reference. Without it a rest that is never wrong would leave no room for chance.
    step : float, default 0
        Half the distance between two values that the slice's estimate can take (continuity).
    n_patients : float, default infinite
        Patients that the test's tails depend on.

    Returns
    -------
    float
        NaN when not even the largest possible drop would be found.

    References
    ----------
    J. Fleiss, B. Levin, M. Paik, "Statistical Methods for Rates and Proportions", 2003, chapter 4: both variances.

    Examples
    --------
    A slice of 100 records, 90 % right in 2000 others, tested one-sided at 0.05:

    >>> round(detectable_gap(0.9, share_variance(100), 0.9 * 0.1 / 2000, alpha=0.10), 2)
    0.08

    Where the others are never wrong, ten records show what is wrong in a quarter of them:

    >>> round(detectable_gap(1.0, share_variance(10), share_variance(90), weight=0.1, step=0.05), 2)
    0.28
    """
    if not n_patients > 1:
        return math.nan
    z_alpha = float(stats.t.isf(alpha / 2, n_patients - 1)) if math.isfinite(n_patients) else 0.0
    z_alpha = z_alpha or float(special.ndtri(1 - alpha / 2))
    z_power = float(special.ndtri(power))
    room = reference if room is None else room

    def noise(slice_value: float, rest_value: float) -> float:
        rest = rest_variance(rest_value) if callable(rest_variance) else rest_variance
        return math.sqrt(slice_variance(slice_value) + rest)

    def shortfall(gap: float) -> float:
        common = reference - weight * gap
        return gap - step - z_alpha * noise(common, common) - z_power * noise(reference - gap, reference)

    least = 1e-9  # without a gap a rest that is never wrong has no variance
    if not room > least or not shortfall(room) > 0:
        return math.nan
    return float(optimize.brentq(shortfall, least, room)) if shortfall(least) < 0 else least


def needed_size(
    reference: float,
    variance_of_size: Callable[[float], Variance],
    rest_variance_of_size: Callable[[float], Variance | float],
    margin: float,
    *,
    alpha: float = 0.05,
    power: float = POWER,
    weight: float = 0.0,
    step: float = 0.0,
) -> int | None:
    """Return the smallest slice in which a drop of `margin` would be found; None when no size is enough.

    `variance_of_size(n)` is the `slice_variance` of a slice of n records, `rest_variance_of_size(n)` the rest's variance
    beside a slice of that size: a larger audit has more of both. `weight` is that of `detectable_gap`, `step` that of a
    slice of one record.
    """

    def enough(size: float) -> bool:
        room = max(margin, reference)
        gap = detectable_gap(
            reference,
            variance_of_size(size),
            rest_variance_of_size(size),
            alpha=alpha,
            power=power,
            room=room,
            weight=weight,
            step=step / size,
        )
        return gap <= margin

    high = 16.0
    while not enough(high):
        high *= 2
        if high > 2**40:
            return None
    low = high / 2
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return math.ceil(high)


def share_variance(n: float) -> Variance:
    """Return the variance of a proportion of `n` records."""
    return lambda p: min(max(p, 0.0), 1.0) * (1 - min(max(p, 0.0), 1.0)) / n


def area_variance(n_positive: float, n_negative: float) -> Variance:
    """Return the variance of an area under the ROC curve, after Hanley and McNeil (Radiology 1982)."""

    def variance(area: float) -> float:
        a = min(max(area, 0.0), 1.0)
        spread = a * (1 - a)
        spread += (n_positive - 1) * (a / (2 - a) - a * a)
        spread += (n_negative - 1) * (2 * a * a / (1 + a) - a * a)
        return max(spread, 0.0) / (n_positive * n_negative)

    return variance
