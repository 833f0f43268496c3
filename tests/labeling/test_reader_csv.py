"""Comma-separated files, compared with the standard library's reader."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidelight.labeling import ColumnError, InputError, read

cells = st.text(st.sampled_from("ab ,;\t\n\"'éß|0."), max_size=8)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8)


def rows_of(reading):
    return [
        tuple(r[n] for n in ("id", "text", "note")) for batch in reading for r in batch.records.to_pylist()
    ]


@given(
    tables,
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
)
@example([["a\nb", '"', ","]], csv.QUOTE_MINIMAL, ",", "\n")
def test_cells_are_what_the_standard_reader_finds(tmp_path_factory, table, quoting, delimiter, end):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=quoting, delimiter=delimiter, lineterminator=end)
    writer.writerow(["id", "text", "note"])
    writer.writerows([f"r{i}", *row[1:]] for i, row in enumerate(table))
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(buffer.getvalue().encode())
    expected = list(csv.reader(io.StringIO(buffer.getvalue(), newline=""), delimiter=delimiter))[1:]
    found = rows_of(read(path, types={"note": str}))
    assert found == [(row[0], row[1], row[2] if row[2].strip() else None) for row in expected]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(1, 4))
def test_rows_with_too_few_or_too_many_cells_cost_themselves_alone(tmp_path_factory, widths, size):
    lines = [",".join([f"r{i}", *["x"] * (width - 1)]) for i, width in enumerate(widths)]
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("\n".join(["id,text,note", *lines]) + "\n")
    reading = read(path, batch_size=size)
    good = [i for i, width in enumerate(widths) if width == 3]
    assert [row[0] for row in rows_of(reading)] == [f"r{i}" for i in good]
    assert [int(line) - 2 for batch in reading for line in batch.lines] == good
    assert sorted(row.line - 2 for row in reading.quarantine.rows) == [
        i for i, width in enumerate(widths) if width != 3
    ]
    assert set(reading.quarantine.counts()) <= {"wrong_number_of_cells"}


def test_one_bad_byte_costs_one_row(tmp_path):
    lines = [b"id,text", *(b"r%d,ok" % i for i in range(30))]
    lines[7] = "r6,Ödem".encode("latin-1")
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines) + b"\n")
    reading = read(tmp_path / "a.csv")
    assert sum(len(batch) for batch in reading) == 29
    assert [(r.line - 2, r.reason, r.field) for r in reading.quarantine.rows] == [(6, "bad_utf8", "text")]


def test_a_nul_byte_costs_one_row_however_short_the_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"id,text\nr0,ok\nr1,a\x00b\n")
    reading = read(tmp_path / "a.csv")
    assert sum(len(batch) for batch in reading) == 1
    assert [(r.line - 2, r.reason, r.field) for r in reading.quarantine.rows] == [(1, "nul_byte", "text")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_refused_until_it_is_named(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("id,text\nr0,Ödem\nr1,Säugling\n".encode(encoding))
    with pytest.raises(InputError, match=r"^a.csv: .*utf-8 text.*another encoding"):
        list(read(tmp_path / "a.csv"))
    found = [record.text for batch in read(tmp_path / "a.csv", encoding=encoding) for record in batch]
    assert found == ["Ödem", "Säugling"]


def test_an_unknown_encoding_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\nr0,x\n")
    with pytest.raises(InputError, match="klingon"):
        list(read(tmp_path / "a.csv", encoding="klingon"))


@pytest.mark.parametrize("data", ["", "\n", " \n\n", "id,text", "id,text\n", "id,text\r\n"])
def test_a_file_without_rows_is_refused(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data.encode())
    with pytest.raises(InputError, match=r"^a.csv: (is empty|holds no rows)$"):
        list(read(tmp_path / "a.csv"))


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\nr0,x\n", encoding="utf-8-sig")
    assert [record.id for batch in read(tmp_path / "a.csv") for record in batch] == ["r0"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (["1", "", "-3"], [1, None, -3]),
        (["1.5", "2", ""], [1.5, 2.0, None]),
        (["true", "False", ""], [True, False, None]),
        (["007", "12", ""], ["007", "12", None]),
        (["2020-01-01", "x", ""], ["2020-01-01", "x", None]),
        (["9223372036854775808", "1", "2"], [9223372036854775808.0, 1.0, 2.0]),
    ],
)
def test_columns_get_the_type_all_their_cells_have(tmp_path, column, values):
    (tmp_path / "a.csv").write_text("id,v\n" + "".join(f"r{i},{cell}\n" for i, cell in enumerate(column)))
    assert [record.v for batch in read(tmp_path / "a.csv") for record in batch] == values


def test_types_can_be_said_and_a_cell_of_another_costs_its_row(tmp_path):
    (tmp_path / "a.csv").write_text("id,v\n" + "".join(f"r{i},{i}\n" for i in range(20)) + "r20,ZEB\n")
    assert [r.v for b in read(tmp_path / "a.csv", types={"v": str}) for r in b][-1] == "ZEB"
    reading = read(tmp_path / "a.csv", types={"v": int})
    assert [r.v for b in reading for r in b] == list(range(20))
    assert [(r.line - 2, r.reason, r.field) for r in reading.quarantine.rows] == [(20, "not_int", "v")]


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,text,text\nr0,x,y\n")
    with pytest.raises(InputError, match=r"two columns of one name.*'text'"):
        list(read(tmp_path / "a.csv"))


def test_a_file_without_header_is_not_quoted(tmp_path):
    (tmp_path / "a.csv").write_text("4711,ZEBRAFISH seen in the left lower lobe today.\n4712,x\n")
    with pytest.raises(InputError, match="does the first line hold their names") as caught:
        list(read(tmp_path / "a.csv"))
    assert "ZEBRAFISH" not in str(caught.value)
    assert "4711" not in str(caught.value)
    assert caught.value.columns == (), "nothing of a note travels with the error"


def test_a_column_that_is_not_there_comes_with_those_that_are(tmp_path):
    (tmp_path / "a.csv").write_text("note,body (columns: b),nota\n1,x,y\n")
    for wanted, asked in ((None, "id"), ("notte", "notte")):
        with pytest.raises(ColumnError, match=f"has no column '{asked}'") as caught:
            list(read(tmp_path / "a.csv", id=wanted))
        assert caught.value.column == asked
        assert caught.value.columns == ("note", "body (columns: b)", "nota")
