"""OMOP and MIMIC tables, HL7 v2 messages, folders of text, packed and partitioned files."""

import bz2
import gzip

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import InputError, read


def records_of(reading):
    return [record for batch in reading for record in batch]


def omop(folder, kind, **tables):
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows)
        if kind == "csv":
            pa_csv.write_csv(table, folder / f"{name}.csv")
        else:
            pq.write_table(table, folder / f"{name}.parquet")
    return folder


VISITS = [
    {"visit_occurrence_id": 10 + i, "person_id": i, "visit_concept_id": 9202, "visit_start_date": f"2020-01-0{i}"} for i in (1, 2)
]  # fmt: skip
NOTES = [{"note_id": 5, "person_id": 1, "note_date": "2020-02-01", "note_title": "CT", "note_text": "Stent.", "visit_occurrence_id": 11}]  # fmt: skip
DRUGS = [
    {"drug_exposure_id": 1, "person_id": 1, "drug_concept_id": 0, "drug_source_value": "6809", "drug_exposure_start_date": "2020-01-05", "quantity": 2.0},
    {"drug_exposure_id": 2, "person_id": 1, "drug_concept_id": 77, "drug_source_value": "x", "drug_exposure_start_date": "2020-03-05", "quantity": None},
]  # fmt: skip
MENTIONS = [
    {
        "note_nlp_id": 1,
        "note_id": 5,
        "note_nlp_concept_id": 42,
        "lexical_variant": "stent",
        "term_exists": "N",
    }
]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_omop_export_gives_notes_visits_and_events(tmp_path, kind):
    omop(tmp_path, kind, NOTE=NOTES, VISIT_OCCURRENCE=VISITS, DRUG_EXPOSURE=DRUGS, NOTE_NLP=MENTIONS)
    (tmp_path / "site_notes.csv").write_text("a,b\n1,2\n")
    note, visit = records_of(read(tmp_path))
    assert (note.id, note.patient_id, note.text, note.name, note.encounter_id) == (
        "5",
        "1",
        "Stent.",
        "CT",
        "11",
    )
    assert [(e.kind, e.code, e.system, e.value) for e in note.events] == [
        ("visit", "9202", "OMOP", None), ("drug", "6809", "source", 2.0), ("negated mention", "42", "OMOP", None),
    ]  # fmt: skip
    assert (visit.id, visit.patient_id, visit.text) == ("12", "2", "")


def test_omop_without_notes_gives_visits(tmp_path):
    assert [r.id for r in records_of(read(omop(tmp_path, "csv", VISIT_OCCURRENCE=VISITS)))] == ["11", "12"]


def test_mimic_tables_are_known_by_their_columns(tmp_path):
    text = "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,CATEGORY,ISERROR,TEXT\n"
    text += '1,7,8,2150-01-02,,Radiology,,"Line one\nline ""two"""\n2,7,8,2150-01-02,2150-01-02 03:04:05,ECG,1,wrong\n'
    (tmp_path / "NOTEEVENTS.csv.gz").write_bytes(gzip.compress(text.encode()))
    reading = read(tmp_path / "NOTEEVENTS.csv.gz")
    (note,) = records_of(reading)
    assert (note.id, note.patient_id, note.text) == ("1", "7", 'Line one\nline "two"')
    assert note.time.isoformat() == "2150-01-02T00:00:00+00:00"
    assert reading.quarantine.counts() == {"entered_in_error": 1}


def test_text_files_are_records_named_after_their_files(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "n2.txt").write_text("zwei")
    (tmp_path / "n1.txt.gz").write_bytes(gzip.compress(b"eins"))
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    reading = read(tmp_path)
    assert [(r.id, r.text) for r in records_of(reading)] == [("b/n2", "zwei"), ("n1", "eins")]
    assert reading.quarantine.counts() == {"bad_utf8": 1}


def test_folders_of_partitions_give_columns(tmp_path):
    for site in ("north", "south"):
        (tmp_path / f"site={site}").mkdir()
        pq.write_table(
            pa.table({"id": [site[0]], "text": ["x"]}), tmp_path / f"site={site}" / "part-0.parquet"
        )
    assert [(r.id, r.site) for r in records_of(read(tmp_path))] == [("n", "north"), ("s", "south")]


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = {"gz": gzip.compress, "zst": zstd, "bz2": bz2.compress}


@pytest.mark.parametrize("packing", sorted(PACKERS))
def test_packed_files_are_read_and_damaged_ones_refused(tmp_path, packing):
    packed = PACKERS[packing](b"id,text\n" + b"".join(b"%d,note\n" % i for i in range(5000)))
    (tmp_path / f"a.csv.{packing}").write_bytes(packed)
    assert len(records_of(read(tmp_path / f"a.csv.{packing}"))) == 5000
    (tmp_path / f"a.csv.{packing}").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        records_of(read(tmp_path / f"a.csv.{packing}"))


# -- HL7 v2 ----------------------------------------------------------------------------------------

HEAD = "MSH|^~\\&|LAB|H|||20200301101500+0100||ORU^R01|M1|P|2.5"


def message(*segments, head=HEAD):
    return "\r".join([head, "PID|1||p1^^^H^MR||DOE^JANE", *segments]) + "\r"


def test_a_report_joins_its_text_segments_notes_and_repetitions(tmp_path):
    obx = [
        "OBR|1||F7|71020^CHEST^L|||20200229080000|||||||||||||||||RAD|F",
        "OBX|1|TX|71020&IMP||First\\.br\\line \\T\\ more~again||||||F", "OBX|2|FT|x||caf\\XC3A9\\ \\H\\bold\\N\\||||||F",
        "OBX|3|TX|x||removed||||||D", "NTE|1||A note", "OBX|4|NM|2160-0^CREAT^LN||1.4|mg/dL|||||F|||20200228",
    ]  # fmt: skip
    (tmp_path / "a.hl7").write_bytes(b"\x0b" + message(*obx).encode() + b"\x1c\r")
    (record,) = records_of(read(tmp_path))
    assert record.text == "First\nline & more\nagain\ncafé bold\nA note"
    assert (record.id, record.patient_id, record.message, record.status) == ("F7:71020", "p1", "ORU^R01", "F")
    assert record.time.isoformat() == "2020-02-29T08:00:00+00:00"
    assert [(e.kind, e.code, e.value, e.unit) for e in record.events] == [("lab", "2160-0", 1.4, "mg/dL")]


def test_a_corrected_message_replaces_the_first(tmp_path):
    def at(time, text):
        return message(
            "OBR|1||F7|71020", f"OBX|1|TX|x||{text}||||||C", head=HEAD.replace("20200301101500+0100", time)
        )

    (tmp_path / "a.hl7").write_text(at("20200301", "old") + "\n" + at("20200302", "new"))
    reading = read(tmp_path / "a.hl7")
    assert [r.text for r in records_of(reading)] == ["new"]
    assert reading.quarantine.counts() == {"superseded": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("MSH|^^^^|x\rOBR|1\r", "bad_header"),
        (message().replace("ORU^R01", "ADT^A01"), "no_report"),
        ("PID|1||p1\rOBR|1\r", "no_header"),
        (message("OBR|1||F1|x", "OBX|1|TX|x||a\x00b"), "nul_byte"),
        (message("OBR|1||F1|x", "OBX|1|ED|x||^^PDF^Base64^JVBERg==||||||F"), "no_text_attachment"),
    ],
)
def test_a_message_of_no_use_is_set_aside(tmp_path, text, reason):
    (tmp_path / "a.hl7").write_text(text)
    (tmp_path / "b.hl7").write_text(message("OBR|1||F2|x", "OBX|1|TX|x||fine"))
    reading = read(tmp_path)
    assert [r.text for r in records_of(reading)] == ["fine"]
    assert reading.quarantine.counts() == {reason: 1}


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_of_messages_raise(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("hl7")
    (folder / "a.hl7").write_bytes(message("OBR|1||F2|x", "OBX|1|TX|x||fine").encode() + data)
    reading = read(folder)
    n = len(records_of(reading))
    assert n + len(reading.quarantine) >= 1


# -- stray quotes and pieces ---------------------------------------------------------------------------


def test_a_stray_quote_costs_its_line_and_no_more(tmp_path):
    rows = [f'{i},"note {i}\nwith a break",2020' for i in range(200)]
    rows[50] = '50,"never closed,2020'
    (tmp_path / "a.csv").write_text("id,text,year\n" + "\n".join(rows) + "\n")
    reading = read(tmp_path / "a.csv")
    assert len(records_of(reading)) == 199
    assert [(row.reason, row.line) for row in reading.quarantine.rows] == [("stray_quote", 102)]


@given(
    st.lists(st.text(st.sampled_from('ab,"\n é'), max_size=12), min_size=1, max_size=60), st.integers(1, 80)
)
def test_pieces_together_are_the_whole_file(tmp_path_factory, texts, size):
    from sidelight.labeling.readers import Reading, pieces
    from sidelight.labeling.readers.csv_rows import RowPattern

    path = tmp_path_factory.mktemp("csv") / "a.csv"
    quoted = [f'{i},"{text.replace(chr(34), chr(34) * 2)}",z' for i, text in enumerate(texts)]
    path.write_bytes("\n".join(["id,text,k", *quoted]).encode())
    whole = read(path)
    found = pieces.cut_lines(path, size, quoted=True, accept=RowPattern(",", 3).starts_here)
    assert [(p.start, q.stop) for p, q in zip(found[1:], found, strict=False)] == [
        (p.start, p.start) for p in found[1:]
    ]
    parts = Reading(whole.files, whole.names, parts=[(whole.files[0], piece) for piece in found])
    assert [(r.id, r.text) for r in records_of(parts)] == [(r.id, r.text) for r in records_of(whole)]
    lines = [int(line) for batch in parts for line in batch.lines]
    assert lines == [int(line) for batch in whole for line in batch.lines]
    assert len(parts.quarantine) == len(whole.quarantine) == 0
