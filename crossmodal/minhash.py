"""Finding pairs of sets that overlap much without comparing all: minimal hashes, cut into bands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

N_BANDS, BAND_WIDTH = 25, 5
"""25 bands of 5 find a pair of Jaccard similarity s with chance 1 - (1 - s^5)^25: 0.55 at 0.5, above 0.999 at 0.8."""

MAX_NEIGHBOURS = 50
"""Within a bucket each set is compared with this many after it; groups join over several bands anyhow."""

CHUNK = 1 << 15


def minhash(
    sets: Sequence[NDArray[np.uint64]], n_hashes: int = N_BANDS * BAND_WIDTH, seed: int = 0
) -> NDArray[np.uint32]:
    """Return minimal hashes of shape (n_sets, n_hashes); two sets agree in a column with their Jaccard similarity.

    Parameters
    ----------
    sets : sequence of ndarray of uint64
        Elements, well mixed 64-bit hashes themselves; an empty set gets the largest number everywhere.
    n_hashes : int, default 125
        Columns.
    seed : int, default 0
        Of the hash functions.

    References
    ----------
    A. Broder, "On the resemblance and containment of documents", 1997; the hash functions are multiply-shift.

    Examples
    --------
    >>> one, other = np.arange(100, dtype=np.uint64), np.arange(50, 150, dtype=np.uint64)
    >>> hashes = minhash([mixed(one), mixed(other)], n_hashes=2000)
    >>> bool(abs((hashes[0] == hashes[1]).mean() - 1 / 3) < 0.05)
    True
    """
    random = np.random.default_rng(seed)
    factor = random.integers(0, 2**63, n_hashes, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shift = random.integers(0, 2**63, n_hashes, dtype=np.uint64)
    result = np.full((len(sets), n_hashes), np.iinfo(np.uint32).max, dtype=np.uint32)
    filled = np.array([row for row, values in enumerate(sets) if len(values)], dtype=np.intp)
    start = 0
    while start < len(filled):
        stop, held = start, 0
        while stop < len(filled) and (held == 0 or held + len(sets[filled[stop]]) <= CHUNK):
            held += len(sets[filled[stop]])
            stop += 1
        rows = filled[start:stop]
        edges = np.cumsum([0, *(len(sets[row]) for row in rows[:-1])])
        elements = np.concatenate([sets[row] for row in rows])
        for column in range(n_hashes):
            hashed = ((elements * factor[column] + shift[column]) >> np.uint64(32)).astype(np.uint32)
            result[rows, column] = np.minimum.reduceat(hashed, edges)
        start = stop
    return result


def mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64-bit numbers spread evenly, equal ones staying equal (the finaliser of splitmix64)."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    spread: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return spread


def candidate_pairs(
    hashes: NDArray[np.uint32], n_bands: int = N_BANDS, *, at_least: int = 1
) -> NDArray[np.intp]:
    """Return pairs of rows, of shape (n_pairs, 2), that agree in all columns of `at_least` bands.

    Parameters
    ----------
    hashes : ndarray of uint32 of shape (n_sets, n_hashes)
        From `minhash`.
    n_bands : int, default 25
        The columns are cut into this many bands.
    at_least : int, default 1
        Bands that must agree.
    """
    width = hashes.shape[1] // n_bands
    found = []
    for band in range(n_bands):
        columns = np.ascontiguousarray(hashes[:, band * width : (band + 1) * width])
        keys = columns.view(np.dtype((np.void, columns.dtype.itemsize * width))).ravel()
        _, bucket = np.unique(keys, return_inverse=True)
        order = np.argsort(bucket, kind="stable")
        ranked = bucket[order]
        for step in range(1, min(MAX_NEIGHBOURS, len(order) - 1) + 1):
            same = ranked[step:] == ranked[:-step]
            if not same.any():
                break
            found.append(np.stack([order[:-step][same], order[step:][same]], axis=1))
    if not found:
        return np.empty((0, 2), dtype=np.intp)
    pairs, count = np.unique(np.concatenate(found), axis=0, return_counts=True)
    return np.asarray(pairs[count >= at_least], dtype=np.intp)
