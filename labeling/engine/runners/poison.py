"""Finding the rows that kill a process, by running a part row by row in processes of its own."""

from typing import Any

from ...faults import SidelightError
from ..job import Job, Part
from .base import Result
from .child import ChildProcess

MOST_POISON = 1000
"""Rows above which a part is given up: each costs a process."""


def run_alone(job: Job, part: Part) -> Result:
    """Run a part whose process died: once more, then without the rows that kill.

    A process may die for other reasons than its rows, such as another program's hunger for memory; so the part is
    first run again as it stands.
    """
    child = _Restarting(job)
    task = {"part": part.to_json()}
    try:
        result = child.call(task)
        if result["status"] != "died":
            return result
        poison: list[int] = []
        while len(poison) < MOST_POISON:
            result = child.call({**task, "probe": poison[-1] + 1 if poison else 0})
            if result["status"] != "died":
                break
            if result["row"] < 0:
                return _lost(part, "reading it kills the process")
            poison.append(result["row"])
        result = child.call({**task, "poison": poison})
        if result["status"] == "died":
            return _lost(part, "it kills its process, though no single row does")
        return {**result, "poison": poison} if result["status"] == "done" else result
    finally:
        child.close()


class _Restarting:
    """A child process that is started again when it died."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.child: ChildProcess | None = None

    def call(self, task: dict[str, Any]) -> Result:
        if self.child is None:
            self.child = ChildProcess(self.job)
        result = self.child.call(task)
        if result["status"] == "died":
            self.child = None
        return result

    def close(self) -> None:
        if self.child is not None:
            self.child.close()


def _lost(part: Part, problem: str) -> Result:
    return {
        "key": part.key, "status": "fault", "kind": SidelightError.__name__, "exit_code": 3,
        "message": f"{part.files[0].source}: {problem}; the other parts are done, run `sidelight retry` after a repair",
    }  # fmt: skip
