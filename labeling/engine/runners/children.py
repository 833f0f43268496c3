"""The processes in which a worker of Dask or Spark runs parts: one a thread, kept for as long as the job is the same."""

import threading

import orjson

from ..job import Job
from .child import ChildProcess

_children: dict[int, tuple[bytes, ChildProcess]] = {}
_guard = threading.Lock()


def run_task(job: bytes, task: bytes) -> bytes:
    """Run one part in a process of this thread's own and return its result; what Dask and Spark call by name."""
    thread = threading.get_ident()
    with _guard:
        known, child = _children.get(thread, (b"", None))
    if child is not None and (known != job or child.process.poll() is not None):
        child.close()
        child = None
    if child is None:
        child = ChildProcess(Job.from_json(orjson.loads(job)))
        with _guard:
            _children[thread] = (job, child)
    result = child.call(orjson.loads(task))
    if result["status"] == "died":
        with _guard:
            _children.pop(thread, None)
    return orjson.dumps(result)


def close_children(job: bytes) -> None:
    """End the processes that this one keeps for a job."""
    with _guard:
        ended = {thread: child for thread, (known, child) in _children.items() if known == job}
        for thread in ended:
            del _children[thread]
    for child in ended.values():
        child.process.kill()  # first, so that a thread that reads from it lets go
        child.close()
