"""Where parts are run: in this process, in others, on Dask, on Spark; the votes are the same bytes."""

from ...faults import UsageError
from .base import Result, Runner, raise_fault
from .dask import DaskRunner
from .pool import PoolRunner
from .serial import SerialRunner
from .spark import SparkRunner

RUNNERS = {"serial": SerialRunner, "pool": PoolRunner, "dask": DaskRunner, "spark": SparkRunner}
"""Runners by name."""

__all__ = [
    "RUNNERS",
    "DaskRunner",
    "PoolRunner",
    "Result",
    "Runner",
    "SerialRunner",
    "SparkRunner",
    "make_runner",
    "raise_fault",
]


def make_runner(
    name: str, *, workers: int | None = None, master: str | None = None, scheduler: str | None = None
) -> Runner:
    """Return the runner of a name; refuse settings that are another runner's."""
    if name not in RUNNERS:
        raise UsageError(f"no runner {name!r}; there are {', '.join(sorted(RUNNERS))}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers is {workers}; it is at least 1")
    if master is not None and name != "spark":
        raise UsageError("--master is for --runner spark")
    if scheduler is not None and name != "dask":
        raise UsageError("--scheduler is for --runner dask")
    if name == "serial":
        return SerialRunner()
    if name == "pool":
        return PoolRunner(workers)
    return DaskRunner(workers, scheduler) if name == "dask" else SparkRunner(workers, master)
