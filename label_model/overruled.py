"""Labels that go against all votes: what shows that a fit put every record into one class, or took classes for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import VoteMatrix
from sidelight.labeling.cast_votes import vote_blocks

if TYPE_CHECKING:
    from .base import VoteModel

WORTH_A_WORD = 0.05
"""Share of the records from which a class that has most of their votes, but nowhere all, is missed among the labels."""

FEWEST = 3
"""Records on which every vote is for a class, from which their labels show that the class is overruled."""

NAMED = 5
"""Functions that a message names."""


@dataclass(frozen=True)
class Overruled:
    """A class that functions vote for and a fitted model gives to no record, or to the wrong ones.

    Parameters
    ----------
    name : str
        The class.
    n_records : int
        Records on which every vote is for it; with `leads`, on which it has the most votes.
    n_otherwise : int
        How many of these are labeled with another class.
    swapped : bool
        Whether records on which every vote is for other classes get it more often; else no record gets it.
    leads : bool
        Whether nowhere every vote is for it.
    """

    name: str
    n_records: int
    n_otherwise: int
    swapped: bool = False
    leads: bool = False

    def __str__(self) -> str:
        """Return it as a sentence says it."""
        if self.swapped:
            return (
                f"of {self.n_records} records on which every vote is for {self.name}, {self.n_otherwise} are labeled "
                f"otherwise, while records whose votes are for other classes are labeled {self.name}"
            )
        share = "most votes are" if self.leads else "every vote is"
        return f"no record is labeled {self.name}, though on {self.n_records} {share} for it"


def find_overruled(
    model: VoteModel, votes: VoteMatrix, counts: NDArray[np.int64] | None = None
) -> tuple[Overruled, ...]:
    """Return the classes whose votes a fitted model overrules: labels have collapsed, or classes are swapped.

    A model may believe one function more than another, and a rare class less than a single vote. But where no record
    gets a class although every vote on some is for it, the labels lack that class; and where records get it the more
    often, the more their votes are for others, it was taken for another one.

    Parameters
    ----------
    model : VoteModel
        Fitted, on these functions.
    votes : VoteMatrix of shape (n_rows, n_functions)
        Votes.
    counts : ndarray of int64 of shape (n_rows,), optional
        How many records each row stands for; one when not given.

    Examples
    --------
    >>> import warnings
    >>> from sidelight.label_model import DawidSkene, MajorityLabelVoter
    >>> from sidelight.labeling import as_votes
    >>> votes = as_votes([[0, -1]] * 9 + [[-1, 1]] * 6)       # rules for one class each
    >>> find_overruled(MajorityLabelVoter().fit(votes), votes)
    ()
    >>> with warnings.catch_warnings(action="ignore"):
    ...     model = DawidSkene().fit(votes)
    >>> print(*find_overruled(model, votes))
    no record is labeled 1, though on 6 every vote is for it
    """
    k = model.cardinality
    weight = np.ones(votes.n_records, dtype=np.int64) if counts is None else counts
    cast = np.zeros((votes.n_records, k))
    for rows, part in vote_blocks(votes):
        cast[rows] = part @ np.tile(np.eye(k), (votes.n_functions, 1))
    label, first, most = model.predict(votes), cast.argmax(axis=1), cast.max(axis=1, initial=0)
    leads = (most > 0) & ((cast == most[:, None]).sum(axis=1) == 1) & ~_for_sets(votes)
    alone, told = leads & (most == cast.sum(axis=1)), label >= 0
    table = np.zeros(
        (2, k, k), dtype=np.int64
    )  # records on which a class leads, or is alone, and their labels
    for number, rows in enumerate((leads & told, alone & told)):
        np.add.at(table[number], (first[rows], label[rows]), weight[rows])
    given = np.bincount(label[told], minlength=k)
    found = []
    for c, name in enumerate(votes.schema.classes):
        (n_leads, n_alone), (_, kept) = table[:, c].sum(axis=1), table[:, c, c]
        elsewhere, others = table[1, :, c].sum() - kept, table[1].sum() - n_alone
        if n_alone >= FEWEST and not given[c]:
            found.append(Overruled(name, int(n_alone), int(n_alone)))
        elif n_alone >= FEWEST and kept * others < elsewhere * n_alone:
            found.append(Overruled(name, int(n_alone), int(n_alone - kept), swapped=True))
        elif not given[c] and n_leads > WORTH_A_WORD * table[0].sum():
            found.append(Overruled(name, int(n_leads), int(n_leads), leads=True))
    return tuple(found)


def describe(found: Sequence[Overruled], one_sided: Sequence[str]) -> str:
    """Return what is wrong and what to do, in one line.

    Parameters
    ----------
    found : sequence of Overruled
        At least one.
    one_sided : sequence of str
        Functions of one class that the model cannot learn from, by name; empty where it is not that.
    """
    named = ", ".join([*one_sided[:NAMED], *["..."] * (len(one_sided) > NAMED)])
    advice = (
        f"this model learns from functions that choose between classes, and {named} vote for one class alone; "
        "matrix-completion (LabelModel) is made for such"
        if one_sided
        else "see whether these votes are right and the class balance is, and beware of these labels"
    )
    return f"labels go against the votes: {'; '.join(map(str, found))}; {advice}"


def one_class(votes: VoteMatrix) -> NDArray[np.bool_]:
    """Return which functions cast votes, and all of them for one class, shape (n_functions,)."""
    values = votes.dense()
    least = np.where(values >= 0, values, np.iinfo(np.int8).max).min(axis=0, initial=np.iinfo(np.int8).max)
    return np.asarray(values.max(axis=0, initial=-1) == least, dtype=np.bool_)


def _for_sets(votes: VoteMatrix) -> NDArray[np.bool_]:
    """Return which records have a vote for a set of classes: such votes are not for one."""
    if votes.class_sets is None:
        return np.zeros(votes.n_records, dtype=np.bool_)
    return np.asarray(votes.class_sets.any(axis=(1, 2)), dtype=np.bool_)
