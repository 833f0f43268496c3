"""JSON lines: a bad line costs itself alone."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import InputError, read

ROWS = [{"id": f"r{i}", "text": f"Befund {i}: Ödem", "age": 60 + i, "time": "2020-01-01"} for i in range(5)]
LINES = [orjson.dumps(row) + b"\n" for row in ROWS]


def write(folder, data):
    (folder / "a.jsonl").write_bytes(data)
    return folder / "a.jsonl"


@given(st.integers(0, 4), st.integers(0, 200), st.integers(0, 255), st.integers(1, 6))
def test_one_damaged_byte_costs_one_line_at_most(tmp_path_factory, line, place, byte, size):
    damaged = bytearray(LINES[line])
    damaged[place % (len(damaged) - 1)] = byte
    data = b"".join([*LINES[:line], bytes(damaged), *LINES[line + 1 :]])
    folder = tmp_path_factory.mktemp("jsonl")
    first = LINES[0].replace(b"r0", b"first")
    reading = read(write(folder, first + data), batch_size=size)
    kept = {row["id"]: row["text"] for batch in reading for row in batch.records.to_pylist()}
    # the damaged line may be kept, lost, split in two or take another line's id; all others stay as they were,
    # but for the one whose id a damaged line took before it came
    lost = [row["id"] for i, row in enumerate(ROWS) if i != line and kept.get(row["id"]) != row["text"]]
    assert "first" in kept
    assert len(lost) <= 1
    assert not lost or ROWS.index(next(row for row in ROWS if row["id"] == lost[0])) > line
    assert reading.n_rows == reading.n_records + len(reading.quarantine)
    assert len(reading.quarantine) <= (2 if byte == ord("\n") else 1)


@given(st.permutations(range(8)), st.integers(1, 8))
def test_neither_order_nor_batches_decide_which_lines_are_kept(tmp_path_factory, order, size):
    lines = [
        *LINES,
        b'{"id": "text is a number", "text": 5}\n',
        b'{"id": {"a": 1}, "text": "x"}\n',
        b'{"id": "time is a number", "text": "x", "time": 5}\n',
    ]
    path = write(tmp_path_factory.mktemp("jsonl"), b"".join(lines[i] for i in order))
    reading = read(path, batch_size=size)
    try:
        kept = sorted(row["id"] for batch in reading for row in batch.records.to_pylist())
    finally:
        assert set(reading.quarantine.counts()) <= {"wrong_type:text", "wrong_type:id", "wrong_type:time"}
    assert kept == [row["id"] for row in ROWS]
    assert len(reading.quarantine) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "x"', "bad_json"),
        (b"ZEBRAFISH", "bad_json"),
        (b'{"id": "x", "text": "\xff"}', "bad_utf8"),
        (b"[1]", "not_an_object"),
        (b"5", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"id": true}', "wrong_type:id"),
        (b'{"id": [1]}', "wrong_type:id"),
        (b'{"id": "x", "text": {"a": 1}}', "wrong_type:text"),
        (b'{"id": "x", "age": "old"}', "wrong_type:age"),
        (b'{"text": "no id"}', "no_id:id"),
        (b'{"id": "r0"}', "duplicate_id:id"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_reason_and_place(tmp_path, line, reason):
    reading = read(write(tmp_path, b"".join(LINES[:2]) + line + b"\n" + LINES[2]))
    assert [row["id"] for batch in reading for row in batch.records.to_pylist()] == ["r0", "r1", "r2"]
    assert reading.quarantine.counts() == {reason: 1}
    assert reading.quarantine.rows[0].offset == len(LINES[0]) + len(LINES[1])


def test_offsets_are_the_bytes_where_lines_start(tmp_path):
    data = b"".join(LINES)
    reading = read(write(tmp_path, data), batch_size=2)
    for batch in reading:
        for offset, name in zip(batch.offsets, batch.records.column("id").to_pylist(), strict=True):
            assert orjson.loads(data[offset:].split(b"\n")[0])["id"] == name


def test_the_last_line_needs_no_end_and_the_first_may_have_a_mark(tmp_path):
    reading = read(write(tmp_path, b"\xef\xbb\xbf" + b"".join(LINES).rstrip(b"\n")))
    assert sum(len(batch) for batch in reading) == 5


def test_ids_may_be_numbers_and_text(tmp_path):
    path = write(tmp_path, b'{"id": 7, "text": "a"}\n{"id": "r8", "text": "b"}\n{"id": 9.0, "text": "c"}\n')
    assert [record.id for batch in read(path) for record in batch] == ["7", "r8", "9"]


def test_a_field_missing_in_some_lines_is_empty_there(tmp_path):
    path = write(tmp_path, b'{"id": 1, "text": "a", "age": 5}\n{"id": 2}\n{"id": 3, "text": null}\n')
    for size in (1, 2, 3):
        records = [record for batch in read(path, batch_size=size) for record in batch]
        assert [(r.text, r.age) for r in records] == [("a", 5), ("", None), ("", None)]


def test_fields_of_changing_shape_stay_readable(tmp_path):
    path = write(tmp_path, b'{"id": 1, "v": [1]}\n{"id": 2, "v": ["a"]}\n')
    assert [record.id for batch in read(path) for record in batch] == ["1", "2"]


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_a_file_without_lines_is_refused(tmp_path, data):
    with pytest.raises(InputError, match=r"^a.jsonl: (is empty|holds no rows)"):
        list(read(write(tmp_path, data)))
