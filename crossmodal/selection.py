"""What to label by hand next: how unsure each record is, and a queue drawn so that it can also measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from sidelight.labeling.seeds import generator

from .tables import read_table, told, write_table

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = 1
METADATA_KEY = b"sidelight.queue"
UNSURE, AUDIT = "unsure", "audit"


def uncertainty(proba: ArrayLike, kind: str = "entropy") -> NDArray[np.float64]:
    """Return how unsure each row of probabilities is, 0 when sure.

    Parameters
    ----------
    proba : array-like of shape (n_records, n_classes)
        Of the label model, or of the network trained on its labels.
    kind : {"entropy", "margin", "least-confidence"}, default "entropy"
        What is measured.

    Examples
    --------
    >>> uncertainty([[1.0, 0.0], [0.5, 0.5]], "least-confidence").tolist()
    [0.0, 0.5]
    """
    chance = np.asarray(proba, dtype=np.float64)
    if chance.ndim != 2:
        raise ValueError(f"proba has shape {chance.shape}; it is (n_records, n_classes)")
    if kind == "entropy":
        return np.asarray(special.entr(chance).sum(axis=1))
    ranked = np.sort(chance, axis=1)
    if kind == "margin":
        return np.asarray(1 - (ranked[:, -1] - ranked[:, -2]))
    if kind == "least-confidence":
        return np.asarray(1 - ranked[:, -1])
    raise ValueError(f'kind is {kind!r}; it is "entropy", "margin" or "least-confidence"')


def conflict(votes: ArrayLike, weights: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return how much the votes on each record disagree: 0 when all agree or none is cast, 1 - 1/k at an even split.

    Parameters
    ----------
    votes : VoteMatrix or array-like of shape (n_records, n_functions)
        -1 where a function abstains.
    weights : array-like of shape (n_functions,), optional
        How much each function's vote counts, for example the log-odds of its accuracy.

    Examples
    --------
    >>> conflict([[1, 1, -1], [1, 0, -1], [-1, -1, -1]]).tolist()
    [0.0, 0.5, 0.0]
    """
    values = np.asarray(votes)
    each = np.ones(values.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 2 or each.shape != (values.shape[1],):
        raise ValueError(f"votes have shape {values.shape}, weights {each.shape}")
    cast = ((values >= 0) * each).sum(axis=1)
    squares = sum(((values == k) * each).sum(axis=1) ** 2 for k in range(int(values.max(initial=0)) + 1))
    return np.where(cast > 0, 1 - squares / np.maximum(cast, 1e-12) ** 2, 0.0)


def clash(proba: ArrayLike, network_proba: ArrayLike) -> NDArray[np.float64]:
    """Return the divergence of the network's probabilities from the label model's: the best hint of a wrong label."""
    labels, network = np.asarray(proba, dtype=np.float64), np.asarray(network_proba, dtype=np.float64)
    if labels.shape != network.shape:
        raise ValueError(f"proba has shape {labels.shape}, network_proba {network.shape}")
    return np.asarray(special.rel_entr(labels, np.clip(network, 1e-12, 1)).sum(axis=1))


def k_centers(embeddings: ArrayLike, n: int, *, start: Sequence[int] = ()) -> NDArray[np.intp]:
    """Return `n` rows such that every record is near one of them or of `start`: a core-set, chosen greedily.

    Embeddings are brought to length 1 first. Outliers are chosen early: leave out copies and empty records before.

    Parameters
    ----------
    embeddings : array-like of shape (n_records, n_features)
        For example ``CrossModalClassifier.embed``.
    n : int
        How many; fewer when there are no more.
    start : sequence of int, optional
        Rows that are labeled already; without them the first one is the record nearest to the mean.

    References
    ----------
    O. Sener, S. Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018, the greedy
    algorithm.

    Examples
    --------
    >>> k_centers([[1, 0], [0.9, 0.1], [0, 1], [-1, 0]], 2, start=[0]).tolist()
    [3, 2]
    """
    points = np.asarray(embeddings, dtype=np.float64)
    points = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    distance = np.full(len(points), np.inf)
    chosen: list[int] = []

    def take(row: int) -> None:
        np.minimum(distance, ((points - points[row]) ** 2).sum(axis=1), out=distance)
        distance[row] = -1

    for row in start:
        take(int(row))
    while len(chosen) < n and (distance >= 0).any():
        mean = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
        row = int(distance.argmax() if np.isfinite(distance).all() else mean.argmin())
        chosen.append(row)
        take(row)
    return np.array(chosen, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Queue:
    """Records to label by hand, in order; what the labeling app and the command line read.

    Parameters
    ----------
    ids : ndarray of str of shape (n,)
        Record ids.
    rows : ndarray of int of shape (n,)
        Their rows in the pool.
    scores : ndarray of shape (n,)
        What they were chosen by.
    chances : ndarray of shape (n,)
        Each one's probability of being in the queue: estimates divide by it.
    reasons : tuple of str
        "unsure", or "audit" for records drawn evenly.
    n_pool : int
        Records there were to choose from.
    """

    ids: NDArray[np.str_]
    rows: NDArray[np.intp]
    scores: NDArray[np.float64]
    chances: NDArray[np.float64]
    reasons: tuple[str, ...]
    n_pool: int

    def __len__(self) -> int:
        return len(self.ids)

    def to_table(self) -> pa.Table:
        """Return an Arrow table with columns id, row, score, chance and reason."""
        import pyarrow as pa

        columns = {
            "id": pa.array(self.ids.tolist(), pa.string()),
            "row": pa.array(self.rows),
            "score": pa.array(self.scores),
            "chance": pa.array(self.chances),
            "reason": pa.array(list(self.reasons), pa.string()),
        }
        about = {"format": FORMAT, "n_pool": self.n_pool}
        return told(pa.table(columns), METADATA_KEY, about)

    def write(self, path: str | Path) -> Path:
        """Write the table as Parquet, or as CSV when `path` ends so; whole or not at all."""
        return write_table(path, self.to_table())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a table that `write` wrote."""
        table, about = read_table(path, METADATA_KEY, FORMAT, "queue")
        return cls(
            ids=np.array(table["id"].to_pylist(), dtype=np.str_),
            rows=table["row"].to_numpy().astype(np.intp),
            scores=table["score"].to_numpy().astype(np.float64),
            chances=table["chance"].to_numpy().astype(np.float64),
            reasons=tuple(table["reason"].to_pylist()),
            n_pool=int(about["n_pool"]),
        )


def select_next(
    ids: ArrayLike,
    scores: ArrayLike,
    budget: int,
    *,
    exclude: ArrayLike | None = None,
    audit: float = 0.2,
    even: float = 0.1,
    seed: int = 0,
) -> Queue:
    """Draw records to label by hand, unsure ones more often, with a known chance for each.

    Part of the budget is drawn evenly, so that what is labeled can also estimate shares and accuracies without bias
    (`estimate_share`); the rest in proportion to the scores. A record drawn both ways is queued once, so the queue may be
    a little shorter than the budget.

    Parameters
    ----------
    ids : array-like of shape (n_records,)
        Record ids.
    scores : array-like of shape (n_records,)
        At least 0, for example `uncertainty`, `conflict` or `clash`, or a product of them.
    budget : int
        Records to draw.
    exclude : array-like of bool of shape (n_records,), optional
        Records that are labeled already, or kept for the test.
    audit : float, default 0.2
        Share of the budget that is drawn evenly.
    even : float, default 0.1
        Share of the others' chance that is the same for all, so that none is impossible.
    seed : int, default 0
        Of the draw.

    References
    ----------
    Weighted draws with known chances: B. Mozafari et al., "Scaling up crowd-sourcing to very large datasets: a case for
    active learning", PVLDB 2014; the draw is systematic sampling with probability proportional to size.

    Examples
    --------
    >>> queue = select_next(np.arange(100), np.linspace(0, 1, 100), 20)
    >>> 15 <= len(queue) <= 20, bool((queue.chances > 0).all())
    (True, True)
    """
    names = np.asarray(ids).astype(np.str_)
    weight = np.asarray(scores, dtype=np.float64)
    if weight.shape != names.shape or weight.ndim != 1:
        raise ValueError(f"scores have shape {weight.shape} for {len(names)} ids")
    if not np.isfinite(weight).all() or (weight < 0).any():
        raise ValueError("scores are finite and at least 0")
    if budget < 1 or not 0 <= audit <= 1 or not 0 < even <= 1:
        raise ValueError("budget is at least 1, audit from 0 to 1, even above 0 and at most 1")
    out = np.zeros(len(names), dtype=bool) if exclude is None else np.asarray(exclude, dtype=bool)
    pool = np.flatnonzero(~out)
    budget = min(budget, len(pool))
    n_audit = round(audit * budget)
    random = generator(seed, "crossmodal", "selection")
    flat = np.full(len(pool), 1.0)
    mean = weight[pool].mean() if len(pool) else 0.0
    pull = (1 - even) * weight[pool] + even * mean if mean > 0 else flat
    first, second = _chances(flat, n_audit), _chances(pull, budget - n_audit)
    audited, unsure = _systematic(first, random), _systematic(second, random)
    chosen = np.flatnonzero(audited | unsure)
    order = chosen[np.lexsort((pool[chosen], -weight[pool[chosen]]))]
    rows = pool[order]
    return Queue(
        ids=names[rows],
        rows=rows,
        scores=weight[rows],
        chances=(1 - (1 - first) * (1 - second))[order],
        reasons=tuple(AUDIT if audited[place] else UNSURE for place in order),
        n_pool=len(pool),
    )


def _chances(pull: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return chances in proportion to `pull` that add up to `n`, none above 1."""
    chance = np.zeros(len(pull))
    sure = np.zeros(len(pull), dtype=bool)
    while n > 0:
        rest = ~sure
        chance[rest] = pull[rest] * (n - sure.sum()) / pull[rest].sum()
        over = rest & (chance >= 1)
        if not over.any():
            break
        chance[over], sure[over] = 1.0, True
        if sure.sum() >= n or sure.all():
            break
    return np.minimum(chance, 1.0)


def _systematic(chance: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.bool_]:
    """Return which records are drawn: each with its chance, in random order at even steps."""
    order = random.permutation(len(chance))
    edges = np.concatenate([[0.0], np.cumsum(chance[order])])
    hit = np.floor(edges[1:] - (u := random.random())) > np.floor(edges[:-1] - u)
    drawn = np.zeros(len(chance), dtype=bool)
    drawn[order] = hit
    return drawn
