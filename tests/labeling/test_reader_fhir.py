"""FHIR R4: bulk NDJSON and bundles; nothing is lost, later versions win, events join by patient."""

import base64
import gzip

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import read


def document(name, text="No effusion.", patient="p1", **more):
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": name, "status": "current", "date": "2020-03-01T10:00:00+01:00",
        "type": {"coding": [{"code": "34117-2", "display": "History"}]}, "subject": {"reference": f"Patient/{patient}"},
        "context": {"encounter": [{"reference": "Encounter/e1"}]},
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": data}}],
    } | more  # fmt: skip


def event(kind, when, code, patient="p1", **more):
    return {
        "resourceType": kind,
        "id": f"{kind}-{code}",
        "subject": {"reference": f"urn:uuid:{patient}"},
        "code": {"coding": [{"code": code, "system": "http://loinc.org", "display": code}]},
        "effectiveDateTime": when,
    } | more


def write(path, resources):
    lines = [r if isinstance(r, bytes) else orjson.dumps(r) for r in resources]
    data = b"\n".join(lines) + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def records_of(reading):
    return [record for batch in reading for record in batch]


@pytest.mark.parametrize("name", ["DocumentReference.ndjson", "docs.jsonl.gz"])
def test_a_document_becomes_a_record(tmp_path, name):
    (record,) = records_of(read(write(tmp_path / name, [document("d1")])))
    assert (record.id, record.patient_id, record.text, record.encounter_id) == (
        "d1",
        "p1",
        "No effusion.",
        "e1",
    )
    assert record.time.isoformat() == "2020-03-01T09:00:00+00:00"
    assert (record.resource, record.code, record.name) == ("DocumentReference", "34117-2", "History")


@pytest.mark.parametrize(
    ("kind", "raw", "text"),
    [
        ("text/html", "<p>No&nbsp;effusion.</p><p>Heart <b>normal</b></p>", "No\xa0effusion.\nHeart normal"),
        ("application/rtf", r"{\rtf1{\fonttbl{\f0 Arial;}}No effusion.\par Heart}", "No effusion.\nHeart"),
        ("application/xml", "<doc><title>Impression</title><text>Normal</text></doc>", "Impression\nNormal"),
        ("text/plain; charset=latin-1", "Lungenödem", "Lungenödem"),
    ],
)
def test_attachments_of_several_kinds_become_plain_text(tmp_path, kind, raw, text):
    data = base64.b64encode(raw.encode("latin-1" if "latin" in kind else "utf-8")).decode()
    report = {
        "resourceType": "DiagnosticReport", "id": "r1", "subject": {"reference": "Patient/p1"}, "issued": "2020-01-01",
        "presentedForm": [{"contentType": "application/pdf", "data": "JVBERg=="}, {"contentType": kind, "data": data}],
        "conclusion": "Unremarkable.",
    }  # fmt: skip
    (record,) = records_of(read(write(tmp_path / "a.ndjson", [report])))
    assert record.text == f"{text}\nUnremarkable."


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "bad_json"),
        (b"", "blank_line"),
        (b"[]", "not_an_object"),
        (b'{"resourceType": "DocumentReference"}', "bad_id:id"),
        ({"resourceType": "DocumentReference", "id": 5}, "bad_id:id"),
        ({"resourceType": "DocumentReference", "id": "x"}, "no_attachment"),
        ({"resourceType": "Patient", "id": "x"}, "other_resource"),
        (document("x", status="entered-in-error"), "entered_in_error"),
        (document("x", content=[{"attachment": {"contentType": "text/plain", "data": "***"}}]), "bad_base64"),
        (document("x", content=[{"attachment": {"contentType": "text/plain", "data": "/w=="}}]), "bad_text"),
        (document("x", content=[{"attachment": {"url": "Binary/1"}}]), "attachment_elsewhere"),
        (document("x", content=[{"attachment": {"contentType": "application/pdf", "data": "JVBERg=="}}]), "no_text_attachment"),
        (document("d1"), "duplicate_id"),
    ],
)  # fmt: skip
def test_a_bad_resource_costs_itself_and_says_why(tmp_path, line, reason):
    reading = read(write(tmp_path / "a.ndjson", [document("d1"), line, document("d2")]))
    assert [record.id for record in records_of(reading)] == ["d1", "d2"]
    assert reading.quarantine.counts() == {reason: 1}
    assert reading.quarantine.rows[0].line == 2
    assert reading.n_rows == 3


def test_a_later_version_and_a_replacement_win(tmp_path):
    def at(day):
        return {"meta": {"lastUpdated": f"2020-03-{day}T00:00:00Z"}}

    replacing = {"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/d2"}}]}
    docs = [
        document("d1", "old", **at("01")),
        document("d1", "new", **at("05")),
        document("d2"),
        document("d3", **replacing),
    ]
    for order in (docs, docs[::-1]):
        reading = read(write(tmp_path / "a.ndjson", order))
        assert sorted((r.id, r.text) for r in records_of(reading)) == [("d1", "new"), ("d3", "No effusion.")]
        assert reading.quarantine.counts() == {"superseded": 2}
        reading.check_limit()


def test_events_join_their_patients_documents_up_to_their_time(tmp_path):
    write(tmp_path / "DocumentReference.ndjson", [document("d1"), document("d2", patient="p2")])
    drug = event(
        "MedicationRequest",
        None,
        "6809",
        authoredOn="2019",
        medicationCodeableConcept={"coding": [{"code": "6809"}]},
    )
    drug.pop("code")
    lab = event("Observation", "2020-02-01", "2160-0", valueQuantity={"value": 1.4, "unit": "mg/dL"}, category=[{"coding": [{"code": "laboratory"}]}])  # fmt: skip
    pressure = {
        "component": [
            {"code": {"coding": [{"code": "8480-6"}]}, "valueQuantity": {"value": 120, "unit": "mmHg"}}
        ]
    }
    write(
        tmp_path / "Events.ndjson",
        [
            event("Condition", None, "c1", onsetDateTime="2018-05"), drug, lab, event("Observation", "2020-02-02", "85354-9", **pressure),
            event("Procedure", None, "later", performedPeriod={"start": "2021-01-01"}), b"{", event("Condition", None, "none"),
        ],
    )  # fmt: skip
    reading = read(tmp_path)
    first, second = records_of(reading)
    assert [(e.kind, e.code, e.value, e.unit) for e in first.events] == [
        ("condition", "c1", None, ""), ("drug", "6809", None, ""), ("lab", "2160-0", 1.4, "mg/dL"),
        ("observation", "8480-6", 120.0, "mmHg"), ("observation", "85354-9", None, ""),
    ]  # fmt: skip
    assert second.events == ()
    assert reading.scan.to_json()["Events.ndjson"] == {
        "rows": 7,
        "kept": 5,
        "set_aside": {"bad_json": 1, "no_time": 1},
    }


def test_a_patient_without_documents_gives_records_from_visits(tmp_path):
    def visit(name, patient):
        return event("Encounter", None, "AMB", patient, id=name, period={"start": "2020-01-01"})

    write(tmp_path / "Encounter.ndjson", [visit("e1", "p1"), visit("e2", "p2")])
    assert [r.id for r in records_of(read(tmp_path))] == ["e1", "e2"]
    write(tmp_path / "DocumentReference.ndjson", [document("d1")])
    records = records_of(read(tmp_path))
    assert [(r.id, r.patient_id, r.text, r.resource) for r in records] == [
        ("d1", "p1", "No effusion.", "DocumentReference"),
        ("e2", "p2", "", "Encounter"),
    ]


def test_bundles_give_what_bulk_files_give(tmp_path):
    resources = [
        document("d1"),
        event("Condition", None, "c1", onsetDateTime="2018-05"),
        {"resourceType": "Patient", "id": "p1"},
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}
    (tmp_path / "one.json").write_bytes(orjson.dumps(bundle, option=orjson.OPT_INDENT_2))
    (tmp_path / "two.ndjson").write_bytes(orjson.dumps(bundle) + b"\n")
    for name in ("one.json", "two.ndjson"):
        reading = read(tmp_path / name)
        (record,) = records_of(reading)
        assert (record.id, record.text) == ("d1", "No effusion.")
        assert [e.code for e in record.events] == ["c1"]
        assert len(reading.quarantine) == 0


jsonish = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6) | st.sampled_from(["Encounter", "final", "replaces"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["reference", "coding", "code", "value", "start", "attachment", "data", "contentType", "display", "text"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
fields = st.sampled_from(
    [
        "subject",
        "date",
        "type",
        "category",
        "content",
        "context",
        "status",
        "meta",
        "relatesTo",
        "presentedForm",
        "conclusion",
        "code",
        "valueQuantity",
        "component",
        "period",
        "class",
        "effectiveDateTime",
        "id",
    ]
)


@given(
    st.sampled_from(["DocumentReference", "DiagnosticReport", "Observation", "Encounter", "Condition", 5]),
    st.dictionaries(fields, jsonish, max_size=8),
)
def test_no_shape_of_a_resource_raises_and_each_is_accounted_for(tmp_path_factory, kind, body):
    folder = tmp_path_factory.mktemp("fhir")
    write(folder / "a.ndjson", [document("d1"), {**body, "resourceType": kind}])
    reading = read(folder)
    n = len(records_of(reading))
    events = reading.build_events() and reading.scan.to_json()
    assert n + len(reading.quarantine) + sum(e["rows"] for e in events.values()) >= 2


def test_a_file_sorted_by_type_is_known_for_all_it_holds(tmp_path):
    patients = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(200)]
    events = [event("Observation", "2020-01-01", f"c{n}") for n in range(200)]
    write(tmp_path / "everything.ndjson", [*patients, *events, *(document(f"d{n}") for n in range(200))])
    reading = read(tmp_path)
    assert len(records_of(reading)) == 200
    assert reading.quarantine.counts() == {}
    assert len(reading.events.history("p1")) == 200
