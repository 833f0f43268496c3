"""Groups that are alike both in the embedding and in how wrong the model is."""

import numpy as np

from sidelight.labeling.seeds import derive_seed

from .clusters import mixture
from .evidence import Evidence
from .rule import NeighbourRule, Projection, Rule


class ErrorMixture:
    """A mixture over embedding and error; a component of wrong predictions is a candidate.

    Parameters
    ----------
    n_axes : int, default 8
        Directions of the embedding that are kept, each with unit variance.
    weight : float, default 4
        How much the doubt (one minus the probability of the gold class) counts beside one direction.
    per_component : int, default 25
        Records of a class for each component.
    least : int, default 5
        Records a candidate has at least.

    Notes
    -----
    Membership of new records rests on the embedding alone: their nearest records among those searched vote.

    References
    ----------
    S. Eyuboglu et al., "Domino: discovering systematic errors with cross-modal embeddings", ICLR 2022, arXiv
    2203.14960: the error-aware mixture, with gamma `weight`.
    """

    name = "error-mixture"

    def __init__(self, n_axes: int = 8, weight: float = 4.0, per_component: int = 25, least: int = 5) -> None:
        self.n_axes, self.weight, self.per_component, self.least = n_axes, weight, per_component, least

    def propose(self, evidence: Evidence, seed: int = 0) -> list[Rule]:
        """Return the components that are more often wrong than their class."""
        found: list[Rule] = []
        for view, values in evidence.embeddings.items():
            projection = Projection.fit(view, values, self.n_axes)
            for label in evidence.classes:
                rows = np.flatnonzero(evidence.y == label)
                n_components = int(np.clip(len(rows) // self.per_component, 2, 12))
                if len(rows) < 4 * self.least:
                    continue
                points = projection({view: values[rows]})
                doubt = evidence.doubt[rows]
                fitted = mixture(
                    np.column_stack([points, self.weight * doubt]),
                    n_components,
                    derive_seed(seed, self.name, view, str(label)),
                )
                owner = fitted.predict(np.column_stack([points, self.weight * doubt]))
                for component in np.unique(owner):
                    inside = owner == component
                    if inside.sum() < self.least or inside.all():
                        continue
                    if doubt[inside].mean() <= doubt.mean():
                        continue
                    found.append(NeighbourRule(self.name, projection, points, inside, label))
        return found
