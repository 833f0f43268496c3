"""What functions under construction would do: tried on a sample in a process of their own, then counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, Span, VoteMatrix
from sidelight.labeling.applier import function_info
from sidelight.labeling.statistics import Interval, clustered_proportion

from .function_form import FunctionForm, lines
from .pattern_process import PatternProcess, Trial
from .workspace import Workspace

CHUNK = 2000


@dataclass(frozen=True, eq=False)
class Preview:
    """What a function would do on a sample.

    Parameters
    ----------
    name : str
        The function.
    rows : ndarray of int
        Rows of the sample.
    votes : dict from row to class number
        The records it votes on.
    hits : dict from row to spans
        The records it votes on, with its evidence.
    coverage, overlap, conflict : float
        Share of the sample it votes on; on which another function votes too; on which one votes otherwise.
    precision : Interval
        Share of its votes that people's labels bear out.
    n_judged : int
        Votes that people's labels can judge.
    misses : ndarray of int
        Records people gave a class it votes for, on which it does not vote.
    ms_per_note : float
        Milliseconds a record.
    changed : int or None
        Records of the sample whose label the label model would change, None where it cannot say.
    n_errors : int
        Records it raised on.
    raised : str
        The last exception's type.
    """

    name: str
    rows: NDArray[np.intp]
    votes: dict[int, int]
    hits: dict[int, tuple[Span, ...]]
    coverage: float
    overlap: float
    conflict: float
    precision: Interval
    n_judged: int
    misses: NDArray[np.intp]
    ms_per_note: float
    changed: int | None
    n_errors: int = 0
    raised: str = ""


def preview(
    process: PatternProcess,
    workspace: Workspace,
    form: FunctionForm,
    rows: NDArray[np.intp],
    texts: Sequence[str],
    gold: NDArray[np.int64],
) -> Preview:
    """Run a form's function over a sample and compare it with the other functions and with people's labels."""
    return judge(process.run(form, texts, workspace.schema.classes), workspace, rows, gold)


def judge(trial: Trial, workspace: Workspace, rows: NDArray[np.intp], gold: NDArray[np.int64]) -> Preview:
    """Compare what a function did on a sample with the functions in use and with people's labels.

    Parameters
    ----------
    trial : Trial
        What it did.
    workspace : Workspace
        Other functions and the label model; one of the same name counts as this function's older self.
    rows : ndarray of int of shape (n_sample,)
        Rows of the sample.
    gold : ndarray of int of shape (n_records,)
        People's labels, -1 where there is none.
    """
    own = np.full(len(rows), ABSTAIN, dtype=np.int8)
    own[list(trial.votes)] = list(trial.votes.values())
    others = _other_votes(workspace, trial.name, rows)
    hit, voted = own != ABSTAIN, (others != ABSTAIN).any(axis=1)
    against = ((others != ABSTAIN) & (others != own[:, None])).any(axis=1)
    judged = hit & (gold[rows] >= 0)
    votes_for = np.unique(own[hit])
    share = clustered_proportion((gold[rows] == own)[judged], workspace.records.patient_ids[rows][judged])
    return Preview(
        name=trial.name,
        rows=rows,
        votes={int(rows[place]): vote for place, vote in trial.votes.items()},
        hits={int(rows[place]): spans for place, spans in trial.evidence.items()},
        coverage=float(hit.mean()) if len(rows) else 0.0,
        overlap=float((hit & voted).mean()) if len(rows) else 0.0,
        conflict=float((hit & against).mean()) if len(rows) else 0.0,
        precision=share,
        n_judged=int(judged.sum()),
        misses=rows[np.isin(gold[rows], votes_for) & ~hit],
        ms_per_note=trial.ms_per_note,
        changed=_changed(workspace, rows, others, own),
        n_errors=trial.n_errors,
        raised=trial.raised,
    )


def _other_votes(workspace: Workspace, name: str, rows: NDArray[np.intp]) -> NDArray[np.int8]:
    """Return the votes of the functions in use on the sample, without one of this name."""
    if workspace.votes is None:
        return np.full((len(rows), 0), ABSTAIN, dtype=np.int8)
    keep = [column for column, other in enumerate(workspace.votes.names) if other != name]
    return workspace.votes.take_rows(rows).dense()[:, keep]


def _changed(
    workspace: Workspace, rows: NDArray[np.intp], others: NDArray[np.int8], own: NDArray[np.int8]
) -> int | None:
    """Return how many labels of the sample differ when the label model learns with the function instead of without."""
    if workspace.votes is None or others.shape[1] < 2 or workspace.model is None:
        return None
    kind, cardinality = type(workspace.model), workspace.schema.cardinality
    before = kind(cardinality=cardinality).fit(others).predict(others)
    more = np.column_stack([others, own])
    after = kind(cardinality=cardinality).fit(more).predict(more)
    return int((before != after).sum())


def failing_examples(
    process: PatternProcess, form: FunctionForm, hits: str, misses: str, classes: Sequence[str]
) -> list[str]:
    """Return the typed examples, one a line, on which the function does not do what was said."""
    wanted = [(line, True) for line in lines(hits)] + [(line, False) for line in lines(misses)]
    found = process.run(form, [line for line, _ in wanted], classes).votes
    vote = list(classes).index(form.vote)
    return [
        line
        for place, (line, votes) in enumerate(wanted)
        if (found.get(place) == vote) != votes or (not votes and place in found)
    ]


def add_function(process: PatternProcess, workspace: Workspace, form: FunctionForm) -> Workspace:
    """Return the workspace with one more function: only its votes are computed, then the label model learns anew."""
    function = form.build()
    column = np.full((len(workspace.records), 1), ABSTAIN, dtype=np.int8)
    for start in range(0, len(column), CHUNK):
        rows = range(start, min(start + CHUNK, len(column)))
        found = process.run(form, workspace.records.texts(rows), workspace.schema.classes).votes
        column[[start + place for place in found], 0] = list(found.values())
    own = VoteMatrix(
        column, workspace.schema, (function_info(function, workspace.schema),),
        ids=np.array(workspace.records.ids), patient_ids=workspace.records.patient_ids,
    )  # fmt: skip
    votes = own if workspace.votes is None else workspace.votes.join(own)
    return workspace.with_votes((*workspace.functions, function), votes)
