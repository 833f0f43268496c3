"""Matching label rows to studies by id, so that what a report says becomes the label of its signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.faults import LimitError

from .contract import InputContract
from .signals import SetAside

MAX_ROWS_NAMED = 5


@runtime_checkable
class HasLabels(Protocol):
    """What `link` needs of a label table."""

    @property
    def ids(self) -> Any:
        """Study of each row."""

    @property
    def patient_ids(self) -> Any:
        """Patient of each row."""

    @property
    def proba(self) -> Any:
        """Probabilities of the classes, one row each."""

    @property
    def covered(self) -> Any:
        """Whether each row has a label."""


class Studies(Protocol):
    """What `link` needs of the target modality: `SignalSet` and `StudyFiles` have it."""

    @property
    def ids(self) -> NDArray[np.str_]:
        """Ids of the signals or files; files may also have `study_ids`, several of which are equal."""
        ...

    @property
    def contract(self) -> InputContract:
        """Shape and meaning of one study."""
        ...

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """What could not be used."""
        ...

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return samples."""
        ...

    def take(self, rows: ArrayLike) -> Self:
        """Return some of the studies."""
        ...

    def __len__(self) -> int: ...


S = TypeVar("S", bound=Studies)


@dataclass(frozen=True)
class LinkReport:
    """What was matched and what was not; rows are counted from 0.

    Parameters
    ----------
    n_labels, n_signals, n_linked : int
        Label rows, usable signals, and label rows that found a signal.
    unmatched_labels : tuple of int
        Label rows whose study has no signal.
    unmatched_signals : tuple of int
        Positions of signals without a label row.
    ambiguous_labels : tuple of int
        Label rows that share their study with another row, so that no one label is its label.
    joined_labels : tuple of int
        Label rows that share their study with another row and were averaged.
    set_aside : tuple of int
        Rows of the signal file that could not be used.
    """

    n_labels: int
    n_signals: int
    n_linked: int
    unmatched_labels: tuple[int, ...] = ()
    unmatched_signals: tuple[int, ...] = ()
    ambiguous_labels: tuple[int, ...] = ()
    set_aside: tuple[int, ...] = ()
    joined_labels: tuple[int, ...] = ()

    @property
    def share_lost(self) -> float:
        """Share of the label rows that got no signal."""
        return (self.n_labels - self.n_linked) / max(1, self.n_labels)

    def lines(self) -> list[str]:
        """Return the report in words, one line for each kind of loss."""
        said = [f"{self.n_linked} of {self.n_labels} label rows linked to {self.n_signals} signals"]
        for rows, what in (
            (self.unmatched_labels, "label rows without a signal"),
            (self.ambiguous_labels, "label rows that share a study with another row"),
            (self.joined_labels, "label rows averaged with others of their study"),
            (self.unmatched_signals, "signals without a label row"),
            (self.set_aside, "signals set aside as unreadable"),
        ):
            if rows:
                named = ", ".join(str(row) for row in rows[:MAX_ROWS_NAMED])
                more = ", ..." if len(rows) > MAX_ROWS_NAMED else ""
                said.append(f"{len(rows)} {what}: {named}{more}")
        return said

    def to_json(self) -> dict[str, Any]:
        """Return counts and row numbers as plain values."""
        return {
            "n_labels": self.n_labels,
            "n_signals": self.n_signals,
            "n_linked": self.n_linked,
            "unmatched_labels": list(self.unmatched_labels),
            "unmatched_signals": list(self.unmatched_signals),
            "ambiguous_labels": list(self.ambiguous_labels),
            "set_aside": list(self.set_aside),
            "joined_labels": list(self.joined_labels),
        }


@dataclass(frozen=True, eq=False)
class Linked(Generic[S]):
    """Signals with their labels, one row a signal.

    Parameters
    ----------
    signals : SignalSet or StudyFiles
        The linked studies.
    label_rows : ndarray of int of shape (n_linked,)
        The row of the label table behind each signal; the first one where several were averaged.
    patient_ids : ndarray of str of shape (n_linked,)
        Empty where unknown.
    proba : ndarray of shape (n_linked, n_classes) or None
        The labels' probabilities.
    covered : ndarray of bool of shape (n_linked,)
        Whether any function voted on the record.
    report : LinkReport
        What was left out and why.
    """

    signals: S
    label_rows: NDArray[np.intp]
    patient_ids: NDArray[np.str_]
    proba: NDArray[np.float64] | None
    covered: NDArray[np.bool_]
    report: LinkReport

    @property
    def ids(self) -> NDArray[np.str_]:
        """Study ids."""
        return self.signals.ids

    def __len__(self) -> int:
        return len(self.signals)


def link(
    labels: HasLabels | Sequence[str] | NDArray[Any],
    signals: S,
    *,
    studies: Mapping[str, str] | None = None,
    patient_ids: ArrayLike | None = None,
    several: str = "leave out",
    max_lost: float | None = None,
) -> Linked[S]:
    """Match each label row to the signal of its study.

    Parameters
    ----------
    labels : Labels or sequence of str
        A label table, or bare record ids.
    signals : SignalSet or StudyFiles
        The studies. Where a study has several files, each of them gets its label.
    studies : mapping from record id to study id, optional
        Where the two differ; a record that is not in it keeps its own id.
    patient_ids : array-like of shape (n_labels,), optional
        The patient of each row; taken from a label table when it knows them.
    several : {"leave out", "average"}, default "leave out"
        What to do with rows that share a study: report them and leave them out, or give the study the mean of the
        probabilities of those that are covered. Rows of different patients are left out either way.
    max_lost : float, optional
        Share of the label rows that may stay without a signal.

    Returns
    -------
    Linked
        In the order of the label rows; its `report` names every row left out.

    Raises
    ------
    LimitError
        When more than `max_lost` of the rows are lost; the message holds the report, `report` the rows.

    Examples
    --------
    >>> from sidelight.crossmodal import SignalSet
    >>> signals = SignalSet.of(np.zeros((2, 1, 4)), ids=["7", "8"])
    >>> linked = link(["8", "9", "7"], signals)
    >>> linked.ids.tolist(), linked.report.unmatched_labels
    (['8', '7'], (1,))
    """
    table = labels if isinstance(labels, HasLabels) else None
    if several not in ("leave out", "average"):
        raise ValueError(f'several is {several!r}; it is "leave out" or "average"')
    ids = np.asarray(table.ids if table is not None else labels).astype(np.str_)
    if ids.ndim != 1:
        raise ValueError(f"labels have ids of shape {ids.shape}; they are (n_labels,)")
    if studies is not None:
        ids = np.array([str(studies.get(str(name), name)) for name in ids], dtype=np.str_)
    patients = patient_ids if patient_ids is not None else getattr(table, "patient_ids", None)
    owner = np.full(len(ids), "") if patients is None else np.asarray(patients).astype(np.str_)
    if len(owner) != len(ids):
        raise ValueError(f"patient_ids has {len(owner)} entries for {len(ids)} label rows")

    place: dict[str, list[int]] = {}
    for row, name in enumerate(getattr(signals, "study_ids", signals.ids)):
        place.setdefault(str(name), []).append(row)
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(ids.tolist()):
        rows_of.setdefault(name, []).append(row)
    found, label_rows = [], []
    unmatched, ambiguous, joined = [], [], []
    for name, group in rows_of.items():
        alone = len(group) == 1
        if not alone and (several == "leave out" or len({owner[row] for row in group}) > 1):
            ambiguous += group
        elif name in place:
            found += place[name]
            label_rows += [group[0]] * len(place[name])
            joined += [] if alone else group
        else:
            unmatched += group
    rows = np.array(label_rows, dtype=np.intp)
    report = LinkReport(
        n_labels=len(ids),
        n_signals=len(signals),
        n_linked=len(ids) - len(unmatched) - len(ambiguous),
        unmatched_labels=tuple(sorted(unmatched)),
        unmatched_signals=tuple(
            sorted(row for name, rows_ in place.items() if name not in rows_of for row in rows_)
        ),
        ambiguous_labels=tuple(sorted(ambiguous)),
        set_aside=tuple(entry.row for entry in signals.set_aside),
        joined_labels=tuple(sorted(joined)),
    )
    if max_lost is not None and report.share_lost > max_lost:
        raise LinkLimitError(report, max_lost)
    proba, covered = None, np.ones(len(ids), dtype=bool)
    if table is not None:
        groups = [rows_of[ids[row]] for row in dict.fromkeys(label_rows)]
        proba, covered = _averaged(table, [group for group in groups if len(group) > 1])
    return Linked(
        signals=signals.take(np.array(found, dtype=np.intp)),
        label_rows=rows,
        patient_ids=owner[rows],
        proba=None if proba is None else proba[rows],
        covered=covered[rows],
        report=report,
    )


def _averaged(table: HasLabels, groups: list[list[int]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return probabilities and coverage in which each group's first row holds the mean of its covered rows."""
    proba = np.array(table.proba, dtype=np.float64)
    covered = np.array(table.covered, dtype=bool)
    for group in groups:
        counts = [row for row in group if covered[row]]
        proba[group[0]] = proba[counts or group].mean(axis=0)
        covered[group[0]] = bool(counts)
    return proba, covered


class LinkLimitError(LimitError):
    """Too many label rows stayed without a signal; `report` holds their numbers."""

    def __init__(self, report: LinkReport, max_lost: float) -> None:
        super().__init__(f"{'; '.join(report.lines())}; at most {max_lost:.0%} may be lost")
        self.report = report
