"""Votes in, class probabilities out: label models, their registry, and the table of labels they make."""

from .advice import Advice, advise
from .balance import ClassBalance
from .base import LabelModelWarning, VoteModel
from .by_slice import SliceAccuracy, accuracy_by_slice
from .chain import ChainLabelModel
from .compare import Comparison, compare
from .dawid_skene import DawidSkene, OneCoin
from .explain import Contribution, Explanation
from .hierarchical import HierarchicalLabelModel
from .hierarchy import Hierarchy
from .labels import Labels, fingerprint_votes
from .majority import MajorityLabelVoter
from .matrix_completion import LabelModel
from .multi_label import MultiLabelModel
from .multi_task import MultiTaskLabelModel
from .naive_bayes import GoldNaiveBayes
from .ordinal import OrdinalLabelModel
from .overruled import Overruled, find_overruled
from .posterior_intervals import PosteriorIntervals
from .private import epsilon_of, private_moments
from .site_file import read_moments, write_moments
from .structure import Dependencies, learn_dependencies
from .task_graph import TaskGraph
from .ties import probs_to_preds
from .triplets import TripletModel
from .uncertainty import ModelIntervals
from .weighted import WeightedMajority

MODELS: dict[str, type[VoteModel]] = {
    "dawid-skene": DawidSkene,
    "gold-naive-bayes": GoldNaiveBayes,
    "majority": MajorityLabelVoter,
    "matrix-completion": LabelModel,
    "one-coin": OneCoin,
    "ordinal": OrdinalLabelModel,
    "triplets": TripletModel,
    "weighted-majority": WeightedMajority,
}
"""Every label model by the name that the command line and the app offer."""

__all__ = [
    "MODELS",
    "Advice",
    "ChainLabelModel",
    "ClassBalance",
    "Comparison",
    "Contribution",
    "DawidSkene",
    "Dependencies",
    "Explanation",
    "GoldNaiveBayes",
    "HierarchicalLabelModel",
    "Hierarchy",
    "LabelModel",
    "LabelModelWarning",
    "Labels",
    "MajorityLabelVoter",
    "ModelIntervals",
    "MultiLabelModel",
    "MultiTaskLabelModel",
    "OneCoin",
    "OrdinalLabelModel",
    "Overruled",
    "PosteriorIntervals",
    "SliceAccuracy",
    "TaskGraph",
    "TripletModel",
    "VoteModel",
    "WeightedMajority",
    "accuracy_by_slice",
    "advise",
    "compare",
    "epsilon_of",
    "find_overruled",
    "fingerprint_votes",
    "learn_dependencies",
    "private_moments",
    "probs_to_preds",
    "read_moments",
    "write_moments",
]
