"""The two views and small, quick networks that the tests of this folder share."""

from typing import Any

import numpy as np
import pytest

N_LEADS, LENGTH = 3, 64


def _two_views(n: int, seed: int = 0, n_functions: int = 8, accuracy: float = 0.75) -> tuple[Any, Any, Any]:
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, n)
    right = random.random((n, n_functions)) < accuracy
    votes = np.where(right, gold[:, None], 1 - gold[:, None]).astype(np.int8)
    votes[random.random(votes.shape) < 0.3] = -1
    time = np.arange(LENGTH)
    phase = random.uniform(0, 2 * np.pi, (n, 1, 1))
    wave = np.sin(time * np.where(gold, 0.9, 0.45)[:, None, None] + phase)
    signals = wave * random.uniform(0.5, 1.5, (n, N_LEADS, 1)) + random.normal(0, 1.0, (n, N_LEADS, LENGTH))
    return gold, votes, signals.astype(np.float32)


@pytest.fixture
def two_views():
    """A function that makes gold (n,), votes independent given gold (n, m), and signals that show the class."""
    return _two_views


@pytest.fixture
def quick():
    """A function that makes a classifier which trains in a second."""
    from sidelight.crossmodal import CrossModalClassifier, ResNet1d

    def make(**changes: Any) -> CrossModalClassifier:
        encoder = changes.pop("encoder", lambda n_leads: ResNet1d(n_leads, width=8, n_blocks=2, dropout=0.1))
        return CrossModalClassifier(encoder, accelerator="cpu", **{"max_epochs": 3, **changes})

    return make
