"""What an export holds, in numbers: formats, rows, columns, lengths of text, patients, problems; never a word of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .base import Reading
from .versions import hash_ids

_QUANTILES = {"shortest": 0.0, "median": 0.5, "95 %": 0.95, "longest": 1.0}


@dataclass
class Survey:
    """What was found in an export.

    Parameters
    ----------
    files : dict of str to int
        Files of each format.
    n_rows, n_records, n_patients : int
        Rows met, records among them, and distinct patients of these.
    columns : dict of str to dict
        Type of each column, and the share of records in which it is filled.
    text_lengths : dict of str to int
        Characters of the records' texts.
    years : tuple of (int, int) or None
        First and last year of the records' times.
    problems : dict of str to int
        Rows set aside, by reason.
    statuses : dict of str to int
        Records by the status their reports have, in formats that have one (FHIR, HL7 v2).
    events : dict of str to dict
        Rows of each file of events, kept and set aside.
    """

    files: dict[str, int] = field(default_factory=dict)
    n_rows: int = 0
    n_records: int = 0
    n_patients: int = 0
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    text_lengths: dict[str, int] = field(default_factory=dict)
    n_empty: int = 0
    years: tuple[int, int] | None = None
    problems: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    events: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the findings as plain values."""
        return {
            "files": self.files, "rows": self.n_rows, "records": self.n_records, "patients": self.n_patients,
            "columns": self.columns, "text_lengths": self.text_lengths, "empty_texts": self.n_empty,
            "years": list(self.years) if self.years is not None else None, "problems": self.problems,
            "statuses": self.statuses,            "events": dict(self.events),
        }  # fmt: skip


def survey(reading: Reading) -> Survey:
    """Read an export through once and return what it holds."""
    found = Survey()
    for file in reading.files:
        name = file.format if file.roles else f"{file.format} (holds no records)"
        found.files[name] = found.files.get(name, 0) + 1
    lengths: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    patients = np.zeros(0, np.uint64)
    for batch in reading:
        records = batch.records
        _count_columns(found, records)
        if "text" in records.schema.names:
            lengths.append(pc.utf8_length(records.column("text")).to_numpy().astype(np.int32))
        if "patient_id" in records.schema.names:
            names = [name for name in pc.unique(records.column("patient_id")).to_pylist() if name is not None]
            patients = np.union1d(patients, hash_ids(names))
        if "time" in records.schema.names:
            _count_years(found, records.column("time"))
    if reading.has_events:
        reading.build_events()
        found.events = reading.scan.to_json()
    found.n_rows, found.n_records, found.n_patients = reading.n_rows, reading.n_records, len(patients)
    found.problems = reading.quarantine.counts()
    found.statuses = dict(sorted(reading.statuses.items()))
    for column in found.columns.values():
        column["filled"] = column["filled"] / max(1, found.n_records)
    all_lengths = np.concatenate(lengths)
    if len(all_lengths):
        found.text_lengths = {name: int(np.quantile(all_lengths, q)) for name, q in _QUANTILES.items()}
        found.n_empty = int((all_lengths == 0).sum())
    return found


def _count_columns(found: Survey, records: pa.RecordBatch) -> None:
    for name, column in zip(records.schema.names, records.columns, strict=True):
        entry = found.columns.setdefault(name, {"type": str(column.type), "filled": 0})
        missing = column.null_count
        if pa.types.is_string(column.type):
            missing += pc.sum(pc.equal(column, "")).as_py() or 0
        entry["filled"] += len(column) - missing


def _count_years(found: Survey, times: pa.Array) -> None:
    span = pc.min_max(pc.year(times)).as_py()
    if span["min"] is not None:
        low, high = found.years or (span["min"], span["max"])
        found.years = (min(low, span["min"]), max(high, span["max"]))
