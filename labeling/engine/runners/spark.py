"""The runner on Spark: descriptions of parts through `mapInArrow`, never rows through the driver."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from ...faults import UsageError
from ..job import Job, Part
from .base import Result
from .children import run_task
from .poison import run_alone

_LEAN = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@dataclass(frozen=True)
class SparkRunner:
    """Runs parts as rows of a data frame; each Spark worker runs them in a process of its own.

    A session that is under way is used; otherwise a local one is started with retries, since plain ``local[2]`` ends
    the job with the first lost worker. The folder of votes and the export must be on storage that all executors see.

    Parameters
    ----------
    workers : int, optional
        Cores of a local session.
    master : str, optional
        Address of a cluster, in place of a local session.
    """

    workers: int | None = None
    master: str | None = None

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Result]:
        """Yield the result of each part once the job is through."""
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise UsageError("the runner spark needs Spark: pip install 'sidelight[spark]'") from None
        given = SparkSession.getActiveSession()
        session = given or self._session(SparkSession)
        sent = orjson.dumps(job.to_json())

        def run_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for task in batch.column("task").to_pylist():
                    yield pa.RecordBatch.from_pydict({"result": [run_task(sent, task.encode()).decode()]})

        tasks = [(orjson.dumps({"part": part.to_json()}).decode(),) for part in parts]
        failed = ""
        results: list[Result] = []
        try:
            frame = session.createDataFrame(tasks, "task string").repartition(len(tasks))
            rows = frame.mapInArrow(run_rows, "result string").collect()
            results = [orjson.loads(row["result"]) for row in rows]
        except Exception as error:  # Spark's messages quote whatever its workers said
            failed = type(error).__name__
        finally:
            if given is None:
                session.stop()
        if failed:
            message = f"the Spark job failed ({failed}); what was done is kept, run `sidelight retry`"
            yield {"key": "", "status": "fault", "kind": "SidelightError", "exit_code": 3, "message": message}
            return
        known = {part.key: part for part in parts}
        for result in results:
            yield result if result["status"] != "died" else run_alone(job, known[result["key"]])

    def _session(self, builder: Any) -> Any:
        """Start a quiet session whose workers use this interpreter."""
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        local = f"local[{self.workers or 2},4]"
        settings = {
            "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "1", "spark.ui.showConsoleProgress": "false",
            "spark.pyspark.python": sys.executable, "spark.pyspark.driver.python": sys.executable,
        }  # fmt: skip
        here = self.master is None or self.master.startswith("local")
        if here:  # the JVM has little to do: compile as little as that is worth
            settings |= {f"spark.{who}.extraJavaOptions": _LEAN for who in ("driver", "executor")}
        making = builder.builder.master(self.master or local).appName("sidelight")
        for name, value in settings.items():
            if here or not name.startswith("spark.driver."):
                making = making.config(name, value)
        session = making.getOrCreate()
        session.sparkContext.setLogLevel("OFF")
        return session
