"""What a table of votes says about the functions that cast them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .gold import align_gold
from .schema import ABSTAIN
from .statistics import wilson_interval
from .votes import VoteMatrix, as_votes

if TYPE_CHECKING:
    import pandas as pd

_SNORKEL_NAMES = {
    "j": "j",
    "polarity": "Polarity",
    "coverage": "Coverage",
    "overlaps": "Overlaps",
    "conflicts": "Conflicts",
    "correct": "Correct",
    "incorrect": "Incorrect",
    "precision": "Emp. Acc.",
    "weight": "Learned Weight",
}


class LFAnalysis:
    """Coverage, overlaps, conflicts and, with gold labels, precision of labeling functions.

    Parameters
    ----------
    L : VoteMatrix or array-like of int of shape (n_records, n_functions)
        The votes.
    lfs : sequence of LabelingFunction, optional
        Names for the columns, when `L` is a bare array.

    Examples
    --------
    >>> analysis = LFAnalysis([[0, 0], [1, -1], [1, 0], [-1, -1]])
    >>> analysis.label_coverage(), analysis.label_overlap(), analysis.label_conflict()
    (0.75, 0.5, 0.25)
    """

    def __init__(self, L: VoteMatrix | ArrayLike, lfs: Sequence[Any] | None = None) -> None:
        self.votes = as_votes(L)
        self.L = self.votes.dense()
        self.names = self.votes.names
        if lfs is not None:
            if len(lfs) != self.votes.n_functions:
                raise ValueError(f"{len(lfs)} functions for {self.votes.n_functions} columns of votes")
            names = tuple(str(getattr(lf, "name", lf)) for lf in lfs)
            if isinstance(L, VoteMatrix) and names != self.names:
                raise ValueError("lfs are not the functions of these votes, in their order")
            self.names = names
        self._cast = self.L != ABSTAIN
        self._n_votes = self._cast.sum(axis=1)

    def label_coverage(self) -> float:
        """Share of records with at least one vote."""
        return self._share(self._n_votes > 0)

    def label_overlap(self) -> float:
        """Share of records with at least two votes."""
        return self._share(self._n_votes > 1)

    def label_conflict(self) -> float:
        """Share of records with two votes for different classes."""
        return self._share(self._in_conflict())

    def lf_polarities(self) -> list[list[int]]:
        """Classes each function voted for, sorted."""
        return [sorted({int(v) for v in np.unique(column) if v != ABSTAIN}) for column in self.L.T]

    def lf_coverages(self) -> NDArray[np.float64]:
        """Share of records each function voted on, shape (n_functions,)."""
        return self._mean(self._cast)

    def lf_overlaps(self, normalize_by_coverage: bool = False) -> NDArray[np.float64]:
        """Share of records each function voted on together with another one."""
        overlaps = self._mean(self._cast & (self._n_votes > 1)[:, None])
        return _ratio(overlaps, self.lf_coverages()) if normalize_by_coverage else overlaps

    def lf_conflicts(self, normalize_by_overlaps: bool = False) -> NDArray[np.float64]:
        """Share of records on which another function voted for a different class."""
        conflicts = self._mean(self._cast & self._in_conflict()[:, None])
        return _ratio(conflicts, self.lf_overlaps()) if normalize_by_overlaps else conflicts

    def lf_empirical_accuracies(self, Y: Any) -> NDArray[np.float64]:
        """Precision of each function: share of its votes that agree with gold; NaN without such votes."""
        correct, incorrect = self._against(Y)
        return _ratio(correct, correct + incorrect)

    def lf_empirical_probs(self, Y: Any, k: int) -> NDArray[np.float64]:
        """P(vote | gold class) of each function, shape (n_functions, k + 1, k); row 0 is the abstention."""
        gold = align_gold(Y, self.votes)
        table = np.zeros((self.votes.n_functions, k + 1, k))
        for c in range(k):
            rows = self.L[gold == c]
            for vote in range(ABSTAIN, k):
                table[:, vote + 1, c] = (rows == vote).mean(axis=0) if len(rows) else np.nan
        return table

    def lf_summary(
        self,
        Y: Any = None,
        est_weights: ArrayLike | None = None,
        *,
        level: float = 0.95,
        style: Literal["sidelight", "snorkel"] = "sidelight",
    ) -> "pd.DataFrame":
        """Return a table with a row for each function.

        Parameters
        ----------
        Y : array-like, mapping from id to label, or Series, optional
            Gold labels; missing ones (-1, None, NaN) are left out, not counted as errors.
        est_weights : array-like of shape (n_functions,), optional
            Weights of a label model, shown in the last column.
        level : float, default 0.95
            Level of the Wilson intervals of precision.
        style : {"sidelight", "snorkel"}, default "sidelight"
            "snorkel" gives that library's column names and no others.

        Returns
        -------
        DataFrame
            Indexed by function name: `j`, `polarity`, `coverage`, `overlaps`, `conflicts`; with gold `correct`,
            `incorrect`, `precision`, `precision_lo`, `precision_hi`, `recall` (of the classes the function votes
            for), `lift` (precision over what voting so at random would give); then `weight`, `ms_per_row` and `errors`
            where known.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "j": np.arange(self.votes.n_functions),
            "polarity": self.lf_polarities(),
            "coverage": self.lf_coverages(),
            "overlaps": self.lf_overlaps(),
            "conflicts": self.lf_conflicts(),
        }
        if Y is not None:
            columns |= self._gold_columns(Y, level)
        if est_weights is not None:
            columns["weight"] = np.asarray(est_weights, dtype=float)
        statistics = self.votes.statistics
        if statistics is not None:
            columns["ms_per_row"] = 1000 * statistics.seconds / max(1, self.votes.n_records)
            columns["errors"] = statistics.errors
        table = pd.DataFrame(columns, index=pd.Index(self.names))
        if style == "snorkel":
            return table[[name for name in _SNORKEL_NAMES if name in table]].rename(columns=_SNORKEL_NAMES)
        if style != "sidelight":
            raise ValueError(f"style is 'sidelight' or 'snorkel', not {style!r}")
        return table

    def _gold_columns(self, Y: Any, level: float) -> dict[str, NDArray[Any]]:
        gold = align_gold(Y, self.votes)
        correct, incorrect = self._against(gold)
        n_votes = correct + incorrect
        low, high = wilson_interval(correct, n_votes, level)
        known = gold != ABSTAIN
        share = np.bincount(gold[known], minlength=self.votes.schema.cardinality) / max(1, known.sum())
        recall = np.full(self.votes.n_functions, np.nan)
        chance = np.full(self.votes.n_functions, np.nan)
        for j, classes in enumerate(self.lf_polarities()):
            of_these = np.isin(gold, classes)
            if of_these.any():
                recall[j] = correct[j] / of_these.sum()
            cast = self.L[known, j]
            cast = cast[cast != ABSTAIN]
            if len(cast):
                chance[j] = share[cast].mean()
        precision = _ratio(correct, n_votes)
        empty = n_votes == 0
        return {
            "correct": correct,
            "incorrect": incorrect,
            "precision": precision,
            "precision_lo": np.where(empty, np.nan, low),
            "precision_hi": np.where(empty, np.nan, high),
            "recall": recall,
            "lift": _ratio(precision, chance),
        }

    def _against(self, Y: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count each function's votes that agree and disagree with gold."""
        gold = align_gold(Y, self.votes)
        judged = self._cast & (gold != ABSTAIN)[:, None]
        agree = judged & (gold[:, None] == self.L)
        return agree.sum(axis=0), (judged & ~agree).sum(axis=0)

    def _in_conflict(self) -> NDArray[np.bool_]:
        high = self.L.max(axis=1, initial=ABSTAIN)
        low = np.where(self._cast, self.L, np.int8(127)).min(axis=1, initial=127)
        return np.asarray((self._n_votes > 0) & (low != high))

    def _share(self, rows: NDArray[np.bool_]) -> float:
        return float(rows.mean()) if len(rows) else 0.0

    def _mean(self, cells: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.asarray(cells.mean(axis=0)) if len(cells) else np.zeros(cells.shape[1])


def _ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Divide, NaN where there is nothing to divide by."""
    above, below = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0))
