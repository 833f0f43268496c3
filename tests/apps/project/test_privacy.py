"""No word of a record and no patient's name in what a project leaves to be shared: runs, monitoring, messages."""

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
