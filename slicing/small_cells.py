"""Which counts of a report to withhold, so that no count of a few patients stands in it or can be reckoned from it."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import solve_triangular

from sidelight.labeling.statistics import Interval

from .estimates import n_distinct

FIXED = 9
"""Rank of what is told whatever else is withheld, such as how many records there are."""

LINKED = "withheld"
"""Stands in the place of a figure that is large enough itself, but that would tell a small one."""

NOTHING = 1e-7
"""Lengths and coefficients below this are taken for zero; those of counts are far larger."""


def mark_of(value: Interval) -> str:
    """Return what stands in the place of a figure that is withheld; empty for others.

    Examples
    --------
    >>> mark_of(Interval.missing("<5")), mark_of(Interval.missing("no record that counts"))
    ('<5', '')
    """
    return value.reason if value.reason == LINKED or value.reason.startswith("<") else ""


class CellLedger:
    """Counts that a report would tell, each with what it is told under.

    Parameters
    ----------
    codes : ndarray of int of shape (n_records,)
        The patient of each record, counted from 0.
    smallest : int
        Patients below which a count is withheld; zero is told.

    Notes
    -----
    A count is a sum of one over a group of records, so whatever can be added up or subtracted from counts that are told
    is a linear combination of their groups' indicators. A small group is safe when its own indicator is none. Where it
    is one, a further count of that combination is withheld, the one of lowest rank and then of fewest patients, until no
    small group is left that could be reckoned.

    References
    ----------
    A. Hundepool et al., "Statistical Disclosure Control", Wiley 2012, chapter 4: primary and secondary suppression.

    Examples
    --------
    >>> site = np.array(list("aaaaaaaabbbbbbcc"))
    >>> ledger = CellLedger(np.arange(16), smallest=5)
    >>> ledger.tell("all", site == site, rank=FIXED)
    >>> for name in "abc":
    ...     ledger.tell(name, site == name)
    >>> ledger.withheld()                            # b too: all records less a and b would be c
    {'c': '<5', 'b': 'withheld'}
    """

    def __init__(self, codes: NDArray[np.intp], smallest: int) -> None:
        if smallest < 2:
            raise ValueError(
                f"the smallest cell is {smallest}; from 2 patients on there is something to withhold"
            )
        self.codes, self.smallest = codes, smallest
        self._place: dict[bytes, int] = {}
        self._groups: list[NDArray[np.bool_]] = []
        self._sizes: list[int] = []
        self._guarded: set[int] = set()
        self._told: dict[Hashable, list[int]] = {}
        self._worth: dict[Hashable, tuple[int, int]] = {}

    def tell(self, key: Hashable, *groups: NDArray[np.bool_], rank: int = 0, guarded: bool = True) -> None:
        """Note that how many records, or patients, each group has is told under `key`.

        Parameters
        ----------
        key : hashable
            What is told, or withheld, as a whole.
        *groups : ndarray of bool of shape (n_records,)
            An empty one tells nothing. The first group told under a key says how much is lost without it.
        rank : int, default 0
            What has a lower rank is withheld first, where there is a choice; of equal rank, what is of fewer patients.
        guarded : bool, default True
            Whether a small group is kept from being reckoned, and not only left out.
        """
        cells = self._told.setdefault(key, [])
        if key not in self._worth and groups:
            self._worth[key] = (rank, n_distinct(self.codes[groups[0]]))
        for group in groups:
            cell = self._cell(group)
            if cell is not None:
                cells.append(cell)
                if guarded:
                    self._guarded.add(cell)

    def tell_share(
        self,
        key: Hashable,
        values: NDArray[np.float64],
        *sides: NDArray[np.bool_],
        rank: int = 0,
        guarded: bool = True,
    ) -> None:
        """Note that a mean over groups is told: how many records count and, of zeros and ones, how many of either.

        Parameters
        ----------
        key, rank, guarded
            As for `tell`.
        values : ndarray of float of shape (n_records,)
            NaN where a record does not count.
        *sides : ndarray of bool of shape (n_records,)
            The groups.
        """
        counted = ~np.isnan(values)
        binary = bool(np.isin(values[counted], (0.0, 1.0)).all())
        for side in sides:
            groups = [side & counted]
            if binary:
                groups += [side & (values == 1), side & (values == 0)]
            self.tell(key, *groups, rank=rank, guarded=guarded)

    def guard(self, *groups: NDArray[np.bool_]) -> None:
        """Keep groups that are told nowhere from being reckoned."""
        self._guarded |= {cell for group in groups if (cell := self._cell(group)) is not None}

    def withheld(self) -> dict[Hashable, str]:
        """Return what must not be told, with what stands in its place: "<5", or "withheld" where it would tell another."""
        hidden = {
            key: f"<{self.smallest}"
            for key, cells in self._told.items()
            if cells and self._worth[key][0] < FIXED and any(self._few(cell) for cell in cells)
        }
        secret = sorted(cell for cell in self._guarded if self._few(cell))
        if not secret:
            return hidden
        kinds = np.unique(np.packbits(np.array(self._groups), axis=0), axis=1, return_index=True)[1]
        vectors = _sketch(np.array([group[kinds] for group in self._groups], dtype=np.float64))
        owners: list[list[Hashable]] = [[] for _ in self._groups]
        for key, cells in self._told.items():
            for cell in cells:
                owners[cell].append(key)
        while True:
            given_up = self._given_up(vectors, owners, hidden, secret)
            if not given_up:
                return hidden
            for cell in sorted(given_up):
                for key in owners[cell]:
                    hidden.setdefault(key, LINKED)

    def _cell(self, group: NDArray[np.bool_]) -> int | None:
        """Return the number of a group, the same for the same records; None for no records."""
        if not group.any():
            return None
        packed = np.packbits(group).tobytes()
        if packed not in self._place:
            self._place[packed] = len(self._groups)
            self._groups.append(np.asarray(group, dtype=bool))
            self._sizes.append(n_distinct(self.codes[group]))
        return self._place[packed]

    def _few(self, cell: int) -> bool:
        return self._sizes[cell] < self.smallest

    def _given_up(
        self,
        vectors: NDArray[np.float64],
        owners: list[list[Hashable]],
        hidden: dict[Hashable, str],
        secret: list[int],
    ) -> set[int]:
        """Return counts that are told and without which fewer of the secret ones could be reckoned."""
        worth = {
            cell: max(self._worth[key] for key in keys if key not in hidden)
            for cell, keys in enumerate(owners)
            if any(key not in hidden for key in keys)
        }
        told = list(worth)
        # what is worth most comes first, so that a combination holds what is worth less only where it has to
        told.sort(key=lambda cell: (-worth[cell][0], -worth[cell][1], cell))
        basis = _Basis(vectors[told])
        chosen: set[int] = set()
        for cell in secret:
            parts = basis.parts(vectors[cell])
            free = [told[part] for part in parts or () if worth[told[part]][0] < FIXED]
            if free and not chosen & set(free):
                chosen.add(min(free, key=lambda other: (worth[other], other)))
        return chosen


def _sketch(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shorter vectors of which the same combinations give others: random sums of the kinds of records.

    What a combination gave it still gives. What none gave none gives now either, but by an accident of the draw; then
    more is withheld than is needed, never less.
    """
    n_vectors, n_kinds = vectors.shape
    length = n_vectors + 50
    if n_kinds <= length:
        return vectors
    random = np.random.default_rng(0)
    place, weight = random.integers(0, length, n_kinds), random.normal(size=n_kinds)
    sums = sparse.csr_array((weight, (np.arange(n_kinds), place)), shape=(n_kinds, length))
    found: NDArray[np.float64] = vectors @ sums
    return found


class _Basis:
    """The first of some vectors of shape (n_vectors, n_kinds) that are independent, and others in terms of them."""

    def __init__(self, vectors: NDArray[np.float64]) -> None:
        n_vectors, n_kinds = vectors.shape
        self.directions = np.zeros((n_kinds, min(n_vectors, n_kinds)))
        self.weights = np.zeros((min(n_vectors, n_kinds),) * 2)
        self.rows: list[int] = []
        for row, vector in enumerate(vectors):
            along, left = self._split(vector)
            length = float(np.linalg.norm(left))
            if length <= NOTHING * float(np.linalg.norm(vector)):
                continue
            rank = len(self.rows)
            self.directions[:, rank] = left / length
            self.weights[:rank, rank], self.weights[rank, rank] = along, length
            self.rows.append(row)

    def _split(self, vector: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a vector's coordinates, and what no combination reaches; twice, for the rounding of the first time."""
        directions = self.directions[:, : len(self.rows)]
        along = directions.T @ vector
        left = vector - directions @ along
        more = directions.T @ left
        return along + more, left - directions @ more

    def parts(self, vector: NDArray[np.float64]) -> list[int] | None:
        """Return the rows of the vectors that add up to `vector`; None where none do."""
        along, left = self._split(vector)
        if np.linalg.norm(left) > NOTHING * np.linalg.norm(vector):
            return None
        rank = len(self.rows)
        factors = solve_triangular(self.weights[:rank, :rank], along) if rank else along
        return [row for row, factor in zip(self.rows, factors, strict=True) if abs(factor) > NOTHING]
