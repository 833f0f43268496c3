"""What is planted in a patient's record comes out of no command: not on the screen, not in logs, receipts or counts."""

import zipfile

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
        content = content_of(file)
        assert not [canary for canary in CANARIES if canary in content], file.name


TOLD = f"{NAME}, {NUMBER}, born {DAY}: {WORD} {{}}"
RAISING = """

@labeling_function
def raises(record):
    raise ValueError(record.text)
"""


@pytest.fixture
def studies(sea, tmp_path):
    """A project of notes and signals that has been nowhere yet; its texts and patients' ids hold what must not travel."""
    home = sea.write(tmp_path / "sea", n=120, template=TOLD, canary=NUMBER)
    sea.notes(home / "new.csv", 120, seed=9, wild=0.95, template=TOLD, canary=NUMBER)
    (home / "lfs.py").write_text((home / "lfs.py").read_text() + RAISING)
    slices = (home / "slices.py").read_text()
    (home / "bad_slices.py").write_text(
        slices.replace("return len(record.text) > 16", "raise ValueError(record.text)")
    )
    return home


def content_of(file):
    """Return what a file holds as bytes, unpacked where its format packs."""
    if file.suffix == ".parquet":
        return repr(pq.read_table(file).to_pydict()).encode()
    if file.suffix in (".npz", ".zip"):
        with zipfile.ZipFile(file) as archive:
            members = b"".join(archive.read(name) for name in archive.namelist())
            return members + members.replace(b"\0", b"")  # arrays of text have four bytes a letter
    return file.read_bytes()


def test_planted_words_come_out_of_no_training_audit_run_or_page(studies, capfd):
    pytest.importorskip("torch", reason="the train extra is not installed")
    home = studies
    notes, functions, signals = (str(home / name) for name in ("notes.csv", "lfs.py", "signals.npz"))
    votes, labels, bundle, scores = (
        str(home / name) for name in ("votes", "labels.parquet", "bundle", "p.parquet")
    )
    columns = ["--id", "note", "--text", "note_text", "--patient", "patient"]
    gold = ["--gold", notes, "--gold-id", "note", "--gold-column"]
    train = ["train", labels, "--signals", signals, "--epochs", "1"]
    audit = ["audit", scores, "--records", notes, *columns, "--out"]
    seen = ["--group", "boat", "--discover", "--metadata", "age", "--signals", signals]
    project = ["--project", str(home)]
    monitor = ["monitor", str(home / "new.csv"), *project]
    commands = {
        "label": (["label", notes, "--functions", functions, "--out", votes, *columns], 1),
        "fit": (["fit", votes, "--out", labels], 0),
        "train": ([*train, "--out", bundle, "--reports", notes, *columns, *gold, "state"], 0),
        "train with texts for gold": ([*train, "--out", bundle + "2", *gold, "note_text"], 2),
        "train on notes for signals": (["train", labels, "--signals", notes, "--out", bundle + "3"], 3),
        "predict": (["predict", bundle, signals, "--out", scores], 0),
        "predict notes": (["predict", bundle, notes, "--out", scores + "2"], 3),
        "audit": (
            [*audit, str(home / "audit"), "--gold-column", "state", "--bundle", bundle, *seen,
             "--slices", str(home / "slices.py"), "--labels", labels, "--votes", votes, "--strata", "boat"],
            0,
        ),
        "audit with texts for gold": ([*audit, str(home / "audit2"), "--gold-column", "note_text"], 2),
        "audit with slices that raise": (
            [*audit, str(home / "audit3"), "--gold-column", "state", "--slices", str(home / "bad_slices.py")],
            2,
        ),
        "run": (["run", *project], 1),
        "runs": (["runs", *project, "--json"], 0),
        "report": (["report", "latest", *project, "--out", str(home / "page.html")], 0),
        "monitor": ([*monitor, "--out", str(home / "monitoring")], 1),
        "monitor of what is no export": (["monitor", str(home / "lfs.py"), *project], 3),
        "report of no run": (["report", "77", *project], 2),
    }  # fmt: skip
    for name, (command, code) in commands.items():
        assert main(command) == code, (name, capfd.readouterr())
        shown = "".join(capfd.readouterr()).encode()
        assert not [canary for canary in CANARIES if canary in shown], name
    private = {home / "notes.csv", home / "new.csv", home / "labels.parquet", *(home / "votes").rglob("*")}
    private |= set((home / ".sidelight").rglob("*"))
    written = {file for file in home.rglob("*") if file.is_file()} - private
    shared = {
        "bundle.json",
        "audit.html",
        "audit.json",
        "model_card.md",
        "report.html",
        "manifest.json",
        "page.html",
    }
    assert shared | {"monitor.html", "monitor.json", "p.parquet"} <= {file.name for file in written}
    for file in written:
        content = content_of(file)
        assert not [canary for canary in CANARIES if canary in content], file
    assert NUMBER.encode() in content_of(home / "labels.parquet"), (
        "who the patients are is kept with the labels"
    )
