"""Saying what is special about the members of a slice: metadata, terms of the reports, and records that stand for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence
from .rule import ConditionRule, Rule, normalised

CLEAR = 0.5
"""A trait is told from half a standard deviation of difference on."""

TELLING = 2.5
"""A term is told from this z of its log-odds on."""


@dataclass(frozen=True)
class Description:
    """A slice in words, and rows of it to look at."""

    text: str
    terms: tuple[str, ...]
    traits: tuple[str, ...]
    prototypes: tuple[int, ...]


def describe(
    rule: Rule,
    inside: NDArray[np.bool_],
    scores: NDArray[np.float64],
    evidence: Evidence,
    *,
    n_prototypes: int = 8,
) -> Description:
    """Describe the members of a slice against the rest of their class, or of all records."""
    used = np.ones(len(evidence), dtype=bool) if rule.label is None else evidence.y == rule.label
    rest = used & ~inside
    found_traits = traits(inside, rest, evidence)
    found_terms = telling_terms(inside, rest, evidence)
    words = rule.words() if rule.label is None else f"class {rule.label}, {rule.words()}"
    if not isinstance(rule, ConditionRule):
        told = [*found_traits[:2], *(f'"{term}"' for term in found_terms[:3])]
        words += f": {', '.join(told)}" if told else ""
    rows = np.flatnonzero(inside)
    order = np.lexsort((rows, -scores[rows], ~evidence.errors[rows]))
    return Description(words, found_terms, found_traits, tuple(rows[order[:n_prototypes]].tolist()))


def traits(inside: NDArray[np.bool_], rest: NDArray[np.bool_], evidence: Evidence) -> tuple[str, ...]:
    """Return metadata in which members differ, largest difference first."""
    found: list[tuple[float, str]] = []
    for name, column in evidence.metadata.items():
        if column.dtype.kind == "f":
            ours, others = column[inside], column[rest]
            ours, others = ours[~np.isnan(ours)], others[~np.isnan(others)]
            spread = float(np.concatenate([ours, others]).std()) if len(ours) and len(others) else 0.0
            if spread > 0:
                size = (float(ours.mean()) - float(others.mean())) / spread
                how = "higher" if size > 0 else "lower"
                found.append((abs(size), f"{name} {how} ({ours.mean():.3g} against {others.mean():.3g})"))
            continue
        for value in np.unique(column[inside]):
            here, there = float(np.mean(column[inside] == value)), float(np.mean(column[rest] == value))
            pooled = float(np.mean(column[inside | rest] == value))
            if 0 < pooled < 1:
                size = (here - there) / np.sqrt(pooled * (1 - pooled))
                found.append((size, f"{name} is {value or 'missing'} ({here:.0%} against {there:.0%})"))
    found.sort(key=lambda item: -item[0])
    return tuple(text for size, text in found if size >= CLEAR)[:5]


def telling_terms(
    inside: NDArray[np.bool_], rest: NDArray[np.bool_], evidence: Evidence, *, n_terms: int = 5
) -> tuple[str, ...]:
    """Return the words of the reports that members hold more often.

    References
    ----------
    B. Monroe, M. Colaresi, K. Quinn, "Fightin' words", Political Analysis 2008: log-odds with an informative
    Dirichlet prior, over its standard error.
    """
    if evidence.text is None or not inside.any() or not rest.any():
        return ()
    ours, others = (
        Counter(word for row in np.flatnonzero(rows) for word in set(normalised(evidence.text[row]).split()))
        for rows in (inside, rest)
    )
    total = ours + others
    n_ours, n_others = sum(ours.values()), sum(others.values())
    scale = 50.0 / max(sum(total.values()), 1)
    found = []
    for word, count in total.items():
        oftener = ours[word] * int(rest.sum()) > others[word] * int(inside.sum())
        if len(word) < 3 or ours[word] < 3 or not oftener:
            continue
        prior = count * scale
        a, b = ours[word] + prior, others[word] + prior
        delta = np.log(a / max(n_ours + 50 - a, 1e-9)) - np.log(b / max(n_others + 50 - b, 1e-9))
        found.append((float(delta / np.sqrt(1 / a + 1 / b)), word))
    found.sort(key=lambda item: (-item[0], item[1]))
    return tuple(word for z, word in found[:n_terms] if z >= TELLING)
