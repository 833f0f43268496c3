"""The page a project ends with: how good, where worse, how the labels were made, examples, methods."""

from .content import DataRow, Example, FunctionRow, ReportContent, ScoredModel
from .ecg import draw_ecg
from .page import INTENDED_USE, report_page, write_report

__all__ = [
    "INTENDED_USE",
    "DataRow",
    "Example",
    "FunctionRow",
    "ReportContent",
    "ScoredModel",
    "draw_ecg",
    "report_page",
    "write_report",
]
