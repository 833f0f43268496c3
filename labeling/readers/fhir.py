"""FHIR R4: bulk exports as NDJSON and bundles as JSON, documents joined to their patients' events."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .base import EVENTS, RECORDS, VISITS, Reader, Reading, SourceFile
from .batch import RawBatch
from .bundle import cut_entries, is_large, iter_entries
from .columns import TIME
from .events import EventRow, EventScan
from .fhir_resources import (
    COLUMNS,
    DOCUMENTS,
    EVENT_KINDS,
    VISIT,
    ResourceError,
    document_row,
    event_rows,
    replaced_ids,
    version_of,
    visit_row,
)
from .jsonl import parse_object
from .lines import Line, iter_lines, peek_lines
from .pieces import PIECE_SIZE, Piece, cut_lines
from .versions import TAKEN_BACK

_HEAD, _PLACES = 20, 30


class FhirReader(Reader):
    """Reads NDJSON, a resource or a bundle a line; the first lines and some further down tell what a file holds.

    Documents and reports are records; conditions, drugs, procedures, observations and visits are events of their
    patients. A visit is a record as well when its patient has no document in the export.
    """

    versioned = True

    def roles(self, path: Path) -> frozenset[str]:
        """Return what the first resources of the file make it hold."""
        kinds: set[str] = set()
        for line in self.peek(path):
            row, _ = parse_object(line)
            kinds |= {str(resource.get("resourceType")) for resource in _resources(row)}
        return self.roles_of(kinds)

    def peek(self, path: Path) -> Iterator[Line]:
        """Yield some lines of a file, by which it is judged."""
        return peek_lines(path, _HEAD, _PLACES)

    def roles_of(self, kinds: set[str]) -> frozenset[str]:
        """Return what a file holds in which resources of these types are."""
        roles = {RECORDS} if kinds & DOCUMENTS or not kinds else set()
        if kinds & set(EVENT_KINDS):
            roles.add(EVENTS)
        if VISIT in kinds:
            roles.add(VISITS)
        return frozenset(roles)

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the pieces of a file, cut at line ends."""
        return cut_lines(path)

    def lines(self, path: Path, piece: Piece | None) -> Iterator[Line]:
        """Yield what holds one resource or bundle each."""
        return iter_lines(path, piece)

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the file's documents, and its visits where they stand for themselves."""
        rows: list[dict[str, Any]] = []
        places: list[tuple[int, int, int]] = []
        documents, visits = RECORDS in file.roles, VISITS in file.roles
        for line in self.lines(file.path, piece):
            found, reason = parse_object(line)
            if documents and found is None:
                reading.set_aside(
                    file.source, line.offset, reason, "", (line.text or b"").strip(), line.number
                )
            for resource in _resources(found):
                kind = str(resource.get("resourceType"))
                try:
                    if kind in DOCUMENTS and documents:
                        row = document_row(resource)
                    elif kind == VISIT and visits:
                        row = visit_row(resource)
                        if not reading.is_visit_record(row["patient_id"]):
                            continue
                    elif documents and EVENTS not in file.roles:
                        raise ResourceError("other_resource" if "resourceType" in resource else "no_resource")
                    else:
                        continue
                except ResourceError as error:
                    if error.reason in TAKEN_BACK:
                        reading.corrections.retract(str(resource["id"]), version_of(resource))
                    if kind != VISIT:
                        raw = (line.text or b"").strip()
                        reading.set_aside(
                            file.source, line.offset, error.reason, error.field, raw, line.number
                        )
                    continue
                version = version_of(resource)
                rows.append(row)
                places.append((line.offset, line.number, version))
                for other in replaced_ids(resource):
                    reading.corrections.replace(other, row["id"], version)
                if len(rows) == reading.batch_size:
                    yield to_batch(rows, places)
                    rows, places = [], []
        if rows:
            yield to_batch(rows, places)

    def events(self, file: SourceFile, reading: Reading, scan: EventScan) -> Iterator[EventRow]:
        """Yield the events of a file, counting every resource that is one."""
        documents = RECORDS in file.roles
        for line in self.lines(file.path, None):
            found, reason = parse_object(line)
            if found is None and not documents:
                scan.count(file.source, reason)
            for resource in _resources(found):
                kind = str(resource.get("resourceType"))
                if kind not in EVENT_KINDS:
                    if not documents:
                        scan.count(file.source, "other_resource")
                    continue
                try:
                    made = list(event_rows(resource))
                except ResourceError as error:
                    scan.count(file.source, error.reason)
                    continue
                scan.count(file.source)
                yield from made


class FhirBundleReader(FhirReader):
    """Reads JSON files that hold one bundle, or one resource, each; a large bundle entry by entry."""

    suffixes = (".json",)
    grouped = True

    def roles(self, path: Path) -> frozenset[str]:
        """Return what a file holds; of a large one everything is expected, since its first entries tell little."""
        return frozenset({RECORDS, EVENTS, VISITS}) if is_large(path) else super().roles(path)

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the whole file as one piece, those of a large bundle cut between entries."""
        return cut_entries(path, PIECE_SIZE)

    def peek(self, path: Path) -> Iterator[Line]:
        """Yield what of the file is judged: of a small one all."""
        return islice(self.lines(path, None), _HEAD)

    def lines(self, path: Path, piece: Piece | None) -> Iterator[Line]:
        """Yield the whole file, or the entries of a large bundle."""
        return iter_entries(path, piece)


def to_batch(rows: list[dict[str, Any]], places: list[tuple[int, int, int]]) -> RawBatch:
    """Turn rows of the columns all documents share into a batch."""
    columns = {
        name: pa.array([row.get(name) for row in rows], TIME if name == "time" else pa.string())
        for name in COLUMNS
    }
    where = np.array(places, dtype=np.int64).reshape(-1, 3)
    return RawBatch(columns, where[:, 0].copy(), where[:, 1].copy(), where[:, 2].copy())


def _resources(found: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the resource an object is, those of the bundle it is, or that of the bundle's entry it is."""
    if found is None:
        return
    if "resourceType" not in found and isinstance(found.get("resource"), dict):
        found = {"resourceType": "Bundle", "entry": [found]}
    if found.get("resourceType") != "Bundle":
        yield found
        return
    entries = found.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            yield resource
