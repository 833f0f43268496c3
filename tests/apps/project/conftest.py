"""What tests of projects share: a project of their own that they may change, and another process to run it in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sidelight


@pytest.fixture
def home(sea, tmp_path):
    """A whole project on the sea that has not been run."""
    return sea.write(tmp_path / "sea", n=160)


@pytest.fixture
def declare(home):
    """Change words of the project file, all of which must stand in it."""

    def change(*pairs, at=home):
        text = (at / "sidelight.toml").read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        (at / "sidelight.toml").write_text(text)

    return change


@pytest.fixture
def in_another_process():
    """Run Python code with arguments in a process of its own, and return what it did."""

    def run(code, *arguments):
        environment = {**os.environ, "PYTHONPATH": str(Path(sidelight.__file__).parent.parent)}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=300, check=False
        )

    return run
