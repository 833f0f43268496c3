"""How texts and studies look, as numbers that tell one template or device from another and quote nothing."""

from __future__ import annotations

import hashlib
import re

import numpy as np
from numpy.typing import NDArray

N_GROUPS = 256
WORD = re.compile(r"[^\W\d_]{2,}")
TEXT_SHAPES = (
    ("empty", "share"),
    ("words", "number"),
    ("letters a word", "number"),
    ("digits", "number"),
    ("capitals", "number"),
    ("punctuation", "number"),
    ("lines", "number"),
)
STUDY_SHAPES = ("amplitude", "offset", "roughness", "flat share", "largest value")


def text_shape(text: str) -> list[float]:
    """Return how a text looks, whatever it says; NaN for what an empty one cannot have."""
    if not text.strip():
        return [1.0, *[np.nan] * (len(TEXT_SHAPES) - 1)]
    words = text.split()
    n = len(text)
    shares = [
        sum(map(test, text)) / n
        for test in (str.isdigit, str.isupper, lambda c: not c.isalnum() and not c.isspace())
    ]
    return [0.0, len(words), (n - text.count(" ")) / len(words), *shares, text.count("\n") + 1.0]


def word_group(word: str) -> int:
    """Return the group a word falls into: many words a group, so that none can be read off."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big") % N_GROUPS


def study_shape(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return numbers a study that change with device, gain, filter and electrode, shape (n, 5)."""
    flat = values.reshape(len(values), values.shape[1], -1).astype(np.float64)
    steps = np.diff(values.astype(np.float64), axis=-1).reshape(len(values), values.shape[1], -1)
    spread = flat.std(axis=-1)
    rough = np.divide(steps.std(axis=-1), spread, out=np.zeros_like(spread), where=spread > 0)
    return np.stack(
        [
            np.log(spread + 1e-12).mean(axis=1),
            flat.mean(axis=(1, 2)),
            rough.mean(axis=1),
            (steps == 0).mean(axis=(1, 2)),
            np.log(np.abs(flat).max(axis=(1, 2)) + 1e-12),
        ],
        axis=1,
    )
