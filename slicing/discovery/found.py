"""What discovery returns: slices that can be read, audited, and asked of new records."""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling.statistics import Interval

from ..function import SlicingFunction
from ..matrix import SliceMatrix
from ..report import plain_value
from .evidence import Evidence, as_evidence
from .rule import Rule, members


@dataclass(frozen=True, eq=False)
class FoundSlice:
    """One slice that was found on some patients and tested on others.

    Parameters
    ----------
    name : str
        "found_1" is the first in rank.
    rule : Rule
        Who belongs.
    members : ndarray of bool of shape (n_records,)
        Who belongs among all records searched.
    scores : ndarray of shape (n_records,)
        How typical each member is, from 0.5 to 1: the mean of the rule's own score, of how much evidence points at the
        record that no slice ranked before has shown, and of the doubt and the members around it; 0 outside.
    n, n_patients : int
        Members among the records that tested the slice, and their patients.
    error_rate, rest_rate, gap : Interval
        Share of wrong predictions in the slice, in the rest of its class (of all classes), and their difference, on
        the records that tested it; bounds are between patients. These records had no part in finding the slice, but of
        many slices tested the confirmed ones stand out by luck too: a gap is rather too large than too small.
    foreseen : float
        The error rate that the model's own probabilities foretell of these members: near `error_rate` where the model
        is unsure and says so, far below it where it is wrong without knowing.
    p, q : float
        One-sided p of the test, and the same after Holm over all tests of the search.
    confirmed : bool
        Whether q is at most the level and the gap at least the margin.
    stability : float
        Largest share of members in common (Jaccard) with a slice proposed from the other half of the patients.
    description : str
        The rule, and what else is special about its members.
    terms, traits : tuple of str
        Terms of the text, and metadata, that tell members from the rest of their class.
    prototypes : tuple of int
        Rows of members that stand for the slice, wrongly predicted ones first.
    """

    name: str
    rule: Rule
    members: NDArray[np.bool_]
    scores: NDArray[np.float64]
    n: int
    n_patients: int
    error_rate: Interval
    rest_rate: Interval
    gap: Interval
    foreseen: float
    p: float
    q: float
    confirmed: bool
    stability: float
    description: str
    terms: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    prototypes: tuple[int, ...] = ()

    @property
    def label(self) -> int | None:
        """The class the slice lies within; None for all."""
        return self.rule.label

    @property
    def method(self) -> str:
        """The discoverer that proposed it."""
        return self.rule.method

    def assign(
        self, labels: Any = None, *, embeddings: Any = None, metadata: Any = None, text: Any = None
    ) -> NDArray[np.bool_]:
        """Return who belongs among other records.

        Parameters
        ----------
        labels : array-like of int of shape (n_records,), optional
            Classes; without them a slice within a class takes everyone its rule fits, whatever the class.
        embeddings, metadata, text
            As for `discover`; those the rule is made of.
        """
        given = embeddings if isinstance(embeddings, Mapping) else {"embedding": embeddings}
        first = next(
            (
                values
                for values in (
                    labels,
                    text,
                    *given.values(),
                    *(dict(metadata) if metadata is not None else {}).values(),
                )
                if values is not None
            ),
            None,
        )
        if first is None:
            raise ValueError("assign needs records: labels, embeddings, metadata or text")
        n = len(first)
        y = np.zeros(n, dtype=np.int64) if labels is None else np.asarray(labels)
        known = Evidence(
            y=y.astype(np.int64),
            proba=np.zeros((n, 1)),
            patients=np.arange(n),
            **_given(embeddings, metadata, text, n),
        )
        inside = self.rule.score(known) >= 0.5
        return members(self.rule, known) if labels is not None else inside

    def to_function(self, name: str | None = None, *, label_field: str | None = None) -> SlicingFunction:
        """Return the slice as a slicing function, ready for training and audits.

        Parameters
        ----------
        name : str, optional
            The slice's own name when not given.
        label_field : str, optional
            Field of the record with its class number. Without it a slice within a class takes everyone its rule fits:
            that is what is known of a record that has no label yet.

        Notes
        -----
        Records bring what the rule is made of as fields: a vector under the embedding's name, the metadata under
        their columns' names, the report as `text`.
        """
        digest = hashlib.sha256(pickle.dumps(self.rule)).hexdigest()[:16]
        return SlicingFunction(
            name or self.name,
            ask_rule,
            resources={"rule": self.rule, "label_field": label_field},
            version=digest,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a report tells, as plain values; rows of prototypes and members stay out of it."""
        return {
            "name": self.name, "method": self.method, "label": self.label, "description": self.description,
            "n": self.n, "n_patients": self.n_patients, "n_members": int(self.members.sum()),
            "error_rate": self.error_rate.to_json(), "rest_rate": self.rest_rate.to_json(),
            "gap": self.gap.to_json(), "foreseen": plain_value(self.foreseen), "p": plain_value(self.p), "q": plain_value(self.q),
            "confirmed": self.confirmed, "stability": self.stability, "terms": list(self.terms),
            "traits": list(self.traits),
        }  # fmt: skip

    def __str__(self) -> str:
        verdict = "confirmed" if self.confirmed else "not confirmed"
        if math.isnan(self.error_rate.estimate):
            told = f"{self.error_rate.reason}, stability {self.stability:.2f}, {verdict}"
            return f"{self.name}: {self.description}; errors withheld (n={self.n}, {told})"
        return (
            f"{self.name}: {self.description}; errors {self.error_rate} against {self.rest_rate.estimate:.3f} "
            f"(n={self.n}, p={self.q:.2g} corrected, stability {self.stability:.2f}, {verdict})"
        )


def ask_rule(record: Any, rule: Rule, label_field: str | None = None) -> bool:
    """Return whether one record belongs to a found slice; the body of `FoundSlice.to_function`."""
    projection = getattr(rule, "projection", None)
    embeddings, metadata, text = {}, {}, None
    if projection is not None:
        embeddings[projection.view] = np.asarray(record[projection.view], dtype=np.float64).reshape(1, -1)
    for condition in getattr(rule, "conditions", ()):
        if condition.term is not None:
            text = [record["text"]]
        else:
            metadata[condition.column] = [record[condition.column]]
    known = as_evidence([0], [[1.0]], embeddings=embeddings, metadata=metadata, text=text)
    inside = bool(rule.score(known)[0] >= 0.5)
    if label_field is None or rule.label is None:
        return inside
    return inside and int(record[label_field]) == rule.label


def _given(embeddings: Any, metadata: Any, text: Any, n_records: int) -> dict[str, Any]:
    known = as_evidence(
        np.zeros(n_records, dtype=int),
        np.ones((n_records, 1)),
        embeddings=embeddings,
        metadata=metadata,
        text=text,
    )
    return {"embeddings": known.embeddings, "metadata": known.metadata, "text": known.text}


@dataclass(frozen=True, eq=False)
class Discovery:
    """Slices in order of rank, confirmed ones first.

    Parameters
    ----------
    slices : tuple of FoundSlice
        At most as many as were asked for.
    n_records, n_patients : int
        Records searched, and their patients.
    n_tests : int
        Size of the family that the p-values are corrected for.
    settings : mapping
        The arguments of `discover`.
    """

    slices: tuple[FoundSlice, ...]
    n_records: int
    n_patients: int
    n_tests: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def confirmed(self) -> tuple[FoundSlice, ...]:
        """The slices that the other half of the patients confirmed."""
        return tuple(found for found in self.slices if found.confirmed)

    def matrix(self, *, confirmed: bool = True, ids: Any = None) -> SliceMatrix:
        """Return membership of the records searched; of confirmed slices, or of all."""
        chosen = self.confirmed if confirmed else self.slices
        values = np.zeros((self.n_records, len(chosen)), dtype=bool)
        for column, found in enumerate(chosen):
            values[:, column] = found.members
        return SliceMatrix(
            values,
            tuple(found.name for found in chosen),
            None if ids is None else np.asarray(ids).astype(np.str_),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the search as plain values."""
        return {
            "n_records": self.n_records, "n_patients": self.n_patients, "n_tests": self.n_tests,
            "settings": dict(self.settings), "slices": [found.to_json() for found in self.slices],
        }  # fmt: skip

    def __str__(self) -> str:
        n = len(self.confirmed)
        head = f"{n} confirmed slice{'' if n == 1 else 's'}; {self.n_tests} candidates were tested on other patients."
        return "\n".join([head, *(f"  {found}" for found in self.slices)])
