"""What a table of votes says about the functions that cast them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .analysis_pairs import Duplicate, conflict_matrix, find_duplicates, plot_matrix, redundancy_matrix
from .batches import iter_batches
from .gold import align_gold
from .leave_one_out import Aggregate, Worth, leave_one_out, majority
from .record import Record
from .schema import ABSTAIN
from .show import ShownVote, pick_rows, shown_votes
from .statistics import (
    Interval,
    clustered_proportion,
    effective_size,
    group_codes,
    influence_correlation,
    interval_ratio,
    shared_patients,
    wilson_interval,
)
from .suggest import Suggestion, suggest
from .votes import VoteMatrix, as_votes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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
        Names for the columns, when `L` is a bare array; they explain their votes in `show`.
    records : list, DataFrame, Arrow table or path of an export, optional
        What the votes are on, in their order; needed by `suggest` and for texts in `show`.

    Examples
    --------
    >>> analysis = LFAnalysis([[0, 0], [1, -1], [1, 0], [-1, -1]])
    >>> analysis.label_coverage(), analysis.label_overlap(), analysis.label_conflict()
    (0.75, 0.5, 0.25)
    """

    def __init__(
        self, L: VoteMatrix | ArrayLike, lfs: Sequence[Any] | None = None, records: Any = None
    ) -> None:
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
        self.lfs = {} if lfs is None else {str(getattr(lf, "name", lf)): lf for lf in lfs}
        self._data = records
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
    ) -> pd.DataFrame:
        """Return a table with a row for each function.

        Parameters
        ----------
        Y : array-like, mapping from id to label, or Series, optional
            Gold labels; missing ones (-1, None, NaN) are left out, not counted as errors.
        est_weights : array-like of shape (n_functions,), optional
            Weights of a label model, shown in the last column.
        level : float, default 0.95
            Level of the intervals: Wilson's of precision and recall, widened where records of one patient recur, and of
            lift what follows from those of precision and of the classes' shares.
        style : {"sidelight", "snorkel"}, default "sidelight"
            "snorkel" gives that library's column names and no others.

        Returns
        -------
        DataFrame
            Indexed by function name: `j`, `polarity`, `coverage`, `overlaps`, `conflicts`; with gold `correct`,
            `incorrect`, `precision`, `precision_lo`, `precision_hi`, `recall` (of the classes the function votes
            for), `recall_lo`, `recall_hi`, `lift` (precision over what voting so at random would give), `lift_lo`,
            `lift_hi`, `worse_than_prior` (surely below it); then `weight`, `ms_per_row` and `errors` where known.
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

    # -- functions beside each other ---------------------------------------------------------------

    def conflict_matrix(self) -> NDArray[np.float64]:
        """Share of the records two functions both voted on where they differ, shape (n_functions, n_functions)."""
        return conflict_matrix(self.L)

    def redundancy_matrix(self) -> NDArray[np.float64]:
        """Common votes over records on which either of two functions voted, shape (n_functions, n_functions)."""
        return redundancy_matrix(self.L)

    def plot_conflicts(self) -> Figure:
        """Return a figure of `conflict_matrix`."""
        return plot_matrix(self.conflict_matrix(), self.names, "conflicts")

    def plot_redundancy(self) -> Figure:
        """Return a figure of `redundancy_matrix`."""
        return plot_matrix(self.redundancy_matrix(), self.names, "redundancy")

    def duplicates(self, *, overlap: float = 0.9) -> list[Duplicate]:
        """Pairs of functions whose votes coincide at least so much, the closest first."""
        return find_duplicates(self.L, self.names, overlap)

    def show(
        self,
        function: str,
        n: int = 5,
        *,
        vote: Any = None,
        Y: Any = None,
        wrong: bool = False,
        seed: int = 0,
    ) -> list[ShownVote]:
        """Return some records that a function voted on, with the words its vote rests on.

        Parameters
        ----------
        function : str
            The function's name.
        n : int, default 5
            How many, drawn with `seed`.
        vote : str or int, optional
            Only votes for this class.
        Y : array-like, mapping or Series, optional
            Gold labels, to be shown beside the votes.
        wrong : bool, default False
            Only votes that differ from gold.
        """
        column = self._column_of(function)
        gold = None if Y is None else align_gold(Y, self.votes)
        rows = column != ABSTAIN if vote is None else column == self.votes.schema.encode(vote)
        if wrong:
            if gold is None:
                raise ValueError("wrong votes are known by gold labels; give Y")
            rows &= (gold != ABSTAIN) & (gold != column)
        return self._shown(np.flatnonzero(rows), n, [function], gold, seed)

    def conflicts(
        self, first: str, second: str, n: int = 5, *, Y: Any = None, seed: int = 0
    ) -> list[ShownVote]:
        """Return some records on which two functions vote for different classes."""
        a, b = self._column_of(first), self._column_of(second)
        rows = np.flatnonzero((a != ABSTAIN) & (b != ABSTAIN) & (a != b))
        return self._shown(rows, n, [first, second], None if Y is None else align_gold(Y, self.votes), seed)

    def leave_one_out(self, Y: Any, *, aggregate: Aggregate | None = None) -> list[Worth]:
        """Return what each function is worth to the others on gold labels, the most harmful first.

        Parameters
        ----------
        Y : array-like, mapping or Series
            Gold labels; missing ones are left out.
        aggregate : callable, optional
            Makes labels of votes; the majority vote when not given. For a label model:
            ``lambda L: LabelModel(2).fit(L).predict(L)``.
        """
        return leave_one_out(self.L, self.names, align_gold(Y, self.votes), aggregate)

    def suggest(
        self, Y: Any = None, n: int = 20, *, labels: Any = None, rejected: Sequence[str] = (), least: int = 5
    ) -> list[Suggestion]:
        """Return words and codes that could become functions; `Suggestion.accept` makes one of them.

        Parameters
        ----------
        Y : array-like, mapping or Series, optional
            Gold labels of some records.
        n : int, default 20
            How many.
        labels : array-like of shape (n_records,), optional
            Labels that stand in where gold is missing; the majority vote when not given.
        rejected : sequence of str, optional
            Terms that were turned down.
        least : int, default 5
            Fewest records that hold a term.
        """
        gold = np.full(self.votes.n_records, ABSTAIN) if Y is None else align_gold(Y, self.votes)
        known = majority(self.L) if labels is None else np.asarray(labels, dtype=np.int64)
        records = self._records()
        if records is None:
            raise ValueError("suggestions come from the records; give LFAnalysis(votes, records=...)")
        return suggest(records, self.L, known, gold, n_suggestions=n, rejected=rejected, least=least)

    def _shown(
        self, rows: NDArray[np.intp], n: int, names: list[str], gold: NDArray[np.int64] | None, seed: int
    ) -> list[ShownVote]:
        picked = pick_rows(rows, n, seed, "/".join(names))
        return shown_votes(self.votes, picked, names, gold, self._records(), self.lfs)

    def _records(self) -> list[Record] | None:
        if self._data is None:
            return None
        records = [record for batch in iter_batches(self._data) for record in batch.records]
        if len(records) != self.votes.n_records:
            raise ValueError(f"{len(records)} records for {self.votes.n_records} rows of votes")
        return records

    def _column_of(self, name: str) -> NDArray[np.int8]:
        if name not in self.names:
            raise ValueError(f"no function called {name!r}; there are {', '.join(self.names)}")
        return np.asarray(self.L[:, self.names.index(name)])

    def _gold_columns(self, Y: Any, level: float) -> dict[str, NDArray[Any]]:
        gold = align_gold(Y, self.votes)
        correct, incorrect = self._against(gold)
        n_votes = correct + incorrect
        low, high = self._bounds(gold, correct, n_votes, level)
        chance = np.full(self.votes.n_functions, np.nan)
        nothing, owners = Interval.missing("no gold", level=level), self._owners(gold != ABSTAIN)
        recall, lift = [nothing] * self.votes.n_functions, [nothing] * self.votes.n_functions
        for j, classes in enumerate(self.lf_polarities()):
            of_these = np.isin(gold, classes)
            recall[j] = clustered_proportion(
                self.L[of_these, j] == gold[of_these], self._owners(of_these), level
            )
            if n_votes[j]:
                right = Interval(correct[j] / n_votes[j], low[j], high[j], level, int(n_votes[j]))
                by_chance, correlation = self._by_chance(gold, j, owners, level)
                chance[j] = by_chance.estimate
                lift[j] = interval_ratio(right, by_chance, correlation)
        precision = _ratio(correct, n_votes)
        empty = n_votes == 0
        return {
            "correct": correct,
            "incorrect": incorrect,
            "precision": precision,
            "precision_lo": np.where(empty, np.nan, low),
            "precision_hi": np.where(empty, np.nan, high),
            "recall": np.array([found.estimate for found in recall]),
            "recall_lo": np.array([found.low for found in recall]),
            "recall_hi": np.array([found.high for found in recall]),
            "lift": _ratio(precision, chance),
            "lift_lo": np.array([found.low for found in lift]),
            "lift_hi": np.array([found.high for found in lift]),
            "worse_than_prior": ~empty & (high < chance),
        }

    def _by_chance(
        self, gold: NDArray[np.int64], j: int, owners: NDArray[Any] | None, level: float
    ) -> tuple[Interval, float]:
        """Return how often a function's votes would be right if cast at random, and how that goes with its precision.

        At random they are right as often as the classes that they are for are gold.
        """
        known = gold != ABSTAIN
        votes = self.L[known, j]
        cast, truth = votes != ABSTAIN, gold[known]
        kinds = np.bincount(votes[cast], minlength=self.votes.schema.cardinality) / cast.sum()
        worth = kinds[truth]
        size, share = effective_size(worth, owners, level=level), float(worth.mean())
        low, high = wilson_interval(min(share * size, size), size, level)
        right = np.where(cast, votes == truth, 0.0)
        moves = np.where(cast, right - right[cast].mean(), 0.0) / cast.sum(), (worth - share) / len(worth)
        codes, n_groups = group_codes(owners, len(worth))
        correlation = influence_correlation(*moves, codes, n_groups)
        bounds = min(float(low), share), max(float(high), share)
        return Interval(share, *bounds, level=level, n=len(worth)), correlation

    def _owners(self, rows: NDArray[np.bool_]) -> NDArray[Any] | None:
        """Return whose the records are where a patient has several, or None."""
        return shared_patients(None if self.votes.patient_ids is None else self.votes.patient_ids[rows])

    def _bounds(
        self, gold: NDArray[np.int64], correct: NDArray[np.int64], n_votes: NDArray[np.int64], level: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return Wilson intervals of precision, wider where records of one patient recur among the votes judged."""
        low, high = wilson_interval(correct, n_votes, level)
        for j in range(self.votes.n_functions if self.votes.patient_ids is not None else 0):
            judged = self._cast[:, j] & (gold != ABSTAIN)
            owners = self._owners(judged)
            if owners is not None:
                right = clustered_proportion(self.L[judged, j] == gold[judged], owners, level)
                low[j], high[j] = right.low, right.high
        return low, high

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
