"""Running labeling functions over records and collecting their votes."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .batches import iter_batches, open_path
from .collect import VoteCollector, check_fields, function_info
from .faults import FunctionError, QuarantineWarning, UsageError
from .function import LabelingFunction, OnError
from .fused import FusedPlan
from .progress import ProgressBar
from .readers import Reading
from .schema import LabelSchema
from .timer import note_timer

__all__ = [
    "ApplierMetadata",
    "LFApplier",
    "PandasLFApplier",
    "check_fields",
    "check_functions",
    "function_info",
]


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
        if schema is not None and not isinstance(schema, LabelSchema):
            raise TypeError(
                f"schema is a {type(schema).__name__}; it is LabelSchema(classes=...), or None where functions return integers"
            )
        self.schema = schema
        self.plan = FusedPlan(self.lfs)
        for function in self.lfs:
            for vote in function.polarity:
                self.encode(function, 0, vote)

    def apply(
        self,
        data: Any,
        progress_bar: bool = False,
        fault_tolerant: bool = False,
        return_meta: bool = False,
        *,
        on_error: OnError = "raise",
        evidence: bool = False,
        note_seconds: float | None = 1.0,
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
        note_seconds : float, optional
            Processor time after which a function is stopped that still works on one record; counts as raising. Only
            in the main thread, and not on Windows; None for no limit.
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
        if isinstance(data, str | Path):
            data = open_path(data)
        reading = data if isinstance(data, Reading) else None
        collected = VoteCollector(self, "abstain" if fault_tolerant else on_error, evidence)
        for function in self.lfs:
            function.setup()
        with note_timer(note_seconds), ProgressBar(progress_bar) as advance:
            bare = self._bare_texts(data) if not evidence else None
            if bare is not None:
                collected.add_texts(*bare)
                data = []
            for batch in iter_batches(data):
                collected.add(batch)
                advance(len(batch.records))
                if progress is not None:
                    progress(len(batch.records))
        if reading is not None and len(reading.quarantine):
            reasons = ", ".join(f"{reason} {count}" for reason, count in reading.quarantine.counts().items())
            warnings.warn(
                f"{len(reading.quarantine)} of {reading.n_rows} rows were set aside: {reasons}",
                QuarantineWarning,
                stacklevel=2,
            )
        votes = collected.matrix()
        if return_meta:
            faults = {name: int(n) for name, n in zip(votes.names, collected.errors, strict=True) if n}
            return votes, ApplierMetadata(faults)
        return votes

    def _bare_texts(self, data: Any) -> "tuple[list[str], Any] | None":
        """Return texts and their frame where a run is declared patterns over "text", which needs no records."""
        if len(self.plan.columns) < len(self.lfs) or any(f.field != "text" for f in self.plan.functions):
            return None
        if isinstance(data, list):
            return (data, None) if set(map(type, data)) == {str} else None
        if (
            type(data).__module__.partition(".")[0] != "pandas"
            or "text" not in getattr(data, "columns", ())
            or not data.columns.is_unique
        ):
            return None
        texts = data["text"].tolist()
        return (texts, data) if set(map(type, texts)) == {str} else None

    def encode(self, function: LabelingFunction, row: int, answer: object) -> int:
        """Return an answer as an integer vote, or raise naming function and row."""
        try:
            if self.schema is not None:
                return self.schema.encode(answer)
            if isinstance(answer, str):
                raise ValueError(
                    "a class name, but no classes were given (schema=LabelSchema(...), or --classes)"
                )
            return _ANY_CLASSES.encode(answer)
        except (TypeError, ValueError) as error:
            problem = str(error)
        raise FunctionError(function.name, row, f"voted {problem}")


class PandasLFApplier(LFApplier):
    """Snorkel's name for `LFApplier` over a pandas DataFrame, which it calls `df`."""

    def apply(  # type: ignore[override]
        self, df: Any, progress_bar: bool = False, *arguments: Any, **settings: Any
    ) -> Any:
        """Return the votes of all functions on all rows; see `LFApplier.apply`."""
        return super().apply(df, progress_bar, *arguments, **settings)


_ANY_CLASSES = LabelSchema.of(127)


def check_functions(functions: Sequence[Any], kind: type) -> tuple[Any, ...]:
    """Return the functions as a tuple, refusing none at all, strangers and names used twice."""
    if isinstance(functions, kind):
        raise TypeError(f"the functions are given as one {type(functions).__name__}; put it in a list")
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
