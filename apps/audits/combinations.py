"""Tables and counts of an audit that combine: classes with classes, subclasses with classes, slices with slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidelight.slicing import (
    Audit,
    Confusion,
    Intersections,
    SliceMatrix,
    slice_intersections,
)
from sidelight.slicing.confusion_table import SEPARATOR, UNKNOWN

MOST_SUBCLASSES, LEAST_DRAWN = 10, 5
"""Subclasses drawn in the table of confusion, and records each needs; the others stand under their class."""

SLASH = "\u2215"
"""Stands for a slash within a name, and looks like one."""

SUBCLASSES = "Subclasses within their classes: a record of several stands under its first, of none of these under its class"

MOST_MEETING = 7
"""Slices whose combinations are shown; fewer where so many leave too few records in each."""

LEAST_MEETING = 3
"""Combinations with enough records, without which none are shown."""


def confusions(
    result: Audit,
    gold: NDArray[np.int64],
    proba: NDArray[np.float64],
    members: SliceMatrix,
    classes: tuple[str, ...],
    patients: NDArray[np.str_],
    subclasses: Sequence[str | None] | None,
) -> list[tuple[str, NDArray[np.intp], Confusion]]:
    """Return distributions of all records, of the slice in which most are surely worse off, and of the common subclasses.

    Each comes with its heading and the records that it is of.
    """
    known = np.flatnonzero(gold >= 0)
    if not len(known):
        return []
    classes = tuple(_flat(name) for name in classes)
    distribution = Confusion.of(
        {"class": [classes[code] for code in gold[known]]},
        {"class": [classes[code] for code in proba[known].argmax(axis=1)]},
        classes={"class": classes},
        slices=members.take_rows(known) if members.n_slices else None,
        patients=patients[known],
    )
    found = [("All records", known, distribution)]
    worst = next((row.slice for row in result.ranked() if row.verdict == "worse" and row.excess > 0), None)
    if worst is not None:
        found.append((f"In {worst}", known[members[worst][known]], distribution.where(slice=worst)))
    if subclasses is not None:
        parts = [_flat(subclasses[row] or "").split("|") for row in known.tolist()]
        seen = Counter(part.strip() for held in parts for part in held if part.strip())
        common = {name for name, n in seen.most_common(MOST_SUBCLASSES) if n >= LEAST_DRAWN}
        told = [next((part.strip() for part in held if part.strip() in common), UNKNOWN) for held in parts]
        actual = [f"{classes[code]}/{name}" for code, name in zip(gold[known], told, strict=True)]
        observed = [f"{classes[code]}/{UNKNOWN}" for code in proba[known].argmax(axis=1)]
        used = set(actual) | set(observed)
        order = [f"{name}/{part}" for name in classes for part in (*sorted(common), UNKNOWN)]
        nested = Confusion.of(
            {"class": actual},
            {"class": observed},
            classes={"class": [label for label in order if label in used]},
            patients=patients[known],
        )
        found.append((SUBCLASSES, known, nested))
    return found


def _flat(name: str) -> str:
    """Return a name whose slashes part nothing: those of a tree of labels do."""
    return name.replace(SEPARATOR, SLASH)


def meeting_slices(
    result: Audit,
    gold: NDArray[np.int64],
    proba: NDArray[np.float64],
    members: SliceMatrix,
    patients: NDArray[np.str_],
) -> Intersections | None:
    """Return how the worst slices and the largest others meet, where enough records do."""
    counts = members.counts()
    names = list(dict.fromkeys(row.slice for row in result.ranked() if row.excess > 0))
    names += sorted(
        (name for name in members.names if name not in names and counts[name]), key=lambda name: -counts[name]
    )
    for most in range(MOST_MEETING, 1, -1):
        if len(names) < most:
            continue
        found = slice_intersections(gold, proba, members, patients=patients, names=names[:most])
        told = [row for row in found.rows if not row.few]
        if len(told) >= LEAST_MEETING and any(len(row.slices) > 1 for row in told):
            return found
    return None
