"""Sets of intervals on disk: what is written comes back, what is damaged is named."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import InputError
from sidelight.labeling.intervals import Interval, IntervalSet

BOUND = st.floats(-1e9, 1e9)


@st.composite
def intervals(draw):
    (lo, hi), (low, high) = (sorted((draw(BOUND), draw(BOUND))) for _ in range(2))
    payload = draw(
        st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.none(), max_size=2)
    )
    score = draw(st.none() | st.floats(0, 1))
    return Interval(lo, hi, {"x": (low, high)}, payload, draw(st.text("abc", max_size=2)), score)


@given(st.lists(intervals(), max_size=6))
def test_tables_give_the_set_back(rows):
    made = IntervalSet(rows, axis="hours")
    back = IntervalSet.from_table(made.to_table())
    assert back.axis == "hours"
    assert back.to_json() == made.to_json()


def test_files_give_the_set_back_and_belong_to_their_owner(tmp_path):
    made = IntervalSet([(0, 2, {"code": "I21.4"}), (1, 1)])
    path = made.write(tmp_path / "stays.parquet")
    assert path.stat().st_mode & 0o777 == 0o600
    back = IntervalSet.read(path)
    assert back.to_json() == made.to_json()
    assert np.isnan(back.score).all()


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("payload", ["{", "{}"], "row 0: column 'payload'"),
        ("payload", ["{}", "[1]"], "row 1: column 'payload'"),
        ("t.lo", ["one", "two"], "'t.lo' holds no numbers"),
        ("t.hi", [5.0, None], "interval 1 ends before it begins"),
        ("t.hi", [5.0, -5.0], "interval 1 ends before it begins"),
    ],
)
def test_damaged_files_are_refused(tmp_path, column, values, problem):
    table = IntervalSet([(0, 2), (1, 3)]).to_table()
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values)), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=problem):
        IntervalSet.read(tmp_path / "x.parquet")


def test_other_files_are_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="no set of intervals"):
        IntervalSet.read(tmp_path / "x.parquet")
    (tmp_path / "y.parquet").write_bytes(b"PAR1 but no more")
    for name in ("y.parquet", "absent.parquet"):
        with pytest.raises(InputError, match="cannot be read as Parquet"):
            IntervalSet.read(tmp_path / name)


def test_what_json_cannot_hold_is_named():
    with pytest.raises(TypeError, match="interval 0: its payload"):
        IntervalSet([(0, 1, {"secret": object()})]).to_table()
