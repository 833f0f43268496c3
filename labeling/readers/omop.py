"""OMOP CDM tables: notes, visits of patients without notes, and events from the clinical tables."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .base import EVENTS, RECORDS, VISITS, Reading, SourceFile
from .batch import RawBatch
from .columns import in_utc, parse_time, strings
from .events import EventRow, EventScan
from .pieces import Piece
from .tables import TableReader, table_name


@dataclass(frozen=True)
class EventTable:
    """Where a clinical table keeps what an event needs; the first filled column of each tuple counts."""

    kind: str
    time: tuple[str, ...]
    concept: str
    source: str
    value: str = ""
    unit: str = ""


EVENT_TABLES: Mapping[str, EventTable] = {
    "CONDITION_OCCURRENCE": EventTable(
        "condition", ("condition_start_datetime", "condition_start_date"), "condition_concept_id", "condition_source_value"
    ),
    "DRUG_EXPOSURE": EventTable(
        "drug", ("drug_exposure_start_datetime", "drug_exposure_start_date"), "drug_concept_id", "drug_source_value", "quantity"
    ),
    "PROCEDURE_OCCURRENCE": EventTable(
        "procedure", ("procedure_datetime", "procedure_date"), "procedure_concept_id", "procedure_source_value"
    ),
    "MEASUREMENT": EventTable(
        "lab", ("measurement_datetime", "measurement_date"), "measurement_concept_id", "measurement_source_value",
        "value_as_number", "unit_source_value",
    ),
    "OBSERVATION": EventTable(
        "observation", ("observation_datetime", "observation_date"), "observation_concept_id", "observation_source_value",
        "value_as_number", "unit_source_value",
    ),
    "DEVICE_EXPOSURE": EventTable(
        "device", ("device_exposure_start_datetime", "device_exposure_start_date"), "device_concept_id", "device_source_value"
    ),
    "VISIT_OCCURRENCE": EventTable(
        "visit", ("visit_start_datetime", "visit_start_date"), "visit_concept_id", "visit_source_value"
    ),
}  # fmt: skip
OTHER_TABLES = frozenset(
    [
        "PERSON",
        "DEATH",
        "OBSERVATION_PERIOD",
        "VISIT_DETAIL",
        "SPECIMEN",
        "EPISODE",
        "EPISODE_EVENT",
        "FACT_RELATIONSHIP",
        "LOCATION",
        "CARE_SITE",
        "PROVIDER",
        "PAYER_PLAN_PERIOD",
        "COST",
        "DRUG_ERA",
        "DOSE_ERA",
        "CONDITION_ERA",
        "METADATA",
        "CDM_SOURCE",
        "CONCEPT",
        "VOCABULARY",
        "DOMAIN",
        "CONCEPT_CLASS",
        "CONCEPT_RELATIONSHIP",
        "RELATIONSHIP",
        "CONCEPT_SYNONYM",
        "CONCEPT_ANCESTOR",
        "SOURCE_TO_CONCEPT_MAP",
        "DRUG_STRENGTH",
        "COHORT",
        "COHORT_DEFINITION",
    ]
)
"""Tables of the model that hold no record and no event."""
TABLES = frozenset({"NOTE", "NOTE_NLP", *EVENT_TABLES, *OTHER_TABLES})

_NOTE = {
    "id": ("note_id",), "patient_id": ("person_id",), "time": ("note_datetime", "note_date"), "text": ("note_text",),
    "encounter_id": ("visit_occurrence_id",), "name": ("note_title",),
}  # fmt: skip
_VISIT = {
    "id": ("visit_occurrence_id",), "patient_id": ("person_id",), "time": ("visit_start_datetime", "visit_start_date"),
    "encounter_id": ("visit_occurrence_id",), "code": ("visit_concept_id",),
}  # fmt: skip


class OmopReader(TableReader):
    """Reads the tables of an OMOP CDM export by their names; NOTE_NLP rows are events of their note."""

    def roles(self, path: Path) -> frozenset[str]:
        """Return what a table holds by its name."""
        name = table_name(path)
        if name == "NOTE":
            return frozenset({RECORDS})
        if name == "VISIT_OCCURRENCE":
            return frozenset({VISITS, EVENTS})
        return frozenset({EVENTS}) if name in EVENT_TABLES or name == "NOTE_NLP" else frozenset()

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield notes, or the visits that stand for themselves."""
        visits = table_name(file.path) == "VISIT_OCCURRENCE"
        damaged = len(reading.quarantine)
        for raw in self.tables(file, reading, piece):
            if visits:
                del reading.quarantine.rows[damaged:]  # counted where the table is read for events
            columns = dict(raw.columns)
            for name, candidates in (_VISIT if visits else _NOTE).items():
                found = [
                    strings(raw.columns[candidate])[0] for candidate in candidates if candidate in raw.columns
                ]
                if found:
                    columns[name] = pc.coalesce(*found)
            batch = RawBatch(columns, raw.offsets, raw.lines)
            if visits:
                columns["text"] = pa.array([""] * len(raw.offsets), pa.string())
                alone = [reading.is_visit_record(patient) for patient in columns["patient_id"].to_pylist()]
                keep = pa.array(alone, pa.bool_())
                mask = keep.to_numpy(zero_copy_only=False)
                batch = RawBatch(
                    {name: column.filter(keep) for name, column in columns.items()},
                    raw.offsets[mask],
                    None if raw.lines is None else raw.lines[mask],
                )
            yield batch

    def events(self, file: SourceFile, reading: Reading, scan: EventScan) -> Iterator[EventRow]:
        """Yield the events of a table, counting every row."""
        name = table_name(file.path)
        if name not in EVENT_TABLES and name != "NOTE_NLP":
            return
        inner = Reading([file], reading.names, types=reading.types, encoding=reading.encoding, unique=False)
        concepts = _concept_names(reading)
        make = _mention if name == "NOTE_NLP" else _event
        for raw in self.tables(file, inner):
            columns = {key: column.to_pylist() for key, column in raw.columns.items()}
            for values in zip(*columns.values(), strict=True):
                event = make(dict(zip(columns, values, strict=True)), EVENT_TABLES.get(name), concepts)
                if isinstance(event, str):
                    scan.count(file.source, event)
                else:
                    scan.count(file.source)
                    yield event
        for row in inner.quarantine.rows:
            scan.count(file.source, row.reason)


def _event(row: dict[str, Any], table: EventTable | None, concepts: Mapping[str, str]) -> EventRow | str:
    """Return the event of a row of a clinical table, or why there is none."""
    assert table is not None  # noqa: S101 - the caller chose the table
    patient = _key(row.get("person_id"))
    moment = _moment(row, table.time)
    if not patient or moment is None:
        return "no_time" if patient else "no_patient"
    concept, source = _key(row.get(table.concept)), _key(row.get(table.source))
    mapped = concept not in ("", "0")
    value = row.get(table.value) if table.value else None
    number = float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    return EventRow(
        patient, moment, table.kind, concept if mapped else source, "OMOP" if mapped else "source", number,
        _key(row.get(table.unit)) if table.unit else "", concepts.get(concept, source) if mapped else source,
    )  # fmt: skip


def _mention(row: dict[str, Any], table: EventTable | None, concepts: Mapping[str, str]) -> EventRow | str:
    """Return the event of a row of NOTE_NLP: kind "mention", or "negated mention" where the term does not exist."""
    note = _key(row.get("note_id"))
    if not note:
        return "no_note"
    concept = _key(row.get("note_nlp_concept_id"))
    negated = _key(row.get("term_exists")).upper() in {"N", "FALSE", "0"}
    named = _key(row.get("lexical_variant")) or concepts.get(concept, "")
    return EventRow(
        f"note:{note}", None, "negated mention" if negated else "mention", concept, "OMOP", name=named
    )


def _moment(row: Mapping[str, Any], names: tuple[str, ...]) -> datetime | None:
    for name in names:
        value = row.get(name)
        try:
            if isinstance(value, datetime):
                return in_utc(value)
            if isinstance(value, date):
                return in_utc(datetime.combine(value, time()))
            if isinstance(value, str) and value.strip():
                return parse_time(value)
        except (ValueError, OverflowError):
            continue
    return None


def _key(value: Any) -> str:
    """Return an identifier as text: 12.0 and 12 are both "12"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _concept_names(reading: Reading) -> Mapping[str, str]:
    """Return the names of the concepts, when the export brings its vocabulary."""
    for file in reading.files:
        if table_name(file.path) == "CONCEPT" and isinstance(file.reader, OmopReader):
            return _read_concepts(file, reading.encoding)
    return {}


@lru_cache(maxsize=2)
def _read_concepts(file: SourceFile, encoding: str) -> Mapping[str, str]:
    from .batch import ColumnNames

    inner = Reading([file], ColumnNames(), encoding=encoding, unique=False)
    names: dict[str, str] = {}
    for raw in TableReader().tables(file, inner):
        ids, texts = raw.columns.get("concept_id"), raw.columns.get("concept_name")
        if ids is not None and texts is not None:
            names.update(zip(map(_key, ids.to_pylist()), strings(texts)[0].to_pylist(), strict=True))
    return {key: name for key, name in names.items() if name}
