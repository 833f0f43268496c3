"""Counts of the shared exports, beside what jq, wc and pandas count in them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sidelight.labeling import read

DATA = Path(os.environ.get("SIDELIGHT_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "fhir_bulk_synthea").is_dir(), reason="the shared exports are not here"
)
pytestmark = needs_data


def jq(path, query):
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    return subprocess.run(
        ["jq", "-r", query, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def n_lines(path):
    return int(
        subprocess.run(["wc", "-l", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
    )


@pytest.mark.parametrize(("folder", "kind"), [("fhir_bulk_synthea", "DocumentReference"), ("fhir_lab_synthea", "DiagnosticReport")])  # fmt: skip
def test_a_bulk_export_gives_every_document_and_every_event(folder, kind, capsys):
    reading = read(DATA / folder)
    ids, texts, patients = [], {}, set()
    for batch in reading:
        for record in batch:
            if record.resource == kind:
                ids.append(record.id)
                texts[record.id] = record.text
                patients.add(record.patient_id)
    (path,) = (DATA / folder).glob(f"{kind}*.ndjson")
    assert ids == jq(path, ".id")
    assert patients == {line.removeprefix("Patient/") for line in jq(path, ".subject.reference")}
    if kind == "DocumentReference":
        lengths = dict(
            zip(jq(path, ".id"), jq(path, ".content[0].attachment.data | @base64d | length"), strict=True)
        )
        assert {name: len(text) for name, text in texts.items()} == {
            name: int(n) for name, n in lengths.items()
        }
    reading.build_events()
    counted = reading.scan.to_json()
    with capsys.disabled():
        for source, counts in counted.items():
            print(f"{folder}/{source}: {counts['rows']} rows, wc -l {n_lines(DATA / folder / source)}")  # noqa: T201
    assert {source: counts["rows"] for source, counts in counted.items()} == {
        source: n_lines(DATA / folder / source) for source in counted
    }
    assert all(counts["kept"] == counts["rows"] for counts in counted.values())


def test_omop_tables_give_a_record_a_visit_and_an_event_a_row():
    import pandas as pd

    reading = read(DATA / "omop_synthea27")
    records = [record for batch in reading for record in batch]
    visits = pd.read_csv(DATA / "omop_synthea27" / "VISIT_OCCURRENCE.csv")
    assert [int(record.id) for record in records] == visits.visit_occurrence_id.tolist()
    assert {int(record.patient_id) for record in records} == set(visits.person_id)
    store = reading.build_events()
    for source, counts in reading.scan.to_json().items():
        assert (
            counts["kept"]
            == counts["rows"]
            == len(pd.read_csv(DATA / "omop_synthea27" / source, low_memory=False))
        )
    drugs = pd.read_csv(DATA / "omop_synthea27" / "DRUG_EXPOSURE.csv")
    for person, rows in drugs.groupby("person_id"):
        assert sum(event.kind == "drug" for event in store.history(str(person))) == len(rows)


def test_every_message_is_a_report_or_accounted_for():
    files = sorted((DATA / "hl7v2_samples").glob("*.hl7"))
    reading = read(DATA / "hl7v2_samples")
    n = sum(len(batch) for batch in reading)
    sources = {row.source for row in reading.quarantine.rows} | {batch.source for batch in reading}
    assert sources == {file.name for file in files}
    assert reading.n_rows == n + len(reading.quarantine)
    assert set(reading.quarantine.counts()) <= {"no_report", "superseded", "duplicate_id"}
    messages = [m for file in files for m in re.split(rb"(?m)^(?:\xef\xbb\xbf)?MSH", file.read_bytes())[1:]]
    without = sum(not re.search(rb"(?m)^(?:OBR|TXA)\|", message) for message in messages)
    assert reading.quarantine.counts()["no_report"] == without


def test_long_notes_come_whole():
    import pandas as pd

    frame = pd.read_csv(DATA / "mtsamples_subset" / "notes.csv")
    found = [
        r for b in read(DATA / "mtsamples_subset" / "notes.csv", id="doc_id", text="transcription") for r in b
    ]
    assert [r.id for r in found] == frame.doc_id.tolist()
    assert [r.text for r in found] == frame.transcription.fillna("").tolist()


@pytest.mark.slow
def test_counts_of_all_samples_are_those_of_jq_wc_grep_and_pandas(capsys):
    """Print them side by side, with the script that does it for any folder of samples."""
    pytest.importorskip("wfdb", reason="the signals extra is not installed")
    script = Path(__file__).parents[2] / "benchmarks" / "sample_counts.py"
    found = subprocess.run(
        [sys.executable, str(script), "--data", str(DATA)], capture_output=True, text=True, check=False
    )
    with capsys.disabled():
        print(found.stdout)  # noqa: T201
    assert found.returncode == 0
    assert found.stdout.endswith("107 counts, 0 of them differ\n")
