"""Corrections for having tested many things at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values: reject those at or below q, and at most a share q of the rejections is expected false.

    Parameters
    ----------
    p : array-like of shape (n_tests,)
        P-values; NaN marks what was not tested, which stays NaN and does not count.

    Returns
    -------
    ndarray of shape (n_tests,)

    References
    ----------
    Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 1995. The adjusted value of the
    i-th smallest of m is the minimum of p_(j) m / j over j >= i.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, float("nan")]).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    return _adjust(p, step_up=True)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that bound the chance of even one false rejection, for tests declared beforehand.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    return _adjust(p, step_up=False)


def _adjust(p: ArrayLike, *, step_up: bool) -> NDArray[np.float64]:
    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    known = values[tested]
    if np.any((known < 0) | (known > 1)):
        raise ValueError("p holds a value outside 0..1")
    order = np.argsort(known, kind="stable")
    m = len(known)
    if step_up:
        scaled = known[order] * m / np.arange(1, m + 1)
        scaled = np.minimum.accumulate(scaled[::-1])[::-1]
    else:
        scaled = np.maximum.accumulate(known[order] * np.arange(m, 0, -1))
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(scaled, 1.0)
    result = np.full(values.shape, np.nan)
    result[tested] = adjusted
    return result
