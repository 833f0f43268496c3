"""Labels in and out, in our own files and those of other tools."""

import json

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.exchange import (
    export_events,
    export_labels,
    import_events,
    import_labels,
    to_label_studio,
)
from sidelight.apps.ui.store import LabelEvent, LabelStore, new_event_id
from sidelight.labeling import InputError, LabelSchema, UsageError

SCHEMA = LabelSchema(("calm", "wild"))
CANARY = "ZEBRAFISH"


@pytest.fixture
def store(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as opened:
        yield opened


def fill(store):
    first = LabelEvent(new_event_id(), "n1", "anna", "label", "calm", ms_on_screen=900)
    store.add_all(
        [
            first,
            LabelEvent(new_event_id(), "n1", "anna", "undo", first.event_id),
            LabelEvent(
                new_event_id(), "n1", "anna", "label", "wild", queue="random", chance=0.1, evidence=True
            ),
            LabelEvent(new_event_id(), "n1", "ben", "label", "calm"),
            LabelEvent(new_event_id(), "n2", "ben", "label", "calm"),
            LabelEvent(new_event_id(), "n2", "ben", "comment", CANARY),
            LabelEvent(new_event_id(), "n1", "chief", "label", "wild", purpose="adjudicate"),
        ]
    )


def test_settled_labels_are_exported_without_a_word(store, tmp_path):
    fill(store)
    assert export_labels(store, tmp_path / "labels.jsonl", SCHEMA) == 2
    lines = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert [(e["id"], e["label"], e["source"]) for e in lines] == [
        ("n1", "wild", "adjudicated"), ("n2", "calm", "single")
    ]  # fmt: skip
    assert CANARY not in (tmp_path / "labels.jsonl").read_text()


def test_events_come_back_whole_and_count_once(store, tmp_path):
    fill(store)
    assert export_events(store, tmp_path / "events.jsonl") == 7
    assert import_events(store, tmp_path / "events.jsonl") == 0
    with LabelStore(tmp_path / "other.sqlite") as other:
        assert import_events(other, tmp_path / "events.jsonl") == 7
        assert [e.to_json() for e in other.events()] == [e.to_json() for e in store.events()]
        assert other.ledger().decisions() == store.ledger().decisions()


def test_exported_labels_are_read_back(store, tmp_path):
    fill(store)
    export_labels(store, tmp_path / "labels.jsonl", SCHEMA)
    with LabelStore(tmp_path / "other.sqlite") as other:
        assert import_labels(other, tmp_path / "labels.jsonl", SCHEMA) == 2
        assert {item: d.label for item, d in other.ledger().decisions().items()} == {
            "n1": "wild",
            "n2": "calm",
        }


FILES = {
    "label-studio": json.dumps(
        [
            {
                "data": {"id": "n1", "text": CANARY},
                "annotations": [
                    {"completed_by": {"email": "anna"}, "result": [{"value": {"choices": ["wild"]}}]},
                    {"was_cancelled": True, "result": [{"value": {"choices": ["calm"]}}]},
                ],
            }
        ]
    ),
    "doccano": json.dumps({"id": 17, "text": CANARY, "label": ["wild"], "meta": {"record_id": "n1"}, "username": "anna"}),
    "prodigy": "\n".join(
        [
            json.dumps({"text": CANARY, "accept": ["wild"], "answer": "accept", "meta": {"id": "n1"}, "_annotator_id": "anna"}),
            json.dumps({"text": CANARY, "accept": ["calm"], "answer": "reject", "meta": {"id": "n2"}}),
        ]
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", FILES)
def test_labels_of_other_tools_are_taken(store, tmp_path, tool):
    (tmp_path / "file").write_text(FILES[tool])
    assert import_labels(store, tmp_path / "file", SCHEMA, tool=tool) == 1
    assert import_labels(store, tmp_path / "file", SCHEMA, tool=tool) == 0
    assert store.ledger().current("n1", "anna").value == "wild"
    assert CANARY not in repr(store.events())


@pytest.mark.parametrize("tool", FILES)
@pytest.mark.parametrize("content", [CANARY, f'["{CANARY}"]', "{", ""])
def test_a_broken_file_is_refused_without_a_word(store, tmp_path, tool, content):
    (tmp_path / "file").write_text(content)
    if not content and tool != "label-studio":
        assert import_labels(store, tmp_path / "file", SCHEMA, tool=tool) == 0
        return
    with pytest.raises(InputError) as fault:
        import_labels(store, tmp_path / "file", SCHEMA, tool=tool)
    assert CANARY not in str(fault.value)


@pytest.mark.parametrize("tool", FILES)
def test_a_label_that_is_no_class_is_refused_and_nothing_is_taken(store, tmp_path, tool):
    (tmp_path / "file").write_text(FILES[tool].replace('"wild"', f'"{CANARY}"'))
    with pytest.raises(InputError) as fault:
        import_labels(store, tmp_path / "file", SCHEMA, tool=tool)
    assert CANARY not in str(fault.value)
    assert store.events() == []


def test_an_unknown_tool_is_refused(store, tmp_path):
    with pytest.raises(UsageError, match="label-studio"):
        import_labels(store, tmp_path / "file", SCHEMA, tool="paper")


def test_label_studio_reads_what_we_write(store, tmp_path):
    fill(store)
    (tmp_path / "tasks.json").write_text(json.dumps(to_label_studio(store)))
    with LabelStore(tmp_path / "other.sqlite") as other:
        assert import_labels(other, tmp_path / "tasks.json", SCHEMA, tool="label-studio") == 3
        assert set(other.ledger().in_dispute()) == {"n1"}
