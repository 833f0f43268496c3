"""Exact search for short rules over metadata and words whose records are wrong more often than chance allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence
from .rule import Condition, ConditionRule, Rule, normalised
from .scan import excess_ratio


class RuleSearch:
    """Conjunctions of a few conditions on metadata and terms, the best of all of them.

    Numbers are cut at quantiles, and every range of neighbouring bins is a condition. Every pair is scored; of three
    conditions only those whose pair could still hold a rule better than those kept, by a bound that is never too low.

    Parameters
    ----------
    depth : int, default 2
        Most conditions in a rule, up to 3; a range counts as one.
    n_bins : int, default 8
        Bins of a number.
    n_rules : int, default 4
        Candidates for each class, and over all classes.
    least : int, default 8
        Records of a rule, at least.
    n_terms : int, default 200
        Most terms (one or two words) of the text that become conditions.
    n_conditions : int, default 300
        Most conditions; those that say most alone are kept.

    References
    ----------
    S. Sagadeeva, M. Boehm, "SliceLine: fast, linear-algebra-based slice finding", SIGMOD 2021: lattice, products of
    one-hot matrices, upper bounds. The score is a scan statistic here (`excess_ratio`), and ranges are conditions.
    """

    name = "rules"

    def __init__(
        self,
        depth: int = 2,
        n_bins: int = 8,
        n_rules: int = 4,
        least: int = 8,
        n_terms: int = 200,
        n_conditions: int = 300,
    ) -> None:
        self.depth, self.n_bins, self.n_rules, self.least = depth, n_bins, n_rules, least
        self.n_terms, self.n_conditions = n_terms, n_conditions

    def propose(self, evidence: Evidence, seed: int = 0) -> list[Rule]:
        """Return the best rules that differ."""
        found: list[Rule] = []
        conditions, table = self._conditions(evidence)
        if not conditions:
            return found
        for label in [*evidence.classes, None]:
            rows = np.flatnonzero(evidence.y == label) if label is not None else np.arange(len(evidence))
            if len(rows) < 4 * self.least:
                continue
            for chosen in self._search(conditions, table[rows], evidence.take(rows)):
                rule = tuple(conditions[column] for column in chosen)
                found.append(ConditionRule(self.name, rule, label))
        return found

    def _search(
        self, conditions: list[Condition], held: NDArray[np.bool_], evidence: Evidence
    ) -> list[tuple[int, ...]]:
        doubt = evidence.doubt
        expected = np.array([doubt[evidence.y == label].mean() for label in evidence.y])
        columns = np.array([condition.column + (condition.term or "") for condition in conditions])
        every = _Table(held.astype(np.float32), columns, doubt, expected, self.least)
        ones = every.ones
        alone = every.score(ones.sum(axis=0), ones.T @ doubt, ones.T @ expected)
        keep = np.sort(np.argsort(-alone, kind="stable")[: self.n_conditions])
        table = _Table(ones[:, keep], columns[keep], doubt, expected, self.least)
        scored = _lattice(table, self.depth, 50 * self.n_rules)
        return _different(
            [(score, tuple(int(keep[at]) for at in rule)) for score, rule in scored], held, self.n_rules
        )

    def _conditions(self, evidence: Evidence) -> tuple[list[Condition], NDArray[np.bool_]]:
        conditions: list[Condition] = []
        for name, column in evidence.metadata.items():
            if column.dtype.kind == "f":
                conditions += _ranges(name, column, self.n_bins)
            else:
                common = Counter(column.tolist()).most_common(40)
                conditions += [Condition(name, value=str(value)) for value, n in common if n >= self.least]
        columns = [condition(evidence.metadata) for condition in conditions]
        for term, column in _terms(evidence.text, self.n_terms, self.least).items():
            conditions.append(Condition("text", term=term))
            columns.append(column)
        kept = [at for at, column in enumerate(columns) if self.least <= column.sum() < len(column)]
        table = np.array([columns[at] for at in kept], dtype=bool).reshape(len(kept), len(evidence)).T
        return [conditions[at] for at in kept], table


@dataclass(frozen=True, eq=False)
class _Table:
    """Who fulfils each condition, and what there is to explain."""

    ones: NDArray[np.float32]
    columns: NDArray[np.str_]
    doubt: NDArray[np.float64]
    expected: NDArray[np.float64]
    least: int

    def score(self, sizes: Any, observed: Any, expected: Any) -> NDArray[np.float64]:
        """Return the scan statistic of regions large enough, 0 for the others."""
        ratio = excess_ratio(observed, expected, float(self.doubt.sum()))
        return np.where(np.asarray(sizes) >= self.least, ratio, 0.0)

    def bound(self, inside: NDArray[np.bool_]) -> float:
        """Return a score that no part of these rows can exceed: its worst rows first, however many."""
        worst = np.sort(self.doubt[inside])[::-1]
        if len(worst) < self.least:
            return 0.0
        due = np.sort(self.expected[inside])
        ratio = excess_ratio(np.cumsum(worst), np.cumsum(due), float(self.doubt.sum()))
        return float(ratio[self.least - 1 :].max())


Scored = list[tuple[float, tuple[int, ...]]]


def _lattice(table: _Table, depth: int, n_kept: int) -> Scored:
    """Return the `n_kept` best conjunctions of up to `depth` conditions, level by level."""
    ones, doubt, due = table.ones, table.doubt, table.expected
    alone = table.score(ones.sum(axis=0), ones.T @ doubt, ones.T @ due)
    singles: Scored = [(float(score), (at,)) for at, score in enumerate(alone) if score > 0]
    best = sorted(singles, reverse=True)[:n_kept]
    if depth < 2 or len(alone) < 2:
        return best
    weighed = [
        ones.T @ (ones * part[:, None].astype(np.float32)) for part in (np.ones_like(doubt), doubt, due)
    ]
    apart = np.triu(table.columns[:, None] != table.columns[None, :])
    pairs = np.where(apart, table.score(*weighed), 0.0)
    for flat in np.argsort(-pairs, axis=None, kind="stable")[:n_kept]:
        i, j = np.unravel_index(int(flat), pairs.shape)
        best.append((float(pairs[i, j]), (int(i), int(j))))
    best = sorted((item for item in best if item[0] > 0), reverse=True)[:n_kept]
    return best if depth < 3 else _triples(table, best, np.where(apart, weighed[1], 0.0), n_kept)


def _triples(table: _Table, best: Scored, mass: NDArray[np.float64], n_kept: int) -> Scored:
    """Add conjunctions of three; a pair whose bound is below the worst one kept is not looked into."""
    ones = table.ones > 0
    for flat in np.argsort(-mass, axis=None, kind="stable"):
        i, j = np.unravel_index(int(flat), mass.shape)
        limit = best[-1][0] if len(best) == n_kept else 0.0
        # at most all the pair's doubt, in as few rows as are allowed
        least_due = float(np.sort(table.expected)[: table.least].sum())
        if float(excess_ratio(mass[i, j], least_due, float(table.doubt.sum()))) <= limit or mass[i, j] <= 0:
            break
        inside = ones[:, i] & ones[:, j]
        if table.bound(inside) <= limit:
            continue
        part = table.ones[inside]
        score = table.score(part.sum(axis=0), part.T @ table.doubt[inside], part.T @ table.expected[inside])
        score[(table.columns == table.columns[i]) | (table.columns == table.columns[j])] = 0
        k = int(score.argmax())
        if score[k] > limit:
            best = sorted([*best, (float(score[k]), (int(i), int(j), k))], reverse=True)[:n_kept]
    return best


def _different(
    scored: list[tuple[float, tuple[int, ...]]], table: NDArray[np.bool_], n_rules: int
) -> list[tuple[int, ...]]:
    kept: list[tuple[tuple[int, ...], NDArray[np.bool_]]] = []
    # at a like score the shorter rule: a condition has to earn its place
    for _, rule in sorted(scored, key=lambda item: (-item[0] + 1.0 * len(item[1]), item[1])):
        inside = np.logical_and.reduce(table[:, list(rule)], axis=1)
        if all(np.sum(inside & other) <= 0.6 * np.sum(inside | other) for _, other in kept):
            kept.append((rule, inside))
            if len(kept) == n_rules:
                break
    return [rule for rule, _ in kept]


def _ranges(name: str, column: NDArray[np.float64], n_bins: int) -> list[Condition]:
    known = column[~np.isnan(column)]
    if not len(known):
        return []
    values = np.unique(known)
    if len(values) <= n_bins:
        cuts = (values[1:] + values[:-1]) / 2
    else:
        cuts = np.unique(np.quantile(known, np.arange(1, n_bins) / n_bins))
    edges = [-np.inf, *cuts.tolist(), np.inf]
    return [
        Condition(name, low=low, high=high)
        for start, low in enumerate(edges)
        for high in edges[start + 1 :]
        if not (np.isinf(low) and np.isinf(high))
    ]


def _terms(text: tuple[str, ...] | None, n_terms: int, least: int) -> dict[str, NDArray[np.bool_]]:
    """Return the commonest terms of one or two words that are not in nearly every text."""
    if text is None:
        return {}
    counts: Counter[str] = Counter()
    held = []
    for document in text:
        words = normalised(document).split()
        terms = {word for word in words if len(word) > 2}
        terms |= {f"{first} {second}" for first, second in pairwise(words)}
        held.append(terms)
        counts.update(terms)
    useful = [(term, n) for term, n in counts.items() if least <= n <= 0.9 * len(text)]
    useful.sort(key=lambda item: (-item[1], item[0]))
    return {term: np.array([term in terms for terms in held], dtype=bool) for term, _ in useful[:n_terms]}
