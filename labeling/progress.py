"""A progress bar on a terminal, silence elsewhere."""

from collections.abc import Callable
from typing import Any


class ProgressBar:
    """A progress bar on a terminal, silence elsewhere."""

    def __init__(self, shown: bool) -> None:
        self._progress: Any = None
        if shown:
            from rich.console import Console
            from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            console = Console(stderr=True)
            if console.is_terminal:
                self._progress = Progress(
                    TextColumn("labeling"), MofNCompleteColumn(), TextColumn("records"), TimeElapsedColumn(),
                    console=console, transient=True,
                )  # fmt: skip

    def __enter__(self) -> Callable[[int], None]:
        if self._progress is None:
            return lambda done: None
        self._progress.start()
        task = self._progress.add_task("labeling", total=None)
        return lambda done: self._progress.advance(task, done)

    def __exit__(self, *fault: object) -> None:
        if self._progress is not None:
            self._progress.stop()
