"""The engine: an export of any size becomes a folder of votes; nothing lost, nothing twice, resumable, on any runner."""

from .dataframe import count_dataframe, dataframe_faults, label_dataframe
from .erase import erase_patient, read_erasable
from .folder_votes import FaultCount, read_faults, read_moments
from .lineage import Lineage, read_lineage
from .run import RunReport, label_export, plan_export, retry
from .runners import RUNNERS, DaskRunner, PoolRunner, Runner, SerialRunner, SparkRunner, make_runner

__all__ = [
    "RUNNERS",
    "DaskRunner",
    "FaultCount",
    "Lineage",
    "PoolRunner",
    "RunReport",
    "Runner",
    "SerialRunner",
    "SparkRunner",
    "count_dataframe",
    "dataframe_faults",
    "erase_patient",
    "label_dataframe",
    "label_export",
    "make_runner",
    "plan_export",
    "read_erasable",
    "read_faults",
    "read_lineage",
    "read_moments",
    "retry",
]
