"""Which record comes next: orders over all records, each with its reason, and a uniform share in each of them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, keyed_fraction

from .coreset import core_set
from .store import Ledger
from .workspace import Workspace

AUDIT_EVERY = 5
"""In a queue that chooses, every fifth record is drawn at random, so that estimates stay possible."""

CORE_SAMPLE, CORE_SIZE = 2000, 200
"""Records drawn to choose the core set from, and the most that are chosen."""

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
    """

    name: str
    title: str
    why: str
    order: NDArray[np.intp]
    chooses: bool = True


def random_order(ids: Collection[str]) -> NDArray[np.intp]:
    """Return rows in an order drawn by a keyed hash of the id: the same for everyone, whatever the export's order."""
    return np.argsort(np.array([keyed_fraction(name, ORDER_KEY) for name in ids]), kind="stable")


def build_queues(workspace: Workspace) -> dict[str, Queue]:
    """Return the queues this workspace allows, by name; those that need functions or slices are left out without."""
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
    if workspace.proba is not None and workspace.votes is not None:
        covered = workspace.covered
        score = entropy(workspace.proba)
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
    why = "Others labeled these; the label model doubts the first ones most. What they said stays hidden."
    return Queue("second", "Second opinion", why, order)


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


def entropy(proba: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of each row in nats."""
    safe = np.clip(proba, 1e-12, 1.0)
    return np.asarray(-(safe * np.log(safe)).sum(axis=1))


def conflict(workspace: Workspace) -> NDArray[np.float64]:
    """Return how far each record's votes contradict each other, weighted by what the functions are worth.

    One minus the squared share of the weight each class got, summed: 0 where all who vote agree, near 1 - 1/k where they
    are split evenly.
    """
    assert workspace.votes is not None  # noqa: S101 - asked for only where there are votes
    votes = workspace.votes.dense()
    weight = function_weights(workspace)
    per_class = np.stack(
        [((votes == c) * weight).sum(axis=1) for c in range(workspace.schema.cardinality)], axis=1
    )
    total = per_class.sum(axis=1)
    share = per_class / np.maximum(total, 1e-12)[:, None]
    return np.asarray(np.where((votes != ABSTAIN).any(axis=1), 1 - (share**2).sum(axis=1), 0.0).round(12))


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
