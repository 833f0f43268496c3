"""`sidelight audit --compare`: what changed since an earlier audit."""

import json

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.crossmodal.predictions import Predictions
from sidelight.labeling import LabelSchema

SLICES = """
from sidelight.slicing import slicing_function

@slicing_function
def paced(record):
    return str(record.paced) == "1"
"""


@pytest.fixture
def project(tmp_path):
    random = np.random.default_rng(0)
    y, paced = random.integers(0, 2, 800), random.random(800) < 0.3
    ids = np.array([f"r{row}" for row in range(800)])
    lines = ["id,patient_id,text,state,paced"]
    lines += [f"r{row},p{row},a note,{y[row]},{int(paced[row])}" for row in range(800)]
    (tmp_path / "notes.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "slices.py").write_text(SLICES)
    for name, rate in (("old", 0.5), ("new", 0.05)):
        wrong = random.random(800) < np.where(paced, rate, 0.05)
        positive = np.where(wrong, 1 - y, y) * 0.8 + 0.1
        proba = np.column_stack([1 - positive, positive])
        Predictions(ids=ids, proba=proba, schema=LabelSchema(("0", "1"))).write(tmp_path / f"{name}.parquet")
    return tmp_path


def run(project, predictions, out, *more):
    return main(
        ["audit", str(project / predictions), "--records", str(project / "notes.csv"), "--gold-column", "state",
         "--slices", str(project / "slices.py"), "--out", str(project / out), *more]
    )  # fmt: skip


def test_a_repaired_slice_is_told(project, capsys):
    assert run(project, "old.parquet", "first") == 0
    capsys.readouterr()
    assert (
        run(project, "new.parquet", "second", "--compare", str(project / "first/audit.json"), "--json") == 0
    )
    told = json.loads(capsys.readouterr().out)["comparison"]
    assert any(row["slice"] == "paced" and row["verdict"] == "better" for row in told["rows"])
    assert json.loads((project / "second/comparison.json").read_text()) == told
    assert run(project, "new.parquet", "third", "--compare", str(project / "first/audit.json")) == 0
    assert "better" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{}", "no json", "[1]"])
def test_a_file_that_is_no_audit_is_told_and_nothing_is_written(project, capsys, content):
    if content is not None:
        (project / "old.json").write_text(content)
    assert run(project, "new.parquet", "out", "--compare", str(project / "old.json")) == 3
    assert "old.json" in capsys.readouterr().err
    assert not (project / "out").exists()
