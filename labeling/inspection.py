"""What a look at labeling functions and a sample of records tells before a run: slow, silent, doubled, leaking."""

from __future__ import annotations

import dis
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .analysis import LFAnalysis
from .declared import DeclaredFunction
from .examples import check_examples
from .faults import UsageError
from .function import LabelingFunction
from .record import CANONICAL, Record
from .regex_checks import can_run_away
from .sample_run import Remark, SampleRun, first_records
from .schema import ABSTAIN, LabelSchema

_OUTCOMES = re.compile(
    r"(?:^|_)(gold|label|target|outcome|ground_truth|annotation|y|diagnosis_final)(?:_|$)", re.IGNORECASE
)
_CLOCKS = {
    "now", "today", "utcnow", "time", "time_ns", "monotonic", "random", "randint", "choice", "choices", "shuffle",
    "sample", "uniform", "rand", "randn", "uuid4", "default_rng",
}  # fmt: skip
_CLOCK_MODULES = {"datetime", "date", "time", "random", "np", "numpy", "uuid", "secrets", "pd", "pandas"}


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a look at some functions showed.

    Parameters
    ----------
    remarks : list of Remark
        In the order of the functions.
    names : tuple of str
        The functions tried on the whole sample.
    votes : ndarray of int8 of shape (n_records, n_functions)
        Their votes on it.
    milliseconds, errors : ndarray of shape (n_functions,)
        What each took a record, and on how many it raised.
    """

    remarks: list[Remark]
    names: tuple[str, ...] = ()
    votes: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int8))
    milliseconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    errors: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Tried:
    """What one function did on a sample, beside the others.

    Parameters
    ----------
    function : str
        Its name.
    classes : tuple of int
        The classes it voted for.
    coverage, overlaps, conflicts : float
        Shares of the records that it voted on, voted on together with another function, and voted on otherwise than another.
    milliseconds : float
        What it took a record.
    errors : int
        Records on which it raised.
    """

    function: str
    classes: tuple[int, ...]
    coverage: float
    overlaps: float
    conflicts: float
    milliseconds: float
    errors: int


@dataclass(frozen=True, slots=True)
class Together:
    """What functions did on a sample, one by one and all together.

    Parameters
    ----------
    functions : tuple of Tried
    coverage, conflict : float
        Shares of the records with a vote, and with two votes that differ.
    """

    functions: tuple[Tried, ...] = ()
    coverage: float = 0.0
    conflict: float = 0.0


def tried_together(inspections: Sequence[Inspection]) -> Together:
    """Return what functions did that were tried on the same sample for the same question, in one or several looks.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> lfs = [keyword_lf("a", ["cough"], 1), keyword_lf("b", ["no cough"], 0)]
    >>> found = tried_together([look_at(lfs, ["A cough.", "No cough."])])
    >>> [(row.function, row.coverage, row.conflicts) for row in found.functions], found.conflict
    ([('a', 1.0, 0.5), ('b', 0.5, 0.5)], 0.5)
    """
    some = [look for look in inspections if look.names]
    if not some:
        return Together()
    analysis = LFAnalysis(
        np.concatenate([look.votes for look in some], axis=1), [n for look in some for n in look.names]
    )
    rows = zip(
        analysis.names,
        map(tuple, analysis.lf_polarities()),
        *(
            shares.tolist()
            for shares in (analysis.lf_coverages(), analysis.lf_overlaps(), analysis.lf_conflicts())
        ),
        np.concatenate([look.milliseconds for look in some]).tolist(),
        np.concatenate([look.errors for look in some]).tolist(),
        strict=True,
    )
    return Together(tuple(Tried(*row) for row in rows), analysis.label_coverage(), analysis.label_conflict())


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
    return look_at(functions, records, schema=schema, slow_ms=slow_ms, overlap=overlap, sample=sample).remarks


def look_at(
    functions: Sequence[LabelingFunction],
    records: Any = None,
    *,
    schema: LabelSchema | None = None,
    slow_ms: float = 1.0,
    overlap: float = 0.9,
    sample: int = 1000,
) -> Inspection:
    """Return what is to be said of some functions, and how they voted; arguments are those of `inspect_functions`."""
    remarks = [
        Remark(f.function, "example", f"example {f.number}: {f.problem}")
        for f in check_examples(functions, schema)
    ]
    for function in functions:
        remarks += _remarks_on_code(function)
    order = {function.name: position for position, function in enumerate(functions)}
    if records is None:
        return Inspection(sorted(remarks, key=lambda remark: order[remark.function]))
    tried = first_records(records, sample)
    run = SampleRun(functions, schema)
    run.run(tried)
    remarks += run.remarks + _remarks_on_votes(run, len(tried), slow_ms, overlap)
    for function in run.functions:
        remarks += _remarks_on_reading(function, tried)
    names = tuple(function.name for function in run.functions)
    return Inspection(
        sorted(remarks, key=lambda remark: order[remark.function]),
        names,
        run.all_votes(),
        np.array([1000 * run.seconds[name] / max(1, len(tried)) for name in names]),
        np.array([run.faults[name].total() for name in names], dtype=np.int64),
    )


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


def _remarks_on_votes(trial: SampleRun, n_records: int, slow_ms: float, overlap: float) -> list[Remark]:
    remarks = []
    kept = trial.functions
    votes = trial.all_votes()
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
