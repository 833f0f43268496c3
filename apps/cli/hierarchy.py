"""Classes within classes on the command line: a file that holds the tree, and labels over its leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sidelight.label_model import HierarchicalLabelModel, Hierarchy
    from sidelight.labeling import VoteMatrix


def read_hierarchy(path: str, votes: VoteMatrix) -> Hierarchy:
    """Read a tree of classes from a JSON file, and check that the votes are for its classes."""
    from sidelight.label_model import Hierarchy
    from sidelight.labeling import InputError

    try:
        with open(path, encoding="utf-8") as file:
            tree = Hierarchy(json.load(file))
    except OSError:
        raise InputError(path, "cannot be read") from None
    except (ValueError, TypeError) as fault:
        raise InputError(path, f"is no tree of classes: {fault}") from None
    if votes.schema.classes != tree.nodes:
        raise InputError(
            path, f"is a tree of {', '.join(tree.nodes)}; the votes are for {', '.join(votes.schema.classes)}"
        )
    return tree


def leaf_balance(model: HierarchicalLabelModel) -> NDArray[np.float64]:
    """Return how frequent the leaves are by the model: what a record without votes gets."""
    import numpy as np

    from sidelight.labeling import FunctionInfo, VoteMatrix

    nobody = np.full((1, len(model.names_)), -1, dtype=np.int8)
    functions = tuple(FunctionInfo(name) for name in model.names_)
    proba = model.predict_proba(VoteMatrix(nobody, model.hierarchy.schema, functions))
    return np.asarray(proba[0], dtype=np.float64)


def at_leaves(tree: Hierarchy, gold: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return gold labels as places among the leaves, -1 where unknown or not as deep."""
    import numpy as np

    places = np.full(len(tree.nodes) + 1, -1, dtype=np.int64)  # the last entry answers -1
    for place, leaf in enumerate(tree.leaves):
        places[tree.nodes.index(leaf)] = place
    return np.asarray(places[gold], dtype=np.int64)
