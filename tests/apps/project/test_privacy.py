"""No word of a record and no patient's name in what a project leaves to be shared: runs, monitoring, messages."""

import os
import shutil
from pathlib import Path

import pytest

from sidelight.apps.cli.main import main

CANARY = "zqxcanary"


@pytest.fixture(scope="module")
def home(sea, tmp_path_factory):
    """A project whose texts and patients carry a word that must not travel, and whose functions fail on it."""
    home = sea.write(tmp_path_factory.mktemp("private") / "sea", canary=CANARY)
    failing = '    if record.id == "n7":\n        raise ValueError(record.text)\n    return "calm" if'
    (home / "lfs.py").write_text((home / "lfs.py").read_text().replace('    return "calm" if', failing))
    return home


def leaks(folder):
    return [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_runs_monitoring_and_messages_hold_no_canary(home, sea, tmp_path, capsys):
    assert CANARY in (home / "notes.csv").read_text()
    assert main(["run", "--project", str(home)]) == 0
    assert leaks(home / "runs") == []
    assert all(path.stat().st_mode & 0o077 == 0 for path in (home / "runs").rglob("*"))
    assert all(path.stat().st_mode & 0o077 == 0 for path in (home / ".sidelight").iterdir())
    sea.notes(home / "new.csv", 150, seed=9, wild=0.9, canary=CANARY)
    assert main(["monitor", str(home / "new.csv"), "--project", str(home), "--out", str(tmp_path / "m")]) == 1
    assert main(["runs", "--project", str(home)]) == 0
    assert leaks(tmp_path / "m") == []
    captured = capsys.readouterr()
    assert CANARY not in captured.out + captured.err


def test_faults_quote_no_record(home, capsys):
    text = (home / "sidelight.toml").read_text()
    (home / "bad.toml").write_text(text.replace('column = "age"\nat_least', 'column = "note_text"\nat_least'))
    assert main(["run", "--project", str(home / "bad.toml")]) == 2
    (home / "gold.toml").write_text(
        text.replace('role = "gold"\ncolumn = "state"', 'role = "gold"\ncolumn = "note_text"')
    )
    assert main(["run", "--project", str(home / "gold.toml")]) == 2
    captured = capsys.readouterr()
    assert "label of record 0 is no class" in captured.err
    assert CANARY not in captured.out + captured.err


def test_no_command_of_a_project_says_a_word_of_a_record(home, sea, tmp_path, capfd):
    """Of two runs, and with functions and slices that raise what they read, in this process and in others."""
    copy = shutil.copytree(home, tmp_path / "sea", ignore=shutil.ignore_patterns(".sidelight", "runs"))
    project = ["--project", str(copy)]
    sea.notes(copy / "new.csv", 150, seed=9, wild=0.9, canary=CANARY)
    assert main(["check", str(copy)]) == 0
    assert main(["run", *project, "--workers", "2", "--dry-run"]) == 0
    assert main(["run", *project, "--workers", "2"]) == 0
    text = (copy / "sidelight.toml").read_text()
    (copy / "sidelight.toml").write_text(text.replace("at_least = 60", "at_least = 70"))
    assert main(["retry", str(copy)]) == 0
    for command in (
        ["diff", "1", "2", *project], ["diff", "1", "2", *project, "--json"], ["runs", *project, "--json"],
        ["report", "2", *project, "--out", str(tmp_path / "page.html")], ["runs", *project, "--prune"],
    ):  # fmt: skip
        assert main(command) == 0
    assert (
        main(["monitor", str(copy / "new.csv"), *project, "--out", str(copy / "monitoring/new"), "--json"])
        == 1
    )
    captured = capfd.readouterr()
    assert CANARY not in captured.out + captured.err
    assert leaks(copy / "runs") == leaks(copy / "monitoring") == []
    assert CANARY not in (tmp_path / "page.html").read_text()
    (copy / "slices.py").write_text(
        (copy / "slices.py")
        .read_text()
        .replace("return len(record.text) > 16", "raise ValueError(record.text)")
    )
    assert main(["check", str(copy)]) == 0
    assert main(["run", *project]) != 0
    (copy / "lfs.py").write_text(
        (copy / "lfs.py").read_text() + "\nraise ValueError(open('notes.csv').read())\n"
    )
    here = Path.cwd()
    os.chdir(copy)
    try:
        assert main(["run"]) != 0
        assert main(["check"]) != 0
    finally:
        os.chdir(here)
    with (copy / "notes.csv").open("ab") as file:
        file.write(b'n900,p,60,yawl,"' + CANARY.encode() + b' \xff\xfe",calm\n"' + CANARY.encode())
    (copy / "lfs.py").write_text((home / "lfs.py").read_text())
    (copy / "slices.py").write_text((home / "slices.py").read_text())
    main(["run", *project, "--select", "records"])
    captured = capfd.readouterr()
    assert "slice" in captured.err
    assert CANARY not in captured.out + captured.err
    assert leaks(copy / "runs") == []
