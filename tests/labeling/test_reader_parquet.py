"""Parquet files."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidelight.labeling import InputError, read


def write(folder, table, **keywords):
    pq.write_table(table, folder / "a.parquet", **keywords)
    return folder / "a.parquet"


def test_columns_keep_their_types_and_row_groups_do_not_show(tmp_path):
    table = pa.table(
        {"id": pa.array(range(10)), "v": pa.array([0.5] * 10), "s": pa.array(["x"] * 10).dictionary_encode()}
    )
    reading = read(write(tmp_path, table, row_group_size=3))
    rows = [row for batch in reading for row in batch.records.to_pylist()]
    assert rows == [{"id": str(i), "v": 0.5, "s": "x"} for i in range(10)]
    assert [int(offset) for batch in reading for offset in batch.offsets] == list(range(10))


def test_a_missing_number_is_no_id(tmp_path):
    nan = float("nan")
    table = pa.table({"id": [1.0, nan, 3.0, None], "patient_id": [nan, 1.0, 7.0, 8.0]})
    reading = read(write(tmp_path, table))
    assert [(r["id"], r["patient_id"]) for b in reading for r in b.records.to_pylist()] == [
        ("1", None),
        ("3", "7"),
    ]
    assert reading.quarantine.counts() == {"no_id:id": 2}


def test_text_in_bytes_is_decoded_and_a_bad_byte_costs_its_row(tmp_path):
    reading = read(write(tmp_path, pa.table({"id": ["a", "b"], "text": [b"\xc3\x96dem", b"\xff"]})))
    assert [record.text for batch in reading for record in batch] == ["Ödem"]
    assert reading.quarantine.counts() == {"bad_utf8:text": 1}


@pytest.mark.parametrize("name", ["id", "text"])
def test_a_column_that_can_be_no_text_is_refused_by_name(tmp_path, name):
    table = pa.table({"id": ["a"], "text": ["x"]} | {name: [["ZEBRAFISH"]]})
    with pytest.raises(InputError, match=rf"^a.parquet: column '{name}' holds list") as caught:
        list(read(write(tmp_path, table)))
    assert "ZEBRAFISH" not in str(caught.value)


@pytest.mark.parametrize("data", [b"PAR1", b"ZEBRAFISH" * 100])
def test_another_file_is_refused(tmp_path, data):
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"^a.parquet: cannot be read as Parquet"):
        list(read(tmp_path / "a.parquet"))


def test_a_file_cut_short_is_refused(tmp_path):
    path = write(tmp_path, pa.table({"id": [str(i) for i in range(1000)]}))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(read(path))


def test_a_table_without_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no rows"):
        list(read(write(tmp_path, pa.table({"id": pa.array([], pa.string())}))))
