"""`sidelight erase` in label stores named by URL, in SQLite and PostgreSQL; what it refuses changes nothing."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")
import sqlalchemy as sa

from sidelight.apps.cli.main import main
from sidelight.apps.ui.store import LabelEvent, LabelStore, new_event_id
from sidelight.apps.ui.store.database import open_engine, store_url
from sidelight.label_model import Labels
from sidelight.labeling import LabelSchema, LFApplier, keyword_lf, read_votes, write_votes

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf

schema = LabelSchema(["no", "yes"])
fever = keyword_lf("fever", ["fever"], "yes")
cough = keyword_lf("cough", ["cough"], "no")
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kept' / 'labels.sqlite'}"
    return request.getfixturevalue("postgres_server")


@pytest.fixture
def mark():
    """What tells a test's records from those of others in one database."""
    return new_event_id()


@pytest.fixture
def home(tmp_path, mark):
    lines = ["id,patient_id,text"] + [
        f"{mark}-{i},p{i // 2},{'fever' if i % 3 else 'cough'}" for i in range(10)
    ]
    (tmp_path / "notes.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    arguments = ["label", str(tmp_path / "notes.csv"), "--functions", str(tmp_path / "lfs.py")]
    assert main([*arguments, "--out", str(tmp_path / "votes")]) == 0
    return tmp_path


def items(url, task):
    with LabelStore(url, task) as store:
        return [event.item_id for event in store.events()]


def fill(url, mark):
    """Label six records of three patients, in two tasks."""
    for task in (f"{mark}-a", f"{mark}-b"):
        with LabelStore(url, task) as store:
            store.add_all(LabelEvent(new_event_id(), f"{mark}-{i}", "anna", "label", "yes") for i in range(6))


def test_a_patients_labels_leave_a_store_named_by_url(home, url, mark, capsys):
    fill(url, mark)
    command = ["erase", str(home / "votes"), url, "--patient", "p1", "--json"]
    capsys.readouterr()
    assert main([*command, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["records"] == 2
    assert sorted(told["removed"].values()) == [2, 4]
    assert len(items(url, f"{mark}-a")) == 6
    assert read_votes(home / "votes").n_records == 10
    assert main(command) == 0
    assert sorted(json.loads(capsys.readouterr().out)["removed"].values()) == [2, 4]
    assert items(url, f"{mark}-a") == items(url, f"{mark}-b") == [f"{mark}-{i}" for i in (0, 1, 4, 5)]
    assert read_votes(home / "votes").n_records == 8
    engine = open_engine(store_url(url.removeprefix("sqlite:///")), writing=True)
    with pytest.raises(sa.exc.DatabaseError, match="only ever added"), engine.begin() as connection:
        connection.exec_driver_sql("delete from label_event")
    engine.dispose()
    fill(url, f"{mark}x")
    assert len(items(url, f"{mark}x-a")) == 6, "the store goes on taking labels"


def test_a_password_stays_out_of_what_is_told_and_an_absent_server_changes_nothing(home, tmp_path, capsys):
    url = f"postgresql://anna:{'se' + 'same'}@/postgres?host={tmp_path / 'nowhere'}"
    assert main(["erase", str(home / "votes"), url, "--patient", "p1"]) == 3
    told = "".join(capsys.readouterr())
    assert "cannot be erased there" in told
    assert "sesame" not in told
    assert read_votes(home / "votes").n_records == 10, "votes know the records, so they go last"


def test_a_server_without_labels_is_an_error(home, postgres_server, capsys):
    engine = open_engine(store_url(postgres_server), writing=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("create database bare")
    engine.dispose()
    bare = postgres_server.replace("/postgres?", "/bare?")
    assert main(["erase", str(home / "votes"), bare, "--patient", "p1"]) == 3
    assert "bare: holds no labels" in capsys.readouterr().err
    assert read_votes(home / "votes").n_records == 10


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (["postgresql://@/x"], "does not say whose its records are"),
        (["mysql://localhost/labels"], "SQLite or PostgreSQL"),
        (["absent.parquet"], "absent.parquet does not exist"),
        (["sqlite:////absent.sqlite"], "absent.sqlite does not exist"),
    ],
)
def test_places_that_cannot_be_are_refused(places, told, capsys):
    assert main(["erase", *places, "--patient", "p1"]) == 2
    assert told in capsys.readouterr().err


def test_labels_alone_tell_a_store_whose_its_records_are(tmp_path, mark):
    place = tmp_path / "labels.sqlite"
    fill(str(place), mark)
    proba, ones = np.full((10, 2), 0.5), np.ones(10, dtype=np.int64)
    names = np.array([f"{mark}-{i}" for i in range(10)])
    patients = np.array([f"p{i // 2}" for i in range(10)])
    labels = Labels(names, patients, proba, ones, ones.astype(bool), ones, LabelSchema(["no", "yes"]))
    labels.write(tmp_path / "labels.parquet")
    assert main(["erase", str(tmp_path / "labels.parquet"), str(place), "--patient", "p2"]) == 0
    assert items(str(place), f"{mark}-a") == [f"{mark}-{i}" for i in (0, 1, 2, 3)]
    assert "p2" not in Labels.read(tmp_path / "labels.parquet").patient_ids


def test_votes_written_from_python_lose_the_patient_as_well(tmp_path, capsys):
    rows = [
        {"id": f"r{n}", "patient_id": f"p{n // 2}", "text": "fluid" if n % 2 else "clear"} for n in range(8)
    ]
    functions = [keyword_lf("fluid", ["fluid"], 1), keyword_lf("clear", ["clear"], 0)]
    write_votes(LFApplier(functions).apply(rows), tmp_path / "votes", log={"by": "ada"})
    assert main(["erase", str(tmp_path), "--patient", "p1", "--dry-run"]) == 0
    assert read_votes(tmp_path / "votes").n_records == 8
    assert main(["erase", str(tmp_path), "--patient", "p1"]) == 0
    left = read_votes(tmp_path / "votes")
    assert left.ids.tolist() == ["r0", "r1", "r4", "r5", "r6", "r7"]
    assert np.asarray(left).tolist() == [[-1, 0], [1, -1]] * 3
    capsys.readouterr()
    assert main(["retry", str(tmp_path / "votes")]) == 2
    assert "says what it was asked for" in capsys.readouterr().err


def test_a_project_keeps_nothing_of_an_erased_patient(tmp_path, monkeypatch, capsys):
    notes = ["normal heart", "abnormal and severe", "no acute change", "suspicious for mass"]
    lines = "".join(f"r{n},PATZ{n // 2}X,{notes[n % 4]}\n" for n in range(60))
    (tmp_path / "notes.csv").write_text("id,patient_id,text\n" + lines)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "home", "--from", "notes.csv"]) == 0
    monkeypatch.chdir(tmp_path / "home")
    assert main(["run"]) == 0
    holding = tables_with("PATZ7X")
    assert {file.name for file in holding} >= {"records.parquet", "labels.parquet", "part-00000.parquet"}
    assert main(["erase", ".", "--patient", "PATZ7X"]) == 0
    assert tables_with("PATZ7X") == []
    (tmp_path / "notes.csv").write_text("id,patient_id,text\n" + "".join(
        line for line in lines.splitlines(keepends=True) if "PATZ7X" not in line
    ))  # fmt: skip
    capsys.readouterr()
    assert main(["run", "--json"]) == 0
    assert tables_with("PATZ7X") == []


def tables_with(patient):
    return [
        file
        for file in Path().rglob("*.parquet")
        if "patient_id" in pq.read_schema(file).names
        and patient in pq.read_table(file).column("patient_id").to_pylist()
    ]
