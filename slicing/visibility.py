"""Falling back where a slice leaves no trace in the signal."""

from collections.abc import Sequence
from typing import Any

import torch

from sidelight.crossmodal.calibration import fit_temperature
from sidelight.crossmodal.classifier import CrossModalClassifier
from sidelight.crossmodal.multi_label import as_multi_label, fit_multi_label_temperature
from sidelight.crossmodal.targets import as_targets

from .heads import SliceHeads
from .membership import as_membership


def switch_off_unseen(
    classifier: CrossModalClassifier, validation: Sequence[Any], slices: Any, *, least: float = 0.6
) -> dict[str, float]:
    """Switch off, in place, the experts of slices that their indicators cannot see, and calibrate again.

    A slice that only a report tells apart has a gate that is noise. Its members are still drawn more often in training
    where a sampler does that, so it falls back to plain emphasis.

    Parameters
    ----------
    classifier : CrossModalClassifier
        Fitted, with `SliceHeads`.
    validation : (signals, labels) or (signals, labels, covered)
        Records that were not trained on.
    slices : SliceMatrix, mapping of name to bools, or array of shape (n_records, n_slices)
        Their membership, as in training.
    least : float, default 0.6
        Area under an indicator's ROC curve below which its expert is left out.

    Returns
    -------
    dict of str to float
        Each slice's area; NaN, and left on, where the rows hold no member or nothing else.
    """
    head = classifier.network_.head
    if not isinstance(head, SliceHeads):
        raise TypeError(f"the classifier's head is a {type(head).__name__}, not SliceHeads")
    features = torch.from_numpy(classifier.embed(validation[0])).float()
    members = as_membership(slices, n_records=len(features))
    if members.names != head.slices and set(head.slices) <= set(members.names):
        values = members.values[:, [members.names.index(name) for name in head.slices]]
    else:
        values = members.values
    if values.shape[1] != len(head.slices):
        raise ValueError(f"membership has {values.shape[1]} slices, the head {len(head.slices)}")
    areas = head.prune(features, values, least=least)
    if classifier.calibrate and not head.active.all():
        logits = classifier.predict_logits(validation[0])
        if classifier.multi_label:
            found = as_multi_label(*validation[1:], n_classes=classifier.n_classes_)
            classifier.temperature_ = fit_multi_label_temperature(logits, found)
        else:
            targets = as_targets(*validation[1:], n_classes=classifier.n_classes_)
            classifier.temperature_ = fit_temperature(logits, targets.proba, targets.weight)
    return areas
