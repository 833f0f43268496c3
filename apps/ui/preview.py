"""What a function under construction would do: run over a sample in a process that can be ended, then counted."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.labeling import ABSTAIN, LimitError, Span, UsageError, VoteMatrix
from sidelight.labeling.applier import function_info
from sidelight.labeling.statistics import Interval, clustered_proportion

from .function_form import FunctionForm, lines
from .workspace import Workspace

PATIENCE = 10.0
"""Seconds a pattern may take over a chunk of texts before its process is ended."""

CHUNK = 2000


class PatternProcess:
    """A process that runs patterns over texts, started anew after one had to be ended."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._process: subprocess.Popen[str] | None = None
        self._texts: Sequence[str] | None = None
        self._lock = threading.Lock()

    def run(self, form: FunctionForm, texts: Sequence[str]) -> tuple[dict[int, tuple[Span, ...]], float]:
        """Return the texts the function votes on with its evidence there, and milliseconds a text.

        Raises
        ------
        UsageError
            When no function can be made of the form.
        LimitError
            When it takes too long.
        """
        with self._lock:
            request: dict[str, Any] = {"form": asdict(form)}
            process = self._started()
            if self._texts is not texts:
                request["texts"] = list(texts)
            answered = self._ask(process, json.dumps(request))
            self._texts = texts
        if "fault" in answered:
            raise UsageError(answered["fault"])
        hits = {int(row): tuple((int(a), int(b)) for a, b in spans) for row, spans in answered["hits"]}
        return hits, float(answered["ms_per_note"])

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
                f"the pattern took longer than {self.patience:.0f} seconds and was stopped; make it simpler"
            )
        return dict(json.loads(said))


@dataclass(frozen=True, eq=False)
class Preview:
    """What a function would do on a sample.

    Parameters
    ----------
    rows : ndarray of int
        Rows of the sample.
    hits : dict from row to spans
        The records it votes on, with its evidence.
    coverage, overlap, conflict : float
        Share of the sample it votes on; on which another function votes too; on which one votes otherwise.
    precision : Interval
        Share of its votes that people's labels bear out.
    n_judged : int
        Votes that people's labels can judge.
    misses : ndarray of int
        Records people gave its class, on which it does not vote.
    ms_per_note : float
        Milliseconds a text.
    changed : int or None
        Records of the sample whose label the label model would change, None where it cannot say.
    """

    rows: NDArray[np.intp]
    hits: dict[int, tuple[Span, ...]]
    coverage: float
    overlap: float
    conflict: float
    precision: Interval
    n_judged: int
    misses: NDArray[np.intp]
    ms_per_note: float
    changed: int | None


def preview(
    process: PatternProcess,
    workspace: Workspace,
    form: FunctionForm,
    rows: NDArray[np.intp],
    texts: Sequence[str],
    gold: NDArray[np.int64],
) -> Preview:
    """Run a function over a sample and compare it with the other functions and with people's labels."""
    found, cost = process.run(form, texts)
    hit = np.zeros(len(rows), dtype=bool)
    hit[list(found)] = True
    vote = workspace.schema.index(form.vote)
    others = np.full((len(rows), 0), ABSTAIN) if workspace.votes is None else workspace.votes.dense()[rows]
    voted = (others != ABSTAIN).any(axis=1)
    against = ((others != ABSTAIN) & (others != vote)).any(axis=1)
    judged = hit & (gold[rows] >= 0)
    return Preview(
        rows=rows,
        hits={int(rows[place]): spans for place, spans in found.items()},
        coverage=float(hit.mean()) if len(rows) else 0.0,
        overlap=float((hit & voted).mean()) if len(rows) else 0.0,
        conflict=float((hit & against).mean()) if len(rows) else 0.0,
        precision=clustered_proportion(
            (gold[rows] == vote)[judged], workspace.records.patient_ids[rows][judged]
        ),
        n_judged=int(judged.sum()),
        misses=rows[(gold[rows] == vote) & ~hit],
        ms_per_note=cost,
        changed=_changed(workspace, rows, np.where(hit, vote, ABSTAIN)),
    )


def _changed(workspace: Workspace, rows: NDArray[np.intp], column: NDArray[np.int64]) -> int | None:
    """Return how many labels of the sample differ when the label model learns with one more column."""
    if workspace.votes is None or workspace.votes.n_functions < 2 or workspace.model is None:
        return None
    kind, cardinality = type(workspace.model), workspace.schema.cardinality
    values = workspace.votes.dense()[rows]
    before = kind(cardinality=cardinality).fit(values).predict(values)
    more = np.column_stack([values, column.astype(np.int8)])
    after = kind(cardinality=cardinality).fit(more).predict(more)
    return int((before != after).sum())


def failing_examples(process: PatternProcess, form: FunctionForm, hits: str, misses: str) -> list[str]:
    """Return the typed examples, one a line, on which the function does not do what was said."""
    wanted = [(line, True) for line in lines(hits)] + [(line, False) for line in lines(misses)]
    found, _ = process.run(form, [line for line, _ in wanted])
    return [line for place, (line, votes) in enumerate(wanted) if (place in found) != votes]


def add_function(process: PatternProcess, workspace: Workspace, form: FunctionForm) -> Workspace:
    """Return the workspace with one more function: only its votes are computed, then the label model learns anew."""
    function = form.build()
    vote = workspace.schema.index(form.vote)
    column = np.full((len(workspace.records), 1), ABSTAIN, dtype=np.int8)
    for start in range(0, len(column), CHUNK):
        rows = range(start, min(start + CHUNK, len(column)))
        found, _ = process.run(form, workspace.records.texts(rows))
        column[[start + place for place in found], 0] = vote
    own = VoteMatrix(
        column, workspace.schema, (function_info(function, workspace.schema),),
        ids=np.array(workspace.records.ids), patient_ids=workspace.records.patient_ids,
    )  # fmt: skip
    votes = own if workspace.votes is None else workspace.votes.join(own)
    return workspace.with_votes((*workspace.functions, function), votes)
