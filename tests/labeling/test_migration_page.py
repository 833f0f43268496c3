"""The page for people who come from Snorkel: its Python runs, and the names it gives are there."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore::sidelight.label_model.LabelModelWarning")
def test_its_python_runs():
    names = {"__name__": "migration"}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "docs/migration.md", "exec"), names)  # noqa: S102 - our own page


@pytest.mark.parametrize("module", ["labeling", "label_model", "slicing", "crossmodal"])
def test_names_that_stay_are_there(module):
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `") and "same name" in line]
    of_module = [row[1] for row in rows if f"`sidelight.{module}`" in row[2]]
    names = {name for cell in of_module for name in re.findall(r"`([A-Za-z_]+)`", cell)}
    names |= {cell.strip(" `").rpartition(".")[2] for cell in of_module if not names}
    assert names
    package = importlib.import_module(f"sidelight.{module}")
    assert {name for name in names if not hasattr(package, name)} == set()
