"""A label model for several tasks at once: each task's votes speak of the others through what can go together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import ABSTAIN, VoteMatrix, as_votes

from .base import LabelModelWarning
from .evidence import covered_by
from .labels import Labels, fingerprint_votes, gold_in
from .likelihood import normalise
from .matrix_completion import LabelModel
from .model_folder import read_about, read_models, write_models
from .task_graph import TaskGraph

Array = NDArray[np.float64]

FORMAT = "sidelight multi-task model"

HALFWAY = 1.0
"""Pull of the combinations' frequencies towards what the tasks say by themselves, in multiples of the records."""

MOST_ROUNDS = 200

TELLS = 1e-9
"""Log odds from which votes on other tasks speak for a class more than for the next."""


class MultiTaskLabelModel:
    """P(combination of classes) and P(class of each task), from votes on any of the tasks.

    Each task has a `LabelModel` for the accuracies of its functions. How frequent the feasible combinations are is
    learned from all tasks together, half-way from independence; a record's probabilities are those of the combinations
    given all of its votes, so that answers never contradict each other, and a vote on one task tells of the next. A
    function that votes on several tasks at once is one witness, not several: its evidence is shared among them.

    Parameters
    ----------
    graph : TaskGraph
        The tasks and what can go together.

    Attributes
    ----------
    models_ : dict of str to LabelModel
        The model of each task.
    frequency_ : ndarray of shape (n_combinations,)
        How frequent each feasible combination is.
    share_ : float
        Share of each task's evidence that counts.
    objective_ : list of float
        Log likelihood with the pull before each round of learning the frequencies; it never falls.

    References
    ----------
    Ratner, Hancock, Dunnmon, Sala, Pandey, Re: Training Complex Models with Multi-Task Weak Supervision (2019),
    section 3: a feasible set of label vectors, marginals per task.

    Examples
    --------
    >>> graph = TaskGraph.where(
    ...     {"effusion": ["no", "yes"], "side": ["none", "left", "right"]},
    ...     lambda answer: (answer["effusion"] == "no") == (answer["side"] == "none"),
    ... )
    >>> rng = np.random.default_rng(0)
    >>> side = rng.integers(0, 3, 500)
    >>> right = rng.random((500, 3)) < 0.85
    >>> votes = {
    ...     "effusion": np.where(right, side[:, None] > 0, side[:, None] == 0).astype(np.int8),
    ...     "side": np.where(right, side[:, None], (side[:, None] + 1) % 3).astype(np.int8),
    ... }
    >>> labels = MultiTaskLabelModel(graph).fit(votes).predict(votes)
    >>> bool((labels["effusion"] == (labels["side"] > 0)).all())
    True
    """

    models_: dict[str, LabelModel]
    frequency_: Array
    share_: float
    objective_: list[float]

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph

    def fit(
        self,
        votes: Mapping[str, VoteMatrix | ArrayLike],
        class_balance: Mapping[str, Any] | None = None,
        gold: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Learn accuracies task by task, then how frequent the combinations are.

        Parameters
        ----------
        votes : mapping of task to VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes on the same records in the same order, -1 where a function abstains. Functions may differ between tasks;
            those of one name are one function.
        class_balance : mapping of task to balance, optional
            What is known of some tasks, in the forms of `LabelModel.fit`.
        gold : mapping of task to array-like of int, optional
            Gold labels, -1 where unknown.
        """
        tables = self._tables(votes)
        for name, given in (("class_balance", class_balance), ("gold", gold)):
            unknown = sorted(set(given or {}) - set(tables))
            if unknown:
                raise ValueError(f"{name} names {unknown[0]}; the tasks are {', '.join(tables)}")
        self.models_ = {}
        for task, table in tables.items():
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", LabelModelWarning)
                self.models_[task] = LabelModel(table.schema.cardinality).fit(
                    table, class_balance=(class_balance or {}).get(task), gold=(gold or {}).get(task)
                )
            for entry in said:
                warnings.warn(f"{task}: {entry.message}", entry.category, stacklevel=2)
        named = {
            task
            for task, given in votes.items()
            if isinstance(given, VoteMatrix) or hasattr(given, "columns")
        }
        self.share_ = _share_of_evidence(tables, named)
        members = self.graph.members
        apart = np.prod(
            [model.prior_[members[:, t]] for t, model in enumerate(self.models_.values())], axis=0
        )
        apart = apart / apart.sum()
        evidence = self._evidence(tables)[self._covered(tables)]
        pull = HALFWAY * max(1, len(evidence))
        self.frequency_ = apart
        self.objective_ = []
        for _ in range(MOST_ROUNDS):
            scores = evidence + np.log(self.frequency_)
            gained = float(normalise(scores).sum()) if len(scores) else 0.0
            self.objective_.append(gained + pull * float((apart * np.log(self.frequency_)).sum()))
            if len(self.objective_) > 1 and self.objective_[-1] - self.objective_[-2] < 1e-7 * pull:
                break
            self.frequency_ = (scores.sum(axis=0) + pull * apart) / (len(scores) + pull)
        return self

    def joint_proba(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> Array:
        """Return P(combination), shape (n_records, n_combinations) in the order of `graph.feasible`; rows sum to 1."""
        self._check_fitted()
        scores = self._evidence(self._tables(votes)) + np.log(self.frequency_)
        if len(scores):
            normalise(scores)
        return scores

    def predict_proba(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> dict[str, Array]:
        """Return P(class) of each task, shape (n_records, n_classes): sums over the combinations that hold the class."""
        joint = self.joint_proba(votes)
        members = self.graph.members
        return {
            task: joint @ np.eye(schema.cardinality)[members[:, t]]
            for t, (task, schema) in enumerate(self.graph.schemas.items())
        }

    def predict(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> dict[str, NDArray[np.int64]]:
        """Return the likeliest combination's class of each task; -1 on records without any vote."""
        best = self.graph.members[self.joint_proba(votes).argmax(axis=1)]
        covered = self._covered(self._tables(votes))
        return {task: np.where(covered, best[:, t], ABSTAIN) for t, task in enumerate(self.graph.tasks)}

    def labels(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> dict[str, Labels]:
        """Return the table of labels of each task, for training; no two labels of a record contradict each other.

        A record without a vote on a task is covered there where votes on the other tasks speak for its label more than for
        any other class: no effusion, hence no side. An effusion tells no side from the other, so there the label is -1.
        """
        tables = self._tables(votes)
        proba, best = self.predict_proba(tables), self.predict(tables)
        evidence, members = self._evidence(tables), self.graph.members
        found = {}
        for t, (task, schema) in enumerate(self.graph.schemas.items()):
            table, model = tables[task], self.models_[task]
            spoken = [evidence[:, members[:, t] == c].max(axis=1) for c in range(schema.cardinality)]
            first, second = np.sort(spoken, axis=0)[[-1, -2]]
            told = (first > second + TELLS) & (np.argmax(spoken, axis=0) == best[task])
            covered = covered_by(table) | told
            n = table.n_records
            found[task] = Labels(
                ids=np.arange(n).astype(str) if table.ids is None else table.ids,
                patient_ids=np.full(n, "") if table.patient_ids is None else table.patient_ids,
                proba=proba[task],
                label=np.where(covered, best[task], ABSTAIN),
                covered=covered,
                n_votes=table.n_votes(),
                schema=table.schema,
                lineage={
                    "votes": fingerprint_votes(table),
                    "tasks": {name: fingerprint_votes(other) for name, other in tables.items()},
                    "models": [fitted.fingerprint for fitted in self.models_.values()],
                    "kind": type(self).__name__,
                    "class_balance": np.bincount(
                        members[:, t], weights=self.frequency_, minlength=schema.cardinality
                    ).tolist(),
                    "class_balance_from": model.balance_.source,
                    **gold_in(model),
                },
            )
        return found

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the models to a folder, one below it for each task, numbered."""
        self._check_fitted()
        about = {
            "format": FORMAT, "version": 1, **self.graph.to_json(),
            "frequency": self.frequency_.tolist(), "share": self.share_, "objective": self.objective_,
        }  # fmt: skip
        return write_models(folder, "tasks.json", about, self.models_.values(), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote."""
        about = read_about(folder, "tasks.json", FORMAT, "multi-task")
        model = cls(TaskGraph(about["tasks"], about["feasible"]))
        model.frequency_ = np.asarray(about["frequency"], dtype=np.float64)
        model.share_ = about["share"]
        model.objective_ = about["objective"]
        model.models_ = dict(zip(model.graph.tasks, read_models(folder, len(model.graph.tasks)), strict=True))
        return model

    def _evidence(self, tables: Mapping[str, VoteMatrix]) -> Array:
        """Return what all votes add to the log probability of each combination, shape (n_records, n_combinations)."""
        members = self.graph.members
        first = next(iter(tables.values()))
        total = np.zeros((first.n_records, len(members)))
        for t, (task, model) in enumerate(self.models_.items()):
            added = np.log(np.maximum(model.predict_proba(tables[task]), 1e-12)) - np.log(model.prior_)
            total += self.share_ * added[:, members[:, t]]
        return total

    def _covered(self, tables: Mapping[str, VoteMatrix]) -> NDArray[np.bool_]:
        """Return which records have a vote on any task."""
        return np.asarray(np.any([covered_by(table) for table in tables.values()], axis=0), dtype=np.bool_)

    def _tables(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> dict[str, VoteMatrix]:
        """Return the votes of each task, in the graph's order, all on as many records."""
        if set(votes) != set(self.graph.tasks):
            raise ValueError(f"votes are on {', '.join(votes)}; the tasks are {', '.join(self.graph.tasks)}")
        tables = {}
        for task, schema in self.graph.schemas.items():
            given = votes[task]
            tables[task] = as_votes(given, schema=None if isinstance(given, VoteMatrix) else schema)
            if tables[task].schema.classes != schema.classes:
                raise ValueError(
                    f"the votes on {task} are of classes {list(tables[task].schema.classes)}, not {list(schema.classes)}"
                )
        sizes = {task: table.n_records for task, table in tables.items()}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"tasks with different numbers of records: {sizes}")
        return tables

    def _check_fitted(self) -> None:
        """Raise when `fit` was not called."""
        if not hasattr(self, "models_"):
            raise ValueError("this MultiTaskLabelModel is not fitted; call fit(votes) first")


def _share_of_evidence(tables: Mapping[str, VoteMatrix], named: set[str]) -> float:
    """Return 1 over the tasks that a function votes on at once, on average over its records.

    Columns without names of their own, in tasks that are not `named`, are functions of one task.
    """
    voted: dict[tuple[str, str], list[NDArray[np.bool_]]] = {}
    for task, table in tables.items():
        values = table.dense()
        for j, name in enumerate(table.names):
            voted.setdefault(("" if task in named else task, name), []).append(values[:, j] != ABSTAIN)
    cast = sum(int(np.sum(columns)) for columns in voted.values())
    heard = sum(int(np.any(columns, axis=0).sum()) for columns in voted.values())
    return heard / cast if cast else 1.0
