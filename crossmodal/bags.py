"""Several signals or images with one label: the views of a study, the slices of a scan, the windows of a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .contract import InputContract
from .inputs import Inputs, as_inputs
from .signals import SetAside


@dataclass(frozen=True, eq=False)
class Bags:
    """Groups of instances seen as `Inputs`: one row a bag.

    A batch is (n_bags, n_instances, n_leads, ...), filled up with NaN where a bag has fewer instances than the largest
    one in the batch. Train with ``encoder="bag"`` or another encoder that leaves those out.

    Parameters
    ----------
    instances : Inputs
        All signals or images.
    members : tuple of ndarray of int
        For each bag, where its instances stand.
    ids : ndarray of str of shape (n_bags,)
        Bags' ids: the studies'.
    limit : int, default 64
        Instances of a bag that are used at most, evenly spread.

    Examples
    --------
    >>> bags = Bags.of(np.zeros((5, 1, 8)), ["a", "b", "a", "a", "b"])
    >>> bags.ids.tolist(), bags.batch([0, 1]).shape, bags.sizes.tolist()
    (['a', 'b'], (2, 3, 1, 8), [3, 2])
    """

    instances: Inputs
    members: tuple[NDArray[np.intp], ...]
    ids: NDArray[np.str_]
    limit: int = 64

    @classmethod
    def of(cls, instances: Inputs | ArrayLike, bag_ids: ArrayLike | None = None, *, limit: int = 64) -> Self:
        """Return the bags that share an id.

        Parameters
        ----------
        instances : SignalSet, StudyFiles or array-like of shape (n_instances, n_leads, ...)
            Signals or images.
        bag_ids : array-like of shape (n_instances,), optional
            The bag of each instance; files of one study make a bag without.
        limit : int, default 64
            Instances of a bag that are used at most.
        """
        inputs = as_inputs(instances)
        given = getattr(inputs, "study_ids", None) if bag_ids is None else bag_ids
        if given is None:
            raise ValueError("bag_ids is needed where instances do not know their study")
        names = np.asarray(given).astype(np.str_)
        if names.shape != (len(inputs),):
            raise ValueError(f"bag_ids have shape {names.shape} for {len(inputs)} instances")
        if limit < 1:
            raise ValueError(f"limit is {limit}; at least 1 is needed")
        found: dict[str, list[int]] = {}
        for row, name in enumerate(names.tolist()):
            found.setdefault(name, []).append(row)
        members = tuple(np.array(rows, dtype=np.intp) for rows in found.values())
        return cls(inputs, members, np.array(list(found), dtype=np.str_), limit)

    @classmethod
    def windows(
        cls, signals: Inputs | ArrayLike, length: int, *, step: int | None = None, limit: int = 64
    ) -> Self:
        """Return each signal cut into windows of `length` samples, `step` samples apart (by default, end to end)."""
        inputs = as_inputs(signals)
        cut = _Windows(inputs, length, step or length)
        n = cut.n_windows
        ids = getattr(inputs, "ids", np.arange(len(inputs)).astype(np.str_))
        members = tuple(np.arange(row * n, (row + 1) * n) for row in range(len(inputs)))
        return cls(cut, members, ids, limit)

    @property
    def contract(self) -> InputContract:
        """Shape and meaning of one instance."""
        return replace(self.instances.contract, bag=True)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Instances in each bag, before the limit."""
        return np.array([len(rows) for rows in self.members], dtype=np.intp)

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Instances that could not be used."""
        return tuple(getattr(self.instances, "set_aside", ()))

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return bags as float32 of shape (n_bags, n_instances, n_leads, ...), NaN where there is no instance."""
        chosen = [self._chosen(row) for row in np.asarray(rows, dtype=np.intp)]
        most = max((len(members) for members in chosen), default=1)
        contract = self.instances.contract
        shape = (len(chosen), most, len(contract.lead_names), *contract.shape)
        values = np.full(shape, np.nan, dtype=np.float32)
        for place, members in enumerate(chosen):
            values[place, : len(members)] = self.instances.batch(members)
        return values

    def _chosen(self, row: int) -> NDArray[np.intp]:
        members = self.members[row]
        if len(members) <= self.limit:
            return members
        return members[np.linspace(0, len(members) - 1, self.limit).round().astype(np.intp)]

    def take(self, rows: ArrayLike) -> Self:
        """Return some of the bags, by position or boolean mask."""
        keep = np.arange(len(self))[np.asarray(rows)]
        return replace(self, members=tuple(self.members[row] for row in keep), ids=self.ids[keep])

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class _Windows:
    """Windows of signals, one after the other, signal by signal."""

    signals: Inputs
    length: int
    step: int

    def __post_init__(self) -> None:
        if not 1 <= self.length <= self.signals.contract.length or self.step < 1:
            raise ValueError(
                f"windows of {self.length} samples, {self.step} apart, do not fit signals of "
                f"{self.signals.contract.length} samples"
            )

    @property
    def n_windows(self) -> int:
        return (self.signals.contract.length - self.length) // self.step + 1

    @property
    def contract(self) -> InputContract:
        return replace(self.signals.contract, shape=(self.length,))

    def batch(self, rows: ArrayLike) -> NDArray[np.float32]:
        wanted = np.asarray(rows, dtype=np.intp)
        signals, inverse = np.unique(wanted // self.n_windows, return_inverse=True)
        values = self.signals.batch(signals)
        starts = wanted % self.n_windows * self.step
        cut = [values[i, :, start : start + self.length] for i, start in zip(inverse, starts, strict=True)]
        shape = (0, len(self.contract.lead_names), self.length)
        return np.stack(cut) if cut else np.empty(shape, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.signals) * self.n_windows
