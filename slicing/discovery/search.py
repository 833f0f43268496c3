"""Exact search for short rules over metadata and words whose records are wrong more often than chance allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evidence import Evidence
from .rule import Condition, ConditionRule, Rule, normalised
from .scan import excess_ratio

MOST_WORDS = 8
"""A column with more words than this is asked for one word at a time."""


class RuleSearch:
    """Conjunctions of a few conditions on metadata and terms, the best of all of them.

    Numbers are cut at quantiles, and every range of neighbouring bins is a condition, or being outside it; of a column of
    few words, every word, every two, and all but one. Every pair of conditions is scored, and the best pairs are tried with
    a third one. With a depth of 3 all of three conditions are searched but those whose pair cannot hold a rule better than
    those kept, by a bound that is never too low.

    Parameters
    ----------
    depth : int, default 2
        Conditions up to which the search leaves nothing out, at most 3; a range counts as one.
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
    cost : float, default 0.5
        What a condition has to earn, in units of the log of how many there were to choose from: a column's only cut is
        believed sooner than the best of its 28 ranges, one condition sooner than two, and one word sooner than several.

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
        cost: float = 0.5,
    ) -> None:
        self.depth, self.n_bins, self.n_rules, self.least = depth, n_bins, n_rules, least
        self.n_terms, self.n_conditions, self.cost = n_terms, n_conditions, cost

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
        either = np.array(
            [condition.outside or isinstance(condition.value, tuple) for condition in conditions]
        )
        cost = self.cost * _surprise(columns, either)
        every = _Table(held.astype(np.float32), columns, cost, doubt, expected, self.least)
        ones = every.ones
        alone = every.score(ones.sum(axis=0), ones.T @ doubt, ones.T @ expected, cost)
        keep = np.sort(np.argsort(-alone, kind="stable")[: self.n_conditions])
        table = _Table(ones[:, keep], columns[keep], cost[keep], doubt, expected, self.least)
        scored = _lattice(table, self.depth, 50 * self.n_rules)
        return _different(
            [(score, tuple(int(keep[at]) for at in rule)) for score, rule in scored], held, self.n_rules
        )

    def _conditions(self, evidence: Evidence) -> tuple[list[Condition], NDArray[np.bool_]]:
        conditions: list[Condition] = []
        for name, column in evidence.metadata.items():
            if column.dtype.kind == "f":
                conditions += _ranges(name, column, self.n_bins)
                conditions += [Condition(name, value="")] if np.isnan(column).any() else []
            else:
                common = Counter(column.tolist()).most_common(40)
                values = [str(value) for value, n in common if n >= self.least]
                conditions += [Condition(name, value=value) for value in values]
                conditions += [Condition(name, value=chosen) for chosen in _sets(values)]
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
    cost: NDArray[np.float64]
    doubt: NDArray[np.float64]
    expected: NDArray[np.float64]
    least: int

    def score(self, sizes: Any, observed: Any, expected: Any, cost: Any) -> NDArray[np.float64]:
        """Return the scan statistic less the rule's cost; of regions too small, or without excess, minus infinity."""
        ratio = excess_ratio(observed, expected, float(self.doubt.sum()))
        return np.where((np.asarray(sizes) >= self.least) & (ratio > 0), ratio - cost, -np.inf)

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
    ones, doubt, due, cost = table.ones, table.doubt, table.expected, table.cost
    alone = table.score(ones.sum(axis=0), ones.T @ doubt, ones.T @ due, cost)
    singles: Scored = [(float(score), (at,)) for at, score in enumerate(alone) if np.isfinite(score)]
    best = sorted(singles, reverse=True)[:n_kept]
    if depth < 2 or len(alone) < 2:
        return best
    sizes, observed, expected = (
        ones.T @ (ones * part[:, None].astype(np.float32)) for part in (np.ones_like(doubt), doubt, due)
    )
    apart = np.triu(table.columns[:, None] != table.columns[None, :])
    pairs = np.where(apart, table.score(sizes, observed, expected, cost[:, None] + cost[None, :]), -np.inf)
    for flat in np.argsort(-pairs, axis=None, kind="stable")[:n_kept]:
        i, j = np.unravel_index(int(flat), pairs.shape)
        best.append((float(pairs[i, j]), (int(i), int(j))))
    best = sorted((item for item in best if np.isfinite(item[0])), reverse=True)[:n_kept]
    if depth < 3:
        return _grown(table, best, n_kept)
    return _triples(table, best, np.where(apart, observed, 0.0), n_kept)


def _grown(table: _Table, best: Scored, n_kept: int) -> Scored:
    """Add a third condition to those pairs that were kept, where it earns its cost."""
    found = dict.fromkeys(best)
    for before, rule in best:
        if len(rule) == 2:
            score, k = _third(table, *rule)
            if score > before:
                found[score, tuple(sorted((*rule, k)))] = None
    return sorted(found, reverse=True)[:n_kept]


def _third(table: _Table, i: int, j: int) -> tuple[float, int]:
    """Return the best condition beside two others, and the score of all three."""
    inside = (table.ones[:, i] > 0) & (table.ones[:, j] > 0)
    part, cost = table.ones[inside], table.cost + table.cost[i] + table.cost[j]
    score = table.score(part.sum(axis=0), part.T @ table.doubt[inside], part.T @ table.expected[inside], cost)
    score[(table.columns == table.columns[i]) | (table.columns == table.columns[j])] = -np.inf
    k = int(score.argmax())
    return float(score[k]), k


def _triples(table: _Table, best: Scored, mass: NDArray[np.float64], n_kept: int) -> Scored:
    """Add conjunctions of three; a pair whose bound is below the worst one kept is not looked into."""
    ones = table.ones > 0
    for flat in np.argsort(-mass, axis=None, kind="stable"):
        i, j = np.unravel_index(int(flat), mass.shape)
        limit = best[-1][0] if len(best) == n_kept else 0.0
        dear = float(table.cost[i] + table.cost[j] + table.cost.min())
        # at most all the pair's doubt, in as few rows as are allowed
        least_due = float(np.sort(table.expected)[: table.least].sum())
        most = float(excess_ratio(mass[i, j], least_due, float(table.doubt.sum())))
        if most - 3 * float(table.cost.min()) <= limit or mass[i, j] <= 0:
            break
        inside = ones[:, i] & ones[:, j]
        if table.bound(inside) - dear <= limit:
            continue
        score, k = _third(table, int(i), int(j))
        if score > limit:
            best = sorted([*best, (score, (int(i), int(j), k))], reverse=True)[:n_kept]
    return best


def _surprise(columns: NDArray[np.str_], either: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log of how many conditions each could have been: that many columns, so many cuts of its own.

    What holds either of two ranges, or of several words, could have been so many of so many.
    """
    names, column = np.unique(columns, return_inverse=True)
    n_cuts = np.maximum(np.bincount(column[~either], minlength=len(names)), 1)
    found: NDArray[np.float64] = np.log(len(names)) + (1 + either) * np.log(n_cuts[column])
    return found


def _sets(values: list[str]) -> list[tuple[str, ...]]:
    """Return every two of a column's words, and all but one, where the words are few."""
    if not 3 <= len(values) <= MOST_WORDS:
        return []
    found = [*combinations(values, 2), *combinations(values, len(values) - 1)]
    return [tuple(sorted(chosen)) for chosen in dict.fromkeys(found)]


def _different(
    scored: list[tuple[float, tuple[int, ...]]], table: NDArray[np.bool_], n_rules: int
) -> list[tuple[int, ...]]:
    kept: list[tuple[tuple[int, ...], NDArray[np.bool_]]] = []
    for _, rule in sorted(scored, key=lambda item: (-item[0], item[1])):
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
        Condition(name, low=low, high=high, outside=outside)
        for start, low in enumerate(edges)
        for high in edges[start + 1 :]
        for outside in ([False] if np.isinf(low) or np.isinf(high) else [False, True])
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
