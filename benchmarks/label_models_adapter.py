"""sidelight's label model in the form that the yardstick's `run.py --contender` takes."""

from typing import Any

import numpy as np

from sidelight.label_model import LabelModel


class Sidelight:
    """The default `LabelModel`."""

    def fit(self, L: Any, cardinality: int, class_balance: Any = None, seed: int = 0) -> None:
        """Learn from votes; the seed changes nothing."""
        del seed
        self.model = LabelModel(cardinality).fit(L, class_balance=class_balance)

    def predict_proba(self, L: Any) -> Any:
        """Return P(class) of each record."""
        return self.model.predict_proba(L)

    def confusions(self) -> Any:
        """Return P(vote l | class y, votes) as [function, y, l]."""
        table = self.model.get_conditional_probs()[:, 1:].transpose(0, 2, 1)
        total = table.sum(axis=2, keepdims=True)
        return np.where(total > 0, table / np.where(total > 0, total, 1), 1 / table.shape[1])

    def class_balance_used(self) -> Any:
        """Return the class balance of the fit."""
        return self.model.prior_
