"""A model of the reports themselves, for labels of records that no labeling function covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sidelight.labeling.seeds import generator

from .targets import targets_of_texts

N_FEATURES = 2**18


class TextModel:
    """Logistic regression on hashed words and word pairs, trained on labels that are probabilities.

    It learns what stands around the words that the labeling functions look for. So that it does not merely repeat the
    functions, the words they look for are struck out at random in the copies it is trained on. The words themselves are
    not kept: features are hashes.

    Parameters
    ----------
    triggers : sequence of str, optional
        Words and phrases that labeling functions look for.
    dropout : float, default 0.2
        Chance of each trigger in each copy of a report to be struck out.
    n_copies : int, default 3
        Copies of each report, each struck at random; 1 without triggers.
    strength : float, default 1.0
        Inverse of the penalty on the weights, as in scikit-learn.
    seed : int, default 0
        Of the striking out.

    Examples
    --------
    >>> texts = ["small effusion on the left", "lungs are clear"] * 10
    >>> model = TextModel(triggers=["effusion"]).fit(texts, [[0.1, 0.9], [0.8, 0.2]] * 10)
    >>> model.predict_proba(["fluid on the left"]).argmax()
    np.int64(1)
    """

    n_classes_: int
    weights_: NDArray[np.float64]
    intercept_: NDArray[np.float64]

    def __init__(
        self,
        triggers: Sequence[str] = (),
        *,
        dropout: float = 0.2,
        n_copies: int = 3,
        strength: float = 1.0,
        seed: int = 0,
    ) -> None:
        if not 0 <= dropout < 1 or n_copies < 1 or not strength > 0:
            raise ValueError("dropout is from 0 to below 1, n_copies at least 1, strength above 0")
        self.triggers = tuple(triggers)
        self.dropout, self.n_copies, self.strength, self.seed = dropout, n_copies, strength, seed

    def fit(self, texts: Sequence[str], proba: ArrayLike, covered: ArrayLike | None = None) -> Self:
        """Learn from reports and their labels.

        Parameters
        ----------
        texts : sequence of str
            Reports.
        proba : array-like of shape (n_records, n_classes) or (n_records,)
            Probabilities of the classes, or class numbers with -1 where there is none.
        covered : array-like of shape (n_records,), optional
            False where no labeling function voted: such a report teaches nothing.
        """
        from sklearn.linear_model import LogisticRegression

        targets = targets_of_texts(texts, proba, covered)
        rows = targets.used
        self.n_classes_ = targets.n_classes
        copies = self._copies([texts[row] for row in rows])
        n_copies = copies.shape[0] // len(rows)
        chance = np.tile(targets.proba[rows], (n_copies, 1)).astype(np.float64)
        weight = np.tile(targets.weight[rows], n_copies).astype(np.float64) / n_copies
        present = [k for k in range(targets.n_classes) if (chance[:, k] > 1e-6).any()]
        self.weights_ = np.zeros((N_FEATURES, targets.n_classes))
        self.intercept_ = np.full(targets.n_classes, -30.0)
        if len(present) == 1:
            self.intercept_[present] = 0.0
            return self
        # a label of (0.3, 0.7) is the report twice: as the first class with weight 0.3, as the second with 0.7
        parts = [(k, chance[:, k] > 1e-6) for k in present]
        model = LogisticRegression(C=self.strength, max_iter=300)
        model.fit(
            sparse.vstack([copies[kept] for _, kept in parts]),
            np.concatenate([np.full(int(kept.sum()), k) for k, kept in parts]),
            sample_weight=np.concatenate([chance[kept, k] * weight[kept] for k, kept in parts]),
        )
        if len(present) == 2:  # scikit-learn keeps one column for two classes
            self.weights_[:, present[1]], self.intercept_[present] = model.coef_[0], [0, model.intercept_[0]]
        else:
            self.weights_[:, present], self.intercept_[present] = model.coef_.T, model.intercept_
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities of shape (n_records, n_classes)."""
        from scipy import special

        if not hasattr(self, "weights_"):
            raise ValueError("this TextModel is not fitted yet; call fit first")
        if not len(texts):
            return np.empty((0, self.n_classes_))
        logits = self._hashed(texts) @ self.weights_ + self.intercept_
        proba: NDArray[np.float64] = special.softmax(logits, axis=1)
        return proba

    def _copies(self, texts: list[str]) -> Any:
        """Return the features of the copies, copy after copy, triggers struck out at random in each."""
        if not self.triggers or not self.dropout:
            return self._hashed(texts)
        longest_first = sorted(map(re.escape, self.triggers), key=len, reverse=True)
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)
        random = generator(self.seed, "crossmodal", "text model")
        struck = [
            pattern.sub(lambda match: " " if random.random() < self.dropout else match[0], text)
            for _ in range(self.n_copies)
            for text in texts
        ]
        return self._hashed(struck)

    def _hashed(self, texts: Sequence[str]) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        return HashingVectorizer(
            n_features=N_FEATURES, ngram_range=(1, 2), lowercase=True, alternate_sign=False, norm="l2"
        ).transform(texts)
