"""The label model's page: what was learned is told from what was assumed."""

import socket

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")
pytest.importorskip("streamlit", reason="the ui extra is not installed")

from streamlit.testing.v1 import AppTest

from sidelight.apps.cli.main import main
from sidelight.apps.cli.ui import open_workspace
from sidelight.apps.ui.context import Context, set_context
from sidelight.apps.ui.store import LabelStore
from sidelight.label_model import Overruled

COLUMNS = dict.fromkeys(
    ("id_column", "text_column", "patient_column", "time_column", "format_name")
) | {"encoding": "utf-8", "types": ()}  # fmt: skip
FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf
schema = LabelSchema(classes=("absent", "present"))
fluid = keyword_lf("fluid", ["fluid"], "present")
clear = keyword_lf("clear", ["clear"], "absent")
dry = keyword_lf("dry", ["dry"], "absent")
"""
PAGE = """
import time
from sidelight.apps.ui.context import get_context
from sidelight.apps.ui.desk import Desk, Sight
from sidelight.apps.ui.people import Person
from sidelight.apps.ui.screens.model import model_page
model_page(Desk(get_context(), Person("ada", frozenset({"developer"})), Sight(), time.time))
"""


def test_an_accuracy_that_no_other_function_bears_out_has_no_interval(tmp_path):
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    texts = ["fluid", "clear and dry", "clear", "dry"] * 10
    rows = "".join(f"{row},{text}\n" for row, text in enumerate(texts))
    (tmp_path / "notes.csv").write_text("id,text\n" + rows)
    workspace = open_workspace(
        str(tmp_path / "notes.csv"), str(tmp_path / "lfs.py"), None, None, None, "", None, COLUMNS
    )
    with LabelStore(tmp_path / "labels.sqlite") as store:
        set_context(Context(workspace, store))
        page = AppTest.from_string(PAGE, default_timeout=60).run()
    assert not page.exception
    assert not any("labels go against the votes" in part.proto.body for part in page.get("html"))
    workspace.model.overruled_ = (Overruled("present", 10, 10),)
    with LabelStore(tmp_path / "again.sqlite") as store:
        set_context(Context(workspace, store))
        suspected = AppTest.from_string(PAGE, default_timeout=60).run()
    shown = [part.proto.body for part in suspected.get("html")]
    assert any("no record is labeled present, though on 10 every vote is for it" in body for body in shown)
    learned = dict(zip(page.dataframe[0].value["function"], page.dataframe[0].value["learned"], strict=True))
    assert learned["fluid"].endswith("%, assumed")
    assert " to " in learned["clear"]


def test_the_app_asks_for_its_export_and_port_before_it_reads(tmp_path, capsys):
    assert main(["ui", str(tmp_path / "nope.csv"), "--no-browser"]) == 3
    assert capsys.readouterr().err == "error: nope.csv: does not exist\n"


def test_a_port_that_is_taken_is_wrong_usage(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["ui", "--no-browser", "--port", str(taken.getsockname()[1])]) == 2
    assert "--port takes another one" in capsys.readouterr().err
    assert main(["ui", "--no-browser", "--port", "80000"]) == 2
    assert list(tmp_path.iterdir()) == []
