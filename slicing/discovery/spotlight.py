"""Balls in an embedding in which errors are denser than anywhere else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from sidelight.labeling.seeds import generator

from .evidence import Evidence
from .rule import BallRule, Projection, Rule
from .scan import excess_ratio


class ErrorSpotlight:
    """Moves a spotlight over the embedding and keeps the radius whose errors are least explained by chance.

    Every record that is in doubt is tried as a centre with every radius; the best balls that do not overlap much are
    candidates, within each class and over all classes.

    Parameters
    ----------
    n_axes : int, default 6
        Directions of the embedding that are kept.
    n_balls : int, default 3
        Candidates for each class and embedding.
    least : int, default 8
        Records in a ball, at least.
    most : float, default 0.5
        Share of the records in a ball, at most.
    n_centres : int, default 400
        Centres tried at most.

    References
    ----------
    G. d'Eon, J. d'Eon, J. Wright, K. Leyton-Brown, "The spotlight", FAccT 2022, arXiv 2107.00758: one region of high
    loss in the embedding. The radius is chosen by a scan statistic here (`excess_ratio`).
    """

    name = "spotlight"

    def __init__(
        self, n_axes: int = 6, n_balls: int = 3, least: int = 8, most: float = 0.5, n_centres: int = 400
    ) -> None:
        self.n_axes, self.n_balls, self.least = n_axes, n_balls, least
        self.most, self.n_centres = most, n_centres

    def propose(self, evidence: Evidence, seed: int = 0) -> list[Rule]:
        """Return the best balls."""
        found: list[Rule] = []
        for view, values in evidence.embeddings.items():
            for label in [*evidence.classes, None]:
                rows = np.flatnonzero(evidence.y == label) if label is not None else np.arange(len(evidence))
                if len(rows) < 4 * self.least:
                    continue
                projection = Projection.fit(view, values[rows], self.n_axes, whiten=False)
                points = projection({view: values[rows]})
                if not points.shape[1]:
                    continue
                random = generator(seed, self.name, view, str(label))
                for centre, radius in self._balls(points, evidence.take(rows), random):
                    found.append(BallRule(self.name, projection, centre, radius, label))
        return found

    def _balls(
        self, points: NDArray[np.float64], evidence: Evidence, random: np.random.Generator
    ) -> list[tuple[NDArray[np.float64], float]]:
        doubt = evidence.doubt
        mean_doubt = np.array([doubt[evidence.y == label].mean() for label in evidence.y])
        doubtful = np.argsort(-doubt, kind="stable")[: max(self.n_centres // 2, 1)]
        others = random.permutation(len(points))[: self.n_centres // 2]
        centres = points[np.unique(np.concatenate([doubtful, others]))]
        most = int(self.most * len(points))
        taken = np.zeros(len(points), dtype=bool)
        balls = []
        for _ in range(self.n_balls):
            # the doubt is smoother than errors; what another ball explains already counts as expected
            observed = np.where(taken, mean_doubt, doubt)
            total = float(observed.sum())
            best = (0.0, centres[0], 0.0)
            scale = total / max(float(mean_doubt.sum()), 1e-12)
            for _pass in range(2):
                for block in np.array_split(centres, max(len(centres) // 200, 1)):
                    distance = cdist(block, points)
                    order = np.argsort(distance, axis=1, kind="stable")[:, :most]
                    ratio = excess_ratio(
                        np.cumsum(observed[order], axis=1),
                        scale * np.cumsum(mean_doubt[order], axis=1),
                        total,
                    )
                    ratio[:, : self.least - 1] = 0
                    centre, size = np.unravel_index(int(ratio.argmax()), ratio.shape)
                    if ratio[centre, size] > best[0]:
                        edge = order[centre, size : size + 2]
                        best = (
                            float(ratio[centre, size]),
                            block[centre],
                            float(distance[centre, edge].mean()),
                        )
                if best[0] == 0:
                    break
                near = np.linalg.norm(points - best[1], axis=1) <= best[2]
                centres_next = [
                    points[near].mean(axis=0),
                    np.average(points[near], axis=0, weights=doubt[near] + 1e-9),
                ]
                centres = np.concatenate([centres, centres_next])
            if best[0] == 0 or best[2] <= 0:
                break
            balls.append((best[1], best[2]))
            taken |= np.linalg.norm(points - best[1], axis=1) <= best[2]
        return balls
