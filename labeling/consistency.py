"""Votes that agree within a patient: what one note says of a lasting finding holds for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fingerprint import fingerprint
from .schema import ABSTAIN
from .votes import FunctionInfo, VoteMatrix


def add_consistency(
    votes: VoteMatrix,
    function: str,
    *,
    name: str = "",
    groups: Sequence[Any] | NDArray[Any] | None = None,
    times: Sequence[Any] | NDArray[Any] | None = None,
    agreement: float = 1.0,
    at_least: int = 1,
) -> VoteMatrix:
    """Add a column that gives a function's vote to the silent records of the same patient.

    Parameters
    ----------
    votes : VoteMatrix
        The votes.
    function : str
        The function whose votes are spread; the new column votes only where that one abstains.
    name : str, optional
        The new column's name, "FUNCTION_of_patient" when not given.
    groups : sequence of shape (n_records,), optional
        What belongs together (patients, documents); the votes' patients when not given. A record without one stays
        alone.
    times : sequence of shape (n_records,), optional
        When each record was written: then only earlier or simultaneous votes are spread, never later ones.
    agreement : float, default 1.0
        Share of the group's votes that must be for the class.
    at_least : int, default 1
        Fewest votes of the group.

    Examples
    --------
    >>> from sidelight.labeling import as_votes
    >>> votes = as_votes([[1], [-1], [-1]])
    >>> np.asarray(add_consistency(votes, "lf_0", groups=["a", "a", "b"])).tolist()
    [[1, -1], [-1, 1], [-1, -1]]
    """
    own = votes.take_functions([function]).dense()[:, 0]
    belongs = votes.patient_ids if groups is None else np.asarray([_plain(group) for group in groups])
    if belongs is None:
        raise ValueError("these votes carry no patients; give groups")
    if len(belongs) != votes.n_records or (times is not None and len(times) != votes.n_records):
        raise ValueError(f"groups and times have one entry a record ({votes.n_records})")
    if not 0 < agreement <= 1 or agreement <= 0.5:
        raise ValueError(f"agreement is {agreement}; it lies in (0.5, 1]")
    moments = None if times is None else np.asarray(times)
    members: dict[str, list[int]] = {}
    for row, group in enumerate(belongs):
        if group != "":
            members.setdefault(str(group), []).append(row)
    spread = np.full(votes.n_records, ABSTAIN, dtype=np.int8)
    for rows in members.values():
        at = np.array(rows)
        for row in at[own[at] == ABSTAIN]:
            seen = at if moments is None else at[moments[at] <= moments[row]]
            cast = own[seen][own[seen] != ABSTAIN]
            if len(cast) >= at_least:
                counts = np.bincount(cast)
                if counts.max() / len(cast) >= agreement:
                    spread[row] = counts.argmax()
    column = name or f"{function}_of_patient"
    source = next(info for info in votes.functions if info.name == function)
    digest = fingerprint("consistency", source.fingerprint, agreement, at_least, times is not None)
    info = FunctionInfo(column, digest if source.fingerprint else "", source.polarity)
    return replace(
        votes,
        values=np.column_stack([votes.dense(), spread]),
        functions=(*votes.functions, info),
        confidence=_one_more(votes.confidence, np.float32(1)),
        class_sets=_one_more(votes.class_sets, np.uint64(0)),
        statistics=None,
    ).compact()


def _plain(group: Any) -> str:
    return "" if group is None or group != group else str(group)


def _one_more(channel: Any, default: Any) -> Any:
    """Append a column of defaults to a side channel."""
    if channel is None:
        return None
    shape = (channel.shape[0], 1, *channel.shape[2:])
    return np.concatenate([channel, np.full(shape, default, dtype=channel.dtype)], axis=1)
