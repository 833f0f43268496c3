"""One seed policy: every component draws from its own stream, named, and no global seed is ever touched."""

import hashlib

import numpy as np


def derive_seed(seed: int, *names: str) -> int:
    """Return the 63-bit seed of the stream called `names` below `seed`.

    Examples
    --------
    >>> derive_seed(0, "bootstrap") == derive_seed(0, "bootstrap")
    True
    >>> derive_seed(0, "bootstrap") == derive_seed(0, "shuffle")
    False
    """
    digest = hashlib.sha256("\x1f".join([str(int(seed)), *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a NumPy generator for the stream called `names` below `seed`."""
    return np.random.default_rng(derive_seed(seed, *names))


def keyed_fraction(value: str, key: str) -> float:
    """Return a number in [0, 1) that depends on `value` and `key` alone: the same today and in a year.

    Splits are cut with it, so that a patient stays in the same part when records are added.
    """
    digest = hashlib.blake2b(
        value.encode(), key=hashlib.sha256(key.encode()).digest(), digest_size=8
    ).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2.0**53
