"""Several labels a record: sets, told as one dimension for each finding or as one label for each set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from .confusion_table import SEPARATOR, UNKNOWN

LabelSets: TypeAlias = Sequence[Collection[str] | None]

PRESENT, ABSENT = "present", "absent"

EMPTY = "none"
"""The label of a set that holds nothing."""

MOST_SETS = 30
"""Above this many different sets a table of them cannot be read."""


def finding_dimensions(
    actual: LabelSets, observed: LabelSets, *, findings: Sequence[str] | None = None
) -> tuple[dict[str, list[str | None]], dict[str, list[str | None]]]:
    """Return both sides as one dimension for each finding, present or absent; what `Confusion.of` takes.

    Parameters
    ----------
    actual, observed : sequence of collections of str, of shape (n_records,)
        Findings of each record; None where they are not known. A finding may be a path: ``fracture/hip`` says that
        ``fracture`` is present too, and ``fracture/?`` that one is, of a kind not known.
    findings : sequence of str, optional
        Dimensions and their order; all that occur, with the nodes above them, when not given.

    Notes
    -----
    Where the kind of an actual finding is not known, its kinds are neither present nor absent: ``fracture/hip/?``, which
    measures leave out. An observed finding of unknown kind claims no kind.

    Examples
    --------
    >>> from sidelight.slicing import Confusion, node_measure
    >>> actual, observed = finding_dimensions([{"effusion", "mass"}, {"mass"}, set()], [{"mass"}, {"mass"}, {"mass"}])
    >>> confusion = Confusion.of(actual, observed)
    >>> [node_measure(confusion, name, f"{name}/present", "recall") for name in confusion.dimensions]
    [0.0, 1.0]
    """
    sides = {"actual": _checked(actual, "actual"), "observed": _checked(observed, "observed")}
    if len(sides["actual"]) != len(sides["observed"]):
        raise ValueError(f"{len(actual)} actual sets and {len(observed)} observed ones")
    named = _nodes([labels for side in sides.values() for labels in side]) if findings is None else findings
    if len(set(named)) != len(named) or not named:
        raise ValueError("findings names none, or one of them twice")
    told: list[dict[str, list[str | None]]] = [
        {name: [_told(labels, name, unknown=side == "actual") for labels in rows] for name in named}
        for side, rows in sides.items()
    ]
    return told[0], told[1]


def set_dimension(
    actual: LabelSets, observed: LabelSets, *, dimension: str = "findings", most: int = MOST_SETS
) -> tuple[dict[str, list[str | None]], dict[str, list[str | None]]]:
    """Return both sides as one dimension whose labels are whole sets, such as ``{effusion, mass}``.

    Parameters
    ----------
    actual, observed : sequence of collections of str, of shape (n_records,)
        Findings of each record; None where they are not known. No paths: a set has no place in a tree.
    dimension : str, default "findings"
        Its name.
    most : int, default 30
        More different sets than this are an error: `finding_dimensions` tells them better.

    Examples
    --------
    >>> set_dimension([{"mass", "effusion"}, set()], [{"mass"}, None])
    ({'findings': ['{effusion, mass}', 'none']}, {'findings': ['{mass}', None]})
    """
    sides = [_checked(actual, "actual"), _checked(observed, "observed")]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(f"{len(actual)} actual sets and {len(observed)} observed ones")
    sets = {labels for side in sides for labels in side if labels is not None}
    if any(SEPARATOR in label for labels in sets for label in labels):
        raise ValueError("a label of a set holds a slash; tell findings that lie in a tree one by one")
    if len(sets) > most:
        raise ValueError(
            f"{len(sets)} different sets, and a table holds {most}; tell their findings one by one"
        )
    told: list[dict[str, list[str | None]]] = [
        {dimension: [None if labels is None else _named(labels) for labels in side]} for side in sides
    ]
    return told[0], told[1]


def _checked(rows: LabelSets, side: str) -> list[frozenset[str] | None]:
    """Return each row's labels as a set, or say which row is none."""
    found: list[frozenset[str] | None] = []
    for row, labels in enumerate(rows):
        if labels is None:
            found.append(None)
            continue
        if isinstance(labels, str) or not all(isinstance(label, str) and label for label in labels):
            raise ValueError(f"{side}[{row}] is no collection of labels, each a string that is not empty")
        if any(not part for label in labels for part in label.split(SEPARATOR)):
            raise ValueError(f"{side}[{row}] holds a label with a slash at its end, or two in a row")
        found.append(frozenset(labels))
    return found


def _nodes(sets: Sequence[frozenset[str] | None]) -> list[str]:
    """Return all findings and the nodes above them, each node before what hangs below it."""
    paths = {
        tuple(label.split(SEPARATOR)[:depth])
        for labels in sets
        for label in labels or ()
        for depth in range(1, label.count(SEPARATOR) + 2)
    }
    return [SEPARATOR.join(path) for path in sorted(paths) if path[-1] != UNKNOWN]


def _told(labels: frozenset[str] | None, name: str, *, unknown: bool) -> str | None:
    """Return whether a finding is there, as a label of its own dimension."""
    if labels is None:
        return None
    if any(label == name or label.startswith(name + SEPARATOR) for label in labels):
        return f"{name}{SEPARATOR}{PRESENT}"
    above = [label[: -len(UNKNOWN)] for label in labels if label.endswith(SEPARATOR + UNKNOWN)]
    if unknown and any(name.startswith(node) for node in above):
        return f"{name}{SEPARATOR}{UNKNOWN}"
    return f"{name}{SEPARATOR}{ABSENT}"


def _named(labels: frozenset[str]) -> str:
    return "{" + ", ".join(sorted(labels)) + "}" if labels else EMPTY
