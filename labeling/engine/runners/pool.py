"""The runner on this machine's cores: child processes under a supervisor that outlives their deaths."""

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from ..job import Job, Part
from .base import Result
from .child import ChildProcess
from .poison import run_alone

TRIES = 2
"""How often a part is run beside others before it is run alone."""


@dataclass(frozen=True)
class PoolRunner:
    """Runs parts in child processes, each one part at a time, so that a death is never blamed on a neighbour.

    Parameters
    ----------
    workers : int, optional
        Processes; as many as there are cores for this one when not given.
    """

    workers: int | None = None

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Result]:
        """Yield the result of each part as it is done."""
        waiting = deque(parts)
        suspects: list[Part] = []
        tries: dict[str, int] = {}
        known = {part.key: part for part in parts}
        n_workers = min(self.workers or count_cores(), len(parts))
        done: SimpleQueue[tuple[ChildProcess, Result]] = SimpleQueue()
        children: set[ChildProcess] = set()
        n_busy = 0

        def receive(child: ChildProcess) -> None:
            try:
                result = child.receive()
            except (OSError, ValueError):  # it is being closed, or what came is no line of ours
                result = {"key": child.key, "status": "died", "row": -1}
            done.put((child, result))

        def hand_out(child: ChildProcess | None) -> None:
            nonlocal n_busy
            if not waiting:
                if child is not None:
                    children.discard(child)
                    child.close()
                return
            if child is None:
                child = ChildProcess(job)
                children.add(child)
            child.start({"part": waiting.popleft().to_json()})
            n_busy += 1
            # a thread waits for each process: not every system can wait for several pipes at once
            threading.Thread(target=receive, args=(child,), daemon=True).start()

        try:
            for _ in range(n_workers):
                hand_out(None)
            while n_busy:
                child, result = done.get()
                n_busy -= 1
                if result["status"] != "died":
                    hand_out(child)
                    yield result
                    continue
                children.discard(child)
                tries[child.key] = tries.get(child.key, 0) + 1
                (waiting if tries[child.key] < TRIES else suspects).append(known[child.key])
                hand_out(None)
            for part in suspects:
                yield run_alone(job, part)
        finally:
            for child in children:
                child.process.kill()  # first, so that the thread that reads from it lets go
            for child in children:
                child.close()


def count_cores() -> int:
    """Return the cores this process may use; all of the machine's where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
