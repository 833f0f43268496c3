"""What a look at labeling functions and a sample of records tells before a run: slow, silent, doubled, leaking."""

from __future__ import annotations

import contextlib
import dis
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .applier import LFApplier
from .batches import iter_batches
from .declared import DeclaredFunction
from .examples import check_examples
from .faults import FunctionError, UsageError
from .function import LabelingFunction
from .record import CANONICAL, Record
from .regex_checks import can_run_away
from .schema import ABSTAIN, LabelSchema

_OUTCOMES = re.compile(
    r"(?:^|_)(gold|label|target|outcome|ground_truth|annotation|y|diagnosis_final)(?:_|$)", re.IGNORECASE
)
_CLOCKS = {
    "now", "today", "utcnow", "time", "time_ns", "monotonic", "random", "randint", "choice", "choices", "shuffle",
    "sample", "uniform", "rand", "randn", "uuid4", "default_rng",
}  # fmt: skip
_CLOCK_MODULES = {"datetime", "date", "time", "random", "np", "numpy", "uuid", "secrets", "pd", "pandas"}


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


def inspect_functions(
    functions: Sequence[LabelingFunction],
    records: Any = None,
    *,
    schema: LabelSchema | None = None,
    slow_ms: float = 1.0,
    overlap: float = 0.9,
    sample: int = 1000,
) -> list[Remark]:
    """Return what is to be said of some functions, in their order.

    Parameters
    ----------
    functions : sequence of LabelingFunction
        What is looked at.
    records : list, DataFrame, Arrow table or path of an export, optional
        Records to try the functions on; without them only examples and the functions' code are looked at.
    schema : LabelSchema, optional
        The classes.
    slow_ms : float, default 1.0
        Milliseconds a record from which a function counts as slow.
    overlap : float, default 0.9
        Share of common votes (Jaccard) from which two functions count as one.
    sample : int, default 1000
        Most records tried, the first ones.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> lfs = [keyword_lf("a", ["cough"], 1), keyword_lf("b", ["zebra"], 1)]
    >>> [(remark.function, remark.kind) for remark in inspect_functions(lfs, ["A cough.", "Fever."])]
    [('b', 'never fires')]
    """
    remarks = [
        Remark(f.function, "example", f"example {f.number}: {f.problem}")
        for f in check_examples(functions, schema)
    ]
    for function in functions:
        remarks += _remarks_on_code(function)
    if records is not None:
        tried = first_records(records, sample)
        trial = _Trial(functions, schema)
        trial.run(tried)
        remarks += trial.remarks + _remarks_on_votes(trial, len(tried), slow_ms, overlap)
        for function in trial.functions:
            remarks += _remarks_on_reading(function, tried)
    order = {function.name: position for position, function in enumerate(functions)}
    return sorted(remarks, key=lambda remark: order[remark.function])


def first_records(data: Any, n_records: int) -> list[Record]:
    """Return the first records of whatever holds records."""
    found: list[Record] = []
    for batch in iter_batches(data):
        found += batch.records[: n_records - len(found)]
        if len(found) >= n_records:
            break
    return found


def _remarks_on_code(function: LabelingFunction) -> list[Remark]:
    remarks = []
    try:
        _ = function.fingerprint
    except UsageError:
        remarks.append(
            Remark(function.name, "opaque", "uses something whose content cannot be known; declare version=")
        )
    pattern = getattr(function, "pattern", None)
    if pattern is not None and can_run_away(pattern):
        remarks.append(Remark(function.name, "runaway", "its pattern repeats a repeat and can take for ever"))
    code = getattr(function.function, "__code__", None)
    if code is not None and not isinstance(function, DeclaredFunction):
        named = _clocks(function.function)
        if named:
            remarks.append(
                Remark(
                    function.name,
                    "unstable",
                    f"uses {', '.join(sorted(named))}: its votes may differ from run to run",
                )
            )
    return remarks


def _clocks(function: Any) -> set[str]:
    """Return the clocks and dice that a function asks: "date.today", or "randint" imported by its name."""
    found: set[str] = set()
    names: list[str] = []
    for step in dis.get_instructions(function):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names = [str(step.argval)]
            value = getattr(function, "__globals__", {}).get(names[0])
            home = getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__
            if callable(value) and names[0] in _CLOCKS and home in ("time", "random", "uuid", "secrets"):
                found.add(names[0])
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and names:
            names.append(str(step.argval))
            if names[-1] in _CLOCKS and names[0] in _CLOCK_MODULES and names[1:] != ["random"]:
                found.add(".".join(names))
            elif names[-2:] == ["random", "random"]:
                found.add("random.random")
        elif step.opname not in ("PUSH_NULL", "CACHE", "PRECALL"):
            names = []
    return found


def _remarks_on_votes(trial: _Trial, n_records: int, slow_ms: float, overlap: float) -> list[Remark]:
    remarks = []
    kept = trial.functions
    votes = np.concatenate(trial.votes) if trial.votes else np.zeros((0, len(kept)), dtype=np.int8)
    for column, function in enumerate(kept):
        n_votes = int((votes[:, column] != ABSTAIN).sum())
        errors = trial.faults[function.name].total()
        milliseconds = 1000 * trial.seconds[function.name] / max(1, n_records)
        if errors:
            problem = f"{trial.faults[function.name].most_common(1)[0][0]}; failed on {errors} of {n_records} records"
            remarks.append(Remark(function.name, "error", problem))
        if not n_votes and errors < n_records:
            remarks.append(Remark(function.name, "never fires", f"abstained on all {n_records} records"))
        if milliseconds > slow_ms:
            remarks.append(Remark(function.name, "slow", f"takes {milliseconds:.1f} ms a record"))
        for other in range(column):
            common = int(((votes[:, column] == votes[:, other]) & (votes[:, column] != ABSTAIN)).sum())
            either = int(((votes[:, column] != ABSTAIN) | (votes[:, other] != ABSTAIN)).sum())
            if common and common / either >= overlap:
                share = f"{common / either:.0%} of their votes are the same"
                remarks.append(Remark(function.name, "overlapping", f"with {kept[other].name!r}: {share}"))
    return remarks


_FIRST_PIECE = 10
_NOTE_SECONDS = 0.5
_WARM_SECONDS = 5.0
_MOST_SECONDS = 20.0
"""What one function may take of a look at a sample."""


class _Trial:
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


class _Watched(Record):
    """A record that remembers which of its fields were read."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            object.__getattribute__(self, "__dict__").setdefault("_read", set()).add(name)
        return super().__getattribute__(name)

    def __getitem__(self, name: str) -> Any:
        self.__dict__.setdefault("_read", set()).add(name)
        return super().__getitem__(name)


def _remarks_on_reading(function: LabelingFunction, records: list[Record]) -> list[Remark]:
    """Look for fields that tell what only became known later."""
    late: dict[str, int] = {}
    read: set[str] = set()
    n_timeless = 0
    for record in records[:200]:
        watched = record.with_fields()
        object.__setattr__(watched, "__class__", _Watched)
        try:
            function(watched)
        except Exception:  # noqa: S112 - counted by the run
            continue
        n_timeless += (
            "events" in watched.__dict__.get("_read", ()) and record.time is None and bool(record.events)
        )
        fields = watched.__dict__.get("_read", set()) & set(record.fields)
        read |= fields
        for name in fields - set(CANONICAL):
            moment = _moment(record[name])
            if moment is not None and record.time is not None and moment > record.time:
                late[name] = late.get(name, 0) + 1
    remarks = [
        Remark(
            function.name, "leaking", f"reads {name!r}, which lies after the document's time in {n} records"
        )
        for name, n in sorted(late.items())
    ]
    if n_timeless:
        problem = (
            f"reads events in {n_timeless} records without a time: nothing tells which of them came later"
        )
        remarks.append(Remark(function.name, "leaking", problem))
    remarks += [
        Remark(function.name, "leaking", f"reads {name!r}, whose name says that it holds the answer")
        for name in sorted(read - set(late) - set(CANONICAL))
        if _OUTCOMES.search(name)
    ]
    return remarks


def _moment(value: Any) -> datetime | None:
    """Return a value as a moment in UTC, None when it is none."""
    if isinstance(value, str):
        if not re.match(r"\d{4}-\d{2}-\d{2}", value):
            return None
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def count_kinds(remarks: Sequence[Remark]) -> dict[str, int]:
    """Return how many remarks there are of each kind."""
    kinds, counts = np.unique([remark.kind for remark in remarks], return_counts=True)
    return {str(kind): int(n) for kind, n in zip(kinds, counts, strict=True)}
