"""Where models fail, watched slice by slice: slicing functions, audits, and heads that learn from slices."""

from typing import TYPE_CHECKING, Any

from sidelight.crossmodal.missing import imported_late

from .advice import Advice, advise
from .applier import PandasSFApplier, SFApplier, slice_dataframe
from .audit import audit
from .comparison import Comparison, compare_audits, read_audit
from .confusion import Confusion
from .confusion_measures import (
    cell_lift,
    confusion_difference,
    coupling,
    exact_match,
    hamming_loss,
    node_interval,
    node_measure,
    tree_distance,
    within_node,
)
from .confusion_table import ConfusionTable
from .confusion_view import ConfusionView
from .error_contrast import contrast_errors
from .error_review import ErrorReview, read_error_sheet
from .error_sheet import ErrorSheet, error_sheet
from .fairness import FairnessPanel, fairness
from .findings import Card, Findings, Strip
from .function import SlicingFunction, slicing_function
from .intersections import Intersections, slice_intersections
from .label_audit import LabelAudit, audit_labels
from .label_sets import finding_dimensions, set_dimension
from .matrix import SliceMatrix, as_slices
from .mechanisms import Mechanism, TrainingView, explain_slice
from .metrics import DEFAULT_METRICS, METRICS, Metric
from .paired_gains import paired_gains
from .record_table import RecordTable
from .report import Audit, AuditRow, Overall
from .scorer import Scorer
from .slice_calibration import CalibrationRow, slice_calibration
from .strata import strata
from .subclass_schema import Subclass, SubclassSchema
from .subclasses import SubclassRow, SubclassTable, subclass_metrics
from .support import Support
from .told import AuditedRecords
from .withholding import withhold_small_cells

if TYPE_CHECKING:
    from .classifier import SliceAwareClassifier as SliceAwareClassifier
    from .discovery import DISCOVERERS as DISCOVERERS
    from .discovery import Discovery as Discovery
    from .discovery import FoundSlice as FoundSlice
    from .discovery import discover as discover
    from .fallback import keep_better as keep_better
    from .group_loss import GroupDRO as GroupDRO
    from .group_loss import label_groups as label_groups
    from .heads import SliceHeads as SliceHeads
    from .recipes import RECIPES as RECIPES
    from .recipes import train_robustly as train_robustly
    from .sampling import Reweighted as Reweighted
    from .sampling import SliceSampler as SliceSampler
    from .sampling import undo_sampling as undo_sampling
    from .shared_heads import ExpertMixture as ExpertMixture
    from .shared_heads import HardSharing as HardSharing
    from .visibility import switch_off_unseen as switch_off_unseen

_LATE = {
    "SliceAwareClassifier": "classifier",
    "train_robustly": "recipes",
    "RECIPES": "recipes",
    "ExpertMixture": "shared_heads",
    "HardSharing": "shared_heads",
    "label_groups": "group_loss",
    "GroupDRO": "group_loss",
    "DISCOVERERS": "discovery",
    "Discovery": "discovery",
    "FoundSlice": "discovery",
    "discover": "discovery",
    "keep_better": "fallback",
    "Reweighted": "sampling",
    "SliceHeads": "heads",
    "SliceSampler": "sampling",
    "switch_off_unseen": "visibility",
    "undo_sampling": "sampling",
}
"""Names that need torch or scikit-learn, and where each is: imported when first asked for."""

__all__ = [
    "DEFAULT_METRICS",
    "DISCOVERERS",
    "METRICS",
    "RECIPES",
    "Advice",
    "Audit",
    "AuditRow",
    "AuditedRecords",
    "CalibrationRow",
    "Card",
    "Comparison",
    "Confusion",
    "ConfusionTable",
    "ConfusionView",
    "Discovery",
    "ErrorReview",
    "ErrorSheet",
    "ExpertMixture",
    "FairnessPanel",
    "Findings",
    "FoundSlice",
    "GroupDRO",
    "HardSharing",
    "Intersections",
    "LabelAudit",
    "Mechanism",
    "Metric",
    "Overall",
    "PandasSFApplier",
    "RecordTable",
    "Reweighted",
    "SFApplier",
    "Scorer",
    "SliceAwareClassifier",
    "SliceHeads",
    "SliceMatrix",
    "SliceSampler",
    "SlicingFunction",
    "Strip",
    "Subclass",
    "SubclassRow",
    "SubclassSchema",
    "SubclassTable",
    "Support",
    "TrainingView",
    "advise",
    "as_slices",
    "audit",
    "audit_labels",
    "cell_lift",
    "compare_audits",
    "confusion_difference",
    "contrast_errors",
    "coupling",
    "discover",
    "error_sheet",
    "exact_match",
    "explain_slice",
    "fairness",
    "finding_dimensions",
    "hamming_loss",
    "keep_better",
    "label_groups",
    "node_interval",
    "node_measure",
    "paired_gains",
    "read_audit",
    "read_error_sheet",
    "set_dimension",
    "slice_calibration",
    "slice_dataframe",
    "slice_intersections",
    "slicing_function",
    "strata",
    "subclass_metrics",
    "switch_off_unseen",
    "train_robustly",
    "tree_distance",
    "undo_sampling",
    "withhold_small_cells",
    "within_node",
]


def __getattr__(name: str) -> Any:
    """Import what needs torch when it is asked for."""
    return imported_late(__name__, _LATE, name)
