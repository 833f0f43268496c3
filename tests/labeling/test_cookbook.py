"""The cookbook: its Python runs, and the names and settings its tables give are there."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::sidelight.label_model.LabelModelWarning")
def test_its_python_runs():
    names = {"__name__": "cookbook"}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 13
    for block in blocks:
        exec(compile(block, "docs/cookbook.md", "exec"), names)  # noqa: S102 - our own page


def test_names_in_its_tables_are_there():
    import sidelight.crossmodal
    import sidelight.label_model

    packages = (sidelight.label_model, sidelight.crossmodal)
    rows = [row.split("|") for row in PAGE.splitlines() if row.startswith("|") and row.count("|") == 3]
    cells = [
        row[2]
        for row in rows
        if not row[1].strip().startswith(("a function", "only", "not ", "in some", "---"))
    ]
    words = {word for cell in cells for word in re.findall(r"`([A-Za-z_]+)", cell)}
    options = {
        "fit",
        "encoder",
        "loss",
        "multi_label",
        "privacy",
        "densenet",
        "nn",
        "accumulate",
        "checkpoint_activations",
    }
    assert len(words - options) >= 8
    assert {
        word for word in words - options if not any(hasattr(package, word) for package in packages)
    } == set()
    names = {*sidelight.crossmodal.ENCODERS, *sidelight.crossmodal.LOSSES}
    assert {name for _, name in re.findall(r'`(encoder|loss)="([^"]+)"', PAGE)} <= names
