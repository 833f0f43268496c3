"""What functions' accuracies say of each other: each one's own, seen in the light of all."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEPS = 400
"""Intervals that accuracies from 0 to 1 are cut into. A finer error needs no help from other functions."""

LIMIT_STEP = 4
"""Steps between two limits that accuracies may lie within."""

LEAST_SPREAD = 0.05
"""Least standard deviation of accuracies that is believed: people differ by this much at least."""

MOST_SPREAD = 0.35
"""Greatest one: accuracies that are anything."""

TAILS = 4.0
"""Degrees of freedom of the prior with tails."""

AT_ONCE = 256
"""Functions looked at at once."""

CHANCE = 1e-12
"""Likelihood between two limits, against 1 at its height, that is rounding."""

SMALLEST = 1e-300
"""Likelihood of what cannot be."""


def in_the_light_of_all(accuracy: Array, worth: Array, *, mirrored: bool) -> tuple[Array, Array]:
    """Return posterior means and variances of accuracies that are drawn from one unknown distribution.

    It lies evenly between two limits, or is normal, or has the tails of Student's t: the three are believed by
    how well they explain all accuracies, and so is every place and spread (hierarchical Bayes on a grid).

    Parameters
    ----------
    accuracy : ndarray of shape (n_functions,)
        Estimates, between 0 and 1.
    worth : ndarray of shape (n_functions,)
        Votes with known truth that each estimate is worth.
    mirrored : bool
        Whether a function that is wrong is as good as one that is right so often: of two classes it takes one for the
        other. The distribution then stands a second time on the other side of one half, as high as the share of such
        functions.

    References
    ----------
    Efron, Morris: Stein's paradox in statistics (1977).

    Examples
    --------
    >>> mean, variance = in_the_light_of_all(np.array([0.6, 0.7, 0.8, 0.95]), np.full(4, 40.0), mirrored=False)
    >>> mean.round(2).tolist()
    [0.64, 0.71, 0.79, 0.92]
    """
    wrong = float((accuracy < 0.5).mean()) if mirrored else 0.0
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(accuracy), AT_ONCE)]
    believed = np.log(
        np.concatenate([np.full(n, share / n) for n, share in ((len(_limits()[0]), 1), (len(_shapes()), 2))])
    )
    for part in parts:
        believed += np.log(_moments(accuracy[part], worth[part], wrong)[0]).sum(axis=0)
    weight = np.exp(believed - believed.max())
    weight /= weight.sum()
    mean, square = np.empty(len(accuracy)), np.empty(len(accuracy))
    for part in parts:
        height, first, second = _moments(accuracy[part], worth[part], wrong)
        mean[part], square[part] = (first / height) @ weight, (second / height) @ weight
    sampling = accuracy * (1 - accuracy) / worth
    fine = sampling < (1 / STEPS) ** 2
    return np.where(fine, accuracy, mean), np.where(fine, sampling, np.maximum(square - mean**2, 1e-12))


def _moments(accuracy: Array, worth: Array, wrong: float) -> Array:
    """Return what functions' votes, an accuracy and its square come to under each distribution, unnormalised.

    Shape (3, n_functions, n_distributions); see `in_the_light_of_all`, `wrong` is the mirrored share.
    """
    grid = np.linspace(0, 1, STEPS + 1)
    angles, own = np.arcsin(np.sqrt(grid)), np.arcsin(np.sqrt(accuracy))[:, None]
    seen = np.minimum(worth, STEPS**2 / 4)[:, None]  # no finer than the grid
    likelihood = np.exp(-2 * seen * (angles - own) ** 2)  # an angle's variance is 1 / (4 votes)
    each = np.stack([likelihood * grid**power for power in range(3)])
    each = (1 - wrong) * each + wrong * each[:, :, ::-1]
    low, high = _limits()
    sums = np.concatenate([np.zeros((3, len(accuracy), 1)), np.cumsum(each, axis=2)], axis=2)
    within = sums[:, :, high + 1] - sums[:, :, low]
    powers = np.stack([accuracy**power for power in range(3)])[:, :, None]
    within = np.where(within[0] > CHANCE, within, SMALLEST * powers) / (high + 1 - low)
    around = each @ _shapes().T
    around = np.where(around[0] > SMALLEST, around, SMALLEST * powers)
    return np.concatenate([within, around], axis=2)


@cache
def _limits() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return pairs of limits, as places on the grid."""
    places = np.arange(0, STEPS + 1, LIMIT_STEP)
    low, high = (side.ravel() for side in np.meshgrid(places, places, indexing="ij"))
    wide = high - low >= LEAST_SPREAD * np.sqrt(12) * STEPS
    return low[wide], high[wide]


@cache
def _shapes() -> Array:
    """Return distributions on the grid, normal and with tails, of many places and spreads, shape (n_shapes, n_steps + 1)."""
    grid = np.linspace(0, 1, STEPS + 1)
    found = []
    for spread in np.geomspace(LEAST_SPREAD, MOST_SPREAD, 10):
        for place in np.arange(0.0, 1.0001, 0.02):
            far = ((grid - place) / spread) ** 2
            found += [np.exp(-far / 2), (1 + far / (TAILS - 2)) ** (-(TAILS + 1) / 2)]
    return np.array([shape / shape.sum() for shape in found])
