"""Reports that were amended, replaced or taken back: what counts is the same in whatever order they stand."""

import base64
import itertools

import orjson
import pytest

from sidelight.apps.cli.main import main
from sidelight.labeling import read, read_votes
from sidelight.labeling.engine import label_export
from sidelight.labeling.readers import versions

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf

schema = LabelSchema(["no", "yes"])
mentions = keyword_lf("mentions", ["effusion"], "yes")
"""


def report(name, text, status="final", at=None, **more):
    resource = {
        "resourceType": "DiagnosticReport", "id": name, "status": status, "subject": {"reference": "Patient/p1"},
        "presentedForm": [{"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}],
    }  # fmt: skip
    return resource | ({"issued": f"2020-03-{at:02}T10:00:00Z"} if at else {}) | more


def replaces(name, **more):
    return {"relatesTo": [{"code": "replaces", "target": {"reference": f"DiagnosticReport/{name}"}}], **more}


def hl7(kind, *segments, at="20200301101500"):
    return (
        "\r".join([f"MSH|^~\\&|a|b|c|d|{at}||{kind}|m1|P|2.5", "PID|1||p1^^^H^MR||DOE^JANE", *segments])
        + "\r"
    )


def result(text, status, at="20200301101500", observed="F"):
    return hl7(
        "ORU^R01",
        f"OBR|1||F7|71020|||||||||||||||||||||{status}",
        f"OBX|1|TX|x||{text}||||||{observed}",
        at=at,
    )


def document(event, name, text="", parent="", availability="", at="20200301101500"):
    header = f"TXA|1|DI|TX|{at}||||||||{name}|{parent}||||AU||{availability}"
    return hl7(f"MDM^{event}", header, *([f"OBX|1|TX|x||{text}||||||F"] if text else []), at=at)


FHIR = {
    "amended at the same time": ([report("r", "old", at=1), report("r", "new", "amended", at=1)], ["new"], {"superseded": 1}),
    "amended, no time told": ([report("r", "old"), report("r", "new", "corrected")], ["new"], {"superseded": 1}),
    "final after preliminary": ([report("r", "old", "preliminary", 1), report("r", "new", at=1)], ["new"], {"superseded": 1}),
    "entered in error": ([report("r", "old", at=1), report("r", "x", "entered-in-error", 2)], [], {"entered_in_error": 1, "retracted": 1}),
    "cancelled": ([report("r", "old", at=1), report("r", "x", "cancelled", 2)], [], {"cancelled": 1, "retracted": 1}),
    "in again after an error": (
        [report("r", "old", at=1), report("r", "x", "entered-in-error", 2), report("r", "new", at=3)],
        ["new"],
        {"entered_in_error": 1, "retracted": 1},
    ),
    "error, no time told": ([report("r", "old", at=1), report("r", "x", "entered-in-error")], [], {"entered_in_error": 1, "retracted": 1}),
    "replaced by an error": (
        [report("r", "old", at=1), report("s", "new", at=2, **replaces("r")), report("s", "x", "entered-in-error", 3)],
        ["old"],
        {"entered_in_error": 1, "retracted": 1},
    ),
    "replaced": ([report("r", "old", at=1), report("s", "new", at=2, **replaces("r"))], ["new"], {"superseded": 1}),
    "an addition": (
        [report("r", "old", at=1), report("s", "new", at=2, relatesTo=[{"code": "appends", "target": {"reference": "DiagnosticReport/r"}}])],
        ["new", "old"],
        {},
    ),
    "a status alone": ([report("r", "old", "superseded", 1)], ["old"], {}),
}  # fmt: skip
HL7 = {
    "corrected in the same minute": ([result("old", "F"), result("new", "C")], ["new"], {"superseded": 1}),
    "final after preliminary": ([result("old", "P"), result("new", "F")], ["new"], {"superseded": 1}),
    "cancelled": ([result("old", "F"), result("x", "X", "202003011200")], [], {"cancelled": 1, "retracted": 1}),
    "final again after cancelling": (
        [result("old", "F"), result("x", "X", "202003011200"), result("new", "F", "202003011300")],
        ["new"],
        {"cancelled": 1, "retracted": 1},
    ),
    "all of it wrong": ([result("old", "F"), result("x", "C", "202003011200", "W")], [], {"entered_in_error": 1, "retracted": 1}),
    "document edited": (
        [document("T02", "d", "old"), document("T08", "d", "new", at="202003021000")], ["new"], {"superseded": 1},
    ),
    "document replaced": (
        [document("T02", "d", "old"), document("T10", "e", "new", "d", at="202003021000")], ["new"], {"superseded": 1},
    ),
    "addendum": ([document("T02", "d", "old"), document("T06", "e", "new", "d", at="202003021000")], ["new", "old"], {}),
    "notice of a new status": (
        [document("T02", "d", "old"), document("T03", "d", at="202003021000")], ["old"], {"no_content": 1},
    ),
    "document cancelled": (
        [document("T02", "d", "old"), document("T11", "d", at="202003021000")], [], {"cancelled": 1, "retracted": 1},
    ),
    "document deleted": (
        [document("T02", "d", "old"), document("T04", "d", "x", "", "CA", at="202003021000")], [], {"cancelled": 1, "retracted": 1},
    ),
}  # fmt: skip


def texts_of(reading):
    return sorted(record.text for batch in reading for record in batch)


@pytest.mark.parametrize("case", sorted(FHIR))
def test_of_fhir_reports_what_counts_does_not_depend_on_their_order(tmp_path, case):
    resources, texts, reasons = FHIR[case]
    for order in itertools.permutations(resources):
        path = tmp_path / "reports.ndjson"
        path.write_bytes(b"".join(orjson.dumps(resource) + b"\n" for resource in order))
        reading = read(path, format="fhir")
        assert texts_of(reading) == texts
        assert reading.quarantine.counts() == reasons
        assert reading.quarantine.n_damaged == 0
        assert reading.n_rows == len(resources)


@pytest.mark.parametrize("case", sorted(HL7))
def test_of_messages_what_counts_does_not_depend_on_their_order(tmp_path, case):
    messages, texts, reasons = HL7[case]
    for order in itertools.permutations(messages):
        (tmp_path / "feed.hl7").write_text("\n".join(order))
        reading = read(tmp_path / "feed.hl7")
        assert texts_of(reading) == texts
        assert reading.quarantine.counts() == reasons
        assert reading.quarantine.n_damaged == 0


def test_a_corrected_observation_leaves_no_wrong_number_behind(tmp_path):
    segments = ["OBR|1||F7|x|||||||||||||||||||||F", "OBX|1|NM|2160-0^C||9.9|mg/dL|||||W|||20200301"]
    (tmp_path / "a.hl7").write_text(
        hl7("ORU^R01", *segments, "OBX|2|NM|2160-0^C||1.4|mg/dL|||||C|||20200301")
    )
    reading = read(tmp_path / "a.hl7")
    assert [event.value for event in reading.events.history("p1")] == [1.4]


def test_corrections_in_other_files_are_found_by_the_engine_and_shown(tmp_path, capsys):
    export = tmp_path / "export"
    export.mkdir()
    lines = {
        "a.ndjson": [
            report("r1", "effusion", at=1),
            report("r2", "clear", at=1),
            report("r3", "effusion", at=1),
        ],
        "b.ndjson": [report("r2", "effusion", "amended", 2), report("r1", "x", "entered-in-error", 2)],
        "c.ndjson": [report("r4", "clear", at=2, **replaces("r3"))],
        "d.ndjson": [report("r5", "never seen", "entered-in-error", 2)],
    }
    for name, resources in lines.items():
        (export / name).write_bytes(b"".join(orjson.dumps(resource) + b"\n" for resource in resources))
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    report_ = label_export(export, tmp_path / "lfs.py", tmp_path / "votes")
    votes = read_votes(tmp_path / "votes")
    assert dict(zip(votes.ids.tolist(), votes.dense()[:, 0].tolist(), strict=True)) == {"r2": 1, "r4": -1}
    assert report_.manifest["reasons"] == {"entered_in_error": 2, "retracted": 1, "superseded": 2}
    assert report_.manifest["n_damaged"] == 0
    receipts = [orjson.loads(file.read_bytes()) for file in (tmp_path / "votes").glob("parts/*/rows.json")]
    assert sorted(status for receipt in receipts for status in receipt["statuses"]) == [
        "amended",
        "final",
        "final",
    ]
    (mine,) = [receipt for receipt in receipts if receipt["statuses"] == {"amended": 1}]
    assert [name for name, _ in mine["retracts"]] == [f"{versions.hash_ids(['r1'])[0]:016x}"]
    assert main(["inspect", str(export), "--json"]) == 0
    shown = orjson.loads(capsys.readouterr().out)
    assert shown["problems"] == report_.manifest["reasons"]
    assert shown["statuses"] == {"amended": 1, "final": 1}


def test_a_status_that_is_none_is_not_shown(tmp_path, capsys):
    (tmp_path / "a.ndjson").write_bytes(orjson.dumps(report("r", "x", "ZEBRAFISH")) + b"\n")
    assert main(["inspect", str(tmp_path / "a.ndjson")]) == 0
    shown = capsys.readouterr().out
    assert "ZEBRAFISH" not in shown
    assert "other 1" in shown or "other: 1" in shown
