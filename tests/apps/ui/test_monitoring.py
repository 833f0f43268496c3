"""The monitoring page shows finished checks, and says what to do when there are none."""

import json

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")
pytest.importorskip("streamlit", reason="the ui extra is not installed")

from streamlit.testing.v1 import AppTest

from sidelight.apps.ui.screens.monitoring import project_home

PAGE = """
from types import SimpleNamespace
from pathlib import Path
from sidelight.apps.ui.guard import guarded
from sidelight.apps.ui.screens.monitoring import monitoring_page

workspace = SimpleNamespace(functions_file=Path({place!r}) / "lfs.py")
guarded(monitoring_page)(SimpleNamespace(context=SimpleNamespace(workspace=workspace)))
"""

ROW = {
    "family": "signals", "name": "ecg amplitude", "source": "", "task": "", "slice": "old", "what": "level",
    "reference": 0.1, "new": 0.51234, "n_reference": 10, "n_new": 10, "effect": 0.4, "z": 9.0, "p": 0.0005, "verdict": "drift",
}  # fmt: skip


def write(folder, alarms):
    folder.mkdir(parents=True)
    quiet = {**ROW, "family": "text", "name": "words", "p": None, "verdict": "no evidence", "new": None}
    content = {
        "format": "sidelight-monitoring", "version": 1, "project": "p", "run": "0001", "export": "may.csv",
        "means": {"signals": "signals differ in amplitude"}, "alarm": bool(alarms), "records": {"reference": 10, "new": 12},
        "tests": 40, "family_error": 0.01, "alarms": alarms, "rows": [*alarms, quiet],
    }  # fmt: skip
    (folder / "monitor.json").write_text(json.dumps(content))


@pytest.fixture
def home(tmp_path):
    (tmp_path / "sidelight.toml").write_text("")
    return tmp_path


def opened(home):
    app = AppTest.from_string(PAGE.format(place=str(home)), default_timeout=30)
    app.run()
    assert not app.exception
    return app


def test_without_a_check_the_page_says_how_to_make_one(home):
    assert "sidelight monitor" in opened(home).info[0].value
    assert project_home(home.parent / "elsewhere" / "lfs.py") is None


def test_a_check_with_alarms_shows_what_changed(home):
    write(home / "monitoring" / "may", [ROW])
    app = opened(home)
    assert "1 of 40 tests raise an alarm; 12 new records against 10 of run 0001" in app.error[0].value
    shown = app.dataframe[0].value
    assert shown["what"].tolist() == ["ecg amplitude"]
    assert shown["new"].tolist() == ["0.512"]
    assert len(app.dataframe[1].value) == 2


def test_a_quiet_check_says_so_and_others_can_be_chosen(home):
    write(home / "monitoring" / "may", [ROW])
    write(home / "june", [])
    app = opened(home)
    assert app.selectbox[0].options == ["june", "monitoring/may"]
    assert "No alarm" in app.success[0].value
    app.selectbox[0].set_value("monitoring/may").run()
    assert "Something changed" in app.error[0].value


def test_a_file_of_something_else_is_named_and_nothing_of_it_shown(home):
    (home / "monitoring").mkdir()
    (home / "monitoring" / "monitor.json").write_text('{"secret": "Anna"}')
    app = opened(home)
    assert "is no check of `sidelight monitor`" in app.error[0].value
    assert "Anna" not in str(app)
