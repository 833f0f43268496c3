"""A label model for classes within classes, whose votes may stop half-way down."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import ABSTAIN, FunctionInfo, LabelSchema, VoteMatrix, as_votes

from .balance import ClassBalance
from .base import LabelModelWarning, check_gold
from .hierarchy import Hierarchy
from .labels import Labels, fingerprint_votes, gold_in
from .matrix_completion import LabelModel
from .model_folder import read_about, read_models, write_models
from .ties import break_ties

Array = NDArray[np.float64]

FORMAT = "sidelight hierarchical model"


class HierarchicalLabelModel:
    """P(class) over a tree of classes, from votes for classes at any depth.

    At each class that has others below it stands a `LabelModel` that chooses among them. A vote for a class speaks
    for every class above it on the way down, and is silent below. P(leaf) is the product of the choices on its path,
    so that a class is always as likely as the classes below it together; a function may be good at telling effusions
    from clear lungs and poor at telling how large they are, and is weighed accordingly.

    Parameters
    ----------
    hierarchy : Hierarchy
        The classes.

    Attributes
    ----------
    models_ : dict of int to LabelModel
        The model of each choice: -1 for the one at the top, else by the class whose kinds it tells apart. It learns
        from the records on which a function votes for that class or one below it.
    names_ : tuple of str
        Names of the functions.

    References
    ----------
    Ratner, Hancock, Dunnmon, Sala, Pandey, Re: Training Complex Models with Multi-Task Weak Supervision (2019),
    section 3: a task graph whose feasible label vectors are the paths to the leaves; marginals are sums over them.

    Examples
    --------
    >>> lungs = Hierarchy({"clear": None, "effusion": {"small": None, "large": None}})
    >>> votes = np.array([[0, 0, 0], [3, 1, 3], [2, 1, 2], [1, 1, -1], [3, 3, 3], [-1, -1, -1]], dtype=np.int8)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")                        # six records are few
    ...     model = HierarchicalLabelModel(lungs).fit(votes)
    >>> [lungs.schema.name(place) for place in model.predict(votes)]     # as deep as the votes go
    ['clear', 'large', 'small', 'effusion', 'large', 'abstain']
    """

    models_: dict[int, LabelModel]
    names_: tuple[str, ...]

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy

    def fit(
        self,
        L_train: VoteMatrix | ArrayLike,
        class_balance: Any = None,
        gold: ArrayLike | None = None,
        accuracies: Mapping[str, float | tuple[float, float]] | None = None,
    ) -> Self:
        """Learn accuracies and balance of each choice.

        Parameters
        ----------
        L_train : VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes for positions in `hierarchy.nodes`, -1 where a function abstains.
        class_balance : optional
            What is known of the frequencies of the leaves: a sequence in their order, or a mapping by name.
        gold : array-like of int of shape (n_records,), optional
            Gold classes at any depth, -1 where unknown.
        accuracies : mapping of function name to float or (float, float), optional
            As in `LabelModel.fit`, in place of what functions declared. Either holds for each choice on the way down.
        """
        tree = self.hierarchy
        if hasattr(self, "names_"):
            del self.names_
        votes = self._check_votes(L_train)
        truth = None if gold is None else check_gold(gold, len(tree.nodes), votes.n_records)
        frequency = self._node_frequencies(class_balance)
        values = votes.dense()
        models = {}
        for node in tree.inner:
            route = tree.route(node)
            rows: NDArray[np.bool_] = np.ones(votes.n_records, dtype=np.bool_)
            if node >= 0:
                rows = np.asarray(_lookup(tree.within(node), values, False).any(axis=1))
            part = self._project(votes, node).take_rows(rows)
            n_usable = int((part.dense() >= 0).any(axis=0).sum())
            if n_usable < 3:
                warnings.warn(
                    f"{n_usable} function(s) vote among {', '.join(part.schema.classes)}: their accuracies cannot be "
                    "told from agreements of fewer than 3, so all count the same there",
                    LabelModelWarning,
                    stacklevel=2,
                )
            balance = None if frequency is None else frequency[list(tree.children(node))]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LabelModelWarning)
                models[node] = LabelModel(part.schema.cardinality).fit(
                    part,
                    class_balance=None if balance is None else balance / balance.sum(),
                    gold=None if truth is None else _lookup(route, truth, ABSTAIN)[rows],
                    accuracies=accuracies,
                )
        self.models_ = models
        self.names_ = votes.names
        return self

    def node_proba(self, L: VoteMatrix | ArrayLike) -> Array:
        """Return P(class) of all classes, inner ones included, shape (n_records, n_nodes).

        Where no vote speaks of a choice, its class balance stands in.
        """
        self._check_fitted()
        votes = self._check_votes(L)
        proba = np.ones((votes.n_records, len(self.hierarchy.nodes)))
        for node in self.hierarchy.inner:  # each class before those below it
            above = proba[:, [node]] if node >= 0 else 1.0
            choice = self.models_[node].predict_proba(self._project(votes, node))
            proba[:, list(self.hierarchy.children(node))] = above * choice
        return proba

    def predict_proba(self, L: VoteMatrix | ArrayLike) -> Array:
        """Return P(leaf), shape (n_records, n_leaves) in the order of `hierarchy.leaves`; rows sum to 1."""
        return self.node_proba(L)[:, self._leaf_places()]

    def predict(self, L: VoteMatrix | ArrayLike) -> NDArray[np.int64]:
        """Return for each record the likeliest class, as deep as the votes go; -1 where nobody voted.

        From the top down the likeliest class is taken, until no vote tells the classes below it apart or they tie.
        """
        self._check_fitted()
        votes = self._check_votes(L)
        found = np.full(votes.n_records, ABSTAIN, dtype=np.int64)
        for node in self.hierarchy.inner:
            here = np.flatnonzero(found == node)
            part = self._project(votes.take_rows(here), node)
            choice = self.models_[node].predict(part)
            moved = choice >= 0
            found[here[moved]] = np.array(self.hierarchy.children(node))[choice[moved]]
        return found

    def labels(self, L: VoteMatrix | ArrayLike) -> Labels:
        """Return the table of labels over the leaves, for training; covered are records with a vote of any depth."""
        self._check_fitted()
        votes = self._check_votes(L)
        proba = self.predict_proba(votes)
        covered = votes.covered()
        label = break_ties(proba)
        label[~covered] = ABSTAIN
        n = votes.n_records
        return Labels(
            ids=np.arange(n).astype(str) if votes.ids is None else votes.ids,
            patient_ids=np.full(n, "") if votes.patient_ids is None else votes.patient_ids,
            proba=proba,
            label=label,
            covered=covered,
            n_votes=votes.n_votes(),
            schema=LabelSchema(self.hierarchy.leaves),
            lineage={
                "votes": fingerprint_votes(votes),
                "models": [model.fingerprint for model in self.models_.values()],
                "kind": type(self).__name__,
                **gold_in(*self.models_.values()),
            },
        )

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the models to a folder, one below it for each choice, numbered."""
        self._check_fitted()
        about = {"format": FORMAT, "version": 1, "functions": list(self.names_), **self.hierarchy.to_json()}
        return write_models(folder, "hierarchy.json", about, self.models_.values(), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote."""
        about = read_about(folder, "hierarchy.json", FORMAT, "hierarchical")
        model = cls(Hierarchy(about["tree"]))
        model.names_ = tuple(about["functions"])
        inner = model.hierarchy.inner
        model.models_ = dict(zip(inner, read_models(folder, len(inner)), strict=True))
        return model

    def _project(self, votes: VoteMatrix, node: int) -> VoteMatrix:
        """Return what votes say of the choice among the classes just below `node`."""
        tree = self.hierarchy
        route = tree.route(node)
        schema = LabelSchema([tree.nodes[child] for child in tree.children(node)])
        functions = tuple(
            FunctionInfo(
                f.name,
                f.fingerprint,
                tuple(sorted({int(route[v]) for v in f.polarity if route[v] >= 0})),
                f.accuracy,
            )
            for f in votes.functions
        )
        values = _lookup(route, votes.dense(), ABSTAIN)
        return VoteMatrix(
            values, schema, functions, votes.ids, votes.patient_ids, confidence=votes.confidence
        )

    def _check_votes(self, L: VoteMatrix | ArrayLike) -> VoteMatrix:
        """Return votes for the classes of the tree, the columns in the order of `fit`."""
        votes = as_votes(L, schema=None if isinstance(L, VoteMatrix) else self.hierarchy.schema)
        if votes.schema.classes != self.hierarchy.nodes:
            raise ValueError(
                f"the votes are of classes {list(votes.schema.classes)}, the hierarchy of {list(self.hierarchy.nodes)}"
            )
        if votes.class_sets is not None and votes.class_sets.any():
            raise ValueError(
                "a vote for a set of classes: in a hierarchy, vote for the class that holds them"
            )
        if not hasattr(self, "names_") or votes.names == self.names_:
            return votes
        missing = [name for name in self.names_ if name not in votes.names]
        if missing:
            raise ValueError(f"the model was fitted on functions that are missing here: {', '.join(missing)}")
        return votes.take_functions(self.names_)

    def _check_fitted(self) -> None:
        """Raise when `fit` was not called."""
        if not hasattr(self, "names_"):
            raise ValueError("this HierarchicalLabelModel is not fitted; call fit(votes) first")

    def _leaf_places(self) -> list[int]:
        """Return where the leaves stand among the classes."""
        return [self.hierarchy.nodes.index(name) for name in self.hierarchy.leaves]

    def _node_frequencies(self, class_balance: Any) -> Array | None:
        """Return how frequent each class is, inner ones included, from what is known of the leaves."""
        if class_balance is None:
            return None
        known = ClassBalance.given(class_balance, LabelSchema(self.hierarchy.leaves))
        frequency = np.zeros(len(self.hierarchy.nodes))
        frequency[self._leaf_places()] = known.vector
        for place in reversed(range(len(frequency))):
            if self.hierarchy.parents[place] >= 0:
                frequency[self.hierarchy.parents[place]] += frequency[place]
        return frequency


def _lookup(table: NDArray[Any], values: NDArray[Any], silent: Any) -> NDArray[Any]:
    """Return the table's entry for each vote, `silent` for an abstention."""
    found: NDArray[Any] = np.append(table, np.asarray(silent, dtype=table.dtype))[values]
    return found
