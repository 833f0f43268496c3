"""Records as evidence: what a function voted on, and why, with the words marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .record import Record
from .schema import ABSTAIN
from .seeds import generator
from .votes import Span, VoteMatrix


@dataclass(frozen=True)
class ShownVote:
    """One record with a vote on it.

    Parameters
    ----------
    row : int
        The record's row among the votes.
    id : str
        The record's id, "" where the votes carry none.
    votes : dict
        The class each function in question voted for, by function name; "abstain" included.
    gold : str
        The gold class, "" where unknown.
    text : str
        The record's text; not part of the printed form, so that it does not stray into logs.
    spans : tuple of (start, end)
        What the vote rests on, where the function can say.
    """

    row: int
    id: str
    votes: dict[str, str]
    gold: str = ""
    text: str = field(default="", repr=False)
    spans: tuple[Span, ...] = ()

    def marked(self, before: str = "[", after: str = "]", *, around: int | None = None) -> str:
        """Return the text with the evidence marked; with `around`, only so many characters around the first of it."""
        pieces, done = [], 0
        for start, end in sorted(self.spans):
            if start < done:
                continue
            pieces += [self.text[done:start], before, self.text[start:end], after]
            done = end
        pieces.append(self.text[done:])
        whole = "".join(pieces)
        if around is None or not self.spans:
            return whole
        first, last = min(self.spans)
        return whole[max(0, first - around) : last + len(before) + len(after) + around]


def pick_rows(rows: NDArray[np.intp], n_rows: int, seed: int, name: str) -> NDArray[np.intp]:
    """Return some of the rows, drawn at random with a seed, in order."""
    if len(rows) <= n_rows:
        return rows
    return np.sort(generator(seed, "show", name).choice(rows, n_rows, replace=False))


def shown_votes(
    votes: VoteMatrix,
    rows: NDArray[np.intp],
    names: Sequence[str],
    gold: NDArray[np.int64] | None,
    records: Sequence[Record] | None,
    functions: dict[str, Any],
) -> list[ShownVote]:
    """Return what some functions voted on some rows, with text and evidence where there are records."""
    dense = votes.dense()
    columns = {name: votes.names.index(name) for name in names}
    shown = []
    for row in rows.tolist():
        spans: set[Span] = set()
        text = "" if records is None else records[row].text or ""
        for name, column in columns.items():
            known = votes.evidence.get((row, column), ())
            explain = getattr(functions.get(name), "evidence", None)
            if not known and explain is not None and records is not None and dense[row, column] != ABSTAIN:
                vote = explain(records[row])
                known = () if vote is None else vote.spans
            spans.update(known)
        shown.append(
            ShownVote(
                row,
                "" if votes.ids is None else str(votes.ids[row]),
                {name: votes.schema.name(int(dense[row, column])) for name, column in columns.items()},
                "" if gold is None or gold[row] == ABSTAIN else votes.schema.name(int(gold[row])),
                text,
                tuple(sorted(spans)),
            )
        )
    return shown
