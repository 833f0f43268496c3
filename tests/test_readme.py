"""What the README says is so: its example prints what it shows, and it stays short."""

import contextlib
import io
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_readme_shows():
    blocks = re.findall(r"```(python|text)\n(.*?)```", README, re.DOTALL)
    code, shown = next((a[1], b[1]) for a, b in pairwise(blocks) if (a[0], b[0]) == ("python", "text"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own README
    assert printed.getvalue().rstrip() == shown.rstrip()


def test_it_is_short():
    assert len(re.sub(r"```.*?```", "", README, flags=re.DOTALL).split()) < 700


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_pages_it_belongs_to_exist(page):
    assert (ROOT / page).read_text(encoding="utf-8").startswith("# ")
