"""HL7 v2 files: reports of ORU, MDM and kindred messages as records, coded results as events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .attachments import AttachmentError, decode_document
from .base import EVENTS, RECORDS, Reader, Reading, SourceFile
from .batch import RawBatch
from .columns import TIME
from .events import EventRow, EventScan
from .hl7_message import (
    MESSAGE_ENDS,
    MessageError,
    RawMessage,
    Segment,
    parse_hl7_time,
    parse_message,
    split_messages,
)
from .lines import iter_segments
from .pieces import Piece, cut_lines
from .versions import TAKEN_BACK, version_number

COLUMNS = (
    "id",
    "patient_id",
    "time",
    "text",
    "message",
    "status",
    "code",
    "name",
    "category",
    "encounter_id",
)
_TEXT_TYPES = {"TX", "FT", "ST"}
_MEDIA = {
    "TEXT": "text/plain",
    "TXT": "text/plain",
    "PLAIN": "text/plain",
    "HTML": "text/html",
    "RTF": "text/rtf",
    "XML": "text/xml",
}
_WITHDRAWN = {"D": "entered_in_error", "W": "entered_in_error", "X": "cancelled"}
"""What OBX-11 says of an observation that no longer counts: deleted, wrong, not obtainable."""
_NOTICES = {"T01", "T03", "T05", "T07", "T09"}
"""Document messages that tell of a document without its text."""
_REPLACEMENTS = {"T09", "T10"}


@dataclass
class _Group:
    """A request or document with what belongs to it."""

    head: Segment
    observations: list[Segment] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    unread: str = ""


class Hl7Reader(Reader):
    """Reads messages; each OBR with what follows it, or each TXA document, is a record.

    Its text is what OBX segments of type TX, FT and ST hold, and the notes (NTE), in their order; documents of type ED
    are decoded. A later message about the same order and service (or document) replaces an earlier one; of equal times
    a correction (OBR-25 "C"). Orders cancelled (OBR-25 "X"), documents cancelled (MDM^T11, TXA-19 "CA") and
    reports of which all observations were deleted or marked wrong (OBX-11 "D", "W") are set aside with what came
    before. A document of MDM^T09 or T10 replaces its parent (TXA-13), an addendum (T05, T06) stands beside it.
    Notices without text are set aside as "no_content", messages without OBR and TXA, such as admissions, as
    "no_report"; neither is held against the limit.
    """

    suffixes = (".hl7",)
    versioned = True
    grouped = True

    def roles(self, path: Path) -> frozenset[str]:
        """Return that messages hold records and events."""
        return frozenset({RECORDS, EVENTS})

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the pieces of a file, cut between messages."""
        return cut_lines(path, ends=MESSAGE_ENDS)

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the reports of a file."""
        rows: list[dict[str, Any]] = []
        places: list[tuple[int, int, int]] = []
        for raw in split_messages(iter_segments(file.path, piece)):
            try:
                segments = parse_message(raw)
                found = list(_report_rows(segments))
                if not found:
                    raise MessageError("no_report")
            except MessageError as error:
                reading.set_aside(file.source, raw.offset, error.reason, "", raw.raw, raw.line)
                continue
            for row in found:
                version = _version(segments[0], row)
                if row["parent"]:
                    reading.corrections.replace(row["parent"], row["id"], version)
                if row["set_aside"]:
                    reading.set_aside(file.source, raw.offset, row["set_aside"], "", raw.raw, raw.line)
                    if row["set_aside"] in TAKEN_BACK:
                        reading.corrections.retract(row["id"], version)
                else:
                    rows.append(row)
                    places.append((raw.offset, raw.line, version))
            if len(rows) >= reading.batch_size:
                yield _to_batch(rows, places)
                rows, places = [], []
        if rows:
            yield _to_batch(rows, places)

    def events(self, file: SourceFile, reading: Reading, scan: EventScan) -> Iterator[EventRow]:
        """Yield the coded and measured results of a file."""
        for raw in split_messages(iter_segments(file.path)):
            yield from _event_rows(raw, file.source, scan)


def _report_rows(segments: list[Segment]) -> Iterator[dict[str, Any]]:
    """Yield a row for each report of a message, with the reason why it does not count, if any, and what it replaces."""
    header = segments[0]
    patient = next((segment for segment in segments if segment.name == "PID"), None)
    visit = next((segment for segment in segments if segment.name == "PV1"), None)
    used: dict[str, int] = {}
    for position, group in enumerate(_groups(segments)):
        head = group.head
        if group.unread and not group.texts:
            raise MessageError(group.unread)
        if head.name == "TXA":
            name, code, label = head.part(12), head.part(2), head.part(16)
            status, time = head.part(17), head.part(4) or head.part(6)
        else:
            filler, placer = head.part(3), head.part(2)
            service = head.part(4) or head.part(4, 2)
            name = f"{filler or placer}:{service}" if filler or placer else ""
            code, label = head.part(4), head.part(4, 2)
            status, time = head.part(25), head.part(7) or head.part(22) or head.part(6)
        name = name or f"{header.part(10) or header.part(7)}:{position}"
        used[name] = used.get(name, 0) + 1
        moment = parse_hl7_time(time) or parse_hl7_time(header.part(7))
        yield {
            "id": name if used[name] == 1 else f"{name}#{used[name]}",
            "patient_id": (patient.part(3) or patient.part(2)) or None if patient is not None else None,
            "time": moment,
            "text": "\n".join(group.texts),
            "message": "^".join(filter(None, (header.part(9), header.part(9, 2)))),
            "status": status,
            "code": code,
            "name": label,
            "category": head.part(24) if head.name == "OBR" else "document",
            "encounter_id": visit.part(19) or None if visit is not None else None,
            "set_aside": _why_aside(header, group),
            "parent": head.part(13) if head.name == "TXA" and header.part(9, 2) in _REPLACEMENTS else "",
        }


def _why_aside(header: Segment, group: _Group) -> str:
    """Return the reason why a report is no record: taken back, or told of without its text."""
    head, event = group.head, header.part(9, 2)
    if head.name == "OBR" and head.part(25) == "X":
        return "cancelled"
    if head.name == "TXA" and (event == "T11" or head.part(19) == "CA"):
        return "cancelled"
    fates = [segment.part(11) for segment in group.observations]
    if fates and not group.texts and all(_WITHDRAWN.get(fate) == "entered_in_error" for fate in fates):
        return "entered_in_error"
    return "no_content" if event in _NOTICES and head.name == "TXA" and not group.texts else ""


def _groups(segments: list[Segment]) -> Iterator[_Group]:
    """Yield the reports of a message; a document header takes all requests before and after it into one."""
    document = next((segment for segment in segments if segment.name == "TXA"), None)
    group = _Group(document) if document is not None else None
    for segment in segments:
        if segment.name == "OBR" and document is None:
            if group is not None:
                yield group
            group = _Group(segment)
        elif group is None:
            continue
        elif segment.name == "OBX":
            group.observations.append(segment)
            try:
                group.texts += _observation_text(segment)
            except AttachmentError as error:
                group.unread = error.reason
        elif segment.name == "NTE":
            text = segment.text(3)
            if text.strip():
                group.texts.append(text)
    if group is not None:
        yield group


def _observation_text(segment: Segment) -> list[str]:
    """Return the lines of text an observation brings; a deleted or wrong one brings none."""
    kind = segment.part(2)
    if segment.part(11) in _WITHDRAWN:
        return []
    if kind in _TEXT_TYPES:
        return [segment.text(5)] if segment.field(5) else []
    if kind == "ED" and segment.part(5, 4).upper() == "BASE64":
        media = _MEDIA.get(
            segment.part(5, 3).upper() or segment.part(5, 2).upper(), "application/octet-stream"
        )
        return [decode_document(segment.part(5, 5), media)]
    return []


def _event_rows(raw: RawMessage, source: str, scan: EventScan) -> Iterator[EventRow]:
    """Yield the results of a message that are numbers or codes, counting its observations."""
    try:
        segments = parse_message(raw)
    except MessageError:
        return  # counted where the message is read for its report
    patient = next((s.part(3) or s.part(2) for s in segments if s.name == "PID"), "")
    time = parse_hl7_time(segments[0].part(7))
    for segment in segments:
        if segment.name == "OBR":
            time = parse_hl7_time(segment.part(7)) or time
        if segment.name != "OBX" or segment.part(2) not in {"NM", "SN", "CE", "CWE"}:
            continue
        moment = parse_hl7_time(segment.part(14)) or time
        withdrawn = _WITHDRAWN.get(segment.part(11), "")
        if not patient or moment is None or withdrawn:
            scan.count(source, "no_patient" if not patient else "no_time" if moment is None else withdrawn)
            continue
        scan.count(source)
        coded = segment.part(2) in {"CE", "CWE"}
        yield EventRow(
            patient, moment, "lab", segment.part(3), segment.part(3, 3), None if coded else _number(segment),
            segment.part(6), segment.part(3, 2) + (f": {segment.part(5, 2) or segment.part(5)}" if coded else ""),
        )  # fmt: skip


def _number(segment: Segment) -> float | None:
    """Return a numeric result; of a structured one (``>^100``) its number."""
    try:
        return float(segment.part(5, 2) if segment.part(2) == "SN" else segment.part(5))
    except ValueError:
        return None


def _version(header: Segment, row: dict[str, Any]) -> int:
    """Return what orders the messages about one report: their time, then the status of the report."""
    status = "X" if row["set_aside"] in TAKEN_BACK else row["status"]
    return version_number(parse_hl7_time(header.part(7)), status)


def _to_batch(rows: list[dict[str, Any]], places: list[tuple[int, int, int]]) -> RawBatch:
    columns = {
        name: pa.array([row[name] for row in rows], TIME if name == "time" else pa.string())
        for name in COLUMNS
    }
    where = np.array(places, dtype=np.int64).reshape(-1, 3)
    return RawBatch(columns, where[:, 0].copy(), where[:, 1].copy(), where[:, 2].copy())
