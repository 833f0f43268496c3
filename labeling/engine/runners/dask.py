"""The runner on Dask: a local cluster of processes, or a scheduler that is there already."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ...faults import UsageError
from ..job import Job, Part
from .base import Result
from .child import ChildProcess
from .poison import run_alone

_children: dict[bytes, ChildProcess] = {}


@dataclass(frozen=True)
class DaskRunner:
    """Runs parts with `Client.map`; tasks carry descriptions of parts, never rows.

    Each Dask worker runs parts in a process of its own, where a runaway regular expression can be stopped and a row that
    kills takes nothing else along. The folder of votes and the export must be on storage that all workers see.

    Parameters
    ----------
    workers : int, optional
        Processes of a local cluster.
    scheduler : str, optional
        Address of a scheduler, in place of a local cluster.
    """

    workers: int | None = None
    scheduler: str | None = None

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Result]:
        """Yield the result of each part as it is done."""
        try:
            dask: Any = importlib.import_module("dask")
            distributed: Any = importlib.import_module("distributed")
        except ImportError:
            raise UsageError("the runner dask needs Dask: pip install 'sidelight[dask]'") from None
        sent = orjson.dumps(job.to_json())
        lost: list[Part] = []
        quiet = {"logging.distributed": "critical", "distributed.admin.log-length": 0}
        with dask.config.set(quiet):
            cluster: Any = self.scheduler or distributed.LocalCluster(
                n_workers=self.workers or 2,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=50,
            )
            with distributed.Client(cluster) as client:
                tasks = [orjson.dumps({"part": part.to_json()}) for part in parts]
                futures = client.map(run_task, [sent] * len(tasks), tasks, pure=False, retries=2)
                known = {future.key: part for future, part in zip(futures, parts, strict=True)}
                for future in distributed.as_completed(futures):
                    try:
                        result = orjson.loads(future.result())
                    except distributed.KilledWorker:
                        result = {"status": "died"}
                    if result["status"] == "died":
                        lost.append(known[future.key])
                    else:
                        yield result
            if self.scheduler is None:
                cluster.close()
        for part in lost:
            yield run_alone(job, part)


def run_task(job: bytes, task: bytes) -> bytes:
    """Run one part in this worker's own process and return its result; what Dask calls by name."""
    child = _children.get(job)
    if child is None or child.process.poll() is not None:
        for old in _children.values():
            old.close()
        _children.clear()
        child = _children[job] = ChildProcess(Job.from_json(orjson.loads(job)))
    result = child.call(orjson.loads(task))
    if result["status"] == "died":
        del _children[job]
    return orjson.dumps(result)
