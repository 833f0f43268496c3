"""Running functions over records: the same votes by every door, in every order."""

from datetime import UTC, datetime

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import (
    ABSTAIN,
    FunctionError,
    LabelSchema,
    LFApplier,
    PandasLFApplier,
    QuarantineWarning,
    UsageError,
    Vote,
    keyword_lf,
    labeling_function,
    read,
)

SCHEMA = LabelSchema(["normal", "abnormal"])
ROWS = [
    {"id": "r1", "patient_id": "p1", "text": "Normal ECG.", "age": 40},
    {"id": "r2", "patient_id": "p1", "text": "Paced rhythm, abnormal", "age": 70},
    {"id": "r3", "patient_id": "p2", "text": "", "age": 80},
]
EXPECTED = [["normal", None, None], [None, "abnormal", "abnormal"], [None, None, "abnormal"]]


@labeling_function
def says_paced(record):
    return "abnormal" if "paced" in record.text.lower() else ABSTAIN


@labeling_function
def is_old(record):
    return "abnormal" if record.age > 65 else None


FUNCTIONS = [keyword_lf("says_normal", ["normal ecg"], "normal"), says_paced, is_old]


def doors(folder):
    frame = pd.DataFrame(ROWS)
    frame.to_csv(folder / "a.csv", index=False)
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "a.parquet")
    (folder / "a.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in ROWS))
    return {
        "list": ROWS,
        "tuple": tuple(ROWS),
        "generator": (row for row in ROWS),
        "frame": frame,
        "frame with ids as index": frame.set_index("id"),
        "frame with missing text": frame.replace({"text": {"": None}}),
        "arrow": pa.Table.from_pylist(ROWS),
        "arrow batch": pa.RecordBatch.from_pylist(ROWS),
        "csv": folder / "a.csv",
        "csv as text": str(folder / "a.csv"),
        "jsonl": folder / "a.jsonl",
        "parquet": folder / "a.parquet",
        "reading": read(folder / "a.csv", batch_size=2),
    }


@pytest.mark.parametrize("door", [
    "list", "tuple", "generator", "frame", "frame with ids as index", "frame with missing text", "arrow",
    "arrow batch", "csv", "csv as text", "jsonl", "parquet", "reading",
])  # fmt: skip
def test_records_come_by_many_doors_and_get_the_same_votes(tmp_path, door):
    votes = LFApplier(FUNCTIONS, schema=SCHEMA).apply(doors(tmp_path)[door])
    assert votes.dense().tolist() == [[SCHEMA.encode(vote) for vote in row] for row in EXPECTED]
    assert votes.ids.tolist() == ["r1", "r2", "r3"]
    assert votes.patient_ids.tolist() == ["p1", "p1", "p2"]
    assert votes.names == ("says_normal", "says_paced", "is_old")
    assert all(function.fingerprint for function in votes.functions)


@given(st.permutations(range(12)), st.permutations(range(3)), st.integers(1, 5))
def test_neither_order_of_records_nor_of_functions_nor_batches_matter(tmp_path_factory, order, columns, size):
    rows = [ROWS[i % 3] | {"id": f"r{i}"} for i in range(12)]
    path = tmp_path_factory.mktemp("votes") / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(rows[i]) + b"\n" for i in order))
    functions = [FUNCTIONS[j] for j in columns]
    votes = LFApplier(functions, schema=SCHEMA).apply(read(path, batch_size=size))
    plain = LFApplier(FUNCTIONS, schema=SCHEMA).apply(rows)
    assert votes.ids.tolist() == [f"r{i}" for i in order]
    np.testing.assert_array_equal(votes.dense(), plain.dense()[order][:, columns])


def test_a_shuffled_frame_keeps_rows_and_ids_together():
    frame = pd.DataFrame(ROWS).drop(columns="id").sample(frac=1, random_state=3)
    votes = LFApplier(FUNCTIONS, schema=SCHEMA).apply(frame)
    assert votes.ids.tolist() == [str(i) for i in frame.index]
    np.testing.assert_array_equal(votes.dense()[:, 2] == 1, frame["age"] > 65)


@pytest.mark.parametrize("kind", ["frame", "arrow"])
def test_missing_patients_and_texts_are_missing_by_every_door(kind):
    columns = {
        "id": [1.0, 2.0, 3.0],
        "patient_id": [15709.0, float("nan"), 15709.0],
        "text": ["a", None, "paced"],
        "time": ["2020-01-01", None, "2020-01-01T01:00:00+01:00"],
        "age": [1, 1, 1],
    }
    seen = []

    @labeling_function
    def look(record):
        seen.append((record.text, record.time))

    data = pd.DataFrame(columns) if kind == "frame" else pa.table(columns)
    votes = LFApplier([*FUNCTIONS, look], schema=SCHEMA).apply(data)
    assert votes.patient_ids.tolist() == ["15709", "", "15709"]
    assert votes.ids.tolist() == ["1", "2", "3"]
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert seen == [("a", moment), ("", None), ("paced", moment)]


def test_integers_do_without_a_schema():
    @labeling_function
    def says_two(record):
        return 2 if record.text else -1

    votes = LFApplier([says_two]).apply(["a", ""])
    assert votes.schema.cardinality == 3
    assert votes.ids is None


def test_class_names_need_a_schema():
    with pytest.raises(FunctionError, match=r"'says_paced'.*no classes were given"):
        LFApplier([says_paced]).apply(["paced"])
    with pytest.raises(FunctionError, match=r"'says_normal'.*no classes were given"):
        LFApplier(FUNCTIONS[:1])


CANARY = "ZEBRAFISH-4711 in the left lower lobe"
WRONG = {
    "True": True,
    "numpy bool": np.bool_(True),
    "7": 7,
    "-2": -2,
    "2.7": 2.7,
    "1.0": 1.0,
    "NaN": float("nan"),
    "a sentence": CANARY,
    "bytes": CANARY.encode(),
    "list": [0],
    "array": np.array([0, 1]),
    "dict": {CANARY: 1},
    "set of wrong": {0, 7},
    "set of words": {CANARY},
    "vote of wrong": Vote(CANARY),
    "confidence over 1": Vote(1, confidence=1.5),
    "confidence 0": Vote(1, confidence=0),
    "confidence NaN": Vote(1, confidence=float("nan")),
    "confidence in words": Vote(1, confidence=CANARY),
    "span without end": Vote(1, spans=[(1,)]),
    "span backwards": Vote(1, spans=[(5, 3)]),
    "span in words": Vote(1, spans=[(CANARY, 1)]),
    "one span bare": Vote(1, spans=(1, 3)),
    "the record": None,
}


@pytest.mark.parametrize("on_error", ["raise", "abstain"])
@pytest.mark.parametrize("kind", WRONG)
def test_every_wrong_vote_is_an_error_that_names_function_and_row(kind, on_error):
    @labeling_function
    def goes_wrong(record):
        if record.text != CANARY:
            return 1
        return record if kind == "the record" else WRONG[kind]

    with pytest.raises(FunctionError, match="function 'goes_wrong', row 3: ") as caught:
        LFApplier([says_paced, goes_wrong], schema=SCHEMA).apply(
            ["a", "b", "c", CANARY, "d"], on_error=on_error
        )
    assert "ZEBRAFISH" not in str(caught.value)
    assert caught.value.row == 3
    assert caught.value.function == "goes_wrong"


@pytest.mark.parametrize(
    "vote", [0, 1, np.int8(1), "normal", None, ABSTAIN, Vote(1), {0, 1}, frozenset({1}), set()]
)
def test_every_right_vote_is_taken(vote):
    @labeling_function
    def goes_right(record):
        return vote

    votes = LFApplier([goes_right], schema=SCHEMA).apply(["a"])
    expected = {"normal": 0, None: -1}.get(vote, vote) if isinstance(vote, str | None) else vote
    if isinstance(vote, Vote):
        expected = vote.value
    if isinstance(vote, set | frozenset):
        expected = 1 if vote == {1} else -1
    assert votes.dense().tolist() == [[expected]]


def test_a_function_keeps_to_the_classes_it_declared():
    @labeling_function(polarity=["abnormal"])
    def strays(record):
        return record.text

    with pytest.raises(FunctionError, match=r"'strays', row 1: voted 0, but declares.*\[1\]"):
        LFApplier([strays], schema=SCHEMA).apply(["abnormal", "normal"])
    with pytest.raises(FunctionError, match="'says_paced_rhythm'"):
        LFApplier([keyword_lf("says_paced_rhythm", ["paced"], "pased")], schema=SCHEMA)


def test_a_fault_in_a_file_is_placed_there(tmp_path):
    (tmp_path / "notes.csv").write_text("id,text\nr1,a\nr1,a\nr2,paced\n")

    @labeling_function
    def breaks(record):
        return 1 // (record.text != "paced")

    with pytest.raises(FunctionError, match=r"'breaks', notes.csv at \d+: raised ZeroDivisionError"):
        LFApplier([breaks]).apply(tmp_path / "notes.csv")


@pytest.mark.parametrize("functions", [[], (), iter(())])
def test_no_function_at_all_is_refused(functions):
    with pytest.raises(UsageError, match="no function"):
        LFApplier(functions)


def test_two_functions_with_one_name_are_refused():
    with pytest.raises(UsageError, match="two functions share a name: says_paced"):
        LFApplier([says_paced, labeling_function(name="says_paced")(lambda record: 0)])


def test_a_plain_function_is_refused_with_the_remedy():
    with pytest.raises(UsageError, match=r"function 1 is a function.*@labeling_function"):
        LFApplier([says_paced, lambda record: 0])


@pytest.mark.parametrize(
    "data", [pd.DataFrame({"id": ["r1"], "note": ["x"]}), pa.table({"id": ["r1"], "note": ["x"]})]
)
def test_a_field_that_functions_read_must_be_there(data):
    with pytest.raises(UsageError, match=r"'says_normal' reads the field 'text'.*fields: id, note"):
        LFApplier(FUNCTIONS, schema=SCHEMA).apply(data)


def test_a_field_missing_inside_a_function_is_its_fault():
    with pytest.raises(FunctionError, match="'is_old', row 0: raised AttributeError"):
        LFApplier([is_old], schema=SCHEMA).apply([{"text": "x"}])


@pytest.mark.parametrize("data", [5, None, {"text": "x"}, b"notes.csv"])
def test_what_holds_no_records_is_refused(data):
    with pytest.raises(UsageError, match="records are a list, DataFrame, Arrow table or the path"):
        LFApplier(FUNCTIONS, schema=SCHEMA).apply(data)


def test_no_records_give_no_votes():
    votes = LFApplier(FUNCTIONS, schema=SCHEMA).apply([])
    assert votes.shape == (0, 3)


def test_repeated_ids_are_refused_by_rows():
    with pytest.raises(ValueError, match="rows 0 and 2") as caught:
        LFApplier([says_paced], schema=SCHEMA).apply(
            [{"id": name, "text": ""} for name in (CANARY, "b", CANARY)]
        )
    assert "ZEBRAFISH" not in str(caught.value)


def test_ids_are_for_all_records_or_none():
    with pytest.raises(UsageError, match="row 1 has no id"):
        LFApplier([says_paced], schema=SCHEMA).apply([{"id": "r1", "text": ""}, {"text": ""}])


def test_time_and_errors_are_counted_for_each_function():
    @labeling_function(on_error="abstain")
    def breaks(record):
        raise KeyError(record.text)

    votes = LFApplier([says_paced, breaks], schema=SCHEMA).apply(["a", "b"])
    assert votes.statistics.errors.tolist() == [0, 2]
    assert (votes.statistics.seconds > 0).all()


def test_progress_is_told(capsys):
    done = []
    LFApplier(FUNCTIONS, schema=SCHEMA).apply(ROWS, progress=done.append, progress_bar=True)
    assert sum(done) == 3
    assert capsys.readouterr() == ("", "")  # no bar in a pipe


def test_snorkels_names():
    frame = pd.DataFrame(ROWS)
    votes, meta = PandasLFApplier(FUNCTIONS, schema=SCHEMA).apply(
        frame, progress_bar=False, fault_tolerant=True, return_meta=True
    )
    assert np.asarray(votes).shape == (3, 3)
    assert meta.faults == {}


def test_rows_set_aside_are_told_and_not_lost_in_silence(tmp_path):
    (tmp_path / "notes.csv").write_text("id,text\n1,fine\n1,fine\n2,fine\n")
    with pytest.warns(QuarantineWarning, match="1 of 3 rows were set aside: duplicate_id:id 1"):
        votes = LFApplier([keyword_lf("fine", ["fine"], 1)]).apply(tmp_path / "notes.csv")
    assert votes.ids.tolist() == ["1", "2"]
