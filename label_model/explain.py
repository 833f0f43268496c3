"""Why a record got its label: what each function added to the log probability of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, LabelSchema, Span, VoteMatrix

from .evidence import SideEvidence

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one function added.

    Parameters
    ----------
    function : str
        Name of the function.
    vote : int
        Its vote, -1 where it named several classes.
    log_odds : ndarray of shape (n_classes,)
        What it added to the log probability of each class, less the mean over classes.
    spans : tuple of (int, int)
        Where in the record's text the vote found its reason, as the votes carry it.
    """

    function: str
    vote: int
    log_odds: Array
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, eq=False)
class Explanation:
    """A record's probabilities as a sum: the class balance, and one contribution for each function that said something.

    Parameters
    ----------
    row : int
        The record's row in the votes.
    label : int
        Its label, -1 where no function voted or classes tie.
    proba : ndarray of shape (n_classes,)
        Its probabilities.
    start : ndarray of shape (n_classes,)
        Log of the class balance, and what abstentions said together.
    contributions : tuple of Contribution
        Functions that voted, those that moved the label most first.
    schema : LabelSchema
        The classes.
    """

    row: int
    label: int
    proba: Array
    start: Array
    contributions: tuple[Contribution, ...]
    schema: LabelSchema

    def __str__(self) -> str:
        """Return a small table: a line for each function, a column for each class."""
        classes = self.schema.classes
        head = f"row {self.row}: " + ", ".join(
            f"{c} {p:.3f}" for c, p in zip(classes, self.proba, strict=True)
        )
        width = max([len(entry.function) for entry in self.contributions] + [len("class balance")])
        lines = [head, f"{'':{width}}  {'says':12}" + "".join(f"{c:>12}" for c in classes)]
        lines.append(
            f"{'class balance':{width}}  {'':12}"
            + "".join(f"{x:12.2f}" for x in self.start - self.start.mean())
        )
        for entry in self.contributions:
            says = self.schema.name(entry.vote)
            lines.append(
                f"{entry.function:{width}}  {says:12}" + "".join(f"{x:12.2f}" for x in entry.log_odds)
            )
        return "\n".join(lines)


def explain_record(
    votes: VoteMatrix,
    row: int,
    label: int,
    proba: Array,
    gain: Array,
    silence: Array,
    log_prior: Array,
    side: SideEvidence,
) -> Explanation:
    """Take a record's posterior apart.

    Parameters
    ----------
    votes : VoteMatrix
        Votes whose columns are the model's functions.
    row : int
        The record.
    label, proba
        What the model says of it.
    gain : ndarray of shape (n_functions * n_classes, n_classes)
        What each vote adds beyond what abstaining would have added, tempered.
    silence : ndarray of shape (n_functions, n_classes)
        What abstaining adds, tempered.
    log_prior : ndarray of shape (n_classes,)
        Logarithm of the class balance.
    side : SideEvidence
        What confidences and sets of classes change on this record.
    """
    k = len(log_prior)
    values = votes.take_rows([row]).dense()[0]
    changed = np.zeros_like(silence)
    np.add.at(changed, side.function, side.added)
    cast = np.union1d(np.flatnonzero(values != ABSTAIN), side.function)
    found = []
    for j in cast:
        plain = gain[j * k + values[j]] if values[j] != ABSTAIN else 0.0
        added = plain + silence[j] + changed[j]
        spans = tuple(votes.evidence.get((row, int(j)), ()))
        found.append(Contribution(votes.names[j], int(values[j]), added - added.mean(), spans))
    found.sort(key=lambda entry: (-float(np.abs(entry.log_odds).max()), entry.function))
    quiet = np.delete(silence, cast, axis=0).sum(axis=0)
    return Explanation(row, label, proba, log_prior + quiet, tuple(found), votes.schema)
