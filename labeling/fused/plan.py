"""The declared pattern functions of a run as one plan: each text is read once for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..declared import text_of
from ..faults import FunctionError, UsageError
from ..function import OnError
from ..pattern import KeywordFunction, PatternFunction
from ..raised import describe_fault
from ..record import Record
from ..timer import watch
from ..votes import Span
from .required import RequiredWords, can_be_proposed
from .vector import VectorEngine, is_installed
from .words import WordEngine, confirmer

Engine: TypeAlias = Literal["auto", "words", "vector"]
_KINDS = (PatternFunction, KeywordFunction)


class FusedPlan:
    r"""Keyword and regex functions that are run together, with the votes that each gives on its own.

    Where Vectorscan (`hyperscan`) is installed it decides for texts in plain ASCII. Elsewhere one pass for the words
    that the patterns need (Aho-Corasick) decides keywords and proposes the rest, and `re` confirms.

    Parameters
    ----------
    functions : sequence of LabelingFunction
        All functions of a run; those that cannot be fused are left to the caller.
    engine : {"auto", "words", "vector"}, default "auto"
        "words" does without Vectorscan; "vector" insists on it.

    Attributes
    ----------
    columns : tuple of int
        Positions of the functions that the plan runs.
    proposed : tuple of int
        Positions of the plain functions with `requires=` that the plan names the records for.

    Examples
    --------
    >>> from sidelight.labeling import keyword_lf, regex_lf
    >>> plan = FusedPlan([keyword_lf("a", ["effusion"], 1), regex_lf("b", "EF [0-9]+", 0)])
    >>> plan.find([Record({"text": "Effusion, EF 35 %"}), Record({"text": "Clear"})], 0, "raise")[0].tolist()
    [[True, True], [False, False]]
    """

    def __init__(self, functions: Sequence[Any], *, engine: Engine = "auto") -> None:
        if engine not in ("auto", "words", "vector"):
            raise UsageError(f"engine is 'auto', 'words' or 'vector', not {engine!r}")
        self.columns = tuple(
            column
            for column, function in enumerate(functions)
            if type(function) in _KINDS and not function.pre
        )
        self.functions: list[PatternFunction] = [functions[column] for column in self.columns]
        self.proposed = tuple(
            column for column, function in enumerate(functions) if can_be_proposed(function)
        )
        searched: list[PatternFunction | RequiredWords] = [
            *self.functions,
            *(RequiredWords(functions[column]) for column in self.proposed),
        ]
        self._width = len(searched)
        fields = list(dict.fromkeys(one.field for one in searched))
        self._passes = [
            _Pass(field, [n for n, one in enumerate(searched) if one.field == field], searched, engine)
            for field in fields
        ]

    def find_in_texts(
        self, texts: list[str], first_row: int, on_error: OnError
    ) -> tuple[NDArray[np.bool_], list[Counter[str]]]:
        """Return what `find` does, for texts that stand for the one field that all functions of the plan search."""
        found = np.zeros((len(texts), self._width), dtype=bool)
        faults: list[Counter[str]] = [Counter() for _ in range(self._width)]
        self._passes[0].run(texts, None, first_row, on_error, found, faults)
        watch(())
        return found, faults

    def find(
        self, records: Sequence[Record], first_row: int, on_error: OnError
    ) -> tuple[NDArray[np.bool_], list[Counter[str]]]:
        """Return which functions find what they look for in which records, and how often each of them failed in which way.

        The columns are those of `columns` and, after them, those of `proposed`: whether to ask the function.

        Raises
        ------
        FunctionError
            When a field is no text or a pattern runs away, and neither function nor run says to abstain then.
        """
        found = np.zeros((len(records), self._width), dtype=bool)
        faults: list[Counter[str]] = [Counter() for _ in range(self._width)]
        for one in self._passes:
            texts, no_text = one.texts(records, first_row, on_error, faults)
            one.run(texts, records, first_row, on_error, found, faults)
            if no_text:  # what a plain function makes of it, it says itself
                found[no_text, len(self.functions) :] |= one.field == RequiredWords.field
        watch(())
        return found, faults

    def propose(self, records: Sequence[Record]) -> dict[int, list[int]]:
        """Return the rows that each function of `proposed` is to be asked about, for a plan without patterns."""
        if not self.proposed:
            return {}
        found, _ = self.find(records, 0, "raise")
        return {
            column: np.flatnonzero(found[:, len(self.columns) + place]).tolist()
            for place, column in enumerate(self.proposed)
        }


class _Pass:
    """One field's functions, by their numbers in the plan."""

    def __init__(
        self,
        field: str,
        numbers: list[int],
        functions: Sequence[PatternFunction | RequiredWords],
        engine: Engine,
    ) -> None:
        self.field = field
        self.numbers = np.array(numbers)
        self.functions = [functions[number] for number in numbers]
        vector = VectorEngine(self.functions) if engine != "words" and is_installed() else None
        decided = vector.numbers if vector is not None else frozenset()
        if engine == "vector" and not decided:
            raise UsageError(
                "Vectorscan is not installed or can decide none of these functions; install sidelight[fast]"
            )
        self.vector = vector if decided else None
        self.words = WordEngine(self.functions)
        self.left = [number for number in range(len(self.functions)) if number not in decided]
        self.rest = WordEngine([self.functions[n] for n in self.left]) if self.left and decided else None
        self._progress: list[None] = []
        self.confirm = {
            number: confirmer(function)
            for number, function in enumerate(self.functions)
            if isinstance(function, PatternFunction)
        }

    def run(
        self,
        texts: list[str],
        records: Sequence[Record] | None,
        first_row: int,
        on_error: OnError,
        found: NDArray[np.bool_],
        faults: list[Counter[str]],
    ) -> None:
        """Fill in the columns of this field's functions."""
        n_functions = len(self.functions)
        hits: list[int] = []
        undecided: set[int] | None = None
        if self.vector is not None:
            undecided = self._scan(texts, hits)
        watch(self._progress)
        rows = range(len(texts)) if undecided is None or self.rest is not None else sorted(undecided)
        for row in rows:
            whole = undecided is None or row in undecided
            engine = self.words if whole else self.rest
            assert engine is not None  # noqa: S101 - told the type checker
            sure, maybe = engine.scan(texts[row])
            if not whole:
                sure, maybe = (
                    {self.left[n] for n in sure},
                    {self.left[n]: places for n, places in maybe.items()},
                )
            base = row * n_functions
            hits += [base + number for number in sure]
            if maybe:
                self._confirm(texts[row], records, row, maybe, first_row, on_error, hits, faults)
        self._progress.clear()
        table = np.zeros(len(texts) * n_functions, dtype=bool)
        table[np.array(hits, dtype=np.intp)] = True
        found[:, self.numbers] = table.reshape(len(texts), n_functions)

    def _scan(self, texts: list[str], hits: list[int]) -> set[int]:
        """Let Vectorscan decide what it can; return the rows that it must not be asked about."""
        vector = self.vector
        assert vector is not None  # noqa: S101 - told the type checker
        note = hits.append

        def hit(number: int, start: int, end: int, flags: int, base: int) -> None:
            note(base + number)

        scan = vector.scan
        left = set()
        base = 0
        width = len(self.functions)
        for row, text in enumerate(texts):
            if text.isascii():
                scan(text.encode(), match_event_handler=hit, context=base)
            else:
                left.add(row)
            base += width
        return left

    def texts(
        self, records: Sequence[Record], first_row: int, on_error: OnError, faults: list[Counter[str]]
    ) -> tuple[list[str], list[int]]:
        """Return the field's texts, "" where one is missing or no text, and the rows where it is no text."""
        field = self.field
        texts = [getattr(record, field) for record in records]
        no_text: list[int] = []
        if set(map(type, texts)) <= {str}:
            return texts, no_text
        for row, text in enumerate(texts):
            if type(text) is str:
                continue
            texts[row] = "" if text is None else str(text) if isinstance(text, str) else ""
            if text is None or isinstance(text, str):
                continue
            no_text.append(row)
            for number, function in enumerate(self.functions):
                if isinstance(function, PatternFunction):
                    fault = _kind_of_fault(function, records[row])
                    self._fail(function, number, row, first_row, on_error, faults, fault)
        return texts, no_text

    def _confirm(
        self,
        text: str,
        records: Sequence[Record] | None,
        row: int,
        proposed: dict[int, list[Span] | None],
        first_row: int,
        on_error: OnError,
        hits: list[int],
        faults: list[Counter[str]],
    ) -> None:
        """Let functions look for themselves where a word of theirs was found."""
        base = row * len(self.functions)
        record = Record({self.field: text}) if records is None else records[row]
        for number, places in proposed.items():
            self._progress.append(None)
            function = self.functions[number]
            if isinstance(function, RequiredWords):
                hits.append(base + number)
                continue
            fault = None
            try:
                if self.confirm[number](text, record, places):
                    hits.append(base + number)
            except Exception as error:
                fault = describe_fault(error, function.function)
            if fault is not None:
                self._fail(function, number, row, first_row, on_error, faults, fault)

    def _fail(
        self,
        function: PatternFunction,
        number: int,
        row: int,
        first_row: int,
        on_error: OnError,
        faults: list[Counter[str]],
        fault: str,
    ) -> None:
        if (function.on_error or on_error) == "raise":
            raise FunctionError(function.name, first_row + row, fault)
        faults[self.numbers[number]][fault] += 1


def _kind_of_fault(function: PatternFunction, record: Record) -> str:
    """Say what a function raises over a record whose field is no text."""
    try:
        text_of(record, function.field, function.name)
    except Exception as error:
        return describe_fault(error, function.function)
    return "failed"
