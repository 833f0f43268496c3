"""Classes within classes: which findings are kinds of which, and what a vote for one of them says of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, LabelSchema


@dataclass(frozen=True)
class Hierarchy:
    """A tree of classes. A vote may name any of them; each record belongs to one leaf.

    Tasks that depend on each other are a tree as well: a question that makes sense after one answer to another (how
    large is the effusion?) hangs below that answer.

    Parameters
    ----------
    tree : mapping of str to mapping or None
        Classes and what is below each, None for a leaf. Every name is there once; a class has no or at least two
        classes below it.

    Attributes
    ----------
    nodes : tuple of str
        All classes, each before those below it; their positions are the votes.
    parents : tuple of int
        Position of the class above each, -1 for those at the top.

    Examples
    --------
    >>> lungs = Hierarchy({"clear": None, "effusion": {"small": None, "large": None}})
    >>> lungs.nodes, lungs.leaves
    (('clear', 'effusion', 'small', 'large'), ('clear', 'small', 'large'))
    >>> lungs.route(-1).tolist()                  # which of the top classes each class lies in
    [0, 1, 1, 1]
    """

    tree: Mapping[str, Any]
    nodes: tuple[str, ...] = field(init=False)
    parents: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Lay out the tree, and refuse names that stand twice and classes with one class below."""
        nodes: list[str] = []
        parents: list[int] = []

        def lay_out(below: Any, parent: int) -> None:
            where = f"below {nodes[parent]}" if parent >= 0 else "at the top"
            if not isinstance(below, Mapping):
                raise TypeError(f"the classes {where} are a mapping of name to the classes below it, or None")
            if len(below) < 2:
                raise ValueError(f"{len(below)} class(es) {where}; there are none or at least two")
            for name, rest in below.items():
                nodes.append(name)
                parents.append(parent)
                if rest is not None:
                    lay_out(rest, len(nodes) - 1)

        lay_out(self.tree, -1)
        object.__setattr__(self, "nodes", LabelSchema(nodes).classes)
        object.__setattr__(self, "parents", tuple(parents))

    @property
    def schema(self) -> LabelSchema:
        """Return the schema that labeling functions vote in: all classes, inner ones included."""
        return LabelSchema(self.nodes)

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return the classes with none below them."""
        return tuple(name for place, name in enumerate(self.nodes) if place not in self.parents)

    @property
    def inner(self) -> tuple[int, ...]:
        """Return where a choice is made: -1 for the top, and each class that has classes below it."""
        return (-1, *(place for place in range(len(self.nodes)) if place in self.parents))

    def children(self, node: int) -> tuple[int, ...]:
        """Return the classes just below one, those at the top for -1."""
        return tuple(place for place, parent in enumerate(self.parents) if parent == node)

    def route(self, node: int) -> NDArray[np.int8]:
        """Return for each class in which child of `node` it lies, -1 where in none, shape (n_nodes,).

        A vote for a class is a vote for every class above it, and says nothing of those below.
        """
        found = np.full(len(self.nodes), ABSTAIN, dtype=np.int8)
        for place, child in enumerate(self.children(node)):
            found[child] = place
        for place, parent in enumerate(self.parents):  # parents come first
            if parent >= 0 and found[parent] >= 0:
                found[place] = found[parent]
        return found

    def within(self, node: int) -> NDArray[np.bool_]:
        """Return which classes are `node` or below it, all for -1, shape (n_nodes,)."""
        inside = self.route(node) >= 0
        inside[max(node, 0)] |= node >= 0
        return np.asarray(inside, dtype=np.bool_)

    def to_json(self) -> dict[str, Any]:
        """Return the tree as plain values."""

        def plain(below: Any) -> Any:
            return None if below is None else {name: plain(rest) for name, rest in below.items()}

        return {"tree": plain(self.tree)}
