"""The engine: an export of any size becomes a folder of votes; nothing lost, nothing twice, resumable, on any runner."""

from .counts import Patterns
from .folder_votes import read_moments
from .run import RunReport, label_export, plan_export, retry
from .runners import RUNNERS, DaskRunner, PoolRunner, Runner, SerialRunner, SparkRunner, make_runner

__all__ = [
    "RUNNERS",
    "DaskRunner",
    "Patterns",
    "PoolRunner",
    "RunReport",
    "Runner",
    "SerialRunner",
    "SparkRunner",
    "label_export",
    "make_runner",
    "plan_export",
    "read_moments",
    "retry",
]
