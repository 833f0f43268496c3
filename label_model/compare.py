"""All label models on the same votes, side by side."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sidelight.labeling import VoteMatrix, as_votes

from .base import LabelModelWarning, VoteModel, check_gold
from .ties import break_ties

if TYPE_CHECKING:
    import pandas as pd

WITH_GOLD = ("accuracy", "f1_macro", "roc_auc", "log_loss", "brier")
WITHOUT_GOLD = ("agrees_with_majority", "confidence")


@dataclass(frozen=True)
class Comparison:
    """Scores of several label models on the same votes.

    Parameters
    ----------
    rows : tuple of (str, mapping of str to float)
        A model's name and its scores, best first.
    columns : tuple of str
        Names of the scores.
    n_records : int
        Records compared on: those with votes, and with gold where it is given.
    """

    rows: tuple[tuple[str, Mapping[str, float]], ...]
    columns: tuple[str, ...]
    n_records: int

    def __str__(self) -> str:
        """Return a table for people."""
        width = max(len(name) for name, _ in self.rows)
        lines = [
            f"{'model':{width}}  "
            + "  ".join(f"{c:>9}" for c in self.columns)
            + f"   ({self.n_records} records)"
        ]
        for name, scores in self.rows:
            lines.append(
                f"{name:{width}}  " + "  ".join(f"{scores[c]:{max(9, len(c))}.3f}" for c in self.columns)
            )
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame indexed by model name."""
        import pandas as pd

        return pd.DataFrame([scores for _, scores in self.rows], index=[name for name, _ in self.rows])


def compare(
    votes: VoteMatrix | ArrayLike,
    gold: ArrayLike | None = None,
    *,
    cardinality: int | None = None,
    class_balance: Any = None,
    models: Mapping[str, VoteModel] | Sequence[str] | None = None,
) -> Comparison:
    """Fit several label models on the same votes and score them on the same records.

    Ties are broken by a hash of the record, so that all models answer for all covered records.

    Parameters
    ----------
    votes : VoteMatrix or array-like of int of shape (n_records, n_functions)
        Votes, -1 where a function abstains.
    gold : array-like of int of shape (n_records,), optional
        Gold labels, -1 where unknown; used for scores alone. Without them the models are compared with majority vote.
    cardinality : int, optional
        Number of classes of bare votes; else as large as the votes show.
    class_balance : optional
        As in `fit`.
    models : mapping of name to model, or sequence of registry names, optional
        Models to compare; the registry's by default, without those that need gold.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, 3000)
    >>> right = rng.random((3000, 5)) < [0.95, 0.65, 0.65, 0.6, 0.6]
    >>> votes = np.where(right, truth[:, None], 1 - truth[:, None]).astype(np.int8)
    >>> result = compare(votes, truth, models=["majority", "matrix-completion"])
    >>> [name for name, _ in result.rows]
    ['matrix-completion', 'majority']
    """
    from . import MODELS

    matrix = as_votes(votes, cardinality=cardinality)
    k = matrix.schema.cardinality
    if models is None:
        models = [name for name in MODELS if name != "gold-naive-bayes"]
    if not isinstance(models, Mapping):
        unknown = [name for name in models if name not in MODELS]
        if unknown:
            raise ValueError(
                f"no label model called {', '.join(unknown)}; there are {', '.join(sorted(MODELS))}"
            )
        models = {name: MODELS[name](cardinality=k) for name in models}
    truth = None if gold is None else check_gold(gold, k, matrix.n_records, matrix)
    use = matrix.covered() if truth is None else matrix.covered() & (truth >= 0)
    chosen = matrix.take_rows(use)
    majority = MODELS["majority"](cardinality=k).fit(matrix).predict(chosen, tie_break_policy="random")
    rows = []
    for name, model in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelModelWarning)
            model.fit(matrix, class_balance=class_balance)
        if truth is not None:
            scores = model.score(chosen, truth[use], metrics=WITH_GOLD, tie_break_policy="random")
        else:
            proba = model.predict_proba(chosen)
            labels = break_ties(proba, "random", ids=chosen.ids)
            agreed = float((labels == majority).mean()) if len(labels) else float("nan")
            sure = float(proba.max(axis=1).mean()) if len(labels) else float("nan")
            scores = dict(zip(WITHOUT_GOLD, (agreed, sure), strict=True))
        rows.append((name, scores))
    columns = WITHOUT_GOLD if truth is None else WITH_GOLD
    rows.sort(key=lambda row: (-row[1][columns[0]], row[0]))
    return Comparison(tuple(rows), columns, int(use.sum()))
