"""What a look at labeling functions and a sample of records tells before a run: slow, silent, doubled, leaking."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from .applier import LFApplier
from .batches import iter_batches
from .declared import DeclaredFunction
from .examples import check_examples
from .faults import UsageError
from .function import LabelingFunction
from .record import CANONICAL, Record
from .regex_checks import can_run_away
from .schema import ABSTAIN, LabelSchema

_OUTCOMES = re.compile(
    r"(?:^|_)(gold|label|target|outcome|ground_truth|annotation|y|diagnosis_final)(?:_|$)", re.IGNORECASE
)
_CLOCKS = {"now", "today", "utcnow", "time", "random", "randint", "choice", "shuffle"}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know about one function.

    Parameters
    ----------
    function : str
        Its name.
    kind : str
        "example", "error", "never fires", "slow", "overlapping", "leaking", "runaway", "unstable" or "opaque".
    message : str
        What was seen.
    """

    function: str
    kind: str
    message: str

    @property
    def is_failure(self) -> bool:
        """Whether the function does not do what it says."""
        return self.kind == "example"


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
        remarks += _remarks_on_votes(functions, tried, schema, slow_ms, overlap)
        for function in functions:
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
        named = _CLOCKS & set(code.co_names) & _called(code)
        if named:
            remarks.append(
                Remark(
                    function.name,
                    "unstable",
                    f"uses {', '.join(sorted(named))}: its votes may differ from run to run",
                )
            )
    return remarks


def _called(code: Any) -> set[str]:
    """Return names that only count as clocks where a clock's or dice's module is named as well."""
    modules = {"datetime", "date", "time", "random", "np", "numpy", "rng"} & set(code.co_names)
    return _CLOCKS if modules else set()


def _remarks_on_votes(
    functions: Sequence[LabelingFunction],
    records: list[Record],
    schema: LabelSchema | None,
    slow_ms: float,
    overlap: float,
) -> list[Remark]:
    remarks = []
    run = LFApplier(functions, schema=schema).apply(records, on_error="abstain")
    votes = run.dense()
    n_records = max(1, len(records))
    for column, function in enumerate(functions):
        n_votes = int((votes[:, column] != ABSTAIN).sum())
        errors = int(run.statistics.errors[column])
        milliseconds = 1000 * run.statistics.seconds[column] / n_records
        if errors:
            remarks.append(Remark(function.name, "error", f"raised on {errors} of {len(records)} records"))
        if not n_votes and records:
            remarks.append(Remark(function.name, "never fires", f"abstained on all {len(records)} records"))
        if milliseconds > slow_ms:
            remarks.append(Remark(function.name, "slow", f"takes {milliseconds:.1f} ms a record"))
        for other in range(column):
            common = int(((votes[:, column] == votes[:, other]) & (votes[:, column] != ABSTAIN)).sum())
            either = int(((votes[:, column] != ABSTAIN) | (votes[:, other] != ABSTAIN)).sum())
            if common and common / either >= overlap:
                share = f"{common / either:.0%} of their votes are the same"
                remarks.append(
                    Remark(function.name, "overlapping", f"with {functions[other].name!r}: {share}")
                )
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
    for record in records[:200]:
        watched = record.with_fields()
        object.__setattr__(watched, "__class__", _Watched)
        try:
            function(watched)
        except Exception:  # noqa: S112 - counted by the run
            continue
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
