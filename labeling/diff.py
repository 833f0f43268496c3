"""What changed between two runs: functions that came, went or changed, and the votes that moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .schema import ABSTAIN
from .votes import VoteMatrix


@dataclass(frozen=True, slots=True)
class FunctionChange:
    """What one function did differently in the newer run.

    Parameters
    ----------
    function : str
        The function's name.
    status : {"same", "changed", "added", "removed", "unknown"}
        By fingerprint; "unknown" where a run has none.
    n_common : int
        Records that both runs have.
    gained, lost, flipped : int
        Abstentions that became votes, votes that became abstentions, votes for another class.
    rate_before, rate_after : float
        Share of all records of each run that the function voted on; NaN where it was not there.
    p_value : float
        Of a two-sided test that both runs vote at one rate, without regard to which records are common; NaN where the
        function is not in both.
    """

    function: str
    status: str
    n_common: int
    gained: int
    lost: int
    flipped: int
    rate_before: float
    rate_after: float
    p_value: float

    @property
    def n_moved(self) -> int:
        """Common records on which the vote is another one."""
        return self.gained + self.lost + self.flipped


def diff(old: VoteMatrix, new: VoteMatrix) -> list[FunctionChange]:
    """Compare two runs, function by function; those with most moved votes first.

    Parameters
    ----------
    old, new : VoteMatrix
        Records are matched by id; without ids both runs need the same number of records.

    Examples
    --------
    >>> from sidelight.labeling import as_votes
    >>> (change,) = diff(as_votes([[1], [-1], [0]]), as_votes([[1], [1], [1]]))
    >>> change.gained, change.lost, change.flipped
    (1, 0, 1)
    """
    if old.schema != new.schema:
        raise ValueError(f"classes differ: {list(old.schema.classes)} and {list(new.schema.classes)}")
    before, after = _common_rows(old, new)
    left, right = old.dense(), new.dense()
    changes = []
    for name in dict.fromkeys([*old.names, *new.names]):
        if name not in old.names or name not in new.names:
            there = right[:, new.names.index(name)] if name in new.names else left[:, old.names.index(name)]
            rate = float((there != ABSTAIN).mean()) if len(there) else 0.0
            added = name in new.names
            changes.append(
                FunctionChange(
                    name, "added" if added else "removed", len(before), 0, 0, 0,
                    float("nan") if added else rate, rate if added else float("nan"), float("nan"),
                )
            )  # fmt: skip
            continue
        i, j = old.names.index(name), new.names.index(name)
        a, b = left[before, i], right[after, j]
        cast = (left[:, i] != ABSTAIN, right[:, j] != ABSTAIN)
        changes.append(
            FunctionChange(
                name,
                _status(old.functions[i].fingerprint, new.functions[j].fingerprint),
                len(before),
                int(((a == ABSTAIN) & (b != ABSTAIN)).sum()),
                int(((a != ABSTAIN) & (b == ABSTAIN)).sum()),
                int(((a != ABSTAIN) & (b != ABSTAIN) & (a != b)).sum()),
                float(cast[0].mean()) if len(cast[0]) else 0.0,
                float(cast[1].mean()) if len(cast[1]) else 0.0,
                _same_rate(*cast),
            )
        )
    return sorted(changes, key=lambda change: (-change.n_moved, change.status == "same", change.function))


def _status(before: str, after: str) -> str:
    if not before or not after:
        return "unknown"
    return "same" if before == after else "changed"


def _common_rows(old: VoteMatrix, new: VoteMatrix) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if old.ids is None or new.ids is None:
        if old.n_records != new.n_records:
            raise ValueError("without ids two runs are compared row by row, and these differ in length")
        rows = np.arange(old.n_records)
        return rows, rows
    _, before, after = np.intersect1d(old.ids, new.ids, assume_unique=True, return_indices=True)
    return before, after


def _same_rate(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """Return the p-value of Fisher's exact test on two shares."""
    from scipy.stats import fisher_exact

    table = [[int(cast.sum()), int((~cast).sum())] for cast in (before, after)]
    return float(fisher_exact(table).pvalue) if len(before) and len(after) else float("nan")
