"""A model of reports that reads words in order: for labels that hang on more than pairs of words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name for it)
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sidelight.labeling.seeds import derive_seed, generator

from .randomness import seeded
from .soft_loss import cross_entropy_with_probs
from .targets import targets_of_texts

N_BUCKETS = 2**13
WORD = re.compile(r"\w+|[^\w\s]")


class RecurrentTextModel:
    """Gated recurrent network in both directions with attention over the words, trained on labels that are probabilities.

    Words are hashed, so that none is kept. As in `TextModel`, the words that labeling functions look for are struck out at
    random in training, and others now and then.

    Parameters
    ----------
    triggers : sequence of str, optional
        Words that labeling functions look for.
    dropout : float, default 0.2
        Chance of each trigger to be struck out in each epoch; other words are with a quarter of it.
    width : int, default 32
        Of the words' vectors and of each direction.
    n_epochs : int, default 20
        Passes over the reports.
    most_words : int, default 256
        Of a report that are read.
    seed : int, default 0
        Of weights, order and striking out.

    Examples
    --------
    >>> texts = ["small effusion on the left", "lungs are clear"] * 20
    >>> model = RecurrentTextModel(n_epochs=6).fit(texts, [[0.1, 0.9], [0.8, 0.2]] * 20)
    >>> model.predict_proba(["effusion on the left", "clear"]).argmax(axis=1).tolist()
    [1, 0]
    """

    n_classes_: int
    network_: _Reader

    def __init__(
        self,
        triggers: Sequence[str] = (),
        *,
        dropout: float = 0.2,
        width: int = 32,
        n_epochs: int = 20,
        most_words: int = 256,
        seed: int = 0,
    ) -> None:
        if not 0 <= dropout < 1 or width < 1 or n_epochs < 1 or most_words < 1:
            raise ValueError("dropout is from 0 to below 1; width, n_epochs and most_words are at least 1")
        self.triggers = tuple(triggers)
        self.dropout, self.width, self.n_epochs, self.most_words = dropout, width, n_epochs, most_words
        self.seed = seed

    def fit(self, texts: Sequence[str], proba: ArrayLike, covered: ArrayLike | None = None) -> Self:
        """Learn from reports and their labels; see `TextModel.fit`."""
        targets = targets_of_texts(texts, proba, covered)
        rows = targets.used
        self.n_classes_ = targets.n_classes
        words = [self._hashed(texts[row]) for row in rows]
        struck = {bucket(word) for trigger in self.triggers for word in WORD.findall(trigger.lower())}
        chance, weight = torch.from_numpy(targets.proba[rows]), torch.from_numpy(targets.weight[rows])
        random = generator(self.seed, "crossmodal", "recurrent text model")
        with seeded(derive_seed(self.seed, "crossmodal", "recurrent text weights")):
            network = _Reader(self.width, self.n_classes_)
            optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=0.01)
            for epoch in range(self.n_epochs):
                optimizer.param_groups[0]["lr"] = 5e-3 * (1 - epoch / self.n_epochs)
                for batch in np.array_split(random.permutation(len(rows)), -(-len(rows) // 32)):
                    seen = _padded([self._thinned(words[row], struck, random) for row in batch])
                    losses = cross_entropy_with_probs(network(seen), chance[batch], reduction="none")
                    loss = (losses * weight[batch]).sum() / weight[batch].sum()
                    optimizer.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
        self.network_ = network.eval()
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities of shape (n_records, n_classes)."""
        if not hasattr(self, "network_"):
            raise ValueError("this RecurrentTextModel is not fitted yet; call fit first")
        pieces = [np.empty((0, self.n_classes_))]
        with torch.inference_mode():
            for start in range(0, len(texts), 64):
                logits = self.network_(_padded([self._hashed(text) for text in texts[start : start + 64]]))
                pieces.append(F.softmax(logits.double(), dim=1).numpy())
        return np.concatenate(pieces)

    def _hashed(self, text: str) -> list[int]:
        return [bucket(word) for word in WORD.findall(text.lower())[: self.most_words]]

    def _thinned(self, words: list[int], struck: set[int], random: np.random.Generator) -> list[int]:
        if not self.dropout:
            return words
        chance = np.array([self.dropout if word in struck else self.dropout / 4 for word in words])
        return [word for word, out in zip(words, random.random(len(words)) < chance, strict=True) if not out]


class _Reader(nn.Module):
    """Words' vectors, read in both directions, joined by attention."""

    def __init__(self, width: int, n_classes: int) -> None:
        super().__init__()
        self.vectors = nn.Embedding(N_BUCKETS, width, padding_idx=0)
        self.reader = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.25)
        self.attention = nn.Linear(2 * width, 1)
        self.head = nn.Linear(2 * width, n_classes)

    def forward(self, words: Tensor) -> Tensor:
        """Return logits of word numbers of shape (n_rows, n_words), 0 where there is none."""
        lengths = (words != 0).sum(dim=1).clamp_min(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.vectors(words)), lengths, batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.reader(packed)[0], batch_first=True, total_length=words.shape[1]
        )
        absent = torch.arange(words.shape[1])[None] >= lengths[:, None]
        share = self.attention(states).squeeze(-1).masked_fill(absent, float("-inf")).softmax(dim=1)
        logits: Tensor = self.head(self.dropout((share[:, :, None] * states).sum(dim=1)))
        return logits


def bucket(word: str) -> int:
    """Return a word's number, from 1; the same in every process."""
    digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
    return 1 + int.from_bytes(digest, "big") % (N_BUCKETS - 1)


def _padded(words: list[list[int]]) -> Tensor:
    """Return word numbers as one tensor, filled up with 0; an empty report is one word that says nothing."""
    longest = max(1, max((len(row) for row in words), default=1))
    table = torch.zeros(len(words), longest, dtype=torch.long)
    for place, row in enumerate(words):
        table[place, : len(row)] = torch.tensor(row, dtype=torch.long)
    return table
