"""Policies: which transformations are applied to a record, in which order, and how often."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..seeds import generator


class Policy:
    """Draws sequences of transformations for one record.

    Parameters
    ----------
    n_per_original : int, default 1
        New records for each one.
    keep_original : bool, default True
        Whether the record itself is kept.
    """

    def __init__(self, n_per_original: int = 1, keep_original: bool = True) -> None:
        if n_per_original < 0:
            raise ValueError(f"n_per_original is {n_per_original}; it is at least 0")
        self.n_per_original = n_per_original
        self.keep_original = keep_original

    def generate(self, rng: np.random.Generator, n_tfs: int) -> list[tuple[int, ...]]:
        """Return the sequences for one record, () for the record itself."""
        drawn = [self.draw(rng, n_tfs) for _ in range(self.n_per_original)]
        return [(), *drawn] if self.keep_original else drawn

    def generate_for_example(self, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Return what `generate` does, as Snorkel's method of this name: a list of lists."""
        drawn = self.generate(generator(0, "policy") if rng is None else rng, getattr(self, "n_tfs", 1))
        return [list(sequence) for sequence in drawn]

    def draw(self, rng: np.random.Generator, n_tfs: int) -> tuple[int, ...]:
        """Return one sequence of positions among `n_tfs` functions."""
        raise NotImplementedError


class ApplyOnePolicy(Policy):
    """Applies the one function there is (Snorkel's `ApplyOnePolicy`)."""

    def draw(self, rng: np.random.Generator, n_tfs: int) -> tuple[int, ...]:
        """Return the only function."""
        if n_tfs != 1:
            raise ValueError(f"ApplyOnePolicy is for one function, not {n_tfs}")
        return (0,)


class ApplyAllPolicy(Policy):
    """Applies all functions in their order (Snorkel's `ApplyAllPolicy`).

    Parameters
    ----------
    n_tfs : int
        Number of functions.
    n_per_original, keep_original
        As for `Policy`.
    """

    def __init__(self, n_tfs: int, n_per_original: int = 1, keep_original: bool = True) -> None:
        super().__init__(n_per_original, keep_original)
        self.n_tfs = n_tfs

    def generate(self, rng: np.random.Generator, n_tfs: int) -> list[tuple[int, ...]]:
        """Return the sequences for one record."""
        check_number(self.n_tfs, n_tfs)
        return super().generate(rng, n_tfs)

    def draw(self, rng: np.random.Generator, n_tfs: int) -> tuple[int, ...]:
        """Return all functions."""
        return tuple(range(n_tfs))


class ApplyEachPolicy(Policy):
    """Makes one new record with each function (Snorkel's `ApplyEachPolicy`).

    Parameters
    ----------
    n_tfs : int
        Number of functions.
    keep_original : bool, default True
        As for `Policy`.
    """

    def __init__(self, n_tfs: int, keep_original: bool = True) -> None:
        super().__init__(n_tfs, keep_original)
        self.n_tfs = n_tfs

    def generate(self, rng: np.random.Generator, n_tfs: int) -> list[tuple[int, ...]]:
        """Return a sequence of one for each function."""
        check_number(self.n_tfs, n_tfs)
        each: list[tuple[int, ...]] = [(position,) for position in range(n_tfs)]
        return [(), *each] if self.keep_original else each


class MeanFieldPolicy(Policy):
    """Draws each step of a sequence by itself, with given probabilities (Snorkel's `MeanFieldPolicy`).

    Parameters
    ----------
    n_tfs : int
        Number of functions.
    sequence_length : int, default 1
        Steps of a sequence.
    n_per_original, keep_original
        As for `Policy`.
    p : sequence of float, optional
        Probability of each function; equal ones when not given.
    """

    def __init__(
        self,
        n_tfs: int,
        sequence_length: int = 1,
        n_per_original: int = 1,
        keep_original: bool = True,
        p: Sequence[float] | None = None,
    ) -> None:
        super().__init__(n_per_original, keep_original)
        if p is not None and (len(p) != n_tfs or min(p) < 0 or not np.isclose(sum(p), 1)):
            raise ValueError(f"p holds {n_tfs} probabilities that sum to 1")
        self.n_tfs = n_tfs
        self.sequence_length = sequence_length
        self.p = None if p is None else np.asarray(p, dtype=float) / sum(p)

    def generate(self, rng: np.random.Generator, n_tfs: int) -> list[tuple[int, ...]]:
        """Return the sequences for one record."""
        check_number(self.n_tfs, n_tfs)
        return super().generate(rng, n_tfs)

    def draw(self, rng: np.random.Generator, n_tfs: int) -> tuple[int, ...]:
        """Return positions drawn with replacement."""
        return tuple(int(i) for i in rng.choice(n_tfs, size=self.sequence_length, p=self.p))


class RandomPolicy(MeanFieldPolicy):
    """Draws each step of a sequence evenly (Snorkel's `RandomPolicy`).

    Parameters
    ----------
    n_tfs, sequence_length, n_per_original, keep_original
        As for `MeanFieldPolicy`.
    """

    def __init__(
        self, n_tfs: int, sequence_length: int = 1, n_per_original: int = 1, keep_original: bool = True
    ) -> None:
        super().__init__(n_tfs, sequence_length, n_per_original, keep_original)


def check_number(declared: int, given: Any) -> None:
    """Raise where a policy was made for another number of functions."""
    if declared != given:
        raise ValueError(f"the policy is for {declared} functions, and there are {given}")
