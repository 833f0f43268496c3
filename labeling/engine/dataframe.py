"""Spark tables: a data frame of records in, a data frame of votes out, and its counts; no row passes the driver."""

import io
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ..applier import LFApplier
from ..discover import load_functions, load_schema
from ..faults import QuarantineWarning, SidelightError, UsageError
from ..function import LabelingFunction, OnError
from ..moments import Moments
from ..patterns import Patterns
from ..readers import Batch, ColumnNames, Piece, RawBatch, Reader, Reading, SourceFile
from ..schema import ABSTAIN, LabelSchema
from ..votes import FunctionInfo, VoteMatrix
from .counts import add_folders, empty_moments, pack_counts, read_counts
from .folder_votes import FaultCount

SET_ASIDE = "set_aside"
"""The column that says why a row has no votes; null where it has."""

FAULTS = "faults"
"""The column that says what functions raised and how often, once for each batch of rows; null in all other rows."""


def label_dataframe(
    frame: Any,
    functions: str | Path,
    *,
    schema: LabelSchema | None = None,
    names: Sequence[str] | None = None,
    id: str | None = None,  # noqa: A002
    text: str | None = None,
    patient_id: str | None = None,
    time: str | None = None,
    on_error: OnError = "raise",
    note_seconds: float | None = 1.0,
) -> Any:
    """Label a Spark data frame; as lazy, as parallel and as fault tolerant as the frame itself.

    No row is lost: one that cannot be labeled, because it has no id or no readable time, comes back with abstentions and
    the reason. Ids are not compared with each other, and events of other tables are not seen: for these, and for counts
    that are kept with the votes, label the files with `label_export`.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        The records.
    functions : path-like
        A file or module that defines the labeling functions, there on every executor.
    schema : LabelSchema, optional
        The classes; else those that the functions' file defines.
    names : sequence of str, optional
        Only these functions.
    id, text, patient_id, time : str, optional
        As for `read`.
    on_error, note_seconds
        As for `LFApplier.apply`; calls that raise and count as abstaining are told by `dataframe_faults`.

    Returns
    -------
    pyspark.sql.DataFrame
        Columns `id`, `patient_id`, ``vote:NAME`` for each function (a class's number, -1 for abstain), `set_aside`
        and `faults`.

    Examples
    --------
    ``label_dataframe(spark.table("notes"), "lfs.py", id="note_id").write.saveAsTable("votes")``
    """
    source = str(Path(functions).resolve()) if Path(functions).suffix == ".py" else str(functions)
    lfs = _chosen(source, names)
    schema = schema or load_schema(source)
    if schema is None:
        raise UsageError("which classes are there? Pass schema, or define one in the file of functions")
    LFApplier(lfs, schema=schema)  # refuses functions that do not go together before the work begins
    columns = ColumnNames(id=id, patient_id=patient_id, time=time, text=text)
    chosen = [lf.name for lf in lfs]
    fields = "".join(f", `{_column(name)}` tinyint" for name in chosen)

    def label(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        applier = LFApplier(_chosen(source, chosen), schema=schema)
        for batch in batches:
            yield _labeled(batch, applier, columns, on_error, note_seconds)

    return frame.mapInArrow(
        label, f"id string, patient_id string{fields}, {SET_ASIDE} string, {FAULTS} string"
    )


def dataframe_faults(votes: Any) -> list[FaultCount]:
    """Return what functions raised while `label_dataframe` counted them as abstaining, frequent ones first.

    Parameters
    ----------
    votes : pyspark.sql.DataFrame
        Votes; write them to a table first, else they are made again.
    """
    found: dict[str, Counter[str]] = {}
    for row in votes.where(f"{FAULTS} is not null").select(FAULTS).collect():
        for name, raised in orjson.loads(row[FAULTS]).items():
            found.setdefault(name, Counter()).update(raised)
    counts = [
        FaultCount(name, fault, {"data frame": n})
        for name, raised in found.items()
        for fault, n in raised.items()
    ]
    return sorted(counts, key=lambda count: (count.function, -count.n_calls, count.fault))


def count_dataframe(votes: Any, schema: LabelSchema) -> tuple[Moments, Patterns | None]:
    """Return the counts of what `label_dataframe` returned: all that a label model needs to learn.

    Parameters
    ----------
    votes : pyspark.sql.DataFrame
        Votes; write them to a table first, else they are made again.
    schema : LabelSchema
        The classes.

    Returns
    -------
    Moments, Patterns or None
        Co-occurrences, and patterns of votes unless they are too many to keep; the same whatever the partitions.
    """
    prefix = _column("")
    names = [name.removeprefix(prefix) for name in votes.columns if name.startswith(prefix)]
    classes = list(schema.classes), schema.task

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        inner = LabelSchema(classes[0], task=classes[1])
        found = [_counted(batch, names, inner) for batch in batches]
        if found:
            yield pa.RecordBatch.from_pydict({"counts": [pack_counts(*add_folders(found))]})

    rows = votes.mapInArrow(count, "counts binary").collect()
    parts = [read_counts(io.BytesIO(bytes(row["counts"])), schema, names) for row in rows]
    if not parts:
        return empty_moments(schema, names), None
    return add_folders(parts)


class _FrameReader(Reader):
    """Yields one batch of a data frame, which it holds."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the batch."""
        columns = dict(zip(self.batch.schema.names, self.batch.columns, strict=True))
        yield RawBatch(columns, np.arange(self.batch.num_rows, dtype=np.int64))


class _FrameReading(Reading):
    """A reading that keeps the batches it gave out; one id may be there twice."""

    def __iter__(self) -> Iterator[Batch]:
        self.seen: list[Batch] = []
        for batch in super().__iter__():
            self.seen.append(batch)
            yield replace(batch, named=False)


def _labeled(
    batch: pa.RecordBatch,
    applier: LFApplier,
    names: ColumnNames,
    on_error: OnError,
    note_seconds: float | None,
) -> pa.RecordBatch:
    """Return the votes on the rows of a batch, in their order; whatever goes wrong, no row is quoted."""
    file = SourceFile(Path("data frame"), "data frame", "frame", _FrameReader(batch))
    reading = _FrameReading([file], names, unique=False, has_events=False, has_documents=True)
    fault = ""
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), warnings.catch_warnings():
            warnings.simplefilter("ignore", QuarantineWarning)
            votes = applier.apply(reading, on_error=on_error, note_seconds=note_seconds)
    except SidelightError as error:
        fault = str(error)
    except Exception as error:
        fault = f"{type(error).__name__}: its message is withheld, since it may quote a record"
    if fault:
        raise SidelightError(fault)  # outside the handler, so that no cause travels with it
    n, found = batch.num_rows, reading.seen
    places = np.concatenate([np.zeros(0, np.int64), *(part.offsets for part in found)])
    values = np.full((n, len(applier.lfs)), ABSTAIN, dtype=np.int8)
    if len(places):
        values[places] = votes.dense()
    ids: list[str | None] = [None] * n
    patients: list[str | None] = [None] * n
    for part in found:
        has = "patient_id" in part.records.schema.names
        whose = part.records.column("patient_id").to_pylist() if has else [None] * len(part)
        for place, name, who in zip(
            part.offsets.tolist(), part.records.column("id").to_pylist(), whose, strict=True
        ):
            ids[place], patients[place] = name, who
    reasons: list[str | None] = [None] * n
    for row in reading.quarantine.rows:
        reasons[row.offset] = f"{row.reason}:{row.field}" if row.field else row.reason
    columns = {"id": pa.array(ids, pa.string()), "patient_id": pa.array(patients, pa.string())}
    for j, function in enumerate(applier.lfs):
        columns[_column(function.name)] = pa.array(values[:, j], pa.int8())
    columns[SET_ASIDE] = pa.array(reasons, pa.string())
    columns[FAULTS] = pa.array([_told(votes), *[None] * (n - 1)] if n else [], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def _told(votes: VoteMatrix) -> str | None:
    """Return what the functions raised as JSON, None when none did."""
    faults = votes.statistics.faults if votes.statistics is not None else ()
    raised = {
        name: dict(sorted(kinds.items())) for name, kinds in zip(votes.names, faults, strict=False) if kinds
    }
    return orjson.dumps(raised).decode() if raised else None


def _counted(
    batch: pa.RecordBatch, names: Sequence[str], schema: LabelSchema
) -> tuple[Moments, Patterns | None]:
    """Count the votes of a batch, but for rows that were set aside."""
    kept = batch.filter(batch.column(SET_ASIDE).is_null())
    values = np.empty((kept.num_rows, len(names)), dtype=np.int8)
    for j, name in enumerate(names):
        values[:, j] = kept.column(_column(name)).to_numpy(zero_copy_only=False)
    votes = VoteMatrix(values, schema, tuple(FunctionInfo(name) for name in names))
    return Moments.of(votes), Patterns.of(votes)


def _chosen(source: str, names: Sequence[str] | None) -> list[LabelingFunction]:
    """Return the functions of a file, or some of them."""
    known = {function.name: function for function in load_functions(source, LabelingFunction)}
    missing = [name for name in names or () if name not in known]
    if missing:
        raise UsageError(f"{Path(source).name} defines no function {', '.join(missing)}")
    return [known[name] for name in names or known]


def _column(name: str) -> str:
    return f"vote:{name}"
