"""Which of several records with one id counts: the latest version, or the first where none is told.

Reports are amended, replaced and taken back. What later messages say about earlier ones holds whatever the order of the
export's files and rows:

- Of several versions of one id the latest counts: by the time the source gives it, at equal times by status (see
  `version_number`), at equal status the last one of the export. The others are set aside as "superseded".
- A record that says it replaces another supersedes all versions of that one, unless it was itself taken back.
- An id that is taken back (entered in error, cancelled) loses all versions up to then, as "retracted"; a later version
  of it counts again.
- An addition to a report is a record of its own beside it.
- A status that only says "superseded" decides nothing, since some systems give it to every note but a patient's last.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

NO_VERSION = np.iinfo(np.int64).min
"""The version of a record whose format has none."""

KEPT, DUPLICATE, SUPERSEDED, RETRACTED = 0, 1, 2, 3
REASONS = {DUPLICATE: "duplicate_id", SUPERSEDED: "superseded", RETRACTED: "retracted"}

TAKEN_BACK = frozenset({"entered_in_error", "cancelled"})
"""Reasons for which a report is set aside, and its earlier versions with it."""

STATUSES: Mapping[str, int] = {
    **dict.fromkeys(["registered", "partial", "preliminary", "in-progress", "planned"], 1),  # FHIR
    **dict.fromkeys(
        ["O", "I", "S", "A", "P", "R", "DI", "DO", "IN", "IP", "PA"], 1
    ),  # HL7 v2: OBR-25, TXA-17
    **dict.fromkeys(["final", "current", "superseded", "finished", "F", "AU", "LA"], 2),
    **dict.fromkeys(["amended", "corrected", "appended", "C"], 3),
    **dict.fromkeys(["entered-in-error", "cancelled", "X"], 7),
}
"""Statuses of reports, and which of two counts at equal times; those that are not here count as final."""

_ORDINARY, _AMENDED = 2, 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def version_number(moment: datetime | None, status: str = "", number: int | None = None) -> int:
    """Return what orders the versions of a record: its time, or else its number, and then its status.

    Without time and number only a status of amended or taken back tells a version.

    Examples
    --------
    >>> noon = datetime(2020, 3, 1, 12, tzinfo=UTC)
    >>> version_number(noon, "preliminary") < version_number(noon, "final") < version_number(noon, "amended")
    True
    """
    rank = STATUSES.get(status, _ORDINARY)
    if moment is not None:
        return round((moment - _EPOCH).total_seconds() * 1e6) * 8 + rank
    if number is not None:
        return number * 8 + rank
    return rank if rank == _AMENDED else NO_VERSION


def count_statuses(statuses: Iterable[str | None]) -> dict[str, int]:
    """Return how many reports there are of each status; what is no status of a standard counts as "other".

    Examples
    --------
    >>> count_statuses(["final", None, "final", "John said so"])
    {'final': 2, 'none': 1, 'other': 1}
    """
    tally = Counter("none" if not found else found if found in STATUSES else "other" for found in statuses)
    return dict(sorted(tally.items()))


def hash_ids(ids: Iterable[str]) -> NDArray[np.uint64]:
    """Return 64 bits for each id, the same in every process."""
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


@dataclass
class Corrections:
    """What records say about others, by hashes of ids.

    Parameters
    ----------
    replaced : dict of (int, int, int) to None
        Which record, in which version, replaces which other one.
    retracted : dict of int to int
        Ids that were taken back, and up to which version; `NO_VERSION` for all.
    """

    replaced: dict[tuple[int, int, int], None] = field(default_factory=dict)
    retracted: dict[int, int] = field(default_factory=dict)

    def replace(self, other: str, by: str, version: int) -> None:
        """Note that a version of `by` says it replaces `other`."""
        mine, theirs = hash_ids([by, other]).tolist()
        if mine != theirs:
            self.replaced[mine, version, theirs] = None

    def retract(self, name: str, version: int) -> None:
        """Note that an id is taken back up to a version."""
        (mine,) = hash_ids([name]).tolist()
        self._retract(mine, version)

    def add(self, other: Self) -> None:
        """Note all that `other` holds."""
        self.replaced |= other.replaced
        for name, version in other.retracted.items():
            self._retract(name, version)

    def is_retracted(self, name: int, version: int) -> bool:
        """Whether a version of an id, by its hash, was taken back."""
        upto = self.retracted.get(name)
        return upto is not None and (upto == NO_VERSION or version <= upto)

    def gone(self) -> NDArray[np.uint64]:
        """Return the hashes of ids that others replace, sorted."""
        found = {of for by, version, of in self.replaced if not self.is_retracted(by, version)}
        return np.array(sorted(found), dtype=np.uint64)

    def to_json(self) -> dict[str, Any]:
        """Return the corrections as plain values, in an order of their own."""
        return {
            "replaces": [[f"{by:016x}", version, f"{of:016x}"] for by, version, of in sorted(self.replaced)],
            "retracts": [[f"{name:016x}", version] for name, version in sorted(self.retracted.items())],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; receipts of older versions only say what is replaced."""
        found = cls()
        for entry in data.get("replaces", ()):
            by, version, of = ("0", NO_VERSION, entry) if isinstance(entry, str) else entry
            found.replaced[int(by, 16), version, int(of, 16)] = None
        for name, version in data.get("retracts", ()):
            found._retract(int(name, 16), version)
        return found

    def _retract(self, name: int, version: int) -> None:
        known = self.retracted.get(name, version)
        self.retracted[name] = NO_VERSION if NO_VERSION in (known, version) else max(known, version)


def resolve(
    hashes: NDArray[np.uint64], versions: NDArray[np.int64], corrections: Corrections
) -> NDArray[np.int8]:
    """Return what becomes of each record: `KEPT`, `DUPLICATE`, `SUPERSEDED` or `RETRACTED`.

    The latest version counts, of equal versions the last one; without versions the first.

    Parameters
    ----------
    hashes : ndarray of uint64 of shape (n_records,)
        Hashes of the records' ids, in the order of the export.
    versions : ndarray of int64 of shape (n_records,)
        Larger is later; `NO_VERSION` where a format tells none.
    corrections : Corrections
        What the whole export says about its records.

    Examples
    --------
    >>> hashes = np.array([7, 8, 7], dtype=np.uint64)
    >>> resolve(hashes, np.array([1, 1, 2]), Corrections()).tolist()
    [2, 0, 0]
    """
    fate = np.zeros(len(hashes), dtype=np.int8)
    if corrections.retracted:
        named = np.array(sorted(corrections.retracted), dtype=np.uint64)
        for place in np.flatnonzero(np.isin(hashes, named)):
            if corrections.is_retracted(int(hashes[place]), int(versions[place])):
                fate[place] = RETRACTED
    left = np.flatnonzero(fate == KEPT)
    fate[left] = _latest(hashes[left], versions[left])
    gone = corrections.gone()
    if len(gone):
        fate[np.isin(hashes, gone) & (fate != RETRACTED)] = SUPERSEDED
    return fate


def _latest(hashes: NDArray[np.uint64], versions: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the fates of records of which none was taken back."""
    fate = np.zeros(len(hashes), dtype=np.int8)
    place = np.arange(len(hashes))
    untold = versions == NO_VERSION
    order = np.lexsort((np.where(untold, place, -place), ~versions, hashes))
    first = np.ones(len(hashes), dtype=bool)
    ordered = hashes[order]
    first[1:] = ordered[1:] != ordered[:-1]
    if not first.all():
        winner = order[np.maximum.accumulate(np.where(first, place, 0))]
        others = order[~first]
        fate[others] = np.where(untold[winner[~first]], DUPLICATE, SUPERSEDED)
    return fate
