"""inspect, label, retry, lineage and erase as a user meets them; no word of a record leaves any of them."""

import base64
import json
import sqlite3

import numpy as np
import orjson
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels
from sidelight.labeling import read_votes
from sidelight.labeling.engine import read_moments
from sidelight.labeling.moments import Moments

NAME, NUMBER, DAY = "Zebrafish-Quokka", "MRN-77331199", "1931-07-23"
FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(["no", "yes"])
fever = keyword_lf("fever", ["fever"], "yes")

@labeling_function
def calm(record):
    return "no" if "calm" in record.text else None

@labeling_function
def treated(record):
    return "yes" if any(event.kind == "drug" for event in record.events) else "no"
"""


def document(i, patient):
    text = f"{NAME}, born {DAY}, {NUMBER}: " + ("fever" if i % 2 else "calm")
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": f"note{i}", "subject": {"reference": f"Patient/{patient}"},
        "date": "2020-01-01", "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }  # fmt: skip


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    documents = [orjson.dumps(document(i, f"{NUMBER}-{i // 2}")) for i in range(20)]
    documents += [f'{{"resourceType": "DocumentReference", "id": "{NAME}"'.encode()]
    (folder / "DocumentReference.ndjson").write_bytes(b"\n".join(documents) + b"\n")
    drug = {"resourceType": "MedicationRequest", "subject": {"reference": f"Patient/{NUMBER}-3"}, "authoredOn": "2019-01-01",
            "medicationCodeableConcept": {"coding": [{"code": "6809", "display": NAME}]}}  # fmt: skip
    (folder / "MedicationRequest.ndjson").write_bytes(orjson.dumps(drug) + b"\n")
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    return folder


def label(export, *more):
    folder = export.parent
    return main(
        [
            "label",
            str(export),
            "--functions",
            str(folder / "lfs.py"),
            "--out",
            str(folder / "votes"),
            "--limit",
            "0.1",
            *more,
        ]
    )


def test_inspect_counts_and_shows_no_word(export, capsys):
    assert main(["inspect", str(export), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["records"], found["patients"]) == (21, 20, 10)
    assert found["problems"] == {"bad_json": 1}
    assert found["events"]["MedicationRequest.ndjson"] == {"rows": 1, "kept": 1, "set_aside": {}}
    assert found["columns"]["text"] == {"type": "string", "filled": 1.0}
    assert main(["inspect", str(export)]) == 0
    assert not any(word in capsys.readouterr().out for word in (NAME, NUMBER, DAY))


def test_dry_run_says_why_each_part_would_be_computed(export, capsys):
    assert label(export, "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["parts"], found["to compute"], found["why"]) == (1, 1, {"new input": 1})
    assert not (export.parent / "votes").exists()
    assert label(export) == 0
    lfs = export.parent / "lfs.py"
    lfs.write_text(lfs.read_text().replace('"calm" in', '"Calm" in'))
    capsys.readouterr()
    assert label(export, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["why"] == {"changed: calm": 1}


def test_retry_asks_again_for_what_was_asked(export, capsys):
    assert label(export, "--evidence") == 0
    before = (export.parent / "votes" / "manifest.json").read_bytes()
    (export.parent / "votes" / "manifest.json").unlink()
    for file in (export.parent / "votes" / "parts").glob("*/*.json"):
        if file.name != "rows.json":
            file.unlink()
    assert main(["retry", str(export.parent / "votes"), "--limit", "0.1"]) == 0
    assert (export.parent / "votes" / "manifest.json").read_bytes() == before
    assert main(["retry", str(export)]) == 2


def test_lineage_names_function_person_input_and_versions(export, capsys):
    assert label(export) == 0
    capsys.readouterr()
    assert main(["lineage", str(export.parent / "votes"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in found["functions"]] == ["fever", "calm", "treated"]
    assert all(
        f["file"] == "lfs.py" and f["at"] and "pyarrow" in f["versions"][0] for f in found["functions"]
    )
    assert [s["file"] for s in found["sources"]] == ["DocumentReference.ndjson", "MedicationRequest.ndjson"]
    log = export.parent / "votes" / "run.log.jsonl"
    lines = log.read_bytes().splitlines()
    log.write_bytes(b"\n".join([lines[0].replace(b'"parts":1', b'"parts":2'), *lines[1:]]) + b"\n")
    assert main(["lineage", str(export.parent / "votes")]) == 1
    assert "line 2 of the log" in capsys.readouterr().err


def test_erase_takes_a_patient_out_for_good(export, capsys):
    home = export.parent
    patient = f"{NUMBER}-3"
    assert label(export) == 0
    assert main(["fit", str(home / "votes"), "--out", str(home / "labels.parquet")]) == 0
    with sqlite3.connect(home / "labels.sqlite") as store:
        store.execute("create table label_event(seq integer primary key, item_id text)")
        store.execute(
            "create trigger label_event_no_delete before delete on label_event begin select raise(abort, 'no'); end"
        )
        store.executemany("insert into label_event(item_id) values(?)", [("note5",), ("note6",), ("note7",)])
    store.close()
    (home / "bundle").mkdir()
    model = Labels.read(home / "labels.parquet").lineage["model"]
    (home / "bundle" / "bundle.json").write_text(json.dumps({"lineage": {"labels": {"model": model}}}))
    capsys.readouterr()
    assert main(["erase", str(home), "--patient", patient, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 2
    assert read_votes(home / "votes").n_records == 20
    assert main(["erase", str(home), "--patient", patient, "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out)["train again"] == [str((home / "bundle").resolve())]
    votes = read_votes(home / "votes")
    assert sorted({f"note{i}" for i in range(20)} - set(votes.ids.tolist())) == ["note6", "note7"]
    np.testing.assert_array_equal(read_moments(home / "votes")[0].pairs, Moments.of(votes).pairs)
    assert patient not in Labels.read(home / "labels.parquet").patient_ids.tolist()
    with sqlite3.connect(home / "labels.sqlite") as store:
        assert [row[0] for row in store.execute("select item_id from label_event")] == ["note5"]
        with pytest.raises(sqlite3.DatabaseError):
            store.execute("delete from label_event")
    store.close()
    assert not any(
        patient.encode() in file.read_bytes() for file in (home / "votes").rglob("*") if file.is_file()
    )
    (home / "votes" / "manifest.json").unlink()
    assert label(export) == 0
    lfs = home / "lfs.py"
    lfs.write_text(lfs.read_text().replace('"calm" in', '"Calm" in'))
    assert label(export, "--verify") == 0
    assert read_votes(home / "votes").n_records == 18


BROKEN = "\n@labeling_function\ndef broken(record):\n    raise ValueError(record.text)\n"


def test_canaries_appear_nowhere_but_in_rows(export, capfd):
    """Names, record numbers and dates of the data: in no message, log, receipt, manifest or quarantine."""
    home = export.parent
    (home / "lfs.py").write_text(FUNCTIONS + BROKEN)
    (export / "bad.ndjson").write_bytes(orjson.dumps({**document(99, NUMBER), "content": NAME}) + b"\n")
    votes = str(home / "votes")
    runs = [
        ["inspect", str(export)], ["inspect", str(export), "--json"],
        ["label", str(export), "--functions", str(home / "lfs.py"), "--out", votes, "--dry-run"],
        ["label", str(export), "--functions", str(home / "lfs.py"), "--out", votes, "--runner", "pool", "--workers", "1"],
        ["label", str(export), "--functions", str(home / "lfs.py"), "--out", votes + "2", "--on-error", "raise"],
        ["label", str(export / "bad.ndjson"), "--functions", str(home / "lfs.py"), "--out", votes + "3", "--format", "csv"],
        ["label", str(export), "--functions", str(home / "lfs.py"), "--out", votes + "4", "--format", "jsonl"],
        ["retry", votes], ["analyze", votes], ["lineage", votes], ["lineage", votes, "--json"], ["fit", votes, "--out", str(home / "l.parquet")],
    ]  # fmt: skip
    codes = [main(arguments) for arguments in runs]
    assert codes[3] == 1
    assert codes[4] == 2
    shown = "".join(capfd.readouterr())
    files = [file for file in home.glob("votes*/**/*") if file.is_file()]
    for word in (NAME, NUMBER, DAY):
        assert word not in shown
        for file in files:
            if file.suffix != ".parquet":
                assert word.encode() not in file.read_bytes(), file
    for word in (NAME, DAY):
        assert not any(word.encode() in file.read_bytes() for file in files), "no text in any file"
    assert not list(home.glob("votes*/.events*"))
