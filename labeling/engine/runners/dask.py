"""The runner on Dask: a local cluster, or a scheduler that is there already."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from ...faults import UsageError
from ..job import Job, Part
from .base import Result
from .children import close_children, run_task
from .poison import run_alone

_QUIET = {"logging.distributed": "critical", "distributed.admin.log-length": 0}


@dataclass(frozen=True)
class DaskRunner:
    """Runs parts with `Client.map`; tasks carry descriptions of parts, never rows.

    Each thread of a Dask worker runs parts in a process of its own, where a runaway regular expression can be stopped
    and a row that kills takes nothing else along. The workers of a local cluster are therefore threads of this process:
    they only wait. The folder of votes and the export must be on storage that all workers see.

    Parameters
    ----------
    workers : int, optional
        Workers of a local cluster; 2 when not given.
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
        with dask.config.set(_QUIET), self._client(distributed, sent) as client:
            tasks = [orjson.dumps({"part": part.to_json()}) for part in parts]
            futures = client.map(run_task, [sent] * len(tasks), tasks, pure=False, retries=2)
            known = {future.key: part for future, part in zip(futures, parts, strict=True)}
            try:
                for future in distributed.as_completed(futures):
                    try:
                        result = orjson.loads(future.result())
                    except distributed.KilledWorker:
                        result = {"status": "died"}
                    if result["status"] == "died":
                        lost.append(known[future.key])
                    else:
                        yield result
            finally:
                client.cancel(futures)
        for part in lost:
            yield run_alone(job, part)

    @contextmanager
    def _client(self, distributed: Any, job: bytes) -> Iterator[Any]:
        """Connect to the scheduler, or to a local one; end the processes that its workers keep for the job."""
        if self.scheduler is not None:
            with distributed.Client(self.scheduler) as client:
                try:
                    yield client
                finally:
                    client.run(close_children, job, on_error="ignore")
            return
        with distributed.LocalCluster(
            n_workers=self.workers or 2, threads_per_worker=1, processes=False, dashboard_address=None, silence_logs=50,
        ) as cluster:  # fmt: skip
            try:
                with distributed.Client(cluster) as client:
                    yield client
            finally:
                close_children(job)
