"""Groups of like records within each class: Gaussian mixtures on embeddings, as many as hold together and recur."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from sklearn.mixture import GaussianMixture

from sidelight.labeling.seeds import derive_seed

from .evidence import Evidence
from .rule import ComponentRule, Projection, Rule

SAMPLED = 2000
"""Most points that a silhouette is computed on."""


class ClusterWithinClass:
    """Clusters each class of each embedding, without looking at errors; every cluster is a candidate.

    The number of clusters is the one whose silhouette and whose agreement with a fit on half of the records have the
    largest mean. A second, finer clustering keeps what the first one merges.

    Parameters
    ----------
    n_axes : int, default 8
        Directions of the embedding that are kept.
    most : int, default 10
        Largest number of clusters tried.
    least : int, default 10
        Records of a class for each cluster, at least.
    finer : bool, default True
        Propose the finer clustering too.

    References
    ----------
    N. Sohoni et al., "No subclass left behind", NeurIPS 2020, arXiv 2011.12945: clustering within superclasses, the
    number by silhouette, over-clustering for rare subclasses.
    """

    name = "clusters"

    def __init__(self, n_axes: int = 8, most: int = 10, least: int = 10, *, finer: bool = True) -> None:
        self.n_axes, self.most, self.least, self.finer = n_axes, most, least, finer

    def propose(self, evidence: Evidence, seed: int = 0) -> list[Rule]:
        """Return one rule a cluster."""
        found: list[Rule] = []
        for view, values in evidence.embeddings.items():
            for label in evidence.classes:
                rows = np.flatnonzero(evidence.y == label)
                if len(rows) < 4 * self.least:
                    continue
                projection = Projection.fit(view, values[rows], self.n_axes, whiten=False)
                points = projection({view: values[rows]})
                if not points.shape[1]:
                    continue
                for n_clusters in self._numbers(points, derive_seed(seed, self.name, view, str(label))):
                    fitted = mixture(points, n_clusters, derive_seed(seed, view, str(label), str(n_clusters)))
                    found += component_rules(self.name, projection, fitted, label)
        return found

    def _numbers(self, points: NDArray[np.float64], seed: int) -> list[int]:
        """Return the best number of clusters, and a finer one."""
        random = np.random.default_rng(seed)
        sample = random.permutation(len(points))[:SAMPLED]
        half = random.permutation(len(points))[: len(points) // 2]
        top = min(self.most, len(points) // (2 * self.least))
        best, best_score = 2, -np.inf
        for n_clusters in range(2, max(top, 2) + 1):
            fitted = mixture(points, n_clusters, derive_seed(seed, str(n_clusters)))
            labels = fitted.predict(points)
            if len(np.unique(labels[sample])) < 2:
                continue
            widths = silhouette_samples(points[sample], labels[sample])
            per_cluster = [widths[labels[sample] == code].mean() for code in np.unique(labels[sample])]
            again = mixture(points[half], n_clusters, derive_seed(seed, "half", str(n_clusters)))
            score = float(np.mean(per_cluster)) + adjusted_rand_score(labels, again.predict(points))
            if score > best_score:
                best, best_score = n_clusters, score
        finer = min(3 * best, max(len(points) // (2 * self.least), 2))
        return [best] if finer <= best or not self.finer else [best, finer]


def mixture(points: NDArray[np.float64], n_components: int, seed: int) -> GaussianMixture:
    """Fit a mixture of diagonal Gaussians."""
    model = GaussianMixture(
        min(n_components, len(points)), covariance_type="diag", reg_covar=1e-2, n_init=1,
        init_params="k-means++", max_iter=60, tol=1e-2, random_state=seed % (2**32),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # the best of a few steps is good enough to propose
        return model.fit(points)


def component_rules(
    method: str, projection: Projection, fitted: GaussianMixture, label: int | None
) -> list[Rule]:
    """Return each component as a rule; columns of the fit beyond the projection's are left out."""
    width = projection.axes.shape[1]
    means, variances = fitted.means_[:, :width].copy(), fitted.covariances_[:, :width].copy()
    weights = np.log(np.maximum(fitted.weights_, 1e-12))
    return [
        ComponentRule(method, projection, means, variances, weights, component, label)
        for component in range(len(means))
    ]
