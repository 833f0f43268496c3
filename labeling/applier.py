"""Running labeling functions over records and collecting their votes."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .batches import RecordBatch, iter_batches
from .faults import FunctionError, UsageError
from .function import LabelingFunction, OnError, RecordFunction, Vote
from .schema import ABSTAIN, LabelSchema
from .votes import FunctionInfo, RunStatistics, Span, VoteMatrix

_PLAIN = {int, str, type(None)}
_WORD = 64


class ApplierMetadata(NamedTuple):
    """What `apply(return_meta=True)` returns beside the votes: calls that raised, by function name."""

    faults: dict[str, int]


class LFApplier:
    """Runs labeling functions over records.

    Parameters
    ----------
    lfs : sequence of LabelingFunction
        At least one; names are unique. Columns of the votes follow this order.
    schema : LabelSchema, optional
        The classes. Needed when functions return class names; bare integers do without.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf
    >>> schema = LabelSchema(classes=("normal", "abnormal"))
    >>> lfs = [keyword_lf("normal_ecg", ["normales EKG"], "normal"), keyword_lf("af", ["vorhofflimmern"], "abnormal")]
    >>> votes = LFApplier(lfs, schema=schema).apply(["Sinusrhythmus, normales EKG", "Vorhofflimmern"])
    >>> np.asarray(votes).tolist()
    [[0, -1], [-1, 1]]
    """

    def __init__(self, lfs: Sequence[LabelingFunction], schema: LabelSchema | None = None) -> None:
        self.lfs = check_functions(lfs, LabelingFunction)
        self.schema = schema
        for function in self.lfs:
            for vote in function.polarity:
                self._encode(function, 0, vote)

    def apply(
        self,
        data: Any,
        progress_bar: bool = False,
        fault_tolerant: bool = False,
        return_meta: bool = False,
        *,
        on_error: OnError = "raise",
        evidence: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Any:
        """Return the votes of all functions on all records.

        Parameters
        ----------
        data : list, DataFrame, Arrow table, Reading or path of an export
            The records, in the order the votes will have.
        progress_bar : bool, default False
            Show one on a terminal.
        fault_tolerant : bool, default False
            Snorkel's name for ``on_error="abstain"``.
        return_meta : bool, default False
            Return `(votes, ApplierMetadata)`.
        on_error : {"raise", "abstain"}, default "raise"
            What a call that raises does to the run.
        evidence : bool, default False
            Ask functions for the spans their votes rest on.
        progress : callable, optional
            Called with the number of records done after each batch.

        Returns
        -------
        VoteMatrix
            Shape (n_records, n_functions); its `statistics` count errors and seconds a function.

        Raises
        ------
        FunctionError
            When a function raises or returns what is no vote; names the function and the row.
        """
        collected = _Votes(self, "abstain" if fault_tolerant else on_error, evidence)
        for function in self.lfs:
            function.setup()
        with _bar(progress_bar) as advance:
            for batch in iter_batches(data):
                collected.add(batch)
                advance(len(batch.records))
                if progress is not None:
                    progress(len(batch.records))
        votes = collected.matrix()
        if return_meta:
            faults = {name: int(n) for name, n in zip(votes.names, collected.errors, strict=True) if n}
            return votes, ApplierMetadata(faults)
        return votes

    def _encode(self, function: LabelingFunction, row: int, answer: object) -> int:
        """Return an answer as an integer vote, or raise naming function and row."""
        try:
            if self.schema is not None:
                return self.schema.encode(answer)
            if isinstance(answer, str):
                raise ValueError(
                    "a class name, but the applier was given no schema (schema=LabelSchema(...))"
                )
            return _ANY_CLASSES.encode(answer)
        except (TypeError, ValueError) as error:
            problem = str(error)
        raise FunctionError(function.name, row, f"voted {problem}")


class PandasLFApplier(LFApplier):
    """Snorkel's name for `LFApplier` over a pandas DataFrame."""


_ANY_CLASSES = LabelSchema.of(127)


class _Votes:
    """Votes while they are collected: plain columns, and side channels only where a function uses them."""

    def __init__(self, applier: LFApplier, on_error: OnError, evidence: bool) -> None:
        self.applier = applier
        self.on_error = on_error
        self.with_evidence = evidence
        n_functions = len(applier.lfs)
        self.blocks: list[NDArray[np.int8]] = []
        self.columns: dict[str, list[NDArray[np.str_] | None]] = {"id": [], "patient_id": []}
        self.sizes: list[int] = []
        self.confidences: dict[tuple[int, int], float] = {}
        self.sets: dict[tuple[int, int], set[int]] = {}
        self.spans: dict[tuple[int, int], tuple[Span, ...]] = {}
        self.errors = np.zeros(n_functions, dtype=np.int64)
        self.seconds = np.zeros(n_functions)

    def add(self, batch: RecordBatch) -> None:
        """Run every function over a batch."""
        check_fields(self.applier.lfs, batch)
        try:
            self._add(batch)
        except FunctionError as fault:
            located = batch.locate(fault)
        else:
            return
        raise located

    def _add(self, batch: RecordBatch) -> None:
        block = np.full((len(batch.records), len(self.applier.lfs)), ABSTAIN, dtype=np.int8)
        for column, function in enumerate(self.applier.lfs):
            begin = time.perf_counter()
            answers, errors = function.evaluate(batch.records, batch.first_row, self.on_error)
            self.seconds[column] += time.perf_counter() - begin
            self.errors[column] += errors
            block[:, column] = self._column(function, column, answers, batch.first_row)
            if self.with_evidence:
                self._ask_for_evidence(function, column, block[:, column], batch)
        self.blocks.append(block)
        self.sizes.append(len(batch.records))
        for name, parts in self.columns.items():
            parts.append(batch.column(name))

    def _column(
        self, function: LabelingFunction, column: int, answers: list[Any], first_row: int
    ) -> NDArray[np.int8]:
        """Encode one function's answers to a batch."""
        allowed = {self.applier._encode(function, first_row, vote) for vote in function.polarity}
        codes: dict[Any, int] = {}
        if set(map(type, answers)) <= _PLAIN:
            for answer in dict.fromkeys(answers):
                row = first_row if answer is None else first_row + answers.index(answer)
                codes[answer] = self._checked(function, row, answer, allowed)
            return np.fromiter(map(codes.__getitem__, answers), dtype=np.int8, count=len(answers))
        encoded = np.full(len(answers), ABSTAIN, dtype=np.int8)
        for position, answer in enumerate(answers):
            row = first_row + position
            value = answer
            if isinstance(answer, Vote):
                value = answer.value
                self._note(function, row, column, answer)
            if isinstance(value, set | frozenset):
                members = {self._checked(function, row, member, allowed) for member in value}
                if members and ABSTAIN not in members:
                    self.sets[row, column] = members
                if len(members) == 1:
                    encoded[position] = members.pop()
                    self.sets.pop((row, column), None)
                continue
            encoded[position] = self._checked(function, row, value, allowed)
        return encoded

    def _checked(self, function: LabelingFunction, row: int, answer: object, allowed: set[int]) -> int:
        vote = self.applier._encode(function, row, answer)
        if allowed and vote != ABSTAIN and vote not in allowed:
            raise FunctionError(
                function.name,
                row,
                f"voted {vote}, but declares that it votes only for {sorted(allowed)} (polarity)",
            )
        return vote

    def _note(self, function: LabelingFunction, row: int, column: int, vote: Vote) -> None:
        """Keep the confidence and the spans a vote came with."""
        try:
            confidence = float(vote.confidence)
            spans = tuple((int(start), int(end)) for start, end in vote.spans)
        except (TypeError, ValueError):  # its message may quote the record
            confidence, spans = 0.0, ((-1, -1),)
        if not 0 < confidence <= 1 or any(not 0 <= start <= end for start, end in spans):
            raise FunctionError(
                function.name,
                row,
                "voted with a confidence outside (0, 1], or with spans that are no (start, end) of characters",
            )
        if confidence != 1:
            self.confidences[row, column] = confidence
        if spans:
            self.spans[row, column] = spans

    def _ask_for_evidence(
        self, function: LabelingFunction, column: int, votes: NDArray[np.int8], batch: RecordBatch
    ) -> None:
        """Ask a function that can explain itself for the spans of the votes it cast."""
        explain = getattr(function, "evidence", None)
        if explain is None:
            return
        for position in np.flatnonzero(votes != ABSTAIN):
            vote = explain(batch.records[position])
            if vote is not None:
                self._note(function, batch.first_row + int(position), column, vote)

    def matrix(self) -> VoteMatrix:
        """Return all that was collected."""
        functions = self.applier.lfs
        values = np.concatenate(self.blocks) if self.blocks else np.empty((0, len(functions)), dtype=np.int8)
        schema = self.applier.schema or LabelSchema.of(
            max(2, int(values.max(initial=-1)) + 1, *self._most_in_sets())
        )
        return VoteMatrix(
            values,
            schema,
            tuple(function_info(function, schema) for function in functions),
            ids=self._names("id", required=True),
            patient_ids=self._names("patient_id", required=False),
            confidence=self._confidence(values.shape),
            class_sets=self._class_sets(values.shape, schema.cardinality),
            evidence=self.spans,
            statistics=RunStatistics(self.errors, self.seconds),
        ).compact()

    def _most_in_sets(self) -> list[int]:
        return [max(members) + 1 for members in self.sets.values()] or [2]

    def _names(self, name: str, *, required: bool) -> NDArray[np.str_] | None:
        parts = self.columns[name]
        if (
            not parts
            or all(part is None for part in parts)
            or (required and any(part is None for part in parts))
        ):
            return None
        filled = [np.full(n, "") if part is None else part for part, n in zip(parts, self.sizes, strict=True)]
        names = np.concatenate(filled)
        if required and (names == "").any():
            raise UsageError(f"row {int(np.argmax(names == ''))} has no id, though other rows have one")
        return names

    def _confidence(self, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
        if not self.confidences:
            return None
        confidence = np.ones(shape, dtype=np.float32)
        for place, value in self.confidences.items():
            confidence[place] = value
        return confidence

    def _class_sets(self, shape: tuple[int, ...], cardinality: int) -> NDArray[np.uint64] | None:
        if not self.sets:
            return None
        words = np.zeros((*shape, -(-cardinality // _WORD)), dtype=np.uint64)
        for (row, column), members in self.sets.items():
            for member in members:
                words[row, column, member // _WORD] |= np.uint64(1 << (member % _WORD))
        return words


def check_functions(functions: Sequence[Any], kind: type) -> tuple[Any, ...]:
    """Return the functions as a tuple, refusing none at all, strangers and names used twice."""
    found = tuple(functions)
    if not found:
        raise UsageError("there is no function to apply")
    for position, function in enumerate(found):
        if not isinstance(function, kind):
            raise UsageError(
                f"function {position} is a {type(function).__name__}, not a {kind.__name__}; "
                f"decorate it with @{'labeling_function' if kind is LabelingFunction else 'slicing_function'}"
            )
    names = [function.name for function in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"two functions share a name: {', '.join(twice)}")
    return found


def check_fields(functions: Sequence[RecordFunction], batch: RecordBatch) -> None:
    """Raise when a function reads a field that the export does not have."""
    if batch.fields is None:
        return
    for function in functions:
        for name in function.fields:
            if name not in batch.fields:
                raise UsageError(
                    f"function {function.name!r} reads the field {name!r}, which the records do not have "
                    f"(fields: {', '.join(sorted(batch.fields))}); name the column that holds it ({name}=...)"
                )


def function_info(function: LabelingFunction, schema: LabelSchema) -> FunctionInfo:
    """Return what a column of votes remembers of its function; no fingerprint where there can be none."""
    try:
        digest = function.fingerprint
    except UsageError:
        digest = ""
    polarity = tuple(sorted({schema.encode(vote) for vote in function.polarity}))
    return FunctionInfo(function.name, digest, polarity)


class _bar:  # noqa: N801 - used as a function
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
