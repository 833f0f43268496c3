"""What a labeling function sees of one row."""

import pickle
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import Event, LFApplier, Record, labeling_function

ROW = {"id": "r1", "patient_id": "p1", "text": "Sinus rhythm.", "age": 61}


def seen(rows):
    """Return the records a labeling function is handed for `rows`."""
    found = []

    @labeling_function
    def look(record):
        found.append(record)

    LFApplier([look]).apply(rows)
    return found


class Row(NamedTuple):
    id: str
    patient_id: str
    text: str
    age: int


@pytest.mark.parametrize(
    "rows",
    [
        [ROW],
        [SimpleNamespace(**ROW)],
        [Row(**ROW)],
        pa.Table.from_pylist([ROW]),
        pa.RecordBatch.from_pylist([ROW]),
    ],
    ids=["mapping", "object", "named tuple", "arrow table", "arrow batch"],
)
def test_attribute_and_item_are_the_same_whatever_the_row_was(rows):
    record = seen(rows)[0]
    assert isinstance(record, Record)
    for name, value in ROW.items():
        assert getattr(record, name) == record[name] == record.get(name) == value
        assert name in record
    assert record.time is None


@given(st.dictionaries(st.text(min_size=1), st.integers(-(2**53), 2**53) | st.text(), max_size=5))
def test_every_column_can_be_read_by_item_whatever_it_is_called(row):
    row = {"id": "r1"} | {name: value for name, value in row.items() if name not in ("events", "time")}
    for rows in ([row], pa.Table.from_pylist([row | {"wide": 1}])):
        record = seen(rows)[0]
        assert {name: record[name] for name in row} == row


@pytest.mark.parametrize("name", ["fields", "get", "with_fields", "_row", "_columns", "_events", "__class__"])
def test_a_column_named_like_our_own_things_is_read_and_does_no_harm(name):
    for rows in ([{"id": "r1", name: "x"}], pa.Table.from_pylist([{"id": "r1", name: "x"}])):
        record = seen(rows)[0]
        assert record[name] == "x"
        assert record.id == "r1"
        assert record.events == ()
        assert "VALUE" not in repr(record)


def test_a_missing_field_is_answered_with_a_near_one():
    record = seen([ROW])[0]
    with pytest.raises(AttributeError, match="no field 'txt'; did you mean 'text'"):
        record.txt  # noqa: B018
    with pytest.raises(KeyError, match="no field 'ages'; did you mean 'age'"):
        record["ages"]
    assert record.get("ages", 5) == 5


def test_a_record_is_read_only():
    record = seen([ROW])[0]
    with pytest.raises(AttributeError, match="read-only"):
        record.text = "other"
    with pytest.raises(AttributeError, match="read-only"):
        del record.text
    assert record.text == "Sinus rhythm."


def test_a_copy_with_more_fields_leaves_the_record_alone():
    record = seen([ROW])[0]
    longer = record.with_fields(lowered="sinus rhythm.", age=62)
    assert (longer.lowered, longer.age, longer.text) == ("sinus rhythm.", 62, "Sinus rhythm.")
    assert record.age == 61
    assert "lowered" not in record


def test_the_picture_of_a_record_shows_no_value():
    for record in seen([ROW | {"text": "ZEBRAFISH-4711"}]) + seen(pa.Table.from_pylist([ROW])):
        assert "ZEBRAFISH" not in repr(record)
        assert "61" not in repr(record)
        assert "p1" not in repr(record)


def test_a_record_travels_between_processes():
    for record in seen([ROW]) + seen(pa.Table.from_pylist([ROW])):
        copy = pickle.loads(pickle.dumps(record))  # noqa: S301
        assert {name: copy[name] for name in ROW} == ROW


EVENTS = [
    {"kind": "lab", "code": "K", "time": "2020-03-01T00:00:00", "value": 4.1, "unit": "mmol/L"},
    {"kind": "drug", "code": "B01", "time": datetime(2020, 1, 1, tzinfo=UTC)},
    {"kind": "condition", "code": "I48", "time": "2020-02-01T01:00:00+01:00"},
]


@pytest.mark.parametrize(
    "time",
    [datetime(2020, 2, 1, tzinfo=UTC), datetime(2020, 2, 1), "2020-02-01", "2020-02-01T01:00:00+01:00"],
)
def test_a_record_knows_its_patients_events_up_to_its_time(time):
    record = seen([ROW | {"time": time, "events": EVENTS}])[0]
    assert [event.code for event in record.events] == ["B01", "I48"]
    assert record.time == datetime(2020, 2, 1, tzinfo=UTC)
    assert record.events[1] == Event("condition", "I48", datetime(2020, 2, 1, tzinfo=UTC))


def test_without_a_time_all_events_are_seen_in_order():
    record = seen([ROW | {"events": EVENTS}])[0]
    assert [event.code for event in record.events] == ["B01", "I48", "K"]
    assert record.events[2].value == 4.1
    assert pickle.loads(pickle.dumps(record)).events == record.events  # noqa: S301
    assert record.with_fields(x=1).events == record.events


def test_events_come_along_in_arrow_columns():
    rows = [ROW | {"time": datetime(2020, 2, 1, tzinfo=UTC), "events": [
        {"kind": "lab", "code": code, "time": datetime(2020, month, 1, tzinfo=UTC), "value": 1.0}
        for month, code in ((3, "late"), (1, "early"))]}]  # fmt: skip
    record = seen(pa.Table.from_pylist(rows))[0]
    assert [event.code for event in record.events] == ["early"]


def test_text_alone_is_a_record():
    assert seen(["Sinus rhythm."])[0].text == "Sinus rhythm."


def test_a_row_of_another_kind_is_named_by_its_number():
    with pytest.raises(TypeError, match=r"row 1\b.*not a int"):
        seen([ROW, 5])
