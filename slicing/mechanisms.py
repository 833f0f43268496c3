"""Why a slice fails: rare in training, wrongly labeled, hard to see, or carried by something beside the point."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sidelight.labeling.statistics import Interval, clustered_proportion, group_codes, interval_difference

from .forest import signed
from .share_gap import gap_between

REMEDIES = {
    "low prevalence": "collect more such records, or draw them more often in training",
    "label noise": "mend the labeling functions there, or label by hand, before any re-weighting",
    "subtle features": "better signals, closer annotation or a larger model; re-weighting alone will not help",
    "spurious correlate": "balance the attribute against the label in training, or remove it from the input",
}
"""What to do about each mechanism."""

HARD = 0.1
"""Share of the training records taken for the hardest."""


@dataclass(frozen=True)
class Mechanism:
    """One of the four ways a slice can come to fail, with what speaks for it.

    Parameters
    ----------
    name : str
        A key of `REMEDIES`.
    fits : bool or None
        Whether the evidence speaks for it; None where what it needs was not given.
    evidence : str
        The numbers, in words.
    remedy : str
        What to do if it fits.
    """

    name: str
    fits: bool | None
    evidence: str
    remedy: str


@dataclass(frozen=True, eq=False)
class TrainingView:
    """What is known of the training records.

    Parameters
    ----------
    labels : array-like of int of shape (n_records,)
        The labels trained on, -1 where none.
    slices : array-like of bool of shape (n_records,)
        Who belongs to the slice.
    proba : array-like of shape (n_records, n_classes), optional
        The trained model's probabilities of its own training records.
    gold : array-like of int of shape (n_records,), optional
        True classes of some training records, -1 elsewhere.
    patients : array-like of shape (n_records,), optional
    """

    labels: ArrayLike
    slices: ArrayLike
    proba: ArrayLike | None = None
    gold: ArrayLike | None = None
    patients: ArrayLike | None = None


def explain_slice(
    inside: ArrayLike,
    y: ArrayLike,
    proba: ArrayLike,
    training: TrainingView,
    *,
    attributes: Mapping[str, ArrayLike] | None = None,
    patients: ArrayLike | None = None,
    classes: Sequence[str] = (),
    level: float = 0.05,
    few: int = 100,
) -> tuple[Mechanism, ...]:
    """Look for each of the four mechanisms of hidden stratification; more than one may fit.

    Parameters
    ----------
    inside : array-like of bool of shape (n_records,)
        Who of the audited records belongs to the slice.
    y : array-like of int of shape (n_records,)
        Their gold classes.
    proba : array-like of shape (n_records, n_classes)
        The model's probabilities.
    training : TrainingView
        What is known of the training records.
    attributes : mapping of str to array-like of bool of shape (n_records,), optional
        What a model might lean on instead of the disease: a tube, a device, a site.
    patients : array-like of shape (n_records,), optional
        The patient of each audited record.
    classes : sequence of str, optional
        Names of the classes, for the evidence.
    level : float, default 0.05
        Level of each test; those of attributes are divided by their number.
    few : int, default 100
        Fewer training records than this in a slice can be too few, if they are also rarer than when audited.

    Notes
    -----
    - low prevalence: a share of the training records less than half of the audit's; or less than four fifths of it,
      fewer than `few` records, and fewer than three in twenty; and in either case less by more than chance explains (the
      interval of the difference, between patients, lies below zero).
    - label noise: labels agree with gold less often inside the slice than outside, by at least five points.
    - subtle features: the model is wrong on its own training members more often than on the rest, by at least five
      points, or these lie among the hardest tenth of its training records, those whose label it finds least likely,
      more often by at least fifteen (a network may know its training records by heart and still find these hard); and
      none of the others fits.
    - spurious correlate: within one class the model is right more often with the attribute, within another without it
      (both at `level`, and together at `level` over the number of attributes, after Fisher); the members of the slice
      are on the side where it fails; and other records of the same class there fail too, so that the side accounts for
      half of the slice's gap or more. What marks the disease itself turns around likewise, but does not account for it.

    References
    ----------
    L. Oakden-Rayner et al., "Hidden stratification causes clinically meaningful failures in machine learning for
    medical imaging", CHIL 2020, arXiv 1909.12475: the four mechanisms.

    Examples
    --------
    >>> y = np.arange(400) % 2
    >>> late = np.arange(400) >= 300
    >>> training = TrainingView(labels=y, slices=np.arange(400) >= 395)
    >>> [found.name for found in explain_slice(late, y, np.eye(2)[y], training) if found.fits]
    ['low prevalence']
    """
    member = np.asarray(inside, dtype=bool)
    gold, scores = np.asarray(y), np.asarray(proba, dtype=np.float64)
    if not len(member) == len(gold) == len(scores):
        raise ValueError(f"{len(member)} memberships, {len(gold)} golds and {len(scores)} predictions")
    trained = np.asarray(training.slices, dtype=bool)
    labels = np.asarray(training.labels)
    if len(trained) != len(labels):
        raise ValueError(f"training has {len(labels)} labels and {len(trained)} memberships")
    codes, _ = group_codes(None if patients is None else np.asarray(patients), len(gold))
    rare = _rare(trained, labels >= 0, member, training.patients, codes, few)
    noisy = _noisy(training, labels, trained, level)
    right = (scores.argmax(axis=1) == gold).astype(float)
    spurious = _spurious(member, gold, right, attributes, codes, level, classes)
    explained = bool(rare.fits or noisy.fits or spurious.fits)
    subtle = _subtle(training, labels, trained, level, explained=explained)
    return rare, noisy, subtle, spurious


def _mechanism(name: str, fits: bool | None, evidence: str) -> Mechanism:
    return Mechanism(name, fits, evidence, REMEDIES[name])


def _rare(
    trained: NDArray[np.bool_],
    labeled: NDArray[np.bool_],
    member: NDArray[np.bool_],
    patients: ArrayLike | None,
    codes: NDArray[np.intp],
    few: int,
) -> Mechanism:
    """Compare shares of members; a difference that chance explains is none."""
    trained = trained[labeled]
    if not len(trained) or not len(member):
        return _mechanism("low prevalence", None, "needs training records with labels, and audited ones")
    people = None if patients is None else np.asarray(patients)[labeled]
    there, here = clustered_proportion(trained, people), clustered_proportion(member, codes)
    n, share, audited = int(trained.sum()), there.estimate, here.estimate
    rarer = share < 0.8 * audited and interval_difference(there, here).high < 0
    fits = rarer and (share < audited / 2 or (n < few and share < 0.15))
    return _mechanism(
        "low prevalence",
        fits,
        f"{n} training records ({there}) are members; of those audited {here} are",
    )


def _noisy(
    training: TrainingView, labels: NDArray[Any], trained: NDArray[np.bool_], level: float
) -> Mechanism:
    if training.gold is None:
        return _mechanism("label noise", None, "needs gold of some training records")
    gold = np.asarray(training.gold)
    known = (gold >= 0) & (labels >= 0)
    right = np.where(known, labels == gold, np.nan)
    codes, _ = group_codes(None if training.patients is None else np.asarray(training.patients), len(labels))
    value, rest, gap = gap_between(right, trained, ~trained, codes)
    if math.isnan(gap.p):
        return _mechanism("label noise", None, f"labels cannot be judged: {gap.reason or 'no spread'}")
    fits = gap.p <= level and gap.estimate <= -0.05
    return _mechanism(
        "label noise", fits, f"labels are right in {value} of the members with gold, in {rest} of the rest"
    )


def _subtle(
    training: TrainingView, labels: NDArray[Any], trained: NDArray[np.bool_], level: float, *, explained: bool
) -> Mechanism:
    if training.proba is None:
        return _mechanism("subtle features", None, "needs the model's probabilities of its training records")
    known = labels >= 0
    scores = np.asarray(training.proba, dtype=np.float64)
    own = np.where(known, scores[np.arange(len(labels)), np.maximum(labels, 0)], np.nan)
    wrong = np.where(known, scores.argmax(axis=1) != labels, np.nan)
    edge = float(np.quantile(own[known], HARD)) if known.any() else 0.0
    hardest = np.where(known, own < edge, np.nan)
    codes, _ = group_codes(None if training.patients is None else np.asarray(training.patients), len(labels))
    value, rest, gap = gap_between(wrong, trained, ~trained, codes)
    hard, others, further = gap_between(hardest, trained, ~trained, codes)
    if math.isnan(gap.p):
        return _mechanism(
            "subtle features", None, f"training errors cannot be judged: {gap.reason or 'no spread'}"
        )
    fits = gap.p <= level and gap.estimate >= 0.05
    fits = fits or (further.p <= level and further.estimate >= 0.15)
    told = (
        f"the model misses {value} of its own training members, {rest} of the rest; {hard} of these members are among "
        f"its hardest tenth of training records, {others} of the rest"
    )
    return _mechanism("subtle features", fits and not explained, told)


def _spurious(
    member: NDArray[np.bool_],
    gold: NDArray[Any],
    right: NDArray[np.float64],
    attributes: Mapping[str, ArrayLike] | None,
    codes: NDArray[np.intp],
    level: float,
    classes: Sequence[str],
) -> Mechanism:
    """Look for an attribute that helps one class, hurts another, marks the members, and accounts for their errors."""
    if not attributes:
        return _mechanism("spurious correlate", None, "needs attributes to look at")
    told: list[tuple[float, str]] = []
    judged = 0
    for name, column in attributes.items():
        present = np.asarray(column, dtype=bool)
        gaps = {}
        for label in np.unique(gold[gold >= 0]):
            rows = gold == label
            gaps[int(label)] = gap_between(right, rows & present, rows & ~present, codes)[2]
        judged += sum(not math.isnan(gap.p) for gap in gaps.values()) > 1
        sure = {label: gap.estimate for label, gap in gaps.items() if gap.p <= level}
        if not _turns_around(gaps, level, len(attributes)):
            continue
        sides = np.array([sure.get(int(label), 0.0) for label in gold])
        failing = np.where(sides > 0, ~present, present) & (sides != 0)
        share, others = float(failing[member].mean()), float(failing[~member].mean())
        accounted = _accounted(member, gold, right, failing)
        if share > others and accounted >= 0.5:
            parts = ", ".join(
                f"{signed(gap)} in {classes[label] if label < len(classes) else f'class {label}'}"
                for label, gap in sorted(sure.items())
            )
            told.append(
                (share - others, f"with {name} the model is right more or less often ({parts}); "
                 f"{share:.0%} of the members are on the failing side, {others:.0%} of the rest; "
                 f"that side accounts for {min(accounted, 1.0):.0%} of the slice's errors beyond the rest's")
            )  # fmt: skip
    if not told and not judged:
        return _mechanism(
            "spurious correlate", None, f"none of {len(attributes)} attributes is had and lacked often enough"
        )
    if not told:
        rare = len(attributes) - judged
        told_rare = f"; {rare} of them had or lacked too seldom to judge" if rare else ""
        return _mechanism(
            "spurious correlate",
            False,
            f"none of {len(attributes)} attributes turns around between classes and accounts for the errors{told_rare}",
        )
    return _mechanism("spurious correlate", True, max(told)[1])


def _turns_around(gaps: Mapping[int, Interval], level: float, n_attributes: int) -> bool:
    """Return whether two classes surely differ in sign: each by itself, and both together after Fisher."""
    helped = [gap.p for gap in gaps.values() if gap.p <= level and gap.estimate > 0]
    hurt = [gap.p for gap in gaps.values() if gap.p <= level and gap.estimate < 0]
    if not helped or not hurt:
        return False
    statistic = -2 * (math.log(max(min(helped), 1e-300)) + math.log(max(min(hurt), 1e-300)))
    pairs = len(gaps) * (len(gaps) - 1) // 2
    return float(stats.chi2.sf(statistic, 4)) * pairs * n_attributes <= level


def _accounted(
    member: NDArray[np.bool_],
    gold: NDArray[Any],
    right: NDArray[np.float64],
    failing: NDArray[np.bool_],
    least: int = 10,
) -> float:
    """Return the share of the members' gap that records beside the slice have too, in the same class on the same side.

    Each member is expected to be right as often as those. Where fewer than `least` are left, the slice and the side
    are one, and nothing can tell them apart: its own share stands in.
    """
    base = expected = 0.0
    for label in np.unique(gold[member]):
        own = gold == label
        base += float((member & own).sum()) * _mean(right[own & ~member & ~failing], 1.0)
        for side in (failing, ~failing):
            here, beside = member & own & side, ~member & own & side
            rows = beside if int(beside.sum()) >= least else here
            expected += float(here.sum()) * _mean(right[rows], 0.0)
    gap = base - float(right[member].sum())
    return (base - expected) / gap if gap > 0 else 0.0


def _mean(values: NDArray[np.float64], otherwise: float) -> float:
    return float(values.mean()) if len(values) else otherwise
