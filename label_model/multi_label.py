"""Several findings at once: each is there, is not there, or nobody said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling import VoteMatrix, as_votes

from .matrix_completion import LabelModel
from .model_folder import read_about, read_models, write_models

FORMAT = "sidelight multi-label model"


class MultiLabelModel:
    """One label model for each finding, over votes that say "there" (1), "not there" (0) or nothing (-1).

    That nobody mentions a finding is not a vote against it: a record may be labeled for one finding and stay
    unlabeled for the next.

    Attributes
    ----------
    models_ : dict of str to LabelModel
        The model of each finding, in the order of `fit`.

    Examples
    --------
    >>> votes = {
    ...     "effusion": np.array([[1, 1, 1], [0, 0, -1], [-1, -1, -1]], dtype=np.int8),
    ...     "fracture": np.array([[0, -1, 0], [-1, -1, -1], [1, 1, 1]], dtype=np.int8),
    ... }
    >>> MultiLabelModel().fit(votes).predict(votes).tolist()       # a column for each finding
    [[1, 0], [0, -1], [-1, 1]]
    """

    models_: dict[str, LabelModel]

    def fit(
        self,
        votes: Mapping[str, VoteMatrix | ArrayLike],
        class_balance: Mapping[str, Any] | None = None,
        gold: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Learn from the votes on each finding.

        Parameters
        ----------
        votes : mapping of finding to VoteMatrix or array-like of int of shape (n_records, n_functions)
            Votes on the same records in the same order; functions may differ from finding to finding.
        class_balance : mapping of finding to balance, optional
            What is known of some findings, in the forms of `LabelModel.fit`; a number is the finding's prevalence.
        gold : mapping of finding to array-like of int, optional
            Gold labels, -1 where unknown.
        """
        tables = self._tables(votes)
        balances, truths = dict(class_balance or {}), dict(gold or {})
        for name in [*balances, *truths]:
            if name not in tables:
                raise ValueError(f"no votes on {name}; there are votes on {', '.join(tables)}")
        self.models_ = {}
        for name, table in tables.items():
            balance = balances.get(name)
            if isinstance(balance, float):
                balance = [1 - balance, balance]
            self.models_[name] = LabelModel(2).fit(table, class_balance=balance, gold=truths.get(name))
        return self

    def predict_proba(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> NDArray[np.float64]:
        """Return P(the finding is there), shape (n_records, n_findings); its prevalence where nobody voted on it."""
        tables = self._tables(votes)
        self._check_findings(tables)
        return np.stack(
            [model.predict_proba(tables[name])[:, 1] for name, model in self.models_.items()], axis=1
        )

    def predict(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> NDArray[np.int64]:
        """Return 1, 0 or -1 for each record and finding: there, not there, nobody said or classes tie."""
        tables = self._tables(votes)
        self._check_findings(tables)
        return np.stack([model.predict(tables[name]) for name, model in self.models_.items()], axis=1)

    def covered(self, votes: Mapping[str, VoteMatrix | ArrayLike]) -> NDArray[np.bool_]:
        """Return whether anybody voted, shape (n_records, n_findings): the mask that training needs."""
        tables = self._tables(votes)
        self._check_findings(tables)
        return np.stack([model.covered(tables[name]) for name, model in self.models_.items()], axis=1)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the models to a folder, one below it for each finding, numbered."""
        about = {"format": FORMAT, "version": 1, "findings": list(self.models_)}
        return write_models(folder, "findings.json", about, self.models_.values(), overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote."""
        about = read_about(folder, "findings.json", FORMAT, "multi-label")
        model = cls()
        names = about["findings"]
        model.models_ = dict(zip(names, read_models(folder, len(names)), strict=True))
        return model

    def _check_findings(self, tables: Mapping[str, VoteMatrix]) -> None:
        """Raise when votes on a finding are missing."""
        if not hasattr(self, "models_"):
            raise ValueError("this MultiLabelModel is not fitted; call fit(votes) first")
        missing = [name for name in self.models_ if name not in tables]
        if missing:
            raise ValueError(f"no votes on {', '.join(missing)}")

    @staticmethod
    def _tables(votes: Mapping[str, VoteMatrix | ArrayLike]) -> dict[str, VoteMatrix]:
        """Return votes on each finding, all on the same records."""
        if not votes:
            raise ValueError("no finding to learn: votes is empty")
        tables = {name: as_votes(table, cardinality=2) for name, table in votes.items()}
        first_name, first = next(iter(tables.items()))
        for name, table in tables.items():
            if table.n_records != first.n_records:
                raise ValueError(
                    f"{table.n_records} records voted on for {name}, {first.n_records} for {first_name}"
                )
            if table.ids is not None and first.ids is not None and (table.ids != first.ids).any():
                raise ValueError(f"the records of {name} are not those of {first_name}, or in another order")
        return tables
