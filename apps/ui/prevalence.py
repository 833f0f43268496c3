"""How frequent each class is, from labels of records that were drawn at random, with honest intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sidelight.labeling.statistics import Interval, clustered_proportion
from sidelight.labeling.statistics.interval import group_codes
from sidelight.labeling.statistics.proportions import cluster_variance

from .context import Context

FEWEST_FOR_HELP = 50
FEWEST_OF_EACH = 10
"""Labels, and labels of each side, below which the label model's help cannot be measured."""


def random_sample(context: Context) -> tuple[NDArray[np.intp], list[str], int]:
    """Return rows and labels of the longest run of the random order that was decided, and how many it passed over.

    The order was drawn before any label was given, so such a run is a uniform sample, whatever queue brought its records
    up. Records that were only skipped, and those in dispute, are passed over until somebody settles them.
    """
    ledger, records = context.store.ledger(), context.workspace.records
    settled = ledger.decisions()
    passed = set(ledger.in_dispute()) - set(settled)
    for person in ledger.annotators():
        passed |= {name for name, event in ledger.decided(person).items() if event.kind == "skip"} - set(
            settled
        )
    rows, labels, n_passed = [], [], 0
    for row in context.uniform.tolist():
        name = records.ids[row]
        if name in settled:
            if settled[name].label in context.workspace.schema.classes:
                rows.append(row)
                labels.append(settled[name].label)
        elif name in passed:
            n_passed += 1
        else:
            break
    return np.array(rows, dtype=np.intp), labels, n_passed


def estimate_shares(context: Context) -> list[Interval]:
    """Return the share of each class among all records, estimated from the random sample, patients kept together."""
    rows, labels, _ = random_sample(context)
    patients = context.workspace.records.patient_ids
    return [
        clustered_proportion(np.array([label == name for label in labels], dtype=bool), patients[rows])
        for name in context.workspace.schema.classes
    ]


def estimate_with_help(
    gold: NDArray[np.float64],
    proxy: NDArray[np.float64],
    mean_proxy: float,
    n_pool: int,
    patients: NDArray[np.str_] | None = None,
    level: float = 0.95,
) -> Interval:
    """Estimate a share from a uniform sample, with the help of a guess that is known for every record.

    The sample corrects the guess: mean of `gold - c proxy` over the sample plus `c` times the mean guess over all records.
    `c` is the regression slope of the other half of the sample, so that no record chooses its own correction.

    Parameters
    ----------
    gold : ndarray of shape (n,)
        1 where the label is the class, else 0.
    proxy : ndarray of shape (n,)
        The guess for these records.
    mean_proxy : float
        Its mean over all records.
    n_pool : int
        How many records there are.
    patients : ndarray of str of shape (n,), optional
        Records of one patient are kept together, in halves and in the variance.
    level : float, default 0.95
        Confidence level.

    References
    ----------
    W. G. Cochran, *Sampling Techniques*, chapter 7 (regression estimators).
    """
    n = len(gold)
    if n < FEWEST_FOR_HELP or min(gold.sum(), n - gold.sum()) < FEWEST_OF_EACH:
        return Interval.missing(
            f"fewer than {FEWEST_FOR_HELP} labels, or fewer than {FEWEST_OF_EACH} of one side", n=n
        )
    codes, n_groups = group_codes(patients, n)
    half = codes % 2 == 0
    slope = np.where(half, _slope(gold[~half], proxy[~half]), _slope(gold[half], proxy[half]))
    corrected = gold + slope * (mean_proxy - proxy)
    estimate = float(corrected.mean())
    variance = cluster_variance((corrected - estimate) / n, codes, n_groups) * max(1 - n / n_pool, 0.0)
    width = float(stats.t.ppf((1 + level) / 2, max(n_groups - 1, 1))) * math.sqrt(variance)
    middle, low, high = (
        min(max(value, 0.0), 1.0) for value in (estimate, estimate - width, estimate + width)
    )
    return Interval(middle, low, high, level=level, n=n)


def share_with_help(context: Context, label: int) -> Interval:
    """Return the share of a class with the label model's probabilities as the guess."""
    workspace = context.workspace
    if workspace.proba is None:
        return Interval.missing("there is no label model")
    rows, labels, _ = random_sample(context)
    gold = np.array([name == workspace.schema.name(label) for name in labels], dtype=np.float64)
    proxy = workspace.proba[:, label]
    return estimate_with_help(
        gold, proxy[rows], float(proxy.mean()), len(proxy), workspace.records.patient_ids[rows]
    )


def _slope(gold: NDArray[np.float64], proxy: NDArray[np.float64]) -> float:
    variance = float(np.var(proxy)) if len(proxy) else 0.0
    return float(np.mean((gold - gold.mean()) * (proxy - proxy.mean()))) / variance if variance > 0 else 0.0
