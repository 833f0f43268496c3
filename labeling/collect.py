"""Votes while a run collects them: plain columns, and side channels only where a function uses them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .batches import RecordBatch, frame_names
from .faults import FunctionError, UsageError
from .function import LabelingFunction, OnError, RecordFunction, Vote
from .fused import FusedPlan, ask_about
from .schema import ABSTAIN, LabelSchema
from .votes import FunctionInfo, RunStatistics, Span, VoteMatrix

_PLAIN = {int, str, type(None)}
_WORD = 64
_STEP = 64


class Encoder(Protocol):
    """What the collector needs to know of the applier it works for."""

    lfs: tuple[Any, ...]
    schema: LabelSchema | None
    plan: FusedPlan

    def encode(self, function: LabelingFunction, row: int, answer: object) -> int:
        """Return an answer as an integer vote, or raise naming function and row."""
        ...


class VoteCollector:
    """Votes while they are collected: plain columns, and side channels only where a function uses them."""

    def __init__(self, applier: Encoder, on_error: OnError, evidence: bool) -> None:
        self.applier = applier
        self.on_error = on_error
        self.with_evidence = evidence
        n_functions = len(applier.lfs)
        self.plan = applier.plan
        self.blocks: list[NDArray[np.int8]] = []
        self.columns: dict[str, list[NDArray[np.str_] | None]] = {"id": [], "patient_id": []}
        self.sizes: list[int] = []
        self.confidences: dict[tuple[int, int], float] = {}
        self.sets: dict[tuple[int, int], set[int]] = {}
        self.spans: dict[tuple[int, int], tuple[Span, ...]] = {}
        self.faults: list[Counter[str]] = [Counter() for _ in range(n_functions)]
        self.seconds = np.zeros(n_functions)

    @property
    def errors(self) -> NDArray[np.int64]:
        """Calls of each function that raised."""
        return np.array([faults.total() for faults in self.faults], dtype=np.int64)

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
        proposed = self._run_plan(batch, block)
        left = [
            (column, function)
            for column, function in enumerate(self.applier.lfs)
            if column not in self.plan.columns
        ]
        answers: dict[int, list[Any]] = {column: [] for column, _ in left}
        # What steps make of a note (a spaCy document, say) is large: a few notes at a time stay in the processor's cache.
        size = _STEP if any(function.pre for _, function in left) else max(1, len(batch.records))
        for start in range(0, len(batch.records), size):
            records = batch.records[start : start + size] if size < len(batch.records) else batch.records
            for column, function in left:
                begin = time.perf_counter()
                first_row = batch.first_row + start
                if column in proposed:
                    wanted = np.flatnonzero(proposed[column][start : start + size]).tolist()
                    found, faults = ask_about(function, records, wanted, first_row, self.on_error)
                else:
                    found, faults = function.evaluate(records, first_row, self.on_error)
                self.seconds[column] += time.perf_counter() - begin
                self.faults[column] += faults
                answers[column] += found
        for column, function in left:
            block[:, column] = self._column(function, column, answers[column], batch.first_row)
            if self.with_evidence:
                self._ask_for_evidence(function, column, block[:, column], batch)
        self.blocks.append(block)
        self.sizes.append(len(batch.records))
        for name, parts in self.columns.items():
            parts.append(batch.column(name))

    def add_texts(self, texts: list[str], frame: Any = None) -> None:
        """Run a plan that holds every function over bare texts, or those of a pandas frame."""
        block = np.full((len(texts), len(self.applier.lfs)), ABSTAIN, dtype=np.int8)
        begin = time.perf_counter()
        self._fill(block, *self.plan.find_in_texts(texts, 0, self.on_error), 0, begin)
        self.blocks.append(block)
        self.sizes.append(len(texts))
        for name, parts in self.columns.items():
            parts.append(None if frame is None else frame_names(frame, name))

    def _run_plan(self, batch: RecordBatch, block: NDArray[np.int8]) -> dict[int, NDArray[np.bool_]]:
        """Run the declared patterns together; return the records that other functions are to be asked about."""
        columns, proposed = self.plan.columns, self.plan.proposed
        if not columns and not proposed:
            return {}
        begin = time.perf_counter()
        found, faults = self.plan.find(batch.records, batch.first_row, self.on_error)
        self._fill(block, found, faults, batch.first_row, begin)
        if self.with_evidence:
            for column in columns:
                self._ask_for_evidence(self.applier.lfs[column], column, block[:, column], batch)
        return {column: found[:, len(columns) + place] for place, column in enumerate(proposed)}

    def _fill(
        self,
        block: NDArray[np.int8],
        found: NDArray[np.bool_],
        faults: list[Counter[str]],
        first_row: int,
        begin: float,
    ) -> None:
        """Turn what the plan found into votes, and share its time out equally."""
        columns = list(self.plan.columns)
        all_columns = columns + list(self.plan.proposed)
        for number, column in enumerate(columns):
            vote = self.applier.encode(self.applier.lfs[column], first_row, self.plan.functions[number].vote)
            block[found[:, number], column] = vote
        self.seconds[all_columns] += (time.perf_counter() - begin) / len(all_columns)
        for column, raised in zip(all_columns, faults, strict=True):
            self.faults[column] += raised

    def _column(
        self, function: LabelingFunction, column: int, answers: list[Any], first_row: int
    ) -> NDArray[np.int8]:
        """Encode one function's answers to a batch."""
        allowed = {self.applier.encode(function, first_row, vote) for vote in function.polarity}
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
        vote = self.applier.encode(function, row, answer)
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
            statistics=RunStatistics(self.errors, self.seconds, tuple(self.faults)),
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


def check_fields(functions: Sequence[RecordFunction], batch: RecordBatch) -> None:
    """Raise when a function reads a field that the export does not have."""
    if batch.fields is None:
        return
    for function in functions:
        for name in function.fields:
            if name not in batch.fields:
                raise UsageError(
                    f"function {function.name!r} reads the field {name!r}, which the records do not have "
                    f"(fields: {', '.join(sorted(batch.fields))}); rename the column that holds it, or name it where the "
                    f"export is read"
                )


def function_info(function: LabelingFunction, schema: LabelSchema) -> FunctionInfo:
    """Return what a column of votes remembers of its function; no fingerprint where there can be none."""
    try:
        digest = function.fingerprint
    except UsageError:
        digest = ""
    polarity = tuple(sorted({schema.encode(vote) for vote in function.polarity}))
    declared = getattr(function, "accuracy", None)
    return FunctionInfo(function.name, digest, polarity, None if declared is None else tuple(declared))
