"""An estimate with the interval it is known to: what every statistic of sidelight returns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


@dataclass(frozen=True)
class Interval:
    """An estimate, how sure it is, and why it is missing when it is.

    Parameters
    ----------
    estimate : float
        NaN when the data cannot give one; `reason` then says why.
    low, high : float
        Bounds of the two-sided confidence interval.
    level : float, default 0.95
        Confidence level.
    n : int, default 0
        Records the estimate rests on.
    p : float, default NaN
        Two-sided p-value of "the estimate is zero", for differences.
    reason : str, default ""
        Why the estimate or its bounds are missing.

    Examples
    --------
    >>> print(Interval(0.9, 0.85, 0.94, n=200))
    0.900 [0.850, 0.940]
    """

    estimate: float
    low: float
    high: float
    level: float = 0.95
    n: int = 0
    p: float = math.nan
    reason: str = ""

    @classmethod
    def missing(cls, reason: str, *, level: float = 0.95, n: int = 0) -> Interval:
        """Return an interval that holds nothing but the reason why."""
        return cls(math.nan, math.nan, math.nan, level=level, n=n, reason=reason)

    def excludes(self, value: float) -> bool:
        """Return whether `value` lies outside the interval; false when the interval is missing."""
        return self.low > value or self.high < value

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what is not a number becomes None, and empty fields are left out."""
        plain = {key: _finite(value) for key, value in asdict(self).items()}
        if plain["p"] is None:
            del plain["p"]
        if not plain["reason"]:
            del plain["reason"]
        return plain

    def __str__(self) -> str:
        if math.isnan(self.estimate):
            return f"n/a ({self.reason})" if self.reason else "n/a"
        if math.isnan(self.low):
            return f"{self.estimate:.3f}"
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def t_quantile(level: float, degrees: float) -> float:
    """Return the point that Student's t exceeds in either direction with probability ``1 - level``."""
    return float(special.stdtrit(degrees, (1 + level) / 2))


def normal_quantile(level: float) -> float:
    """Return z such that a standard normal lies within ±z with probability `level`."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; a confidence level lies between 0 and 1")
    return float(special.ndtri((1 + level) / 2))


def two_sided_p(z: float) -> float:
    """Return the two-sided p-value of a standard normal statistic."""
    return math.nan if math.isnan(z) else float(2 * special.ndtr(-abs(z)))


def group_codes(groups: ArrayLike | None, n: int) -> tuple[NDArray[np.intp], int]:
    """Return each row's group as an integer, and the number of groups; without groups each row is its own.

    Empty, None and NaN mean that the group is not known: such a row is a group of its own.
    """
    if groups is None:
        return np.arange(n, dtype=np.intp), n
    values = np.asarray(groups)
    if values.shape != (n,):
        raise ValueError(f"groups has shape {values.shape}; there are {n} rows")
    if values.dtype.kind in "iub":
        unknown = np.zeros(n, dtype=bool)
    elif values.dtype.kind == "f":
        unknown = np.isnan(values)
    else:
        values = np.array(["" if value is None or value != value else str(value) for value in values])
        unknown = values == ""
    codes = np.unique(values, return_inverse=True)[1].astype(np.intp).reshape(n)
    if unknown.any():
        codes[unknown] = codes.max(initial=-1) + 1 + np.arange(int(unknown.sum()))
        codes = np.unique(codes, return_inverse=True)[1].astype(np.intp).reshape(n)
    return codes, int(codes.max(initial=-1)) + 1


def as_binary(y: ArrayLike) -> NDArray[np.bool_]:
    """Return `y` as bool of shape (n,); refuse anything but 0, 1, True and False."""
    values = np.asarray(y)
    if values.ndim != 1:
        raise ValueError(f"y has {values.ndim} dimensions; it is (n_records,)")
    wrong = (values != 0) & (values != 1)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise ValueError(f"y[{row}] is neither 0 nor 1; drop records without gold first")
    return values.astype(bool)
