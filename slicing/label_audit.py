"""How good the labels themselves are, slice by slice: what functions say there, how often, and how rightly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.schema import ABSTAIN
from sidelight.labeling.statistics import group_codes
from sidelight.labeling.votes import as_votes

from .matrix import SliceMatrix, as_slices
from .share_gap import GapRow, GapTable, gap_between, judged
from .small_cells import FIXED, CellLedger

LABELS = "labels"
"""Stands in the place of a function's name for the label model's labels."""

VOTES = "votes"
"""Stands in the place of a function's name for all functions together."""


@dataclass(frozen=True)
class LabelAudit(GapTable):
    """Measures of the labels in each slice against the rest.

    Parameters
    ----------
    rows : tuple of GapRow
        Slice by slice; `subject` is a function, "votes" for all of them, or "labels".
    n_records : int
    q : float
    """

    n_records: int
    q: float

    def of(self, group: str) -> tuple[GapRow, ...]:
        """Return the rows of one slice."""
        return tuple(row for row in self.rows if row.group == group)

    def to_json(self) -> dict[str, Any]:
        """Return the audit as plain values."""
        return {"n_records": self.n_records, "q": self.q, "rows": [row.to_json() for row in self.rows]}

    def __str__(self) -> str:
        return self.told("a slice and the rest")


def audit_labels(
    votes: Any,
    slices: Any,
    *,
    gold: ArrayLike | None = None,
    proba: ArrayLike | None = None,
    patients: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    least: int = 20,
    q: float = 0.05,
    smallest_cell: int = 0,
) -> LabelAudit:
    """Measure the votes, and the labels made of them, in every slice.

    A model may fail in a slice because its labels are wrong there; then re-weighting the slice makes it worse, and its
    labeling functions are what to mend.

    Parameters
    ----------
    votes : VoteMatrix or array-like of int of shape (n_records, n_functions)
    slices : SliceMatrix, mapping of name to bools, or array of shape (n_records, n_slices)
        Membership.
    gold : array-like of shape (n_records,), optional
        Class numbers, -1 where unknown. Without gold there is coverage, conflict and entropy, but no accuracy.
    proba : array-like of shape (n_records, n_classes), optional
        The label model's probabilities.
    patients : array-like of shape (n_records,), optional
        The patient of each record; taken from `votes` when it knows them.
    names : sequence of str, optional
        Names of the functions, for a bare array.
    least : int, default 20
        Records that a measure must rest on, in the slice and in the rest.
    q : float, default 0.05
        Share of false alarms that is tolerated among the measures said to differ.
    smallest_cell : int, default 0
        From 2 on, figures that rest on fewer patients, or would tell of so few, are withheld, as in
        `withhold_small_cells`.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> gold, paced = random.integers(0, 2, 600), np.arange(600) < 150
    >>> votes = np.where(random.random((600, 2)) < 0.1, 1 - gold[:, None], gold[:, None])
    >>> votes[:150, 1] = 1 - votes[:150, 1]                  # the second function is wrong on paced rhythms
    >>> row = audit_labels(votes, {"paced": paced}, gold=gold).differing[0]
    >>> row.subject, row.measure, row.gap.estimate < -0.7
    ('lf_1', 'accuracy', True)
    """
    matrix = as_votes(votes)
    values = np.asarray(matrix)
    n = len(values)
    members = as_slices(slices, n_records=n)
    if patients is None and matrix.patient_ids is not None:
        patients = matrix.patient_ids
    codes, _ = group_codes(None if patients is None else np.asarray(patients), n)
    columns = list(names) if names is not None else list(matrix.names)
    if len(columns) != values.shape[1]:
        raise ValueError(f"{len(columns)} names for {values.shape[1]} functions")
    truth = None if gold is None else np.asarray(gold)
    if truth is not None and truth.shape != (n,):
        raise ValueError(f"gold has shape {truth.shape} for {n} records")
    measures = _measures(
        values, columns, truth, None if proba is None else np.asarray(proba, dtype=np.float64)
    )
    rows = [
        GapRow(
            name, subject, measure, *gap_between(column, members[name], ~members[name], codes, least=least)
        )
        for name in members.names
        for subject, measure, column in measures
    ]
    told = judged(rows, q)
    if smallest_cell:
        told = _withheld(told, measures, members, codes, smallest_cell)
    return LabelAudit(told, n, q)


def _withheld(
    rows: tuple[GapRow, ...],
    measures: list[tuple[str, str, NDArray[np.float64]]],
    members: SliceMatrix,
    codes: NDArray[np.intp],
    smallest: int,
) -> tuple[GapRow, ...]:
    """Return the rows that may be told: the same slices of each function, whose measures are taken together."""
    everyone = np.ones(len(codes), dtype=bool)
    sizes = CellLedger(codes, smallest)
    sizes.tell("records", everyone, rank=FIXED)
    for name in members.names:
        sizes.tell(name, members[name], ~members[name])
    hidden = sizes.withheld()
    told = [name for name in members.names if name not in hidden]
    shown: set[tuple[str, str, str]] = set()
    for subject in dict.fromkeys(subject for subject, _, _ in measures):
        ledger = CellLedger(codes, smallest)
        ledger.tell("records", everyone, rank=FIXED)
        ledger.guard(*(side for name in members.names for side in (members[name], ~members[name])))
        keys = [
            (name, subject, measure) for name in told for owner, measure, _ in measures if owner == subject
        ]
        columns = {measure: values for owner, measure, values in measures if owner == subject}
        for key in keys:
            inside = members[key[0]]
            ledger.tell(key[0], inside, rank=FIXED)
            ledger.tell_share(key, columns[key[2]], inside, ~inside)
        shown |= set(keys) - set(ledger.withheld())
    return tuple(row for row in rows if (row.group, row.subject, row.measure) in shown)


def _measures(
    votes: NDArray[np.int8],
    names: Sequence[str],
    gold: NDArray[Any] | None,
    proba: NDArray[np.float64] | None,
) -> list[tuple[str, str, NDArray[np.float64]]]:
    """Return each measure as one number a record, NaN where it does not count."""
    voted = votes != ABSTAIN
    largest = np.where(voted, votes, -1).max(axis=1, initial=-1)
    smallest = np.where(voted, votes, np.iinfo(np.int8).max).min(axis=1, initial=np.iinfo(np.int8).max)
    several = voted.sum(axis=1) >= 2
    found: list[tuple[str, str, NDArray[np.float64]]] = [
        (VOTES, "coverage", voted.any(axis=1).astype(float)),
        (VOTES, "conflict", np.where(several, largest != smallest, np.nan)),
    ]
    known = None if gold is None else gold >= 0
    if proba is not None:
        if proba.ndim != 2 or len(proba) != len(votes):
            raise ValueError(f"proba has shape {proba.shape} for {len(votes)} records")
        covered = voted.any(axis=1)
        entropy = -(proba * np.log(np.clip(proba, 1e-12, 1))).sum(axis=1) / np.log(proba.shape[1])
        found.append((LABELS, "entropy", np.where(covered, entropy, np.nan)))
        if known is not None:
            right = (proba.argmax(axis=1) == gold).astype(float)
            found.append((LABELS, "accuracy", np.where(known & covered, right, np.nan)))
    for column, name in enumerate(names):
        found.append((name, "coverage", voted[:, column].astype(float)))
        if known is not None:
            right = (votes[:, column] == gold).astype(float)
            found.append((name, "accuracy", np.where(known & voted[:, column], right, np.nan)))
    return found
