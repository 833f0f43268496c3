"""Which record comes next: orders over all records, each with its reason, and a uniform share in each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidelight import crossmodal
from sidelight.crossmodal import select_next, uncertainty
from sidelight.labeling import keyed_fraction

from .coreset import core_set
from .store import Ledger
from .workspace import Workspace

AUDIT_EVERY = 5
"""In a queue that chooses, every fifth record is drawn at random, so that estimates stay possible."""

CORE_SAMPLE, CORE_SIZE = 2000, 200
"""Records drawn to choose the core set from, and the most that are chosen."""

USEFUL_SIZE = 500
"""Records drawn as most useful next, until functions or the label model change."""

USEFUL = "Drawn by how unsure the label model is and how much functions disagree; each chance is kept, so that what you label here still counts for estimates."
CHOSEN = "Drawn before this server was started, in the order of that file."

ORDER_KEY = "sidelight-random-queue"


@dataclass(frozen=True)
class Queue:
    """An order in which records come up.

    Parameters
    ----------
    name : str
        Stands in the events.
    title : str
        What the page calls it.
    why : str
        One sentence for the annotator.
    order : ndarray of int
        Rows, first to last; those left out are not in the queue.
    chooses : bool
        Whether records were chosen rather than drawn.
    chances : dict from row to float
        Where records were drawn with unequal chances: each one's, for estimates to divide by.
    """

    name: str
    title: str
    why: str
    order: NDArray[np.intp]
    chooses: bool = True
    chances: dict[int, float] = field(default_factory=dict)


def random_order(ids: Collection[str]) -> NDArray[np.intp]:
    """Return rows in an order drawn by a keyed hash of the id: the same for everyone, whatever the export's order."""
    return np.argsort(np.array([keyed_fraction(name, ORDER_KEY) for name in ids]), kind="stable")


def build_queues(workspace: Workspace, chosen: Path | None = None) -> dict[str, Queue]:
    """Return the queues this workspace allows, by name; those that need functions or slices are left out without.

    Parameters
    ----------
    workspace : Workspace
        Records, votes, probabilities and slices.
    chosen : Path, optional
        A queue drawn elsewhere, as `sidelight.crossmodal.Queue.write` writes it; records that are not here are left out.
    """
    uniform = random_order(workspace.records.ids)
    queues = [
        Queue(
            "random",
            "Random",
            "Drawn at random: the only queue that tells how frequent a class is.",
            uniform,
            False,
        )
    ]
    if chosen is not None:
        queues.append(_drawn("chosen", "Chosen for you", CHOSEN, crossmodal.Queue.read(chosen), workspace))
    if workspace.proba is not None and workspace.votes is not None:
        covered = workspace.covered
        queues.append(most_useful(workspace))
        score = uncertainty(workspace.proba)
        queues.append(
            Queue(
                "uncertain",
                "Uncertain",
                "The label model is least sure of these.",
                _ranked(uniform, score, covered),
            )
        )
        clash = conflict(workspace)
        queues.append(
            Queue(
                "conflict",
                "Conflict",
                "Functions contradict each other here.",
                _ranked(uniform, clash, clash > 0),
            )
        )
        queues.append(
            Queue("uncovered", "No votes", "No function says anything: where the next one may come from.", uniform[~covered[uniform]])
        )  # fmt: skip
    if workspace.slices is not None:
        for slice_name in workspace.slices.names:
            member = workspace.slices[slice_name]
            queues.append(
                Queue(f"slice:{slice_name}", f"Slice: {slice_name.replace('_', ' ')}", "Only records of this slice.", uniform[member[uniform]])
            )  # fmt: skip
    sample = uniform[:CORE_SAMPLE]
    core = sample[core_set(workspace.records.texts(sample.tolist()), CORE_SIZE)]
    queues.append(
        Queue("core", "Core set", "Few records that stand for many: each unlike those before it.", core)
    )
    return {queue.name: queue for queue in queues if len(queue.order)}


def most_useful(workspace: Workspace) -> Queue:
    """Return records drawn by how unsure the label model is and how much functions disagree, a fifth of them evenly."""
    assert workspace.proba is not None  # noqa: S101 - asked for only where there is a label model
    score = uncertainty(workspace.proba) * (1 + conflict(workspace))
    drawn = select_next(workspace.records.ids, score, min(USEFUL_SIZE, len(score)), audit=1 / AUDIT_EVERY)
    return _drawn("useful", "Most useful next", USEFUL, drawn, workspace)


def _drawn(name: str, title: str, why: str, drawn: crossmodal.Queue, workspace: Workspace) -> Queue:
    """Return a queue of this workspace's rows, in the order and with the chances it was drawn with."""
    rows = [workspace.records.rows.get(item, -1) for item in drawn.ids.tolist()]
    chances = {row: float(c) for row, c in zip(rows, drawn.chances, strict=True) if row >= 0}
    return Queue(name, title, why, np.array(list(chances), dtype=np.intp), chooses=False, chances=chances)


def second_opinions(workspace: Workspace, ledger: Ledger, person: str) -> Queue:
    """Return the records that others labeled and this person did not, the most doubtful first; blind as ever."""
    rows, doubt = [], []
    for item_id, people in ledger.labels().items():
        row = workspace.records.rows.get(item_id)
        if row is None or not (others := [e for who, e in people.items() if who != person]):
            continue
        rows.append(row)
        said = [
            workspace.schema.classes.index(e.value) for e in others if e.value in workspace.schema.classes
        ]
        likely = [workspace.proba[row, c] for c in said] if workspace.proba is not None else []
        doubt.append(1.0 - min(likely, default=1.0))
    order = (
        np.array(rows, dtype=np.intp)[np.argsort(-np.array(doubt), kind="stable")]
        if rows
        else np.empty(0, np.intp)
    )
    why = "Others labeled these, and the label model disagrees with the first ones most. What they said stays hidden."
    return Queue("second", "Disagreement", why, order)


def next_row(
    queue: Queue,
    uniform: NDArray[np.intp],
    is_open: Callable[[int], bool],
    n_decided: int,
) -> tuple[int | None, str]:
    """Return the next row and the name of the queue it came from.

    Parameters
    ----------
    queue : Queue
        What the person works on.
    uniform : ndarray of int
        The random order.
    is_open : callable
        Whether a row still awaits this person.
    n_decided : int
        Records the person decided so far: says whose turn it is, so that a restart changes nothing.
    """
    if queue.chooses and n_decided % AUDIT_EVERY == AUDIT_EVERY - 1:
        members = set(queue.order.tolist()) if queue.name.startswith("slice:") else None
        for row in uniform.tolist():
            if is_open(row) and (members is None or row in members):
                return row, "random"
    for row in queue.order.tolist():
        if is_open(row):
            return row, queue.name
    return None, queue.name


def conflict(workspace: Workspace) -> NDArray[np.float64]:
    """Return how far each record's votes contradict each other, weighted by what the functions are worth.

    One minus the squared share of the weight each class got, summed: 0 where all who vote agree, near 1 - 1/k where they
    are split evenly.
    """
    assert workspace.votes is not None  # noqa: S101 - asked for only where there are votes
    return np.asarray(crossmodal.conflict(workspace.votes, function_weights(workspace)).round(12))


def function_weights(workspace: Workspace) -> NDArray[np.float64]:
    """Return the log-odds of each function's learned accuracy, at least a tenth, 1 where the model has none."""
    assert workspace.votes is not None  # noqa: S101
    learned = getattr(workspace.model, "get_weights", None)
    if learned is None:
        return np.ones(workspace.votes.n_functions)
    accuracy = np.clip(np.nan_to_num(learned(), nan=0.5), 0.01, 0.99)
    return np.asarray(np.maximum(np.log(accuracy / (1 - accuracy)), 0.1))


def _ranked(
    uniform: NDArray[np.intp], score: NDArray[np.float64], keep: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the kept rows by falling score, ties in random order."""
    kept = uniform[keep[uniform]]
    return kept[np.argsort(-score[kept], kind="stable")]
