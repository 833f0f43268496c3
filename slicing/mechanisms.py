"""Why a slice fails: rare in training, wrongly labeled, hard to see, or carried by something beside the point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sidelight.labeling.statistics import clustered_proportion, group_codes, interval_difference

from .share_gap import gap_between

REMEDIES = {
    "low prevalence": "collect more such records, or draw them more often in training",
    "label noise": "mend the labeling functions there, or label by hand, before any re-weighting",
    "subtle features": "better signals, closer annotation or a larger model; re-weighting alone will not help",
    "spurious correlate": "balance the attribute against the label in training, or remove it from the input",
}
"""What to do about each mechanism."""


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
      points, and neither of the two above fits.
    - spurious correlate: within one class the model is right more often with the attribute, within another without it,
      and the members of the slice are on the side where it fails.

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
    subtle = _subtle(training, labels, trained, level, explained=bool(rare.fits or noisy.fits))
    right = (scores.argmax(axis=1) == gold).astype(float)
    spurious = _spurious(member, gold, right, attributes, codes, level)
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
    wrong = np.where(known, scores.argmax(axis=1) != labels, np.nan)
    codes, _ = group_codes(None if training.patients is None else np.asarray(training.patients), len(labels))
    value, rest, gap = gap_between(wrong, trained, ~trained, codes)
    if math.isnan(gap.p):
        return _mechanism(
            "subtle features", None, f"training errors cannot be judged: {gap.reason or 'no spread'}"
        )
    hard = gap.p <= level and gap.estimate >= 0.05
    told = f"the model misses {value} of its own training members, {rest} of the rest"
    return _mechanism("subtle features", hard and not explained, told)


def _spurious(
    member: NDArray[np.bool_],
    gold: NDArray[Any],
    right: NDArray[np.float64],
    attributes: Mapping[str, ArrayLike] | None,
    codes: NDArray[np.intp],
    level: float,
) -> Mechanism:
    """Look for an attribute that helps one class, hurts another, and marks the members."""
    if not attributes:
        return _mechanism("spurious correlate", None, "needs attributes to look at")
    told: list[tuple[float, str]] = []
    n_tests = len(attributes) * len(np.unique(gold[gold >= 0]))
    for name, column in attributes.items():
        present = np.asarray(column, dtype=bool)
        gaps = {}
        for label in np.unique(gold[gold >= 0]):
            rows = gold == label
            _, _, gap = gap_between(right, rows & present, rows & ~present, codes)
            if gap.p <= level / n_tests:
                gaps[int(label)] = gap.estimate
        if not gaps or min(gaps.values()) > 0 or max(gaps.values()) < 0:
            continue
        if len(gaps) < 2:
            continue
        sides = np.array([gaps.get(int(label), 0.0) for label in gold])
        failing = np.where(sides > 0, ~present, present) & (sides != 0)
        share, others = float(failing[member].mean()), float(failing[~member].mean())
        if share > others:
            parts = ", ".join(f"{gap:+.2f} in class {label}" for label, gap in sorted(gaps.items()))
            told.append(
                (share - others, f"with {name} the model is right more or less often ({parts}); "
                 f"{share:.0%} of the members are on the failing side, {others:.0%} of the rest")
            )  # fmt: skip
    if not told:
        return _mechanism(
            "spurious correlate", False, f"none of {len(attributes)} attributes turns around between classes"
        )
    return _mechanism("spurious correlate", True, max(told)[1])
