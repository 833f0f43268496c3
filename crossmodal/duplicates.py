"""Copies among records: notes copied forward, templates, studies exported twice; they must not be split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph

from .minhash import candidate_pairs, minhash, mixed
from .split import LeakError

N_WORDS = 5
MIN_SHINGLES = 5
"""A text with fewer shingles of its own is too short to be called anyone's copy."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Which records are copies of each other.

    Parameters
    ----------
    groups : ndarray of int of shape (n_records,)
        Records of one group are copies, directly or by way of others; groups are numbered from 0.
    pairs : ndarray of int of shape (n_pairs, 2)
        Rows that were compared and found alike.
    similarity : ndarray of shape (n_pairs,)
        How much alike, at most 1.
    """

    groups: NDArray[np.intp]
    pairs: NDArray[np.intp]
    similarity: NDArray[np.float64]

    @classmethod
    def of_pairs(cls, n_records: int, pairs: NDArray[np.intp], similarity: NDArray[np.float64]) -> Duplicates:
        """Return the groups that pairs of rows join."""
        graph = sparse.coo_matrix(
            (np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n_records, n_records)
        )
        groups = csgraph.connected_components(graph, directed=False)[1] if n_records else np.empty(0)
        return cls(groups.astype(np.intp), pairs, similarity)

    @property
    def weights(self) -> NDArray[np.float64]:
        """One share for each group, divided among its records: what makes a copied note count once."""
        sizes = np.bincount(self.groups)
        return np.asarray(1 / sizes[self.groups], dtype=np.float64)

    @property
    def n_copies(self) -> int:
        """Records that would go if one were kept of each group."""
        return len(self.groups) - len(np.unique(self.groups))

    def leaks(self, parts: ArrayLike) -> NDArray[np.intp]:
        """Return the pairs, of shape (n_leaks, 2), whose records stand in different parts; part "" is none."""
        place = np.asarray(parts)
        if place.shape != self.groups.shape:
            raise ValueError(f"parts have shape {place.shape} for {len(self.groups)} records")
        first, second = place[self.pairs[:, 0]], place[self.pairs[:, 1]]
        across = first != second
        if place.dtype.kind == "U":
            across &= (first != "") & (second != "")
        return np.asarray(self.pairs[across], dtype=np.intp)

    def check(self, parts: ArrayLike) -> None:
        """Raise when copies stand in different parts of a split.

        Raises
        ------
        LeakError
            Says how many pairs, and names the first one's rows.
        """
        found = self.leaks(parts)
        if len(found):
            place, (first, second) = np.asarray(parts), found[0]
            raise LeakError(
                f"{len(found)} pairs of copies stand in two parts; the first are rows {first} and {second}, in parts "
                f"{place[first]} and {place[second]}"
            )

    def __repr__(self) -> str:
        n_groups = int((np.bincount(self.groups) > 1).sum()) if len(self.groups) else 0
        return f"Duplicates({len(self.groups)} records, {n_groups} groups of copies, {len(self.pairs)} pairs)"


def find_duplicate_texts(
    texts: Iterable[str],
    *,
    jaccard: float = 0.8,
    containment: float = 0.9,
    common: float | None = 0.01,
    seed: int = 0,
) -> Duplicates:
    """Find texts that are near-copies, or were copied into a longer text.

    Words are compared five in a row, without case, digits and punctuation, so that a changed date does not hide a copy.
    Only hashes are kept. A text whose own wording is shorter than about ten words is never called a copy: "Sinus rhythm.
    Normal ECG." is a phrase, not a copied note.

    Parameters
    ----------
    texts : iterable of str
        One for each record.
    jaccard : float, default 0.8
        Share of all five-word runs of two texts that must be in both.
    containment : float, default 0.9
        Or: share of the shorter one's that must be in the longer. Pairs of very different length may be missed, since
        candidates are found by their Jaccard similarity.
    common : float, optional, default 0.01
        Runs that stand in more than this share of texts (and in more than ten) are template, not content, and are passed
        over; None keeps them.
    seed : int, default 0
        Of the hash functions.

    References
    ----------
    Pairs are found by minimal hashes in bands and then compared exactly; see `minhash`.

    Examples
    --------
    >>> note = "admitted with crushing chest pain after climbing two flights of stairs at home on Sunday morning"
    >>> find_duplicate_texts([note, "Seen again. " + note, "Routine visit."]).groups.tolist()
    [0, 0, 1]
    """
    words: dict[str, int] = {}
    sets = [_shingles(text, words) for text in texts]
    if common is not None:
        sets = _without_common(sets, common)
    long = [row for row, elements in enumerate(sets) if len(elements) >= MIN_SHINGLES]
    hashes = minhash([sets[row] for row in long], seed=seed)
    candidates = np.asarray(long, dtype=np.intp)[candidate_pairs(hashes)] if len(long) > 1 else None
    pairs, similarity = [], []
    for first, second in () if candidates is None else np.sort(candidates, axis=1):
        one, other = sets[first], sets[second]
        shared = len(np.intersect1d(one, other, assume_unique=True))
        alike = shared / (len(one) + len(other) - shared)
        if alike >= jaccard or shared / min(len(one), len(other)) >= containment:
            pairs.append((first, second))
            similarity.append(alike)
    return Duplicates.of_pairs(
        len(sets), np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array(similarity, dtype=np.float64)
    )


def _shingles(text: str, words: dict[str, int]) -> NDArray[np.uint64]:
    """Return hashes of the text's runs of words, sorted, each once."""
    numbers = []
    for word in _WORD.findall(text.lower()):
        number = words.get(word)
        if number is None:
            number = words[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")
        numbers.append(number)
    if len(numbers) < N_WORDS:
        return np.empty(0, dtype=np.uint64)
    line = np.array(numbers, dtype=np.uint64)
    runs = np.zeros(len(line) - N_WORDS + 1, dtype=np.uint64)
    for place in range(N_WORDS):
        runs = mixed(runs ^ line[place : len(line) - N_WORDS + 1 + place])
    return np.unique(runs)


def _without_common(sets: Sequence[NDArray[np.uint64]], common: float) -> list[NDArray[np.uint64]]:
    """Return sets without the elements that stand in too many of them."""
    if not sets:
        return []
    elements, count = np.unique(np.concatenate(sets), return_counts=True)
    frequent = elements[count > max(10, common * len(sets))]
    return [values[~np.isin(values, frequent)] for values in sets] if len(frequent) else list(sets)
