"""A process that runs parts: started as its own program, spoken to in lines of JSON, and lost without harm."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

import orjson

from ..job import Job
from ..lean import make_lean
from .base import Result, execute

_LOOK_EVERY = 1.0


class ChildProcess:
    """The parent's end: sends one task at a time and reads its result.

    Parameters
    ----------
    job : Job
        What the child loads once.
    """

    def __init__(self, job: Job) -> None:
        sent = job.to_json()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "sidelight.labeling.engine.runners.child", str(os.getpid())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        self.key = ""
        self._send({"job": sent})

    @property
    def output(self) -> IO[bytes]:
        """The stream that results come on."""
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        return self.process.stdout

    def start(self, task: Mapping[str, Any]) -> None:
        """Send a task; its result comes on `output`."""
        self.key = task["part"]["key"]
        self._send(task)

    def receive(self) -> Result:
        """Return the result of the task under way, or that the process died of it, and at which row if it told."""
        row = -1
        while (line := self.output.readline()).endswith(b"\n"):
            result: Result = orjson.loads(line)
            if "row" not in result:
                return result
            row = result["row"]
        self.close()
        return {"key": self.key, "status": "died", "row": row}

    def call(self, task: Mapping[str, Any]) -> Result:
        """Do a task and wait for its result."""
        self.start(task)
        return self.receive()

    def close(self) -> None:
        """End the process."""
        for stream in (self.process.stdin, self.process.stdout):
            try:
                if stream is not None:
                    stream.close()
            except BrokenPipeError:
                continue
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self.process.stdin.write(orjson.dumps(message) + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return  # its result will tell that it died


def serve(parent: int) -> None:
    """Run tasks until the parent is gone: the child's end."""
    results = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what functions print may be a note's words
    os.dup2(nowhere, 2)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    tasks = sys.stdin.buffer
    first = tasks.readline()
    if not first:
        return
    job = Job.from_json(orjson.loads(first)["job"])
    with suppress(Exception):  # told with the first part
        _ = job.lfs
    make_lean()

    def say(content: Mapping[str, Any]) -> None:
        results.write(orjson.dumps(content) + b"\n")
        results.flush()

    for line in tasks:
        say(execute(job, orjson.loads(line), lambda row: say({"row": row})))


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os._exit(1)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
