"""Several discoverers propose slices on one half of the patients, and the other half confirms them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.seeds import derive_seed, generator
from sidelight.labeling.statistics import Interval, clustered_proportion, holm, interval_difference

from .clusters import ClusterWithinClass
from .describe import describe
from .error_mixture import ErrorMixture
from .evidence import Evidence, as_evidence
from .found import Discovery, FoundSlice
from .ranking import Ranking, jaccard, made_of
from .rule import Rule, members
from .scan import concentration_p, excess_ratio
from .search import RuleSearch
from .spotlight import ErrorSpotlight


class Discoverer(Protocol):
    """Proposes rules from the records it is shown; knows nothing of others."""

    name: str

    def propose(self, evidence: Evidence, seed: int = 0) -> list[Rule]:
        """Return candidates."""


DISCOVERERS: dict[str, type[Any]] = {
    "clusters": ClusterWithinClass,
    "error-mixture": ErrorMixture,
    "rules": RuleSearch,
    "spotlight": ErrorSpotlight,
}
"""Discoverers by name."""


AGAIN = 0.65
"""What a further slice of a class, or of a discoverer, counts beside the first, when slices are chosen to be shown."""


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A rule with how it did on the half that did not make it."""

    rule: Rule
    side: int
    inside: NDArray[np.bool_]
    n: int
    n_patients: int
    error_rate: Interval
    rest_rate: Interval
    gap: Interval
    foreseen: float
    p: float


def discover(
    y: ArrayLike,
    proba: ArrayLike,
    *,
    embeddings: Any = None,
    metadata: Any = None,
    text: Sequence[str] | None = None,
    patients: ArrayLike | None = None,
    methods: Iterable[str | Discoverer] = tuple(sorted(DISCOVERERS)),
    level: float = 0.05,
    margin: float = 0.05,
    least: int = 8,
    n_candidates: int = 15,
    n_slices: int = 5,
    overlap: float = 0.5,
    positive: int | None = 1,
    seed: int = 0,
) -> Discovery:
    """Search for subsets in which the model errs more often than its classes explain.

    The patients are cut in two halves. What is found on one is tested on the other, both ways round, and all these
    tests are one family.

    Parameters
    ----------
    y : array-like of int of shape (n_records,)
        Gold classes of records that the model was not trained on.
    proba : array-like of shape (n_records,) or (n_records, n_classes)
        The model's probabilities.
    embeddings : array-like of shape (n_records, n_features) or mapping of name to such, optional
        The model's features, those of an independent encoder, or both; the first is taken for the audited model's
        own, and the others, with the metadata, tell how much alike a slice's members are.
    metadata : DataFrame or mapping of name to column, optional
        What rules are made of.
    text : sequence of str, optional
        Reports: their terms become conditions and descriptions.
    patients : array-like of shape (n_records,), optional
        The patient of each record.
    methods : iterable of str or discoverer, default all
        Names in `DISCOVERERS`, or objects with ``name`` and ``propose(evidence, seed)``.
    level : float, default 0.05
        Chance that even one confirmed slice is a false alarm, after Holm.
    margin : float, default 0.05
        Least gap in error rate of a confirmed slice.
    least : int, default 8
        Records of a slice on either half, at least.
    n_candidates : int, default 15
        Most candidates of a half that are tested.
    n_slices : int, default 5
        Most slices returned.
    overlap : float, default 0.5
        Two slices with a larger share of members in common (Jaccard) are one; the better one stays. Where only one of them
        lies within a class the limit is halfway from this to 1.
    positive : int or None, default 1
        Of two classes the one that is a finding: slices in which findings are missed lead those of false alarms. None, and
        more than two classes: all errors count alike.
    seed : int, default 0
        Of the cut and the discoverers.

    Returns
    -------
    Discovery
        Confirmed slices first, those with much evidence behind them, many errors and members that keep together leading
        (`Ranking`), a class's or a discoverer's further slices counting less than its first; then the best of those
        that are not confirmed.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> y, site = random.integers(0, 2, 800), random.integers(0, 4, 800)
    >>> wrong = random.random(800) < np.where(site == 3, 0.4, 0.05)
    >>> found = discover(y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, metadata={"site": site}, positive=None)
    >>> found.confirmed[0].description
    'site > 2.5'
    """
    evidence = as_evidence(y, proba, embeddings=embeddings, metadata=metadata, text=text, patients=patients)
    proposers = [DISCOVERERS[known(method)]() if isinstance(method, str) else method for method in methods]
    cut = halves(evidence.patients, seed)
    candidates: list[_Candidate] = []
    for side in (0, 1):
        shown, held = np.flatnonzero(cut == side), np.flatnonzero(cut != side)
        rules = [
            rule
            for proposer in proposers
            for rule in proposer.propose(evidence.take(shown), derive_seed(seed, "discovery", proposer.name))
        ]
        candidates += _confirmed(
            _best(rules, evidence, shown, least, n_candidates), side, evidence, held, least, seed
        )
    adjusted = holm([candidate.p for candidate in candidates])
    sure = [
        q <= level and candidate.gap.estimate >= margin
        for q, candidate in zip(adjusted.tolist(), candidates, strict=True)
    ]
    ranking = Ranking(
        [
            (candidate.inside, candidate.p)
            for candidate, is_sure in zip(candidates, sure, strict=True)
            if is_sure
        ],
        evidence,
        positive,
    )
    worth = [
        ranking.worth(candidate.inside, candidate.error_rate.estimate, made_of(candidate.rule))
        if is_sure
        else -candidate.p
        for candidate, is_sure in zip(candidates, sure, strict=True)
    ]
    chosen = _shown(candidates, worth, n_slices, overlap)
    pointed_at = ranking.records()
    kept: list[FoundSlice] = []
    for place, at in enumerate(chosen, start=1):
        candidate = candidates[at]
        typical = ranking.typical(
            candidate.inside, made_of(candidate.rule), candidate.rule.score(evidence), pointed_at
        )
        scores = np.where(candidate.inside, 0.5 + 0.5 * typical, 0.0)
        kept.append(_found(candidate, float(adjusted[at]), sure[at], candidates, evidence, scores, place))
        pointed_at = pointed_at * ~candidate.inside  # evidence is spent on the slice that shows it first
    return Discovery(
        slices=tuple(kept),
        n_records=len(evidence),
        n_patients=len(np.unique(evidence.patients)),
        n_tests=len(candidates),
        settings={
            "methods": [proposer.name for proposer in proposers], "level": level, "margin": margin, "least": least,
            "n_candidates": n_candidates, "overlap": overlap, "positive": positive, "seed": seed,
        },
    )  # fmt: skip


def known(method: str) -> str:
    """Return the name of a discoverer, or say which there are."""
    if method not in DISCOVERERS:
        raise ValueError(f"method is {method!r}; known by name: {', '.join(sorted(DISCOVERERS))}")
    return method


def halves(patients: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Return 0 or 1 for each record, the same for all of a patient, half of the patients each."""
    names, codes = np.unique(patients, return_inverse=True)
    order = generator(seed, "discovery", "halves").permutation(len(names))
    return np.asarray((order % 2)[codes], dtype=np.intp)


def _best(
    rules: Iterable[Rule], evidence: Evidence, shown: NDArray[np.intp], least: int, n_candidates: int
) -> list[tuple[Rule, NDArray[np.bool_]]]:
    """Return the rules that look most promising where they were found, without near copies.

    Discoverers take turns: how promising their own rules look is not comparable, since some have seen the errors and some
    have tried many more rules than others.
    """
    part = evidence.take(shown)
    doubt = part.doubt
    expected = np.zeros(len(part))
    for label in part.classes:
        expected[part.y == label] = doubt[part.y == label].mean()
    scored: dict[str, list[tuple[float, Rule, NDArray[np.bool_]]]] = {}
    for rule in rules:
        inside = members(rule, evidence)
        here = inside[shown]
        used = np.ones(len(part), dtype=bool) if rule.label is None else part.y == rule.label
        if here.sum() < least or not (used & ~here).any():
            continue
        ratio = float(excess_ratio(doubt[here].sum(), expected[here].sum(), float(doubt[used].sum())))
        if ratio > 0:
            scored.setdefault(rule.method, []).append((ratio, rule, inside))
    queues = [sorted(part, key=lambda item: -item[0]) for part in scored.values()]
    queues.sort(key=lambda queue: -queue[0][0])
    kept: list[tuple[Rule, NDArray[np.bool_]]] = []
    while any(queues) and len(kept) < n_candidates:
        for queue in queues:
            new = (
                at
                for at, (_, _, inside) in enumerate(queue)
                if all(jaccard(inside, other) <= 0.8 for _, other in kept)
            )
            at = next(new, len(queue))
            if at < len(queue) and len(kept) < n_candidates:
                kept.append(queue[at][1:])
            del queue[: at + 1]
    return kept


def _shown(
    candidates: Sequence[_Candidate], worth: Sequence[float], n_slices: int, overlap: float
) -> list[int]:
    """Return which candidates are shown, in order: the worthiest, each class's and each discoverer's next counting less.

    What is confirmed has a worth above 0. A class that fails in many forms must not crowd out what fails elsewhere, nor a
    discoverer that finds one failing in many forms what others see.
    """
    chosen: list[int] = []
    left = set(range(len(candidates)))

    def rank(at: int) -> tuple[float, int]:
        rule, before = candidates[at].rule, [candidates[other].rule for other in chosen]
        again = sum((other.label == rule.label) + (other.method == rule.method) for other in before)
        return worth[at] * (AGAIN**again if worth[at] > 0 else 1.0), -at

    while left and len(chosen) < n_slices:
        best = max(left, key=rank)
        chosen.append(best)
        left = {at for at in left if at != best and not _one(candidates[at], candidates[best], overlap)}
    return chosen


def _one(first: _Candidate, second: _Candidate, overlap: float) -> bool:
    """Return whether two candidates are one slice; a region and its part in one class need more in common for that."""
    most = overlap if first.rule.label == second.rule.label else (1 + overlap) / 2
    return jaccard(first.inside, second.inside) > most


def _confirmed(
    rules: Iterable[tuple[Rule, NDArray[np.bool_]]],
    side: int,
    evidence: Evidence,
    held: NDArray[np.intp],
    least: int,
    seed: int,
) -> list[_Candidate]:
    """Test rules on records that had no part in them; a rule with too few members there is left out."""
    part = evidence.take(held)
    tested: list[tuple[Rule, NDArray[np.bool_], NDArray[np.bool_]]] = []
    for rule, inside in rules:
        used = np.ones(len(part), dtype=bool) if rule.label is None else part.y == rule.label
        rest = used & ~inside[held]
        if inside[held].sum() >= least and rest.sum() >= least:
            tested.append((rule, inside, rest))
    p = concentration_p(part, [(inside[held], rule.label) for rule, inside, _ in tested], seed)
    found = []
    for (rule, inside, rest), chance in zip(tested, p, strict=True):
        here = inside[held]
        rates = [clustered_proportion(part.errors[chosen], part.patients[chosen]) for chosen in (here, rest)]
        found.append(
            _Candidate(
                rule,
                side,
                inside,
                int(here.sum()),
                len(np.unique(part.patients[here])),
                rates[0],
                rates[1],
                interval_difference(rates[0], rates[1]),
                float(1 - part.proba[here].max(axis=1).mean()),
                chance,
            )
        )
    return found


def _found(
    candidate: _Candidate,
    q: float,
    sure: bool,
    others: list[_Candidate],
    evidence: Evidence,
    scores: NDArray[np.float64],
    place: int,
) -> FoundSlice:
    agreement = [jaccard(candidate.inside, other.inside) for other in others if other.side != candidate.side]
    told = describe(candidate.rule, candidate.inside, scores, evidence)
    return FoundSlice(
        name=f"found_{place}",
        rule=candidate.rule,
        members=candidate.inside,
        scores=scores,
        n=candidate.n,
        n_patients=candidate.n_patients,
        error_rate=candidate.error_rate,
        rest_rate=candidate.rest_rate,
        gap=candidate.gap,
        foreseen=candidate.foreseen,
        p=candidate.p,
        q=q,
        confirmed=sure,
        stability=max(agreement, default=0.0),
        description=told.text,
        terms=told.terms,
        traits=told.traits,
        prototypes=told.prototypes,
    )
