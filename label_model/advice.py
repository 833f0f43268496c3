"""Whether a label model can be expected to beat majority vote on these votes, and which function to mend first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sidelight.labeling import VoteMatrix
from sidelight.labeling.moments import one_hot

from .majority import MajorityLabelVoter
from .matrix_completion import LabelModel

WORTHWHILE = 0.005
"""Expected gain in accuracy from which a label model is worth its while."""

APART = 0.1
"""Difference between two estimates of a class's frequency from which they are said to disagree."""


@dataclass(frozen=True)
class Advice:
    """What a fitted model expects of itself.

    Parameters
    ----------
    votes_per_record : float
        Mean number of votes on covered records.
    coverage : float
        Share of records with a vote.
    conflicts : float
        Share of covered records on which functions disagree.
    expected_gain : float
        Accuracy that the model expects to gain over majority vote on covered records, by its own probabilities.
    use_model : bool
        Whether that is worth its while; else majority vote labels as well.
    mend_first : tuple of (str, float)
        Functions and the number of their votes expected to be wrong, the most first.
    remarks : tuple of str
        What stands in the way of better labels, in words.
    """

    votes_per_record: float
    coverage: float
    conflicts: float
    expected_gain: float
    use_model: bool
    mend_first: tuple[tuple[str, float], ...]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """Return the advice in a few lines."""
        verdict = "use the label model" if self.use_model else "majority vote labels as well"
        lines = [
            f"{verdict}: expected gain {self.expected_gain:+.3f} in accuracy "
            f"({self.votes_per_record:.1f} votes on a covered record, {self.conflicts:.0%} of them in conflict)"
        ]
        lines += [
            f"mend first: {name} (about {wrong:.0f} wrong votes)" for name, wrong in self.mend_first[:3]
        ]
        return "\n".join([*lines, *self.remarks])


def advise(model: LabelModel, votes: VoteMatrix | ArrayLike) -> Advice:
    """Judge a fitted model on votes, without gold.

    The expected gain is the mean of P(the model's label) - P(majority's label): where votes are few or never in
    conflict both label alike, and no model can help.

    Parameters
    ----------
    model : LabelModel
        Fitted.
    votes : VoteMatrix or array-like of int of shape (n_records, n_functions)
        Votes, -1 where a function abstains.
    """
    matrix = model.check_votes(votes)
    covered = matrix.covered()
    rows = matrix.take_rows(covered)
    k = model.cardinality
    proba = model.predict_proba(rows)
    hot = one_hot(rows)
    shares = MajorityLabelVoter(k).predict_proba(rows)
    first = shares >= shares.max(axis=1, keepdims=True) - 1e-9
    by_majority = (proba * first).sum(axis=1) / np.maximum(first.sum(axis=1), 1)
    gain = float((proba.max(axis=1) - by_majority).mean()) if len(proba) else 0.0
    record = np.repeat(np.arange(rows.n_records), np.diff(hot.indptr))
    doubt = 1 - proba[record, hot.indices % k]
    wrong = np.bincount(hot.indices // k, weights=doubt, minlength=rows.n_functions)
    order = np.lexsort((np.arange(len(wrong)), -wrong))
    remarks = []
    if covered.mean() < 0.5 if len(covered) else False:
        remarks.append(
            f"{1 - covered.mean():.0%} of the records have no vote: more functions help more than any model"
        )
    if model.balance_.source == "estimated" and model.one_sided_.any():
        remarks.append("the class balance is a rough estimate: give class_balance or Y_dev if you know it")
    remarks += [
        f"{', '.join(camp[:5])} share more than the classes: gold labels would show whether it is a cue or skill"
        for camp in model.camps_
    ]
    assumed = (
        [] if model.assumed_ is None else [n for n, a in zip(model.names_, model.assumed_, strict=True) if a]
    )
    if assumed:
        remarks.append(
            f"nothing tells how right {', '.join(assumed[:5])} are: more functions on their records would, or gold"
        )
    remarks += [str(found) for found in model.overruled_]
    silent = [
        name for name, rate in zip(model.names_, model.vote_rates_.sum(axis=1), strict=True) if rate == 0
    ]
    if silent:
        remarks.append(f"never vote: {', '.join(silent)}")
    if model.violators_:
        named = ", ".join(f"{name} for {model.schema_.name(c)}" for name, c in model.violators_[:5])
        remarks.append(f"votes that speak against their own class: {named}")
    return Advice(
        votes_per_record=float(np.diff(hot.indptr).mean()) if rows.n_records else 0.0,
        coverage=float(covered.mean()) if len(covered) else 0.0,
        conflicts=float((shares.max(axis=1) < 1 - 1e-9).mean()) if rows.n_records else 0.0,
        expected_gain=gain,
        use_model=gain >= WORTHWHILE,
        mend_first=tuple((rows.names[j], float(wrong[j])) for j in order if wrong[j] > 0),
        remarks=tuple(remarks),
    )
