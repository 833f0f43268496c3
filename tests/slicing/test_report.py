"""An audit on its way out: JSON, tables, a folder, a page that stands alone."""

import json
import re

import numpy as np
import pytest

from sidelight.slicing import Audit, audit
from sidelight.slicing.drawing import Drawing, nice_ticks

from .test_audit import simulate


def small_audit():
    y, p, old, _ = simulate(gap=0.7)
    return audit(y, p, {"old": old, "<b>tiny</b>": np.arange(600) < 4}, metrics=("auroc", "accuracy"))


def test_json_round_trip():
    report = small_audit()
    back = Audit.from_json(json.loads(json.dumps(report.to_json())))
    assert back.to_json() == report.to_json()
    assert back.rows[0] == report.rows[0]
    with pytest.raises(ValueError, match="format"):
        Audit.from_json({"format": 99})


def test_tables_have_a_row_a_slice_and_metric():
    report = small_audit()
    frame = report.to_frame()
    assert len(frame) == 4
    assert {"slice", "metric", "n", "value", "value_low", "gap", "p", "q", "verdict"} <= set(frame.columns)
    lines = report.to_csv().splitlines()
    assert len(lines) == 5
    assert "nan" not in report.to_csv()
    assert "old" in str(report)


def test_folder_holds_all_three_forms(tmp_path):
    folder = small_audit().write(tmp_path / "audit")
    assert sorted(file.name for file in folder.iterdir()) == ["audit.html", "audit.json", "slices.csv"]
    assert json.loads((folder / "audit.json").read_text())["n_records"] == 600


def test_page_stands_alone_and_escapes(tmp_path):
    page = small_audit().to_html(tmp_path / "a.html").read_text()
    assert "<b>tiny" not in page
    assert "&lt;b&gt;tiny" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert page.count("<svg") == 3
    assert 'role="img"' in page
    assert "not assessable" in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    small_audit().to_html(tmp_path / "b.html")
    assert (tmp_path / "b.html").read_text() == page


def test_drawing_escapes_and_rounds():
    drawing = Drawing(10, 10, title="<a>", description="b & c", name="n")
    drawing.text(1 / 3, -0.0, "<i>", "label")
    svg = drawing.svg()
    assert "&lt;a&gt;" in svg
    assert "b &amp; c" in svg
    assert 'x="0.33" y="0"' in svg
    assert nice_ticks(0.61, 0.99) == [0.7, 0.8, 0.9]
