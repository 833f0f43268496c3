"""Bad input, one table: each fault names file, row, field or function, and no word of a record is anywhere."""

import logging
import traceback

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidelight.labeling import (
    LabelingFunction,
    LabelSchema,
    LFAnalysis,
    LFApplier,
    QuarantineWarning,
    SidelightError,
    align_gold,
    keyword_lf,
    labeling_function,
    load_functions,
    preprocessor,
    read,
    read_votes,
    write_votes,
)

pytestmark = pytest.mark.filterwarnings("ignore::sidelight.labeling.QuarantineWarning")

CANARY = "ZEBRAFISH-4711"
NOTE = f"Patient {CANARY} has a small left effusion, seen yesterday."
SCHEMA = LabelSchema(["normal", "abnormal"])


@labeling_function
def says_something(record):
    return "abnormal" if record.text else None


def on(*answers):
    """Return an applier of one function that gives each record the next answer."""
    queue = iter(answers)

    @labeling_function
    def answers_oddly(record):
        return next(queue)

    return LFApplier([answers_oddly], schema=SCHEMA)


def raising(error):
    @labeling_function
    def breaks(record):
        try:
            raise KeyError(record.text)
        except KeyError as cause:
            raise error(f"cannot read {record.text}") from cause

    return LFApplier([breaks], schema=SCHEMA)


def apply_to(data, name="notes.csv", **keywords):
    """Return a deed: write a file and label all of it."""

    def deed(folder):
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        reading = read(folder / name, **keywords)
        votes = LFApplier([says_something], schema=SCHEMA).apply(reading)
        reading.check_limit()
        return votes

    return deed


def table(**columns):
    def deed(folder):
        pq.write_table(pa.table(columns), folder / "notes.parquet")
        return LFApplier([says_something], schema=SCHEMA).apply(folder / "notes.parquet")

    return deed


ROWS = [{"id": CANARY, "text": NOTE}]


def functions_file(source):
    def deed(folder):
        (folder / "notes.txt").write_text(NOTE)
        (folder / "lfs.py").write_text(source)
        return LFApplier(load_functions(folder / "lfs.py", LabelingFunction), schema=SCHEMA).apply(ROWS)

    return deed


@preprocessor
def forgets(record):
    record.again = record.text


def stepping(folder):
    step = labeling_function(pre=[forgets])(lambda record: 0)
    return LFApplier([step]).apply(ROWS)


def two_records_of_one_id(folder):
    return LFApplier([says_something], schema=SCHEMA).apply([*ROWS, *ROWS])


def gold_of_words(folder):
    votes = LFApplier([says_something], schema=SCHEMA).apply(ROWS)
    return LFAnalysis(votes).lf_summary({CANARY: NOTE})


def harmed_votes(folder):
    votes = LFApplier([says_something], schema=SCHEMA).apply(ROWS)
    part = next(write_votes(votes, folder / "votes").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-9])
    return read_votes(folder / "votes")


def other_gold(folder):
    return align_gold([NOTE], LFApplier([says_something], schema=SCHEMA).apply(ROWS))


good = f"{CANARY},{NOTE.replace(',', ';')}\n"
FAULTS = {
    "no id column": (apply_to(f"note,text\n{good}"), "notes.csv.*'id'"),
    "no text column": (apply_to(f"id,note\n{good}", text="text"), "notes.csv.*'text'"),
    "no header": (apply_to(good * 2), "notes.csv"),
    "two columns of one name": (apply_to(f"id,text,text\n{good}"), "notes.csv"),
    "empty": (apply_to(""), "notes.csv: is empty"),
    "empty json": (apply_to("", "notes.jsonl"), "notes.jsonl"),
    "header only": (apply_to("id,text\n"), "notes.csv: holds no rows"),
    "repeated ids": (apply_to(f"id,text\n{good}{good}"), "1 of 2 rows.*duplicate_id"),
    "ragged rows": (
        apply_to(f"id,text\nr1,x\n{CANARY},{CANARY},{CANARY}\n"),
        "1 of 2 rows.*wrong_number_of_cells",
    ),
    "latin-1": (apply_to(f"id,text\nÜ{good}".encode("latin-1")), "notes.csv.*utf-8"),
    "utf-16": (apply_to(f"id,text\n{good}".encode("utf-16")), "notes.csv.*utf-8"),
    "one latin-1 row": (
        apply_to(b"id,text\n" + b"".join(b"%d,x\n" % i for i in range(50)) + f"Ü{good}".encode("latin-1")),
        "1 of 51 rows.*bad_utf8",
    ),
    "nul bytes": (apply_to(f"id,text\nr1,x\n{CANARY},{CANARY}\0\n"), "1 of 2 rows.*nul_byte"),
    "a number that is a word": (
        apply_to(f"id,age,text\nr1,{CANARY},x\n", types={"age": int}),
        "not_int:age|no rows",
    ),
    "a time that is a word": (
        apply_to(f"id,time,text\nr1,{CANARY},x\nr2,2020-01-01,x\n"),
        "1 of 2 rows.*bad_time",
    ),
    "broken json": (
        apply_to(f'{{"id": "r1", "text": "x"}}\n{{"id": "{CANARY}", "te\n', "notes.jsonl"),
        "bad_json",
    ),
    "json of another kind": (
        apply_to(f'{{"id": "r1", "text": "x"}}\n{{"id": ["{CANARY}"]}}\n', "notes.jsonl"),
        "1 of 2 rows.*wrong_type",
    ),
    "no parquet": (apply_to(NOTE, "notes.parquet"), "notes.parquet.*Parquet"),
    "lists for ids": (table(id=[[CANARY]], text=[NOTE]), "notes.parquet.*'id'"),
    "lists for texts": (table(id=[CANARY], text=[[NOTE]]), "notes.parquet.*'text'"),
    "another format": (apply_to(NOTE, "notes.doc"), "notes.doc"),
    "no file": (lambda folder: read(folder / "notes.csv"), "notes.csv: does not exist"),
    "a function that raises": (
        lambda folder: raising(ValueError).apply(["", NOTE][1:]),
        "'breaks', row 0: raised ValueError",
    ),
    "a function that raises a fault of ours": (
        lambda folder: raising(lambda text: SidelightError(text)).apply([NOTE]),
        "'breaks', row 0",
    ),
    "a field that is not there": (
        lambda folder: LFApplier([labeling_function(name="asks")(lambda record: record.impression)]).apply(
            ROWS
        ),
        "'asks', row 0: raised AttributeError",
    ),
    "a field a pattern needs": (
        lambda folder: LFApplier([keyword_lf("k", ["a"], 1)]).apply(
            pd.DataFrame({"id": [CANARY], "note": [NOTE]})
        ),
        "'k'.*'text'.*id, note",
    ),
    "a vote of True": (lambda folder: on(True).apply(ROWS), "'answers_oddly', row 0.*bool"),
    "a vote of 7": (lambda folder: on(1, 7).apply(["a", NOTE]), "'answers_oddly', row 1.*7"),
    "a vote of 2.7": (lambda folder: on(2.7).apply(ROWS), "'answers_oddly', row 0.*float"),
    "a vote of NaN": (lambda folder: on(float("nan")).apply(ROWS), "'answers_oddly', row 0.*float"),
    "a vote in the patient's words": (lambda folder: on(NOTE).apply(ROWS), "'answers_oddly', row 0.*string"),
    "a vote of numpy words": (lambda folder: on(np.array([NOTE])).apply(ROWS), "'answers_oddly', row 0"),
    "zero functions": (lambda folder: LFApplier([]), "no function"),
    "two functions of one name": (
        lambda folder: LFApplier([says_something, says_something]),
        "says_something",
    ),
    "a step that forgets": (stepping, "row 0: raised TypeError"),
    "two records of one id": (two_records_of_one_id, "rows 0 and 1"),
    "gold in words": (gold_of_words, "gold label of row 0"),
    "gold in words by position": (other_gold, "gold label of row 0"),
    "votes cut short": (harmed_votes, "part-|parquet|votes"),
    "functions that read a note": (
        functions_file("import pathlib\nint((pathlib.Path(__file__).parent / 'notes.txt').read_text())\n"),
        "lfs.py: line 2: ValueError",
    ),
    "rows of no kind": (lambda folder: LFApplier([says_something]).apply([{"text": "a"}, 5]), "row 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_names_its_place_and_never_the_records_words(tmp_path, caplog, capfd, fault):
    deed, place = FAULTS[fault]
    caplog.set_level(logging.DEBUG)
    with pytest.raises((SidelightError, ValueError, TypeError), match=f"(?s){place}") as caught:
        deed(tmp_path)
    told = [str(caught.value), repr(caught.value), caplog.text, *capfd.readouterr()]
    told += traceback.format_exception(caught.value)
    told += [repr(argument) for argument in caught.value.args]
    error = caught.value
    while error is not None:  # whoever logs an error with all it came from must not find the words either
        told.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert CANARY not in "".join(told)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".sidelight")]


def test_no_picture_of_anything_shows_a_record(tmp_path, caplog, capfd):
    (tmp_path / "notes.jsonl").write_bytes(
        orjson.dumps({"id": CANARY, "patient_id": CANARY, "text": NOTE}) + b"\n[]\n"
    )
    reading = read(tmp_path / "notes.jsonl")
    batches = list(reading)
    records = [record for batch in batches for record in batch]
    with pytest.warns(QuarantineWarning) as told_aside:
        votes = LFApplier([says_something], schema=SCHEMA).apply(reading)
    things = [reading, batches, records, votes, votes.functions, reading.quarantine, reading.quarantine.rows]
    things += [str(warning.message) for warning in told_aside]
    things += [says_something, LFAnalysis(votes), LFAnalysis(votes).lf_summary()]
    things += [
        path.name
        for path in write_votes(votes, tmp_path / "votes", quarantine=reading.quarantine.rows).rglob("*")
    ]
    told = "".join(map(repr, things)) + "".join(map(str, things)) + caplog.text + "".join(capfd.readouterr())
    assert CANARY not in told
    for path in (tmp_path / "votes").glob("*"):
        if path.is_file():
            assert CANARY not in path.read_text()
