"""What is planted in a patient's record comes out of no command: not on the screen, not in logs, receipts or counts."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidelight.apps.cli.main import main

NAME, NUMBER, DAY, WORD = "Quillfeather", "MRN-7741902", "1931-04-05", "ZEBRAFISH"
CANARIES = [canary.encode() for canary in (NAME, NUMBER, DAY, WORD)]
FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(["no", "yes"])
fever = keyword_lf("fever", ["fever"], "yes")
cough = keyword_lf("cough", ["cough"], "no")
pain = keyword_lf("pain", ["pain"], "yes")


@labeling_function
def raises(record):
    raise ValueError(f"cannot read {record.text}")
"""


@pytest.fixture
def home(tmp_path):
    text = f"{NAME}, {NUMBER}, born {DAY}: {WORD} fever and cough"
    rows = [{"id": f"n{i}", "patient_id": f"p{i // 2}", "text": text + " pain" * (i % 2)} for i in range(40)]
    rows[7]["id"] = None
    rows[9]["id"] = "n8"
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "notes.parquet")
    return tmp_path


def test_planted_words_come_out_of_no_command(home, capfd):
    votes, labels = str(home / "votes"), str(home / "labels.parquet")
    notes, functions = str(home / "notes.parquet"), str(home / "lfs.py")
    label = ["label", notes, "--functions", functions]
    commands = {
        "inspect": (["inspect", notes], 0),
        "dry run": ([*label, "--out", votes, "--dry-run"], 0),
        "a function that raises": ([*label, "--out", str(home / "other"), "--on-error", "raise"], 2),
        "label": ([*label, "--out", votes, "--evidence"], 1),
        "retry": (["retry", votes], 1),
        "lineage": (["lineage", votes], 0),
        "analyze": (["analyze", votes], 0),
        "fit": (["fit", votes, "--out", labels, "--model-out", str(home / "model")], 0),
        "fit on counts": (["fit", votes, "--model-out", str(home / "counted")], 0),
        "export to CSV": (["export", labels, "--to", "csv", "--out", str(home / "labels.csv")], 0),
        "export to FHIR": (
            ["export", labels, "--to", "fhir-observation", "--out", str(home / "labels.ndjson")],
            0,
        ),
        "import": (
            ["import", str(home / "labels.csv"), "--from", "csv", "--out", str(home / "back.parquet")],
            0,
        ),
        "import of a note": (["import", notes, "--from", "csv", "--out", str(home / "bad.parquet")], 3),
        "erase": (["erase", votes, labels, "--patient", "p1"], 0),
    }
    for name, (command, code) in commands.items():
        assert main(command) == code, name
        shown = "".join(capfd.readouterr()).encode()
        assert not [canary for canary in CANARIES if canary in shown], name
    assert all(canary in repr(pq.read_table(notes).to_pydict()).encode() for canary in CANARIES)
    sources = {home / "notes.parquet"}
    written = [file for file in home.rglob("*") if file.is_file() and file not in sources]
    assert len(written) > 15
    for file in written:
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content = repr(pq.read_table(file).to_pydict()).encode()
        assert not [canary for canary in CANARIES if canary in content], file.name
