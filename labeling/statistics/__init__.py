"""Estimates and how sure they are: proportions, areas under ROC curves, resampling by patient, many tests at once."""

from .bootstrap import (
    bootstrap_auroc,
    bootstrap_auroc_difference,
    clustered_bootstrap,
    interval_of_draws,
    paired_bootstrap,
    patient_weights,
)
from .interval import Interval, as_binary, group_codes, normal_quantile, two_sided_p
from .multiplicity import benjamini_hochberg, holm
from .proportions import (
    cluster_variance,
    clustered_proportion,
    effective_size,
    fisher_mid_p,
    interval_difference,
    interval_ratio,
    proportion,
    shared_patients,
    wilson_interval,
)
from .roc import DeLong, auroc, delong, influence_correlation, one_class_reason

__all__ = [
    "DeLong",
    "Interval",
    "as_binary",
    "auroc",
    "benjamini_hochberg",
    "bootstrap_auroc",
    "bootstrap_auroc_difference",
    "cluster_variance",
    "clustered_bootstrap",
    "clustered_proportion",
    "delong",
    "effective_size",
    "fisher_mid_p",
    "group_codes",
    "holm",
    "influence_correlation",
    "interval_difference",
    "interval_of_draws",
    "interval_ratio",
    "normal_quantile",
    "one_class_reason",
    "paired_bootstrap",
    "patient_weights",
    "proportion",
    "shared_patients",
    "two_sided_p",
    "wilson_interval",
]
