"""How labeling functions stand to each other: who contradicts whom, and who says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .schema import ABSTAIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Duplicate(NamedTuple):
    """Two functions that say nearly the same.

    Parameters
    ----------
    first, second : str
        Their names.
    overlap : float
        Common votes, as a share of the records on which either voted (Jaccard).
    n_common : int
        Records on which both gave the same vote.
    """

    first: str
    second: str
    overlap: float
    n_common: int


def conflict_matrix(votes: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the share of the records both voted on where they differ; NaN without any, shape (n_functions,) * 2."""
    both, same = _counts(votes)
    return _share(both - same, both)


def redundancy_matrix(votes: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return common votes over the records on which either voted; NaN where neither did, shape (n_functions,) * 2."""
    both, same = _counts(votes)
    n_votes = both.diagonal()
    return _share(same, n_votes[:, None] + n_votes[None, :] - both)


def find_duplicates(votes: NDArray[np.int8], names: tuple[str, ...], least: float) -> list[Duplicate]:
    """Return pairs of functions whose votes coincide at least so much, the closest first."""
    overlap = redundancy_matrix(votes)
    _, same = _counts(votes)
    found = [
        Duplicate(names[i], names[j], float(overlap[i, j]), int(same[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if same[i, j] and overlap[i, j] >= least
    ]
    return sorted(found, key=lambda pair: (-pair.overlap, pair.first, pair.second))


def plot_matrix(values: NDArray[np.float64], names: tuple[str, ...], title: str) -> Figure:
    """Return a figure of a matrix between functions; cells without a value stay grey."""
    from matplotlib.figure import Figure

    size = 2.5 + 0.32 * len(names)
    figure = Figure(figsize=(size + 1.2, size), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.9")
    image = axes.imshow(np.ma.masked_invalid(values), vmin=0, vmax=1, cmap="magma_r")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_title(title, loc="left")
    figure.colorbar(image, ax=axes, shrink=0.8)
    return figure


def _counts(votes: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for each pair of functions, the records both voted on and those they agree on."""
    cast = (votes != ABSTAIN).astype(np.float32)
    both = cast.T @ cast
    same = np.zeros_like(both)
    for c in np.unique(votes[votes != ABSTAIN]):
        of_class = (votes == c).astype(np.float32)
        same += of_class.T @ of_class
    return both.astype(np.int64), same.astype(np.int64)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))
