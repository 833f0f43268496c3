"""Spark tables in and out: the votes and counts are those of files, no row is lost, no word leaks."""

import pyarrow as pa
import pytest

from sidelight.labeling import LabelSchema, LFApplier, SidelightError, load_functions
from sidelight.labeling.engine import (
    count_dataframe,
    dataframe_faults,
    label_dataframe,
    label_export,
    make_runner,
    read_moments,
)
from sidelight.labeling.engine.dataframe import _counted, _labeled
from sidelight.labeling.function import LabelingFunction
from sidelight.labeling.readers import ColumnNames

from .conftest import notes, write_parts

SCHEMA = LabelSchema(["no", "yes"])


def label(functions, rows, on_error="raise"):
    applier = LFApplier(load_functions(functions, LabelingFunction), schema=SCHEMA)
    batch = pa.RecordBatch.from_pylist(rows)
    return _labeled(batch, applier, ColumnNames(), on_error, 1.0)


def test_no_row_of_a_batch_is_lost_and_each_keeps_its_place(functions):
    rows = [*notes(0, 3), {"id": None, "patient_id": "p", "text": "fever"}, *notes(3, 5), *notes(0, 1)]
    found = label(functions, rows).to_pydict()
    assert found["id"] == ["0", "1", "2", None, "3", "4", "0"]
    assert found["set_aside"] == [None, None, None, "no_id:id", None, None, None]
    assert found["vote:even"] == [0, -1, 0, -1, -1, 0, 0]


def test_rows_set_aside_are_not_counted(functions):
    rows = [*notes(0, 4), {"id": "", "patient_id": "p", "text": "fever"}]
    moments, patterns = _counted(label(functions, rows), ["fever", "long", "even"], SCHEMA)
    assert moments.n_records == patterns.n_records == 4


def test_a_function_that_raises_is_named_and_its_message_withheld(functions):
    functions.write_text(
        functions.read_text() + "\n@labeling_function\ndef bad(record):\n    raise ValueError(record.text)\n"
    )
    with pytest.raises(SidelightError, match=r"bad.*ValueError") as caught:
        label(functions, [{"id": "1", "patient_id": "p", "text": "ZEBRAFISH"}])
    assert "ZEBRAFISH" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


BAD = "\n@labeling_function\ndef bad(record):\n    raise ValueError(record.text) if record.id in '12' else KeyError(1)\n"


class Frame:
    """As much of a Spark data frame as reading a column takes."""

    def __init__(self, batches):
        self.rows = [row for batch in batches for row in batch.to_pylist()]

    def where(self, condition):
        assert condition == "faults is not null"
        self.rows = [row for row in self.rows if row["faults"] is not None]
        return self

    def select(self, name):
        return self

    def collect(self):
        return self.rows


def test_what_functions_raise_is_told_for_each_batch(functions):
    functions.write_text(functions.read_text() + BAD)
    batches = [label(functions, notes(start, start + 3), "abstain") for start in (0, 3)]
    assert [batch.to_pydict()["faults"].count(None) for batch in batches] == [2, 2]
    found = dataframe_faults(Frame(batches))
    assert [(count.function, count.n_calls) for count in found] == [("bad", 4), ("bad", 2)]
    assert [count.fault.split()[1].rstrip(",") for count in found] == ["KeyError", "ValueError"]
    assert "note" not in str(found)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_spark_table_gets_the_votes_and_counts_that_its_files_get(functions, tmp_path):
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    export = write_parts(tmp_path / "export", 3)
    label_export(export, functions, tmp_path / "votes")
    session = make_runner("spark", workers=2)._session(sql.SparkSession)
    try:
        label_dataframe(session.read.parquet(str(export)), functions).write.parquet(str(tmp_path / "table"))
        votes = session.read.parquet(str(tmp_path / "table"))
        assert votes.count() == 150
        moments, patterns = count_dataframe(votes, SCHEMA)
        functions.write_text(functions.read_text() + BAD)
        raised = label_dataframe(session.read.parquet(str(export)), functions, on_error="abstain")
        assert sum(count.n_calls for count in dataframe_faults(raised)) == 150
    finally:
        session.stop()
    kept_moments, kept_patterns = read_moments(tmp_path / "votes")
    assert (moments.pairs == kept_moments.pairs).all()
    assert patterns.values.tolist() == kept_patterns.values.tolist()
    assert patterns.counts.tolist() == kept_patterns.counts.tolist()
