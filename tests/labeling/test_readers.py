"""What holds of every export, whatever its format."""

import gzip
from datetime import UTC, datetime

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import READERS, InputError, LimitError, UsageError, read

ROWS = [
    {"id": "r1", "patient_id": "p1", "time": "2020-02-01", "text": "Sinus rhythm.", "age": 61},
    {"id": "r2", "patient_id": "p1", "time": "2020-02-02T12:30:00+02:00", "text": 'A "quoted"\nline; a, b', "age": 62},
    {"id": "r3", "patient_id": None, "time": None, "text": "Übergang: Lagetyp", "age": None},
]  # fmt: skip
FORMATS = ("csv", "jsonl", "parquet")


def write(path, rows):
    """Write rows in the format the path's name tells."""
    kind = path.name.split(".")[1]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if kind == "jsonl":
        data = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    elif kind == "csv":

        def cell(value):
            return "" if value is None else '"' + str(value).replace('"', '""') + '"'

        lines = [names, *([row.get(name) for name in names] for row in rows)]
        data = "".join(",".join(map(cell, line)) + "\r\n" for line in lines).encode()
    else:
        pq.write_table(pa.Table.from_pylist([{n: row.get(n) for n in names} for row in rows]), path)
        return path
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def contents(reading):
    return [row for batch in reading for row in batch.records.to_pylist()]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a.jsonl.gz"])
def test_every_format_brings_the_same_records(tmp_path, name):
    reading = read(write(tmp_path / name, ROWS))
    records = [record for batch in reading for record in batch]
    assert [record.id for record in records] == ["r1", "r2", "r3"]
    assert [record.patient_id for record in records] == ["p1", "p1", None]
    assert [record.text for record in records] == [row["text"] for row in ROWS]
    assert [record.age for record in records] == [61, 62, None]
    times = [datetime(2020, 2, 1, tzinfo=UTC), datetime(2020, 2, 2, 10, 30, tzinfo=UTC), None]
    assert [record.time for record in records] == times
    assert len(reading.quarantine) == 0
    assert reading.n_rows == reading.n_records == 3


@pytest.mark.parametrize("kind", FORMATS)
def test_the_export_says_which_columns_are_the_records(tmp_path, kind):
    rows = [{"note": i, "who": "p", "when": "2020-01-01", "report": f"text {i}"} for i in (1, 2)]
    path = write(tmp_path / f"a.{kind}", rows)
    records = [r for b in read(path, id="note", patient_id="who", time="when", text="report") for r in b]
    assert [(r.id, r.patient_id, r.text, r.report) for r in records] == [
        ("1", "p", "text 1", "text 1"),
        ("2", "p", "text 2", "text 2"),
    ]
    assert records[0].time == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_size_of_batches_does_not_matter(tmp_path, kind):
    rows = [{"id": str(i), "text": f"note {i}", "age": i} for i in range(50)]
    path = write(tmp_path / f"a.{kind}", rows)
    whole = contents(read(path))
    for size in (1, 7, 50, 51):
        reading = read(path, batch_size=size)
        assert contents(reading) == whole
        assert max(len(batch) for batch in reading) <= size
        offsets = [int(offset) for batch in reading for offset in batch.offsets]
        assert offsets == sorted(set(offsets))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_is_read_in_the_order_of_its_names(tmp_path, kind):
    rows = [{"id": str(i), "text": f"note {i}"} for i in range(9)]
    (tmp_path / "deep").mkdir()
    write(tmp_path / f"b.{kind}", rows[3:6])
    write(tmp_path / f"a.{kind}", rows[:3])
    write(tmp_path / "deep" / f"c.{kind}", rows[6:])
    (tmp_path / "README.txt").write_text("not a part of it")
    (tmp_path / f".hidden.{kind}").write_text("not a part of it")
    reading = read(tmp_path)
    assert [row["id"] for row in contents(reading)] == [row["id"] for row in rows]
    assert {batch.source for batch in reading} == {f"a.{kind}", f"b.{kind}", f"deep/c.{kind}"}


@pytest.mark.parametrize("kind", FORMATS)
@given(order=st.permutations(range(6)), cut=st.integers(1, 5))
def test_sharding_an_export_changes_no_record(tmp_path_factory, kind, order, cut):
    folder = tmp_path_factory.mktemp("export")
    rows = [{"id": str(i), "text": f"note {i}"} for i in order]
    write(folder / f"a.{kind}", rows[:cut])
    write(folder / f"b.{kind}", rows[cut:])
    assert [row["id"] for row in contents(read(folder))] == [row["id"] for row in rows]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_repeated_id_is_set_aside_wherever_it_comes_again(tmp_path, kind):
    write(tmp_path / f"a.{kind}", [{"id": "r1", "text": "x"}, {"id": "r2", "text": "y"}])
    write(tmp_path / f"b.{kind}", [{"id": "r3", "text": "x"}, {"id": "r1", "text": "z"}])
    reading = read(tmp_path, batch_size=1)
    assert [row["text"] for row in contents(reading)] == ["x", "y", "x"]
    assert reading.quarantine.counts() == {"duplicate_id:id": 1}
    assert reading.quarantine.rows[0].source == f"b.{kind}"
    assert reading.n_rows == 4


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_without_id_or_with_an_unreadable_time_are_set_aside(tmp_path, kind):
    rows = [
        {"id": "r1", "time": "2020-01-01"},
        {"id": None, "time": "2020-01-01"},
        {"id": " ", "time": "2020-01-01"},
        {"id": "r4", "time": "last winter"},
    ]
    reading = read(write(tmp_path / f"a.{kind}", rows))
    assert [row["id"] for row in contents(reading)] == ["r1"]
    assert reading.quarantine.counts() == {"bad_time:time": 1, "no_id:id": 2}
    assert reading.n_rows == reading.n_records + len(reading.quarantine) == 4


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_set_aside_are_pointed_at_and_never_repeated(tmp_path, kind):
    rows = [{"id": "r1", "text": "x"}, {"id": "r1", "text": "ZEBRAFISH-4711"}]
    reading = read(write(tmp_path / f"a.{kind}", rows))
    batches = list(reading)
    assert "ZEBRAFISH" not in repr(reading.quarantine) + repr(reading.quarantine.rows)
    assert len(reading.quarantine.rows[0].sha256) == 64
    assert "r1" not in repr(batches)


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_numbers_are_missing_ids_and_patients(tmp_path, kind):
    rows = [
        {"id": 15709.0, "patient_id": 12.0},
        {"id": 15710.0, "patient_id": None},
        {"id": None, "patient_id": 13.0},
    ]
    reading = read(write(tmp_path / f"a.{kind}", rows))
    found = [(row["id"], row["patient_id"]) for row in contents(reading)]
    assert found == (
        [("15709.0", "12.0"), ("15710.0", None)] if kind == "csv" else [("15709", "12"), ("15710", None)]
    )
    assert reading.quarantine.counts() == {"no_id:id": 1}


def test_a_reading_starts_again(tmp_path):
    reading = read(write(tmp_path / "a.csv", [*ROWS, ROWS[0]]))
    assert contents(reading) == contents(reading)
    assert (reading.n_records, len(reading.quarantine), reading.n_rows) == (3, 1, 4)


def test_too_many_rows_set_aside_break_the_limit(tmp_path):
    rows = [{"id": str(i), "text": "x"} for i in range(99)]
    reading = read(write(tmp_path / "a.csv", [*rows, rows[0]]))
    contents(reading)
    reading.check_limit(0.01)
    with pytest.raises(
        LimitError, match=r"1 of 100 rows \(1.0%\) were set aside, more than 0.5%: duplicate_id:id 1"
    ):
        reading.check_limit(0.005)


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_file_cannot_be_read(tmp_path, kind):
    (tmp_path / f"a.{kind}").write_bytes(b"")
    with pytest.raises(InputError, match=rf"^a.{kind}: (is empty|holds no rows|cannot be read)"):
        contents(read(tmp_path / f"a.{kind}"))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_missing_column_is_answered_with_a_near_one(tmp_path, kind):
    path = write(tmp_path / f"a.{kind}", [{"id": "r1", "txt": "x"}])
    with pytest.raises(
        InputError, match=rf"^a.{kind}: has no column 'text'; did you mean 'txt'\? \(columns: id, txt\)"
    ):
        contents(read(path, text="text"))
    path = write(tmp_path / f"b.{kind}", [{"note": "r1", "txt": "x"}])
    with pytest.raises(
        InputError, match=rf"^b.{kind}: has no column 'id'; say which column holds the record ids"
    ):
        contents(read(path))


def test_what_is_not_there_or_not_known_is_said(tmp_path):
    with pytest.raises(InputError, match=r"^a.csv: does not exist"):
        read(tmp_path / "a.csv")
    (tmp_path / "notes.doc").write_text("x")
    with pytest.raises(InputError, match=r"^notes.doc: its format"):
        read(tmp_path / "notes.doc")
    with pytest.raises(InputError, match="holds no file of a known format"):
        read(tmp_path)
    with pytest.raises(UsageError, match="no format 'doc'"):
        read(tmp_path / "notes.doc", format="doc")
    with pytest.raises(UsageError, match="batch_size is 0"):
        read(tmp_path / "notes.doc", format="csv", batch_size=0)


def test_the_format_can_be_said(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("id,text\n1,x\n")
    assert contents(read(path, format="csv")) == [{"id": "1", "text": "x"}]


NOTE = {
    "csv": b"id,text\n1,x\n",
    "tsv": b"id\ttext\n1\tx\n",
    "csv.gz": gzip.compress(b"id,text\n1,x\n"),
    "jsonl": b'{"id": "1", "text": "x"}\n',
    "jsonl.gz": gzip.compress(b'{"id": "1", "text": "x"}\n'),
    "hl7": b"MSH|^~\\&|A|B|C|D|20200101||ORU^R01|1|P|2.3\rPID|1||p\rOBR|1|1||X\rOBX|1|TX|X||x\r",
    "parquet": b"",  # written in the test
}
NOTHING = {
    "nothing": b"",
    "blanks": b" \r\n\n",
    "a mark": b"\xef\xbb\xbf",
    "packed nothing": gzip.compress(b""),
}


@pytest.mark.parametrize(
    ("suffix", "what"),
    [
        (suffix, what)
        for suffix in NOTE
        for what in NOTHING
        if what == "nothing" or (suffix != "parquet" and suffix.endswith(".gz") == (what == "packed nothing"))
    ],
)
def test_a_file_that_holds_nothing_is_set_aside_beside_others(tmp_path, suffix, what):
    pq.write_table(pa.table({"id": ["1"], "text": ["x"]}), tmp_path / f"a.{suffix}")
    if NOTE[suffix]:
        (tmp_path / f"a.{suffix}").write_bytes(NOTE[suffix])
    (tmp_path / f"b.{suffix}").write_bytes(NOTHING[what])
    reading = read(tmp_path)
    assert [row["text"] for row in contents(reading)] == ["x"]
    assert reading.quarantine.counts() == {"empty_file": 1}
    assert reading.quarantine.rows[0].source == f"b.{suffix}"
    assert (reading.n_rows, reading.quarantine.n_damaged) == (2, 0)
    reading.check_limit()
    (tmp_path / f"a.{suffix}").unlink()
    with pytest.raises(InputError, match="holds only empty files"):
        read(tmp_path)
    with pytest.raises(InputError, match="is empty"):
        read(tmp_path / f"b.{suffix}")


def test_a_table_without_rows_and_an_empty_text_are_no_faults(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n1,x\n")
    (tmp_path / "b.csv").write_text("id,text\n")
    reading = read(tmp_path)
    assert len(contents(reading)) == 1
    assert len(reading.quarantine) == 0
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "n1.txt").write_text("")
    assert [row["text"] for row in contents(read(texts))] == [""]


def test_every_reader_names_its_files():
    suffixes = [suffix for reader in READERS.values() for suffix in reader.suffixes]
    assert set(FORMATS) <= set(READERS)
    assert len(suffixes) == len(set(suffixes))
