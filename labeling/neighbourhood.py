"""Labeling functions that vote as the nearest of some examples do, in an embedding of the user's or our own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .declared import DeclaredFunction, Metadata, text_of
from .faults import UsageError
from .function import OnError, Vote
from .record import Record


class HashedText:
    """An embedding without a model: hashed pieces of words, reduced by a singular value decomposition.

    Parameters
    ----------
    corpus : sequence of str
        Texts of the kind to be embedded; the directions are learned from them.
    n_components : int, default 64
        Length of a vector, at most.
    n_features : int, default 16384
        Size of the table that pieces of 3 to 5 characters are hashed into.

    Examples
    --------
    >>> embed = HashedText(["pleural effusion", "pleural effusions", "normal heart"], n_components=2)
    >>> a, b, c = embed(["pleural effusion", "effusions", "heart is normal"])
    >>> bool(a @ b > a @ c)
    True
    """

    def __init__(self, corpus: Sequence[str], *, n_components: int = 64, n_features: int = 2**14) -> None:
        self.corpus = tuple(corpus)
        self.n_components = n_components
        self.n_features = n_features
        if len(self.corpus) < 2:
            raise UsageError("an embedding is learned from at least two texts")
        counts = self._hash(self.corpus)
        most = min(n_components, len(self.corpus) - 1, n_features - 1)
        from scipy.sparse.linalg import svds

        _, _, directions = svds(counts, k=most, v0=np.ones(min(counts.shape)), solver="arpack")
        # a direction's sign is arbitrary: make its largest entry positive, so that equal texts embed equally
        largest = np.abs(directions).argmax(axis=1)
        signs = np.sign(directions[np.arange(len(directions)), largest])
        self._directions: NDArray[np.float64] = (directions * signs[:, None]).T

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return unit vectors of shape (n_texts, n_components); a text of unknown pieces is all zeros."""
        return unit_rows(np.asarray(self._hash(texts) @ self._directions))

    def _hash(self, texts: Sequence[str]) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        hasher = HashingVectorizer(
            analyzer="char_wb", ngram_range=(3, 5), n_features=self.n_features, alternate_sign=False
        )
        return hasher.transform(list(texts))

    def fingerprint_parts(self) -> tuple[Any, ...]:
        """Return all that decides the vectors."""
        return (self.corpus, self.n_components, self.n_features)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.corpus, self.n_components, self.n_features))


def _rebuild(corpus: tuple[str, ...], n_components: int, n_features: int) -> HashedText:
    return HashedText(corpus, n_components=n_components, n_features=n_features)


Embedding = Callable[[Sequence[str]], ArrayLike]
"""Takes texts, returns vectors of shape (n_texts, n_components)."""


class NeighbourFunction(DeclaredFunction):
    """Votes as similar examples do; made by `neighbour_lf`."""

    cost = 50.0

    def __init__(
        self,
        name: str,
        neighbours: Mapping[str, Any],
        *,
        embed: Embedding | None = None,
        threshold: float = 0.7,
        k: int = 3,
        field: str = "text",
        **metadata: Unpack[Metadata],
    ) -> None:
        if len(neighbours) < 2:
            raise UsageError(f"function {name!r}: neighbours holds fewer than two texts")
        if not -1 < threshold <= 1 or k < 1:
            raise UsageError(f"function {name!r}: threshold lies in (-1, 1], and k is at least 1")
        self.neighbours = dict(neighbours)
        self.embed = HashedText(list(self.neighbours)) if embed is None else embed
        self.threshold = threshold
        self.k = k
        self.field = field
        self._votes = list(self.neighbours.values())
        self._vectors: NDArray[np.float64] | None = None
        content = {
            "neighbours": self.neighbours,
            "embed": embed,
            "threshold": threshold,
            "k": k,
            "field": field,
        }
        super().__init__(name, content, polarity=dict.fromkeys(self._votes), **metadata)

    def describe(self) -> str:
        """Say how many examples there are."""
        return f"Vote as the nearest of {len(self.neighbours)} texts do."

    @property
    def fields(self) -> tuple[str, ...]:
        """The field that is embedded."""
        return (self.field,)

    def evidence(self, record: Record) -> Vote | None:
        """Return the vote of the neighbours, with the share of them that cast it."""
        return self._judge([text_of(record, self.field, self.name)])[0]

    def evaluate(
        self, records: Sequence[Record], first_row: int, on_error: OnError
    ) -> tuple[list[Any], Counter[str]]:
        """Return the answers for a batch, whose texts are embedded together."""
        texts = [getattr(record, self.field) for record in records]
        if not all(text is None or isinstance(text, str) for text in texts):
            return super().evaluate(records, first_row, on_error)
        return list(self._judge([text or "" for text in texts])), Counter()

    def _judge(self, texts: list[str]) -> list[Vote | None]:
        if self._vectors is None:
            self._vectors = unit_rows(np.asarray(self.embed(list(self.neighbours)), dtype=float))
        near = unit_rows(np.asarray(self.embed(texts), dtype=float)) @ self._vectors.T
        order = np.argsort(-near, axis=1, kind="stable")[:, : self.k]
        return [self._settle(row, order[i]) for i, row in enumerate(near)]

    def _settle(self, similarities: NDArray[np.float64], nearest: NDArray[np.intp]) -> Vote | None:
        close = [self._votes[i] for i in nearest if similarities[i] >= self.threshold]
        if not close:
            return None
        counts = {vote: close.count(vote) for vote in close}
        best = max(counts.values())
        winners = [vote for vote, count in counts.items() if count == best]
        return Vote(winners[0], (), best / len(close)) if len(winners) == 1 else None


def neighbour_lf(
    name: str,
    neighbours: Mapping[str, Any],
    *,
    embed: Embedding | None = None,
    threshold: float = 0.7,
    k: int = 3,
    field: str = "text",
    **metadata: Unpack[Metadata],
) -> NeighbourFunction:
    """Return a function that votes as the most similar of some texts do.

    Parameters
    ----------
    name : str
        The function's name.
    neighbours : mapping from text to vote
        At least two texts and the class of each.
    embed : callable, optional
        Takes texts, returns vectors; `HashedText` over the neighbours when not given. A function that is not plain
        code needs to be fingerprintable (see `sidelight.labeling.fingerprint`).
    threshold : float, default 0.7
        Smallest cosine that counts as similar; choose it on labeled records.
    k : int, default 3
        Most neighbours that are asked; their majority votes, and a tie abstains.
    field : str, default "text"
        The record's field.
    on_error, examples, tags, author, accuracy
        See `LabelingFunction`.

    References
    ----------
    Chen et al., "Shoring up the foundations: fusing model embeddings and weak supervision", 2022, for votes that reach
    as far as an embedding is smooth.

    Examples
    --------
    >>> texts = {"pleural effusion": 1, "pleural effusions": 1, "normal heart size": 0, "heart is normal": 0}
    >>> effusion = neighbour_lf("effusion", texts, threshold=0.4)
    >>> effusion("small effusion, pleural"), effusion("zebra")
    (1, None)
    """
    return NeighbourFunction(name, neighbours, embed=embed, threshold=threshold, k=k, field=field, **metadata)


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors of length 1; a vector of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))
