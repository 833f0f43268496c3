"""The engine: an export of any size becomes a folder of votes; nothing lost, nothing twice, resumable, on any runner."""

from .counts import Patterns
from .erase import erase_patient, read_erasable
from .folder_votes import read_moments
from .lineage import Lineage, read_lineage
from .run import RunReport, label_export, plan_export, retry
from .runners import RUNNERS, DaskRunner, PoolRunner, Runner, SerialRunner, SparkRunner, make_runner

__all__ = [
    "RUNNERS",
    "DaskRunner",
    "Lineage",
    "Patterns",
    "PoolRunner",
    "RunReport",
    "Runner",
    "SerialRunner",
    "SparkRunner",
    "erase_patient",
    "label_export",
    "make_runner",
    "plan_export",
    "read_erasable",
    "read_lineage",
    "read_moments",
    "retry",
]
