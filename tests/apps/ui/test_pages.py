"""The pages without a browser: what they show, what state they keep, and what an error may say."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")
pytest.importorskip("streamlit", reason="the ui extra is not installed")

from streamlit.testing.v1 import AppTest

import sidelight.apps.ui
from sidelight.apps.cli.main import main
from sidelight.apps.cli.ui import open_workspace
from sidelight.apps.ui.context import Context, set_context
from sidelight.apps.ui.guard import describe, guarded, quiet_logs
from sidelight.apps.ui.people import Roles
from sidelight.apps.ui.ratings import gold_of
from sidelight.apps.ui.store import LabelEvent, LabelStore, new_event_id
from sidelight.apps.ui.workspace import RecordTable, Workspace
from sidelight.label_model import LabelModel
from sidelight.labeling import LabelSchema

APP = str(Path(sidelight.apps.ui.__file__).with_name("app.py"))
CANARY = "ZEBRAFISH"


@pytest.fixture(scope="module")
def workspace():
    return Workspace.sample()


@pytest.fixture
def context(workspace, tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as store:
        made = Context(workspace, store)
        set_context(made)
        yield made


@pytest.fixture(autouse=True)
def _logs_as_they_were():
    """The server's log factory is for the server's process; take it out again."""
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


def opened():
    app = AppTest.from_file(APP, default_timeout=30)
    app.run()
    assert not app.exception
    return app


def button(app, words):
    return next(b for b in app.button if b.label == words)


def press(app, words):
    """Press a button as somebody who has read: the record came on screen a while ago."""
    sight = app.session_state["sight"]
    for item in sight.first_shown:
        sight.first_shown[item] -= 5
    button(app, words).click()
    app.run()
    assert not app.exception


def test_labels_survive_the_session(context):
    app = opened()
    press(app, "normal")
    press(app, "Skip")
    assert [event.kind for event in context.store.events()] == ["label", "skip"]
    again = opened()
    first = context.uniform[2]
    assert any(b.key == f"label-{first}-0" for b in again.button), (
        "a new tab goes on where the last one stopped"
    )


def test_a_press_without_reading_labels_nothing(context):
    app = opened()
    button(app, "abnormal").click()
    app.run()
    assert context.store.events() == []


def test_suggestions_are_off_until_they_are_asked_for_and_are_marked_in_the_store(context):
    app = opened()
    toggle = next(t for t in app.toggle if "suggestion" in t.label)
    assert toggle.value is False
    press(app, "normal")
    toggle = next(t for t in app.toggle if "suggestion" in t.label)
    toggle.set_value(True)
    app.run()
    press(app, "normal")
    marks = [event.suggestion for event in context.store.events()]
    assert marks[0] == ""
    assert marks[1] in ("normal", "abnormal")


def main_html(app):
    return " ".join(element.proto.body for element in app.main.get("html"))


def test_evidence_is_hidden_until_it_is_asked_for_one_record_at_a_time(context):
    app = opened()
    assert "What functions say" not in main_html(app)
    press(app, "normal")
    button(app, "Evidence").click()
    app.run()
    assert "What functions say" in main_html(app)
    assert not any(b.label == "Evidence" for b in app.button), "it is there already"
    press(app, "normal")
    assert "What functions say" not in main_html(app), "the next record is read without again"
    toggle = next(t for t in app.toggle if t.label == "Evidence on every record")
    toggle.set_value(True)
    app.run()
    assert "What functions say" in main_html(app)
    press(app, "Skip")
    assert [event.evidence for event in context.store.events()] == [False, True, True]


@pytest.mark.parametrize(("setting", "in_sight"), [("shown", True), ("never", False)])
def test_the_operator_decides_whether_evidence_is_shown(context, setting, in_sight):
    context.workspace = replace(context.workspace, evidence=setting)
    app = opened()
    assert ("What functions say" in main_html(app)) is in_sight
    assert any(t.label == "Evidence on every record" for t in app.toggle) is in_sight
    assert not any(b.label == "Evidence" for b in app.button)


def test_the_operator_can_forbid_suggestions(context):
    context.suggestions = False
    assert not any("suggestion" in toggle.label for toggle in opened().toggle)


def test_who_has_no_role_sees_nothing(context):
    context.roles = Roles({"annotator": frozenset({"somebody else"})})
    app = opened()
    assert not app.button
    assert "no role" in app.warning[0].value


def test_an_error_in_a_page_says_its_kind_and_no_word(context, monkeypatch, caplog, capsys):
    quiet_logs()

    def fail(*arguments, **keywords):
        raise ValueError(f"{CANARY} in the note")

    monkeypatch.setattr("sidelight.apps.ui.screens.label.show_note", fail)
    with caplog.at_level(logging.DEBUG):
        app = opened()
    shown = " ".join(str(element.value) for element in app.error)
    assert "ValueError" in shown
    said = capsys.readouterr()
    assert CANARY not in shown + caplog.text + said.out + said.err


def test_an_error_in_a_button_says_its_kind_and_no_word(context, monkeypatch, caplog, capsys):
    def fail(*arguments, **keywords):
        raise RuntimeError(f"{CANARY} in the note")

    app = opened()
    monkeypatch.setattr(context.store, "add", fail)
    with caplog.at_level(logging.DEBUG):
        press(app, "normal")
    said = capsys.readouterr()
    assert CANARY not in caplog.text + said.out + said.err
    assert "RuntimeError" in caplog.text


def test_the_servers_own_log_withholds_messages(caplog):
    quiet_logs()
    with caplog.at_level(logging.DEBUG):
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            logging.getLogger("streamlit.runtime").error("Uncaught app execution: %s", error, exc_info=error)
            logging.getLogger("streamlit.web").exception(CANARY)
    assert CANARY not in caplog.text
    assert "KeyError" in caplog.text


def test_an_exception_is_described_by_kind_and_place():
    with pytest.raises(Exception, match="event_id") as fault:
        LabelEvent("", "n", "a", "label", CANARY)
    assert describe(fault.value).startswith("UsageError at apps/ui/store/events.py, line ")


def test_the_label_model_learns_anew_with_settled_labels(context):
    classes = context.workspace.schema.classes
    guess = context.workspace.proba.argmax(axis=1)
    rows = context.uniform[:60].tolist()
    context.store.add_all(
        LabelEvent(new_event_id(), context.workspace.records.ids[row], "anna", "label", classes[guess[row]])
        for row in rows
    )
    gold = gold_of(context.store.ledger(), context.workspace)
    assert sorted(np.flatnonzero(gold >= 0)) == sorted(rows)
    model = LabelModel(cardinality=2).fit(context.workspace.votes, Y_dev=gold[gold >= 0])
    assert model.prior_[1] == pytest.approx((gold == 1).sum() / 60, abs=0.05)


NOTE = """CHIEF COMPLAINT: cough <i>dry</i>
HISTORY OF PRESENT ILLNESS: calm until today
MEDICATIONS: none
ASSESSMENT: wild"""


def test_sections_and_the_patients_past_are_shown_and_the_future_is_not(tmp_path):
    past, future = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    events = [
        {
            "kind": "lab",
            "code": "2160-0",
            "name": "creatinine",
            "time": past.isoformat(),
            "value": 1.4,
            "unit": "mg/dL",
        },
        {
            "kind": "condition",
            "code": "I21",
            "name": "later infarction",
            "time": future.isoformat(),
            "value": None,
            "unit": "",
        },
    ]
    table = pa.table(
        {"id": ["1"], "text": [NOTE], "time": [datetime(2025, 1, 1, tzinfo=UTC)], "events": [events]}
    )
    schema = LabelSchema(("calm", "wild"))
    small = Workspace("notes", schema, RecordTable(table.to_batches()))
    with LabelStore(tmp_path / "labels.sqlite") as store:
        set_context(Context(small, store))
        app = opened()
        shown = " ".join(element.proto.body for element in app.main.get("html"))
        assert shown.count('href="#section-') == shown.count('<b id="section-') == 4
        assert "&lt;i&gt;" in shown
        assert "<span>creatinine</span><em>1.4 mg/dL</em>" in shown
        assert "01 Jan 2020" in shown
        assert "later infarction" not in shown


PROJECT = """
[project]
name = "sea"
purpose = "Calm or wild?"

[data]
export = "notes.csv"

[payloads.note]
kind = "text"
column = "text"

[tasks.weather]
classes = ["calm", "wild"]

[sources.rules]
task = "weather"
functions = "lfs.py"

[slices.long]
column = "text"
contains = "day"
"""


def test_a_project_is_opened_by_its_folder(tmp_path, capsys):
    (tmp_path / "sidelight.toml").write_text(PROJECT + '[ui]\nevidence = "never"\n')
    (tmp_path / "notes.csv").write_text("id,patient_id,text\n1,a,a calm day\n2,b,wild\n3,c,neither\n")
    (tmp_path / "lfs.py").write_text(
        "from sidelight.labeling import keyword_lf\n"
        'calm = keyword_lf("calm", ["calm"], "calm")\nwild = keyword_lf("wild", ["wild"], "wild")\n'
    )
    nothing = dict.fromkeys(["id_column", "text_column", "patient_column", "time_column", "format_name"])
    found = open_workspace(str(tmp_path), None, None, None, None, "", None, {**nothing, "types": ()})
    assert (found.name, found.schema.classes, found.guideline) == ("sea", ("calm", "wild"), "Calm or wild?")
    assert [f.name for f in found.functions] == ["calm", "wild"]
    assert found.slices["long"].tolist() == [True, False, False]
    assert found.evidence == "never"
    assert found.functions_file == tmp_path / "lfs.py"
    assert main(["ui", str(tmp_path), "--export-labels", str(tmp_path / "out.jsonl")]) == 0
    assert (tmp_path / "labels.sqlite").exists()
    assert (
        main(["ui", str(tmp_path), "--task", "storms", "--export-labels", str(tmp_path / "out.jsonl")]) == 2
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["absent.csv", "--classes", "a,b"], 3),
        (["notes.csv"], 2),
        (["notes.csv", "--classes", "a,b", "--login", "anna"], 2),
        (["notes.csv", "--classes", "a,b", "--address", "10.0.0.7"], 2),
        (["notes.csv", "--classes", "a,b", "--show", "salary"], 2),
        (["notes.csv", "--classes", "a,b", "--roles", "absent.toml"], 3),
        (["notes.csv", "--classes", "a,b", "--guideline", "absent.md"], 3),
    ],
)
def test_wrong_arguments_are_told_in_one_line(tmp_path, monkeypatch, capsys, arguments, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.csv").write_text(f"id,text\n1,{CANARY}\n")
    assert main(["ui", *arguments, "--export-labels", "out.jsonl"]) == code
    told = capsys.readouterr().err
    assert CANARY not in told
    assert told.count("error:") == 1


@pytest.mark.parametrize("wrapped", [guarded(lambda: 1 / 0)])
def test_a_guarded_function_never_raises(wrapped):
    assert wrapped() is None
