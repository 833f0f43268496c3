"""A run of labeling functions over a sample, which leaves out the function that goes wrong and finishes with the others."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .applier import LFApplier
from .batches import iter_batches
from .faults import FunctionError
from .function import LabelingFunction
from .record import Record
from .schema import LabelSchema


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about one function.

    Parameters
    ----------
    function : str
        Its name.
    kind : str
        "example", "no vote", "error", "never fires", "slow", "overlapping", "leaking", "runaway", "unstable" or "opaque".
    message : str
        What was seen.
    """

    function: str
    kind: str
    message: str

    @property
    def is_failure(self) -> bool:
        """Whether the function does not do what it says."""
        return self.kind in ("example", "no vote")


def first_records(data: Any, n_records: int) -> list[Record]:
    """Return the first records of whatever holds records."""
    found: list[Record] = []
    for batch in iter_batches(data):
        found += batch.records[: n_records - len(found)]
        if len(found) >= n_records:
            break
    return found


_FIRST_PIECE = 10
_NOTE_SECONDS = 0.5
_WARM_SECONDS = 5.0
_MOST_SECONDS = 20.0
"""What one function may take of a look at a sample."""


class SampleRun:
    """A run over growing pieces of a sample, which a function leaves that votes for no class or takes for ever."""

    def __init__(self, functions: Sequence[LabelingFunction], schema: LabelSchema | None) -> None:
        self.functions = list(functions)
        self.schema = schema
        self.remarks: list[Remark] = []
        self.votes: list[NDArray[np.int8]] = []
        self.faults: dict[str, Counter[str]] = {function.name: Counter() for function in functions}
        self.seconds: dict[str, float] = dict.fromkeys((function.name for function in functions), 0.0)

    def run(self, records: list[Record]) -> None:
        """Try the functions on all records, first on a few."""
        self._warm_up(records[:1])
        first, size = 0, _FIRST_PIECE
        while first < len(records) and self.functions:
            piece = records[first : first + size]
            if self._try(piece, first):
                first, size = first + len(piece), size * 4
                self._leave_out_the_slow(first, len(records))

    def all_votes(self) -> NDArray[np.int8]:
        """Return the votes of the functions that were tried on all records, shape (n_records, n_functions)."""
        return np.concatenate(self.votes) if self.votes else np.zeros((0, len(self.functions)), dtype=np.int8)

    def _warm_up(self, records: list[Record]) -> None:
        """Call each function once uncounted: rules and models that load on first use are no cost of a record."""
        for function in self.functions:
            with contextlib.suppress(FunctionError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                LFApplier([function], schema=self.schema).apply(
                    records, on_error="abstain", note_seconds=_WARM_SECONDS
                )

    def _try(self, piece: list[Record], first: int) -> bool:
        """Run over a piece; where a function casts what is no vote or is stuck, leave it out: the piece is to be redone."""
        try:
            run = LFApplier(self.functions, schema=self.schema).apply(
                piece, on_error="abstain", note_seconds=_NOTE_SECONDS
            )
        except FunctionError as fault:
            self._leave_out(fault.function, "no vote", f"row {first + fault.row}: {fault.problem}")
            return False
        stuck = {
            function.name: sum(n for kind, n in faults.items() if kind.startswith("took more"))
            for function, faults in zip(self.functions, run.statistics.faults, strict=True)
        }
        if any(stuck.values()):
            for name in [name for name, n in stuck.items() if n]:
                problem = f"took more than {_NOTE_SECONDS:g} s over {stuck[name]} of {len(piece)} records"
                self._leave_out(name, "slow", f"{problem}, and was not tried on more")
            return False
        self.votes.append(run.dense())
        for column, function in enumerate(self.functions):
            self.faults[function.name] += Counter(run.statistics.faults[column])
            self.seconds[function.name] += float(run.statistics.seconds[column])
        return True

    def _leave_out_the_slow(self, n_done: int, n_records: int) -> None:
        for function in list(self.functions):
            each = self.seconds[function.name] / n_done
            if each * (n_records - n_done) > _MOST_SECONDS:
                problem = (
                    f"takes {1000 * each:.0f} ms a record, and was tried on {n_done} of {n_records} only"
                )
                self._leave_out(function.name, "slow", problem)

    def _leave_out(self, name: str, kind: str, problem: str) -> None:
        self.remarks.append(Remark(name, kind, problem))
        keep = [function.name != name for function in self.functions]
        self.votes = [votes[:, [n for n, kept in enumerate(keep) if kept]] for votes in self.votes]
        self.functions = [function for function in self.functions if function.name != name]
