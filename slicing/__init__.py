"""Where models fail, watched slice by slice: slicing functions, audits, and what could not be seen."""

from .applier import PandasSFApplier, SFApplier, slice_dataframe
from .audit import audit
from .function import SlicingFunction, slicing_function
from .matrix import SliceMatrix, as_slices
from .metrics import DEFAULT_METRICS, METRICS, Metric
from .report import Audit, AuditRow, Overall
from .support import Support

__all__ = [
    "DEFAULT_METRICS",
    "METRICS",
    "Audit",
    "AuditRow",
    "Metric",
    "Overall",
    "PandasSFApplier",
    "SFApplier",
    "SliceMatrix",
    "SlicingFunction",
    "Support",
    "as_slices",
    "audit",
    "slice_dataframe",
    "slicing_function",
]
