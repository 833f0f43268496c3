"""Labels of people as arrays: who said what of which record, and how functions fare against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.statistics import Interval, clustered_proportion

from .store import Ledger
from .workspace import Workspace


@dataclass(frozen=True, eq=False)
class Ratings:
    """Labels by record and annotator.

    Parameters
    ----------
    rows : ndarray of int of shape (n_rated,)
        Rows of the workspace's records.
    people : tuple of str
        The annotators.
    values : ndarray of int of shape (n_rated, n_people)
        Class numbers, -1 where somebody gave no label.
    patient_ids : ndarray of str of shape (n_rated,)
        The patient of each record.
    """

    rows: NDArray[np.intp]
    people: tuple[str, ...]
    values: NDArray[np.int64]
    patient_ids: NDArray[np.str_]

    @classmethod
    def of(cls, ledger: Ledger, workspace: Workspace, *, evidence: bool | None = None) -> Ratings:
        """Return the standing labels of the annotators; those of records or classes gone since are left out.

        `evidence` leaves only labels given with it in sight (True), or without (False).
        """
        people, classes = ledger.annotators(), workspace.schema.classes
        rated = {
            workspace.records.rows[item]: said
            for item, said in ledger.labels(evidence=evidence).items()
            if item in workspace.records.rows
        }
        rows = np.array(sorted(rated), dtype=np.intp)
        values = np.full((len(rows), len(people)), -1, dtype=np.int64)
        for place, row in enumerate(rows.tolist()):
            for who, event in rated[row].items():
                if event.value in classes:
                    values[place, people.index(who)] = classes.index(event.value)
        return cls(rows, people, values, workspace.records.patient_ids[rows])


def gold_of(ledger: Ledger, workspace: Workspace, *, evidence: bool | None = None) -> NDArray[np.int64]:
    """Return the settled label of each record as a class number, -1 where there is none; `evidence` as in `Ratings`."""
    gold = np.full(len(workspace.records), -1, dtype=np.int64)
    classes = workspace.schema.classes
    for item, decision in ledger.decisions(evidence=evidence).items():
        row = workspace.records.rows.get(item)
        if row is not None and decision.label in classes:
            gold[row] = classes.index(decision.label)
    return gold


@dataclass(frozen=True, slots=True)
class FunctionAgreement:
    """How a function fares against people's labels.

    Parameters
    ----------
    name : str
        The function.
    n_judged : int
        Records it voted on that have a settled label.
    precision : Interval
        Share of these votes that the label bears out.
    learned : float
        The label model's own belief, NaN without one.
    """

    name: str
    n_judged: int
    precision: Interval
    learned: float


def against_functions(
    workspace: Workspace, ledger: Ledger, *, evidence: bool | None = None
) -> list[FunctionAgreement]:
    """Compare each function with the settled labels; those never judged are left out; `evidence` as in `Ratings`."""
    if workspace.votes is None:
        return []
    gold, votes = gold_of(ledger, workspace, evidence=evidence), workspace.votes.dense()
    weights = getattr(workspace.model, "get_weights", None)
    learned = np.full(votes.shape[1], np.nan) if weights is None else weights()
    table = []
    for column, name in enumerate(workspace.votes.names):
        judged = (gold >= 0) & (votes[:, column] >= 0)
        if judged.any():
            hits = (votes[:, column] == gold)[judged]
            share = clustered_proportion(hits, workspace.records.patient_ids[judged])
            table.append(FunctionAgreement(name, int(judged.sum()), share, float(learned[column])))
    return table
