"""The runner on this machine's cores: child processes under a supervisor that outlives their deaths."""

import os
import selectors
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
        Processes; as many as there are cores when not given.
    """

    workers: int | None = None

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Result]:
        """Yield the result of each part as it is done."""
        waiting = deque(parts)
        suspects: list[Part] = []
        tries: dict[str, int] = {}
        known = {part.key: part for part in parts}
        n_workers = min(self.workers or len(os.sched_getaffinity(0)), len(parts))
        busy = selectors.DefaultSelector()
        children: set[ChildProcess] = set()

        def hand_out(child: ChildProcess | None) -> None:
            if not waiting:
                if child is not None:
                    children.discard(child)
                    child.close()
                return
            if child is None:
                child = ChildProcess(job)
                children.add(child)
            child.start({"part": waiting.popleft().to_json()})
            busy.register(child.output, selectors.EVENT_READ, child)

        try:
            for _ in range(n_workers):
                hand_out(None)
            while busy.get_map():
                for event, _ in busy.select():
                    child: ChildProcess = event.data
                    busy.unregister(event.fileobj)
                    result = child.receive()
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
            busy.close()
            for child in children:
                child.close()
