"""A process that runs functions under construction, started anew after one had to be ended."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sidelight.labeling import LimitError, Span, UsageError

from .function_form import FunctionForm

PATIENCE = 10.0
"""Seconds functions may take over a sample before their process is ended."""


@dataclass(frozen=True)
class Trial:
    """What one function did on a sample.

    Parameters
    ----------
    name : str
        The function.
    votes : dict from position to class number
        Where it voted.
    evidence : dict from position to spans
        What the votes rest on.
    ms_per_note : float
        Milliseconds a record.
    n_errors : int
        Records it raised on.
    raised : str
        The last exception's type.
    """

    name: str
    votes: dict[int, int]
    evidence: dict[int, tuple[Span, ...]]
    ms_per_note: float
    n_errors: int = 0
    raised: str = ""


class PatternProcess:
    """A process that runs functions over records.

    Parameters
    ----------
    patience : float, default 10
        Seconds a run may take.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._process: subprocess.Popen[str] | None = None
        self._texts: Sequence[str] | None = None
        self._lock = threading.Lock()

    def run(self, form: FunctionForm, texts: Sequence[str], classes: Sequence[str]) -> Trial:
        """Return what a form's function does on texts.

        Raises
        ------
        UsageError
            When no function can be made of the form.
        LimitError
            When it takes too long.
        """
        with self._lock:
            request: dict[str, Any] = {"form": asdict(form), "classes": list(classes)}
            process = self._started()
            if self._texts is not texts:
                request["texts"] = list(texts)
            answered = self._ask(process, json.dumps(request))
            self._texts = texts
        return _trials(answered)[0]

    def run_file(self, code: str, path: Path, table: str, classes: Sequence[str]) -> list[Trial]:
        """Return what all functions of a file do on records, in a fresh process that sees the file's folder.

        Parameters
        ----------
        code : str
            The file's text, saved or not.
        path : Path
            Where it is, or will be.
        table : str
            Records as an Arrow stream, in base64.
        classes : sequence of str
            The task's.
        """
        request = {
            "code": code, "name": path.name, "folder": str(path.resolve().parent), "table": table,
            "classes": list(classes),
        }  # fmt: skip
        with self._lock:
            self.close()
            try:
                return _trials(self._ask(self._started(), json.dumps(request)))
            finally:
                self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        self._process, self._texts = None, None

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, "-m", "sidelight.apps.ui.preview_worker"]
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                encoding="utf-8",
            )  # fmt: skip
        return self._process

    def _ask(self, process: "subprocess.Popen[str]", line: str) -> dict[str, Any]:
        """Send one request and wait for its answer, as long as patience lasts."""
        answer: queue.SimpleQueue[str] = queue.SimpleQueue()

        def talk() -> None:
            try:
                assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
                process.stdin.write(line + "\n")
                process.stdin.flush()
                answer.put(process.stdout.readline())
            except (OSError, ValueError):  # the process was ended meanwhile
                answer.put("")

        first = self._texts is None
        threading.Thread(target=talk, daemon=True).start()
        try:
            said = answer.get(timeout=self.patience + (30 if first else 0))
        except queue.Empty:
            said = ""
        if not said:
            self.close()
            raise LimitError(
                f"the functions took longer than {self.patience:.0f} seconds, or ended their process, and were stopped; "
                "make them simpler"
            )
        return dict(json.loads(said))


def _trials(answered: Mapping[str, Any]) -> list[Trial]:
    if "fault" in answered:
        raise UsageError(answered["fault"])
    return [
        Trial(
            one["name"],
            {int(row): int(vote) for row, vote, _ in one["votes"]},
            {int(row): tuple((int(a), int(b)) for a, b in spans) for row, _, spans in one["votes"]},
            float(one["ms_per_note"]), int(one["n_errors"]), str(one["raised"]),
        )
        for one in answered["functions"]
    ]  # fmt: skip
