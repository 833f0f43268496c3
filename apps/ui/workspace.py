"""What is labeled: records in memory, the functions' votes on them, what the label model makes of these, signals, slices."""

from __future__ import annotations

import base64
import functools
import io
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.label_model import GoldNaiveBayes, LabelModel, MajorityLabelVoter, VoteModel
from sidelight.labeling import (
    LabelingFunction,
    LabelSchema,
    LFApplier,
    Reading,
    Record,
    Span,
    UsageError,
    VoteMatrix,
    read,
)
from sidelight.labeling.record import batch_records

from .findings import FindingMarker

if TYPE_CHECKING:
    import pyarrow as pa

    from sidelight.crossmodal import SignalSet
    from sidelight.slicing import SliceMatrix, SlicingFunction

    from .viewers.studies import StudyFolder

FEWEST_FOR_MODEL = 3
"""Functions below which agreements teach nothing, and the majority speaks instead."""


class RecordTable:
    """Records of an export, kept as Arrow batches; one is turned into a `Record` when it is looked at.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Rows with at least an `id`.
    """

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = [batch for batch in batches if batch.num_rows]
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)]).tolist()
        self.ids: list[str] = [str(v) for b in self._batches for v in b.column("id").to_pylist()]
        self.rows = {name: row for row, name in enumerate(self.ids)}
        names = self._batches[0].schema.names if self._batches else []
        self.fields: tuple[str, ...] = tuple(names)
        self.patient_ids = np.array(
            ["" if v is None else str(v) for b in self._batches for v in _column(b, "patient_id")], dtype=str
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Record:
        return self.take([row])[0]

    def take(self, rows: Sequence[int]) -> list[Record]:
        """Return the records of these rows."""
        found = []
        for row in rows:
            part = bisect_right(self._starts, row) - 1
            found.append(batch_records(self._batches[part].slice(row - self._starts[part], 1))[0])
        return found

    def stream(self, rows: Sequence[int]) -> str:
        """Return these rows as an Arrow stream in base64, for another process."""
        import pyarrow as pa

        table = pa.Table.from_batches(self._batches).take(list(rows))
        packed = io.BytesIO()
        with pa.ipc.new_stream(packed, table.schema) as writer:
            writer.write_table(table)
        return base64.b64encode(packed.getvalue()).decode()

    @property
    def batches(self) -> list[pa.RecordBatch]:
        """The rows as they were read."""
        return list(self._batches)

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Return the texts of these rows, empty where there is none."""
        return [record.text or "" for record in self.take(rows)]


@dataclass(frozen=True, eq=False)
class Workspace:
    """Everything the pages show of one task.

    Parameters
    ----------
    name : str
        Shown at the top of the page.
    schema : LabelSchema
        The classes.
    records : RecordTable
        What is labeled.
    functions : tuple of LabelingFunction
        Their evidence is highlighted.
    votes : VoteMatrix or None
        Their votes on all records, in order.
    model : VoteModel or None
        Fitted on these votes.
    proba : ndarray of shape (n_records, n_classes) or None
        The label model's probabilities.
    slices : SliceMatrix or None
        Named subsets of the records.
    signals : SignalSet or None
        Signals by record id.
    studies : StudyFolder or None
        Files of pictures and signals, shown beside the text.
    marker : FindingMarker or None
        Finds what the text says of findings.
    show : tuple of str
        Fields shown beside the text; no others are, since some may hold the answer.
    guideline : str
        What annotators are asked to do, in Markdown.
    functions_file : Path or None
        Where the workbench adds functions.
    evidence : {"asked", "shown", "never"}, default "asked"
        When people who label see how functions vote: when they ask, from the start, or not at all.
    """

    name: str
    schema: LabelSchema
    records: RecordTable
    functions: tuple[LabelingFunction, ...] = ()
    votes: VoteMatrix | None = None
    model: VoteModel | None = None
    proba: NDArray[np.float64] | None = None
    slices: SliceMatrix | None = None
    signals: SignalSet | None = None
    studies: StudyFolder | None = None
    marker: FindingMarker | None = None
    show: tuple[str, ...] = ()
    guideline: str = ""
    functions_file: Path | None = None
    evidence: str = "asked"
    _signal_rows: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        reading: Reading,
        schema: LabelSchema,
        *,
        name: str,
        functions: Sequence[LabelingFunction] = (),
        slicing_functions: Sequence[SlicingFunction] = (),
        signals: str | Path | None = None,
        studies: StudyFolder | None = None,
        findings: str | Path | None = None,
        language: str = "",
        show: Sequence[str] = (),
        guideline: str = "",
        functions_file: Path | None = None,
    ) -> Workspace:
        """Read an export, run the functions over it and fit the label model on their votes."""
        batches = [batch.records for batch in reading]
        records = RecordTable(batches)
        if not len(records):
            raise UsageError("the export holds no record to label")
        unknown = [column for column in show if column not in records.fields]
        if unknown:
            raise UsageError(f"the export has no field {', '.join(unknown)} to show")
        votes, model, proba = apply_and_fit(functions, schema, batches)
        return cls(
            name=name,
            schema=schema,
            records=records,
            functions=tuple(functions),
            votes=votes,
            model=model,
            proba=proba,
            slices=_slices(slicing_functions, batches),
            signals=(found := _signals(signals)),
            studies=studies,
            marker=FindingMarker.of(functions, findings, language),
            show=tuple(show),
            guideline=guideline,
            functions_file=functions_file,
            _signal_rows={} if found is None else {name: row for row, name in enumerate(found.ids.tolist())},
        )

    @classmethod
    def sample(cls) -> Workspace:
        """Open the bundled ECG reports with their ECGs, functions and slices."""
        from sidelight.apps.demo import REPORTS, SIGNALS
        from sidelight.apps.demo.functions import FUNCTIONS, schema
        from sidelight.apps.demo.slices import SLICES

        return cls.open(
            read(REPORTS, id="ecg_id", text="report", time="recording_date"),
            schema,
            name="ECG reports (PTB-XL sample)",
            functions=FUNCTIONS,
            slicing_functions=SLICES,
            signals=SIGNALS,
            show=("age", "sex", "weight", "device"),
            guideline=SAMPLE_GUIDELINE,
            functions_file=Path("lfs.py"),
        )

    def with_votes(self, functions: Sequence[LabelingFunction], votes: VoteMatrix) -> Workspace:
        """Return the same records with other functions, and a label model fitted on their votes."""
        model = fit_model(votes, self.schema)
        return replace(
            self, functions=tuple(functions), votes=votes, model=model, proba=model.predict_proba(votes)
        )

    def with_functions(self, functions: Sequence[LabelingFunction]) -> Workspace:
        """Return the same records with other functions, run over all of them."""
        votes, model, proba = apply_and_fit(functions, self.schema, self.records.batches)
        return replace(self, functions=tuple(functions), votes=votes, model=model, proba=proba)

    def with_gold(self, gold: NDArray[np.int64]) -> Workspace:
        """Return the same records with a label model fitted anew, to the votes and to labels of people.

        Parameters
        ----------
        gold : ndarray of int of shape (n_records,)
            Class numbers, -1 where nobody settled one.
        """
        if self.votes is None:
            raise UsageError("there are no functions here, so there is no label model to fit")
        model = fit_model(self.votes, self.schema, gold)
        return replace(self, model=model, proba=model.predict_proba(self.votes))

    def votes_on(self, row: int) -> list[tuple[LabelingFunction, int, tuple[Span, ...]]]:
        """Return the functions that vote on a record, their votes, and the characters these rest on."""
        if self.votes is None:
            return []
        record = self.records[row]
        found = []
        for function, vote in zip(self.functions, self.row_of_votes(row), strict=True):
            if vote >= 0:
                found.append((function, int(vote), evidence_of(function, record)))
        return found

    def row_of_votes(self, row: int) -> NDArray[np.int8]:
        """Return all functions' votes on one record."""
        assert self.votes is not None  # noqa: S101 - the callers ask first
        return np.asarray(self._dense[row])

    @functools.cached_property
    def _dense(self) -> NDArray[np.int8]:
        assert self.votes is not None  # noqa: S101
        return self.votes.dense()

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether any function votes on each record."""
        return np.zeros(len(self.records), dtype=bool) if self.votes is None else self.votes.covered()

    def signal_row(self, row: int) -> int | None:
        """Return where a record's signal stands in `signals`, None when it has none."""
        return self._signal_rows.get(self.records.ids[row])

    def studies_of(self, row: int) -> tuple[Path, ...]:
        """Return the files of a record's studies."""
        return () if self.studies is None else self.studies.of(self.records[row])

    def has_study(self, row: int) -> bool:
        """Return whether a signal or picture can be shown beside a record."""
        return self.signal_row(row) is not None or bool(self.studies_of(row))


def apply_and_fit(
    functions: Sequence[LabelingFunction], schema: LabelSchema, batches: Sequence[pa.RecordBatch]
) -> tuple[VoteMatrix | None, VoteModel | None, NDArray[np.float64] | None]:
    """Return the functions' votes, a label model fitted on them, and its probabilities; None without functions."""
    if not functions:
        return None, None, None
    import pyarrow as pa

    votes = LFApplier(functions, schema=schema).apply(pa.Table.from_batches(batches), on_error="abstain")
    model = fit_model(votes, schema)
    return votes, model, model.predict_proba(votes)


def fit_model(votes: VoteMatrix, schema: LabelSchema, gold: NDArray[np.int64] | None = None) -> VoteModel:
    """Return a label model fitted on votes and, where there are any, on labels of people.

    Matrix completion takes both. Where functions are too few for their agreements to teach anything, the majority speaks,
    or what people's labels alone say of each function.
    """
    known = None if gold is None or not (gold >= 0).any() else gold
    if votes.n_functions >= FEWEST_FOR_MODEL:
        return LabelModel(cardinality=schema.cardinality).fit(votes, gold=known)
    if known is not None:
        return GoldNaiveBayes(cardinality=schema.cardinality).fit(votes, gold=known)
    return MajorityLabelVoter(cardinality=schema.cardinality).fit(votes)


def evidence_of(function: LabelingFunction, record: Record) -> tuple[Span, ...]:
    """Return the characters of a record's text that a function's vote rests on, none when it cannot tell."""
    explain = getattr(function, "evidence", None)
    if explain is None:
        return ()
    try:
        vote = explain(record)
    except Exception:  # a function that fails here has abstained in the run; the page goes on without it
        return ()
    return () if vote is None else tuple((int(start), int(end)) for start, end in vote.spans)


def _slices(functions: Sequence[SlicingFunction], batches: Sequence[pa.RecordBatch]) -> SliceMatrix | None:
    if not functions:
        return None
    import pyarrow as pa

    from sidelight.slicing import SFApplier

    return SFApplier(functions).apply(pa.Table.from_batches(batches), on_error="exclude")


def _signals(path: str | Path | None) -> SignalSet | None:
    if path is None:
        return None
    from sidelight.crossmodal import SignalSet

    return SignalSet.read(path)


def _column(batch: pa.RecordBatch, name: str) -> list[Any]:
    return list(batch.column(name).to_pylist()) if name in batch.schema.names else [None] * batch.num_rows


SAMPLE_GUIDELINE = """\
**Is this ECG normal or abnormal?** Read the report first, then look at the tracing.

- **normal**: sinus rhythm, also slow, fast or irregular with breathing, low voltage or an unusual axis alone.
- **abnormal**: infarction, ischaemia, hypertrophy, conduction disturbance, flutter or fibrillation, pacing.
- Suspected findings ("cannot be excluded") count as abnormal when the tracing does not contradict them.
- **Skip** what you cannot judge; **flag** what somebody should look at again.
"""
"""What annotators of the bundled sample are asked to do."""
