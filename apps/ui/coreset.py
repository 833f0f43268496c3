"""A core set: few records that stand for many, each as unlike those before it as can be, oddities left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 10
ODD_SHARE = 0.05
"""Share of the records with the least company, which are left out: the farthest one is often merely broken."""


def core_set(texts: Sequence[str], size: int) -> NDArray[np.intp]:
    """Return positions of texts, the most typical first, then always the one least like all before it.

    Greedy k-centres on the cosine similarity of TF-IDF vectors. Texts without a word that another one shares have no
    company and are left out; of equal texts one is taken.

    Parameters
    ----------
    texts : sequence of str
        A few thousand at most: all pairs are compared.
    size : int
        Most positions to return.

    References
    ----------
    O. Sener and S. Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018.
    """
    similarity = _similarity(texts)
    if similarity is None:
        return np.empty(0, dtype=np.intp)
    company = _company(similarity)
    kept = np.flatnonzero(company > 0)
    kept = kept[company[kept] >= np.quantile(company[kept], ODD_SHARE)] if len(kept) else kept
    if not len(kept):
        return kept
    similarity = similarity[np.ix_(kept, kept)]
    chosen = [int(similarity.mean(axis=1).argmax())]
    nearest = similarity[chosen[0]].copy()
    while len(chosen) < min(size, len(kept)):
        following = int(nearest.argmin())
        if nearest[following] > 1 - 1e-9:  # what is left repeats what was taken
            break
        chosen.append(following)
        nearest = np.maximum(nearest, similarity[following])
    return kept[chosen]


def _similarity(texts: Sequence[str]) -> NDArray[np.float64] | None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        vectors = TfidfVectorizer(min_df=2, sublinear_tf=True).fit_transform(texts)
    except ValueError:  # no word occurs in two texts
        return None
    return np.asarray((vectors @ vectors.T).toarray())


def _company(similarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each text's mean similarity to its nearest neighbours."""
    others = similarity - np.eye(len(similarity)) * 2
    k = min(NEIGHBOURS, len(similarity) - 1)
    return np.asarray(np.sort(others, axis=1)[:, -k:].mean(axis=1)) if k else np.zeros(len(similarity))
