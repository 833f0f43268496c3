"""Votes in, class probabilities out: label models, their registry, and the table of labels they make."""

from .balance import ClassBalance
from .base import VoteModel
from .labels import Labels, fingerprint_votes
from .majority import MajorityLabelVoter
from .matrix_completion import LabelModel, LabelModelWarning

MODELS: dict[str, type[VoteModel]] = {
    "majority": MajorityLabelVoter,
    "matrix-completion": LabelModel,
}
"""Every label model by the name that the command line and the app offer."""

__all__ = [
    "MODELS",
    "ClassBalance",
    "LabelModel",
    "LabelModelWarning",
    "Labels",
    "MajorityLabelVoter",
    "VoteModel",
    "fingerprint_votes",
]
