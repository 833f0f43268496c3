"""The pages of docs: their Python runs, and the names and settings they give are there."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def blocks(name, language):
    return re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)


@pytest.mark.filterwarnings("ignore::sidelight.label_model.LabelModelWarning")
@pytest.mark.parametrize(("name", "n_blocks"), [("cookbook", 13), ("migration", 3)])
def test_its_python_runs(name, n_blocks):
    names = {"__name__": name}
    found = blocks(name, "python")
    assert len(found) == n_blocks
    for block in found:
        exec(compile(block, f"docs/{name}.md", "exec"), names)  # noqa: S102 - our own page


def test_names_in_the_cookbooks_tables_are_there():
    import sidelight.crossmodal
    import sidelight.label_model

    packages = (sidelight.label_model, sidelight.crossmodal)
    rows = [
        row.split("|") for row in page("cookbook").splitlines() if row.startswith("|") and row.count("|") == 3
    ]
    cells = [
        row[2]
        for row in rows
        if not row[1].strip().startswith(("a function", "only", "not ", "in some", "---"))
    ]
    words = {word for cell in cells for word in re.findall(r"`([A-Za-z_]+)", cell)}
    options = {"fit", "nn", "densenet", "privacy"}
    options |= set(sidelight.crossmodal.CrossModalClassifier().get_params())
    assert len(words - options) >= 8
    assert {
        word for word in words - options if not any(hasattr(package, word) for package in packages)
    } == set()
    names = {*sidelight.crossmodal.ENCODERS, *sidelight.crossmodal.LOSSES}
    assert {name for _, name in re.findall(r'`(encoder|loss)="([^"]+)"', page("cookbook"))} <= names


def test_the_settings_in_the_cookbook_are_those_of_a_project():
    from sidelight.apps.project.file import Audits, Config, LabelingApp

    settings = tomllib.loads("\n".join(blocks("cookbook", "toml")))
    assert list(Config.model_validate(settings).questions) == [
        "effusion",
        "side",
        "devices.tube",
        "devices.pacemaker",
    ]
    assert set(settings["audit"]) < set(Audits.model_fields)
    assert Audits(**settings["audit"]).search == settings["audit"]["search"]
    assert LabelingApp(**settings["ui"]).evidence == settings["ui"]["evidence"]


@pytest.mark.parametrize("module", ["labeling", "label_model", "slicing", "crossmodal"])
def test_names_that_stay_are_there(module):
    rows = [
        line.split("|")
        for line in page("migration").splitlines()
        if line.startswith("| `") and "same name" in line
    ]
    of_module = [row[1] for row in rows if f"`sidelight.{module}`" in row[2]]
    names = {name for cell in of_module for name in re.findall(r"`([A-Za-z_]+)`", cell)}
    names |= {cell.strip(" `").rpartition(".")[2] for cell in of_module if not names}
    assert names
    package = importlib.import_module(f"sidelight.{module}")
    assert {name for name in names if not hasattr(package, name)} == set()
