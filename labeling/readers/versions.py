"""Which of several records with one id counts: the latest version, or the first where none is told."""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

NO_VERSION = np.iinfo(np.int64).min
"""The version of a record whose format has none."""

KEPT, DUPLICATE, SUPERSEDED = 0, 1, 2
REASONS = {DUPLICATE: "duplicate_id", SUPERSEDED: "superseded"}


def hash_ids(ids: Iterable[str]) -> NDArray[np.uint64]:
    """Return 64 bits for each id, the same in every process."""
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def resolve(
    hashes: NDArray[np.uint64], versions: NDArray[np.int64], replaced: NDArray[np.uint64]
) -> NDArray[np.int8]:
    """Return what becomes of each record: `KEPT`, `DUPLICATE` or `SUPERSEDED`.

    The latest version counts, of equal versions the last one; without versions the first.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n_records,)
        Hashes of the records' ids, in the order of the export.
    versions : ndarray of int64 of shape (n_records,)
        Larger is later; `NO_VERSION` where a format tells none.
    replaced : ndarray of uint64
        Hashes of ids that some record says it replaces.

    Examples
    --------
    >>> hashes = np.array([7, 8, 7], dtype=np.uint64)
    >>> resolve(hashes, np.array([1, 1, 2]), np.array([], dtype=np.uint64)).tolist()
    [2, 0, 0]
    """
    fate = np.zeros(len(hashes), dtype=np.int8)
    place = np.arange(len(hashes))
    untold = versions == NO_VERSION
    order = np.lexsort((np.where(untold, place, -place), ~versions, hashes))
    first = np.ones(len(hashes), dtype=bool)
    ordered = hashes[order]
    first[1:] = ordered[1:] != ordered[:-1]
    if not first.all():
        winner = order[np.maximum.accumulate(np.where(first, place, 0))]
        others = order[~first]
        fate[others] = np.where(untold[winner[~first]], DUPLICATE, SUPERSEDED)
    if len(replaced):
        fate[np.isin(hashes, replaced)] = SUPERSEDED
    return fate
