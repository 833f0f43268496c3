"""What every folder keeps to."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("labeling", "label_model", "crossmodal", "slicing", "apps")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_public_name_exists_and_is_explained(folder):
    module = importlib.import_module(f"sidelight.{folder}")
    names = getattr(module, "__all__", [])
    assert list(names) == list(dict.fromkeys(names)), "a name stands twice"
    for name in names:
        thing = getattr(module, name)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            assert inspect.getdoc(thing), f"sidelight.{folder}.{name} has no docstring"


@pytest.mark.parametrize("folder", FOLDERS[:-1])
def test_public_names_are_listed(folder):
    module = importlib.import_module(f"sidelight.{folder}")
    assert module.__all__


def test_a_file_holds_one_idea():
    long = {str(p.relative_to(ROOT)): n for p in FILES if (n := len(p.read_text().splitlines())) > 400}
    assert long == {}


def test_a_file_says_what_it_is_for():
    silent = [
        str(p.relative_to(ROOT))
        for p in FILES
        if p.read_text() and not p.read_text().startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_folders_call_each_other_by_full_name():
    """A bare `labeling` may be the user's own file."""
    bare = re.compile(rf"\s*(?:from|import) (?:{'|'.join(FOLDERS)})\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if bare.match(line)
    ]
    assert wrong == []
