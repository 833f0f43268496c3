"""Finding the rows that kill a process, by running ever fewer of them in a process of their own."""

from collections.abc import Callable
from typing import Any

from ...faults import SidelightError
from ..job import Job, Part
from .base import Result
from .child import ChildProcess


def run_alone(job: Job, part: Part) -> Result:
    """Run a part whose process died: once more, then without the rows that kill.

    A process may die for other reasons than its rows, such as another program's hunger for memory; so the part is
    first run again as it stands.
    """
    child = _Restarting(job)
    try:
        result = child.call({"part": part.to_json()})
        if result["status"] != "died":
            return result
        counted = child.call({"part": part.to_json(), "do": "probe", "start": 0, "stop": 0})
        if counted["status"] != "done":
            return counted if counted["status"] == "fault" else _lost(part, "reading it kills the process")
        found = _search(lambda a, b: child.survives(part, a, b), 0, counted["n_rows"])
        result = child.call({"part": part.to_json(), "poison": found})
        if result["status"] == "died":
            return _lost(part, "it kills its process, though no single row does")
        return {**result, "poison": found} if result["status"] == "done" else result
    finally:
        child.close()


def _search(survives: Callable[[int, int], bool], start: int, stop: int) -> list[int]:
    """Return the rows that kill."""
    if start >= stop or survives(start, stop):
        return []
    if stop - start == 1:
        return [start]
    middle = (start + stop) // 2
    return _search(survives, start, middle) + _search(survives, middle, stop)


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

    def survives(self, part: Part, start: int, stop: int) -> bool:
        task = {"part": part.to_json(), "do": "probe", "start": start, "stop": stop}
        return bool(self.call(task)["status"] != "died")

    def close(self) -> None:
        if self.child is not None:
            self.child.close()


def _lost(part: Part, problem: str) -> Result:
    return {
        "key": part.key, "status": "fault", "kind": SidelightError.__name__, "exit_code": 3,
        "message": f"{part.files[0].source}: {problem}; the other parts are done, run `sidelight retry` after a repair",
    }  # fmt: skip
