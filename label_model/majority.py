"""The plainest label model: every function's vote counts the same."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix

from .balance import ClassBalance, known_balance
from .base import VoteModel


class MajorityLabelVoter(VoteModel):
    """Share of the votes cast for each class; abstentions do not count.

    Parameters
    ----------
    cardinality : int, default 2
        Number of classes, at least 2.

    Attributes
    ----------
    prior_ : ndarray of shape (cardinality,)
        The class balance given, else the share of each class among all votes seen in `fit`.

    Examples
    --------
    >>> votes = np.array([[1, 1, -1], [0, -1, -1], [-1, -1, -1]], dtype=np.int8)
    >>> model = MajorityLabelVoter(cardinality=2).fit(votes)
    >>> model.predict(votes)                       # a record without votes stays unlabeled
    array([ 1,  0, -1])
    """

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        Y_dev: ArrayLike | None = None,
        class_balance: Any = None,
    ) -> Self:
        """Learn the class balance, which records without votes get."""
        votes = self._start(L_train)
        balance = known_balance(class_balance, Y_dev, votes.schema)
        if balance is None:
            counts = count_votes(votes).sum(axis=0).astype(np.float64) + 1
            balance = ClassBalance(tuple(map(float, counts / counts.sum())), "estimated")
        self._remember(L_train, votes, balance)
        return self

    def predict_proba(self, L: VoteMatrix | ArrayLike) -> NDArray[np.float64]:
        """Return vote shares; needs no `fit`, as in Snorkel: uncovered records then get equal shares."""
        if not hasattr(self, "prior_"):
            votes = self.check_votes(L)
            return self._posterior(votes)
        return super().predict_proba(L)

    def _posterior(self, votes: VoteMatrix) -> NDArray[np.float64]:
        counts = count_votes(votes)
        cast = counts.sum(axis=1, keepdims=True)
        return np.where(cast > 0, counts / np.maximum(cast, 1), 1 / self.cardinality)


def count_votes(votes: VoteMatrix) -> NDArray[np.int64]:
    """Return how many functions voted for each class, shape (n_records, cardinality)."""
    k = votes.schema.cardinality
    if votes.is_sparse:
        rows = votes.values
        return np.stack([np.asarray((rows == c + 1).sum(axis=1)).ravel() for c in range(k)], axis=1).astype(
            np.int64
        )
    values = votes.dense()
    return np.stack([np.count_nonzero(values == c, axis=1) for c in range(k)], axis=1).astype(np.int64)
