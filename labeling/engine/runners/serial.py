"""The runner that stays in this process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..job import Job, Part
from .base import Result, execute


@dataclass(frozen=True)
class SerialRunner:
    """Runs one part after another; a function that kills the process ends the run, which can be resumed."""

    def run(self, job: Job, parts: Sequence[Part]) -> Iterator[Result]:
        """Yield the result of each part."""
        for part in parts:
            yield execute(job, {"part": part})
