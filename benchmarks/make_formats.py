"""Make exports of a few invented notes in the forms that public samples lack, and read each of them back.

    python benchmarks/make_formats.py --out formats --notes 200

writes below `--out`

- `fhir_bundle/`: FHIR R4 Bundles of DocumentReferences and Conditions, as an interface sends them,
- `fhir_presented_form/`: DiagnosticReports whose text is in `presentedForm`, as plain text, HTML or RTF,
- `omop_note/`: OMOP CDM with NOTE, PERSON, VISIT_OCCURRENCE and CONDITION_OCCURRENCE, as CSV,
- `mimic_note/`: a note table with MIMIC's columns,
- `parquet_partitions/`: Parquet in folders named `site=north` and `site=south`,
- `csv_gzip/` and `csv_zstd/`: CSV packed with gzip and with zstd,
- `dicom/`: DICOM files of tiny pictures, whose headers name the study,

prints how many notes went in and how many `sidelight.labeling.read` found, and ends with 1 where the two differ. The
notes, patients and pictures are made up by rule. The same arguments give the same bytes.
"""

import argparse
import base64
import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sidelight.crossmodal import StudyFiles
from sidelight.labeling import read

FINDINGS = ("No pleural effusion.", "Small pleural effusion on the left.", "Possible pneumonia, right base.")
HEART = ("Heart size normal.", 'Heart "borderline",\nunchanged.', "Herz vergrößert.")
DAY_ONE = datetime(2020, 1, 1, 8, tzinfo=UTC)
PER_BUNDLE = 50
PIXELS = 16


def make_notes(n: int) -> list[dict[str, str]]:
    """Return invented notes: two a patient, a day apart, in two sites, with quotes, line breaks and umlauts."""
    return [
        {
            "id": f"n{row:05d}",
            "patient": f"{1000 + row // 2}",
            "visit": f"{5000 + row}",
            "time": (DAY_ONE + timedelta(days=row)).isoformat(),
            "site": ("north", "south")[row // 2 % 2],
            "text": f"{FINDINGS[row % 3]} {HEART[row // 3 % 3]}",
        }
        for row in range(n)
    ]


def write_fhir_bundle(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write Bundles of documents, and a Condition for each, which becomes an event."""
    for start in range(0, len(notes), PER_BUNDLE):
        resources: list[dict[str, Any]] = []
        for note in notes[start : start + PER_BUNDLE]:
            subject = {"reference": f"Patient/{note['patient']}"}
            attachment = {"contentType": "text/plain; charset=utf-8", "data": _base64(note["text"])}
            resources.append(
                {
                    "resourceType": "DocumentReference", "id": note["id"], "status": "current", "subject": subject,
                    "date": note["time"], "content": [{"attachment": attachment}],
                    "context": {"encounter": [{"reference": f"Encounter/{note['visit']}"}]},
                }
            )  # fmt: skip
            code = {
                "coding": [{"system": "http://snomed.info/sct", "code": "60046008", "display": "Effusion"}]
            }
            resources.append(
                {"resourceType": "Condition", "id": f"c-{note['id']}", "subject": subject, "code": code,
                 "onsetDateTime": note["time"]}
            )  # fmt: skip
        entries = [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in resources]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        (folder / f"bundle-{start // PER_BUNDLE:04d}.json").write_text(json.dumps(bundle, indent=1))


def write_fhir_presented_form(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write reports that bring their text along as an attachment of one of three kinds."""
    kinds: list[tuple[str, Callable[[str], str]]] = [
        ("text/plain; charset=utf-8", str),
        ("text/html", lambda text: f"<html><body><p>{text}</p></body></html>"),
        ("application/rtf", lambda text: "{\\rtf1\\ansi " + "".join(map(_rtf, text)) + "}"),
    ]
    lines = []
    for row, note in enumerate(notes):
        kind, wrap = kinds[row % 3]
        lines.append(
            {
                "resourceType": "DiagnosticReport", "id": note["id"], "status": "final", "issued": note["time"],
                "subject": {"reference": f"Patient/{note['patient']}"},
                "presentedForm": [{"contentType": kind, "data": _base64(wrap(note["text"]))}],
            }
        )  # fmt: skip
    (folder / "DiagnosticReport.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_omop_note(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write the tables of OMOP CDM 5.4 that a note and its patient are in."""
    people = sorted({note["patient"] for note in notes})
    _write_csv(folder / "PERSON.csv", [{"person_id": name, "year_of_birth": "1950"} for name in people])
    _write_csv(
        folder / "VISIT_OCCURRENCE.csv",
        [
            {"visit_occurrence_id": note["visit"], "person_id": note["patient"], "visit_concept_id": "9202",
             "visit_start_date": note["time"][:10], "visit_end_date": note["time"][:10]}
            for note in notes
        ],
    )  # fmt: skip
    _write_csv(
        folder / "NOTE.csv",
        [
            {"note_id": str(row + 1), "person_id": note["patient"], "note_date": note["time"][:10],
             "note_datetime": note["time"], "note_type_concept_id": "32831", "note_title": "Chest radiograph",
             "note_text": note["text"], "visit_occurrence_id": note["visit"]}
            for row, note in enumerate(notes)
        ],
    )  # fmt: skip
    _write_csv(
        folder / "CONDITION_OCCURRENCE.csv",
        [
            {"condition_occurrence_id": str(row + 1), "person_id": note["patient"], "condition_concept_id": "254061",
             "condition_start_date": note["time"][:10], "visit_occurrence_id": note["visit"],
             "condition_source_value": "J90"}
            for row, note in enumerate(notes)
        ],
    )  # fmt: skip


def write_mimic_note(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write a note table as MIMIC has it."""
    _write_csv(
        folder / "NOTEEVENTS.csv",
        [
            {"ROW_ID": str(row + 1), "SUBJECT_ID": note["patient"], "HADM_ID": note["visit"],
             "CHARTDATE": note["time"][:10], "CATEGORY": "Radiology", "DESCRIPTION": "CHEST", "TEXT": note["text"]}
            for row, note in enumerate(notes)
        ],
    )  # fmt: skip


def write_parquet_partitions(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write a Parquet file for each site, in a folder that names it."""
    for site in ("north", "south"):
        rows = [_plain(note) for note in notes if note["site"] == site]
        if rows:
            (folder / f"site={site}").mkdir()
            pq.write_table(pa.Table.from_pylist(rows), folder / f"site={site}" / "part-0.parquet")


def write_csv_gzip(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write CSV packed with gzip."""
    (folder / "notes.csv.gz").write_bytes(gzip.compress(_csv(map(_plain, notes)), mtime=0))


def write_csv_zstd(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write CSV packed with zstd."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(_csv(map(_plain, notes)))
    (folder / "notes.csv.zst").write_bytes(sink.getvalue().to_pybytes())


def write_dicom(notes: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write a tiny picture a note, whose header holds the note's id as accession number."""
    import pydicom

    for row, note in enumerate(notes):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{row + 1}.1"
        data.StudyInstanceUID, data.AccessionNumber = f"1.2.826.0.1.{row + 1}", note["id"]
        data.PatientID, data.Modality, data.StudyDate = (
            note["patient"],
            "CR",
            note["time"][:10].replace("-", ""),
        )
        data.Rows = data.Columns = PIXELS
        data.SamplesPerPixel, data.BitsAllocated, data.BitsStored, data.HighBit = 1, 16, 16, 15
        data.PixelRepresentation, data.PhotometricInterpretation = 0, "MONOCHROME2"
        data.PixelData = (np.arange(PIXELS**2, dtype=np.uint16) * (row + 1) % 4096).tobytes()
        data.save_as(folder / f"{row:05d}.dcm", enforce_file_format=True)


WRITERS: dict[str, Callable[[Sequence[Mapping[str, str]], Path], None]] = {
    "fhir_bundle": write_fhir_bundle,
    "fhir_presented_form": write_fhir_presented_form,
    "omop_note": write_omop_note,
    "mimic_note": write_mimic_note,
    "parquet_partitions": write_parquet_partitions,
    "csv_gzip": write_csv_gzip,
    "csv_zstd": write_csv_zstd,
    "dicom": write_dicom,
}


def count_back(name: str, folder: Path, notes: Sequence[Mapping[str, str]]) -> int:
    """Return how many notes are read with the text and patient, or pictures with the study, that were written."""
    if name == "dicom":
        return len(
            {note["id"] for note in notes} & set(StudyFiles.open(folder, by="accession").study_ids.tolist())
        )
    records = [record for batch in read(folder) for record in batch]
    written = sorted((note["patient"], " ".join(note["text"].split())) for note in notes)
    found = sorted((str(record.patient_id), " ".join((record.text or "").split())) for record in records)
    return len(records) if written == found else 0


def _plain(note: Mapping[str, str]) -> dict[str, str]:
    return {"id": note["id"], "patient_id": note["patient"], "time": note["time"], "text": note["text"]}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _rtf(letter: str) -> str:
    if letter == "\n":
        return "\\par "
    return letter if letter.isascii() else f"\\u{ord(letter)}?"


def _csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    listed = list(rows)
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return buffer.getvalue().encode()


def _write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    path.write_bytes(_csv(rows))


def main() -> int:
    """Write all forms, read them back, print the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--notes", type=int, default=200, help="how many notes")
    given = parser.parse_args()
    if given.notes < 1:
        parser.error("--notes is at least 1")
    if given.out.exists():
        parser.error(f"{given.out} exists already")
    notes = make_notes(given.notes)
    wrong = 0
    for name, write in WRITERS.items():
        folder = given.out / name
        folder.mkdir(parents=True)
        write(notes, folder)
        found = count_back(name, folder, notes)
        wrong += found != len(notes)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{name:<20} {len(notes)} written, {found} read back, {size} bytes")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
