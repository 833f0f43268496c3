"""Every count that the findings of an audit tell, each as the group of records that it is of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import group_codes

from .confusion import Confusion
from .fairness import measures_of_records
from .matrix import SliceMatrix, as_slices
from .metrics import METRICS, Task, as_task
from .small_cells import FIXED, CellLedger
from .subclasses import subclass_parts

if TYPE_CHECKING:
    from .findings import Findings

WHOLE = ""
"""Stands in the place of a slice's name for all records; no slice is called that."""


@dataclass(frozen=True, eq=False)
class AuditedRecords:
    """The records that findings were made of.

    Parameters
    ----------
    y, proba, slices, patients
        As for `audit`.
    subclasses : sequence of str or None of shape (n_records,), optional
        As for `subclass_metrics`.
    groups : mapping of column to array-like of shape (n_records,), optional
        The care groups of each panel.
    confusion : sequence of (rows, Confusion)
        For each table of confusion, the records it is of and their distribution.
    searched : ndarray of int, optional
        The records that were searched for slices; all when not given.
    missing : collection of str
        Slices of records whose value is missing: their own figures are withheld where they are small, but others are
        not withheld for their sake, for nothing is told of a patient by a cell that is empty.
    """

    y: ArrayLike
    proba: ArrayLike
    slices: Any
    patients: ArrayLike | None = None
    subclasses: Sequence[str | None] | None = None
    groups: Mapping[str, ArrayLike] = field(default_factory=dict)
    confusion: Sequence[tuple[NDArray[np.intp], Confusion]] = ()
    searched: NDArray[np.intp] | None = None
    missing: Collection[str] = ()


def ledger_of(findings: Findings, records: AuditedRecords, smallest: int) -> CellLedger:
    """Return the ledger of all that findings tell of their records.

    Keys are tuples: the kind of figure, then the slice, subclass, group or cell it is of.
    """
    return _Teller(findings, records, smallest).ledger


class _Teller:
    """Fills a ledger, part by part; groups are of shape (n_records,), those without gold included."""

    def __init__(self, findings: Findings, records: AuditedRecords, smallest: int) -> None:
        settings = findings.audit.settings
        self.findings, self.records = findings, records
        self.n = len(np.asarray(records.y))
        self.task = as_task(
            records.y,
            records.proba,
            positive=int(settings.get("positive", 1)),
            threshold=float(settings.get("threshold", 0.5)),
        )
        codes, _ = group_codes(None if records.patients is None else np.asarray(records.patients), self.n)
        self.ledger = CellLedger(codes, smallest)
        self.matrix: SliceMatrix = as_slices(records.slices, n_records=self.n)
        self.known = self._mask(np.ones(len(self.task), dtype=bool))
        self.positive, self.negative = self._mask(self.task.positive), self._mask(~self.task.positive)
        self.right = self._numbers((self.task.decision == self.task.gold).astype(float))
        self.wrong = self.right == 0
        self._whole()
        self._slices()
        self._contrast()
        self._confusion()
        self._subclasses()
        self._care_groups()
        self._intersections()
        self._found()

    def _mask(self, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return booleans of the records with gold as booleans of all."""
        found = np.zeros(self.n, dtype=bool)
        found[self.task.rows] = values
        return found

    def _numbers(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers of the records with gold as numbers of all, NaN elsewhere."""
        found = np.full(self.n, np.nan)
        found[self.task.rows] = values
        return found

    def _class(self, code: int) -> NDArray[np.bool_]:
        return self._mask(self.task.gold == code)

    def _code(self, name: str) -> int:
        """Return the number of a class."""
        names = self.findings.classes
        return list(names).index(name) if name in names else int(name)

    def _metric(
        self, key: tuple[str, ...], name: str, *sides: NDArray[np.bool_], rank: int, guarded: bool = True
    ) -> None:
        """Note what one metric tells of some groups."""
        metric = METRICS.get(name)
        if metric is not None and metric.kind == "share":
            inside, values = self.task.parts(metric)
            numbers = self._numbers(np.where(inside, values, np.nan))
            self.ledger.tell_share(key, numbers, *sides, rank=rank, guarded=guarded)
        for side in sides:
            self.ledger.tell(key, side, rank=rank, guarded=guarded)
            if metric is not None and metric.kind == "area":
                groups = (side & self.positive, side & self.negative)
                self.ledger.tell(key, *groups, rank=rank, guarded=guarded)

    def _whole(self) -> None:
        ledger, audit = self.ledger, self.findings.audit
        ledger.tell(("records",), self.known, rank=FIXED)
        ledger.tell(("without gold", WHOLE), ~self.known, rank=7)
        ledger.tell(("class", WHOLE), self.positive, self.negative, rank=7)
        for item in audit.overall:
            self._metric(("figure", WHOLE, item.metric), item.metric, self.known, rank=6)

    def _slices(self) -> None:
        audit, ledger = self.findings.audit, self.ledger
        worse = {row.slice for row in audit.rows if row.verdict in ("worse", "slightly worse")}
        for name in dict.fromkeys(row.slice for row in audit.rows):
            members, guarded = self.matrix[name], name not in self.records.missing
            inside, rest = members & self.known, self.known & ~members
            rank = 5 if name in worse else 4
            ledger.tell(("slice", name), inside, rest, rank=rank, guarded=guarded)
            ledger.tell(("without gold", name), inside, members & ~self.known, rank=2, guarded=guarded)
            for side in (inside, rest):
                groups = (side, side & self.positive, side & self.negative)
                ledger.tell(("class", name), *groups, rank=rank - 1, guarded=guarded)
            for metric in audit.metrics:
                key = ("figure", name, metric)
                self._metric(key, metric, inside, rest, rank=rank - 1, guarded=guarded)
        self._nested([name for name in self.matrix.names if name not in self.records.missing])

    def _nested(self, names: Sequence[str]) -> None:
        """Guard what a slice has beyond one that lies within it."""
        values = np.stack([self.matrix[name] & self.known for name in names], axis=1) if names else None
        if values is None:
            return
        numbers = values.astype(np.int64)
        common, sizes = numbers.T @ numbers, numbers.sum(axis=0)
        within = (common == sizes[:, None]) & (sizes[:, None] < sizes[None, :])
        for inner, outer in np.argwhere(within).tolist():
            self.ledger.guard(values[:, outer] & ~values[:, inner])

    def _contrast(self) -> None:
        for row in self.findings.contrast:
            members, own = self.matrix[row.group], self._class(self._code(row.subject))
            key, guarded = ("contrast", row.group, row.subject), row.group not in self.records.missing
            values = self._numbers(members[self.task.rows].astype(float))
            sides = (own & self.wrong, own & (self.right == 1))
            self.ledger.tell_share(key, values, *sides, rank=1, guarded=guarded)
            self.ledger.tell(key, members & self.known, rank=1, guarded=guarded)

    def _confusion(self) -> None:
        for number, (rows, confusion) in enumerate(self.records.confusion):
            table = self.findings.confusion[number][1]
            actual, observed = (side[:, 0] for side in (confusion.actual, confusion.observed))
            everyone = np.zeros(self.n, dtype=bool)
            everyone[rows] = True
            for i in range(len(table.classes)):
                total = np.zeros(self.n, dtype=bool)
                total[rows] = actual == i
                self.ledger.tell(("row", number, i), total, everyone, rank=4)
                for j in range(len(table.classes)):
                    cell = np.zeros(self.n, dtype=bool)
                    cell[rows] = (actual == i) & (observed == j)
                    self.ledger.tell(("cell", number, i, j), cell, rank=2)
                    if table.normalize == "column":
                        total = np.zeros(self.n, dtype=bool)
                        total[rows] = observed == j
                        self.ledger.tell(("cell", number, i, j), total, rank=2)

    def _subclasses(self) -> None:
        table, ledger = self.findings.subclasses, self.ledger
        if table is None or self.records.subclasses is None:
            return
        parts = subclass_parts(self.records.subclasses, table.schema)
        carries = np.array([bool(held) for held in parts], dtype=bool)
        ledger.tell(("without subclass",), self.known & ~carries, rank=1)
        self._shares(("errors",), self.known, rank=6)
        for within in table.classes:
            own = self._class(self._code(within))
            self._shares(("of class", within), own, rank=6)
            ledger.tell(("annotated", within), own & carries, own & ~carries, rank=1)
        for row in table.rows:
            if not row.within or not row.n:
                continue
            own = self._class(self._code(row.within))
            inside = own & np.array([row.subclass in held for held in parts], dtype=bool)
            key, more = (row.subclass, row.within), int(row.verdict == "hidden gap")
            ledger.tell(("subclass", *key), inside, own & ~inside, rank=4 + more)
            self._shares(("recall", *key), inside, own & ~inside, rank=3 + more)

    def _shares(self, key: tuple[Any, ...], *sides: NDArray[np.bool_], rank: int) -> None:
        """Note that the share of right predictions is told."""
        self.ledger.tell_share(key, self.right, *sides, rank=rank)

    def _care_groups(self) -> None:
        task: Task = self.task
        measured = {
            name: self._numbers(values)
            for name, values in measures_of_records(
                task.positive, task.score, float(self.findings.audit.settings.get("threshold", 0.5))
            ).items()
        }
        for column, panel in self.findings.fairness.items():
            labels = np.asarray(self.records.groups[column], dtype=object)
            known = self.known & np.array([bool(label) and label == label for label in labels])
            self.ledger.tell(("group not known", column), self.known & ~known, rank=1, guarded=False)
            inside = {group: known & (labels == group) for group in panel.groups}
            for group, members in inside.items():
                self.ledger.tell(("group", column, group), members, rank=4)
            for row in panel.rows:
                members = inside[row.group]
                others = inside[panel.reference] if panel.reference else known & ~members
                key = ("parity", column, row.group, row.measure)
                self.ledger.tell(key, members, others, rank=2)
                self.ledger.tell_share(key, measured[row.measure], members, others, rank=2)

    def _intersections(self) -> None:
        found = self.findings.intersections
        if found is None:
            return
        self._shares(("errors",), self.known, rank=6)
        other = self.known.copy()
        for row in found.rows:
            members = self.known.copy()
            for name in found.names:
                members &= self.matrix[name] if name in row.slices else ~self.matrix[name]
            other &= ~members
            self.ledger.tell(("combination", row.slices), members, rank=1)
            self._shares(("errors of", row.slices), members, rank=0)
        self.ledger.tell(("other combinations",), other, rank=0)

    def _found(self) -> None:
        """Note how many members found slices have; those that tested one are no group that has a name."""
        discovery, searched = self.findings.discovery, self.records.searched
        for part in () if discovery is None else discovery.slices:
            members = np.zeros(self.n, dtype=bool)
            members[np.arange(self.n) if searched is None else searched] = part.members
            others = (self.known if part.label is None else self._class(part.label)) & ~members
            self.ledger.tell(("found", part.name), members, others, rank=3 if part.confirmed else 1)
