"""Bad input on the command line: one line, the right exit code, nothing half-written, no word of a record."""

import subprocess
import sys

import pytest

from sidelight.apps.cli.main import main

CANARY = "ZEBRAFISH"

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(classes=("normal", "abnormal"))
plain = keyword_lf("plain", ["fine"], "normal")

@labeling_function
def raises(record):
    raise ValueError(record.text)

@labeling_function
def returns_text(record):
    return record.text

@labeling_function
def returns_five(record):
    return 5

@labeling_function
def returns_true(record):
    return True

@labeling_function
def misspells(record):
    return record.txet
"""


@pytest.fixture
def lfs(tmp_path):
    path = tmp_path / "lfs.py"
    path.write_text(FUNCTIONS)
    return path


def run(tmp_path, lfs, content, *more, name="notes.csv"):
    """Label a file with this content; return the exit code and whether anything was written."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code = main(
        ["label", str(tmp_path / name), "--functions", str(lfs), "--out", str(tmp_path / "votes"), *more]
    )
    return code, (tmp_path / "votes").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"id,text\n", "holds no rows"),
        (b"name,text\n1,ZEBRAFISH\n", "has no column 'id'"),
        (b"id,text,text\n1,ZEBRAFISH,b\n", "two columns of one name: 'text'"),
        ("id,text\n1,ZEBRAFISH grün\n2,ÄÖ\n".encode("latin-1"), "is not utf-8 text"),
        (b"\xff\xfeid,text\n", "encoding"),
    ],
)
def test_a_file_that_cannot_be_read_ends_the_run(tmp_path, lfs, capsys, content, said):
    code, written = run(tmp_path, lfs, content, "--select", "plain")
    shown = capsys.readouterr()
    assert code == 3
    assert not written
    assert said in shown.err
    assert "notes.csv" in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert CANARY not in shown.out + shown.err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,text\n1,ZEBRAFISH\n1,ZEBRAFISH\n", "duplicate_id:id 1"),
        (b"id,text\n1,ZEBRAFISH\n,ZEBRAFISH\n", "no_id:id 1"),
        (b"id,text\n1,ZEBRAFISH\n2,ZEBRAFISH,ZEBRAFISH\n", "wrong_number_of_cells 1"),
        (
            b"id,text\n" + b"".join(b"%d,fine\n" % i for i in range(20)) + b"x,ZEBRAFISH \xff\n",
            "bad_utf8:text 1",
        ),
        (b"id,text,time\n1,fine,2020-01-01\n2,ZEBRAFISH,yesterday\n", "bad_time:time 1"),
    ],
)
def test_a_bad_row_is_set_aside_and_counted(tmp_path, lfs, capsys, content, reason):
    code, written = run(tmp_path, lfs, content, "--select", "plain")
    shown = capsys.readouterr()
    assert code == 1, "more than 1 % of the rows"
    assert written, "the work is done all the same"
    assert reason in shown.err
    assert CANARY not in shown.out + shown.err
    assert CANARY.encode() not in b"".join(
        file.read_bytes() for file in (tmp_path / "votes").rglob("*") if file.is_file()
    )


def test_a_higher_limit_lets_bad_rows_pass(tmp_path, lfs):
    code, _ = run(tmp_path, lfs, b"id,text\n1,fine\n1,fine\n", "--select", "plain", "--limit", "0.5")
    assert code == 0


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("returns_text", "a string that is not a class name"),
        ("returns_five", "voted 5"),
        ("returns_true", "voted True"),
    ],
)
def test_a_wrong_vote_ends_the_run_naming_function_and_row(tmp_path, lfs, capsys, function, said):
    code, written = run(tmp_path, lfs, f"id,text\n1,{CANARY}\n".encode(), "--select", function)
    shown = capsys.readouterr()
    assert code == 2
    assert not written
    assert function in shown.err
    assert said in shown.err
    assert "notes.csv" in shown.err
    assert CANARY not in shown.out + shown.err


@pytest.mark.parametrize("function", ["raises", "misspells"])
def test_a_function_that_raises_abstains_until_its_budget_is_spent(tmp_path, lfs, capsys, function):
    code, written = run(tmp_path, lfs, f"id,text\n1,{CANARY}\n".encode(), "--select", function)
    shown = capsys.readouterr()
    assert (code, written) == (1, True)
    assert f"{function} 1" in shown.err
    assert CANARY not in shown.out + shown.err


def test_on_error_raise_names_the_place_and_not_the_message(tmp_path, lfs, capsys):
    code, written = run(
        tmp_path, lfs, f"id,text\n1,{CANARY}\n".encode(), "--select", "raises", "--on-error", "raise"
    )
    shown = capsys.readouterr()
    assert (code, written) == (2, False)
    assert "ValueError in line" in shown.err
    assert CANARY not in shown.out + shown.err


def test_a_second_run_does_nothing_and_another_folder_is_not_overwritten_unasked(tmp_path, lfs, capsys):
    content = b"id,text\n1,fine\n"
    assert run(tmp_path, lfs, content, "--select", "plain") == (0, True)
    before = (tmp_path / "votes" / "manifest.json").read_bytes()
    assert run(tmp_path, lfs, content, "--select", "plain")[0] == 0
    assert (tmp_path / "votes" / "manifest.json").read_bytes() == before
    (tmp_path / "votes" / "manifest.json").unlink()
    (tmp_path / "votes" / "inputs.json").rename(tmp_path / "votes" / "thesis.txt")
    assert run(tmp_path, lfs, content, "--select", "plain")[0] == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(tmp_path, lfs, content, "--select", "plain", "--overwrite")[0] == 0


def test_a_bug_shows_where_but_not_what(monkeypatch, tmp_path, lfs, capsys):
    def broken(*arguments, **keywords):
        raise RuntimeError(CANARY)

    monkeypatch.setattr("sidelight.labeling.LFApplier.__init__", broken)
    code, written = run(tmp_path, lfs, b"id,text\n1,fine\n", "--select", "plain")
    shown = capsys.readouterr()
    assert (code, written) == (4, False)
    assert "RuntimeError" in shown.err
    assert "labeling/engine/part.py" in shown.err
    assert CANARY not in shown.err


def test_an_interrupt_leaves_nothing_behind(monkeypatch, tmp_path, lfs, capsys):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr("sidelight.labeling.LFApplier.__init__", interrupted)
    assert run(tmp_path, lfs, b"id,text\n1,fine\n", "--select", "plain") == (130, False)
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["labl"],
        ["label"],
        ["fit", "nowhere", "--out", "x.parquet", "--model", "oracle"],
        ["label", "x.csv", "--functions", "lfs.py", "--out", "v", "--type", "age"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, tmp_path, lfs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2


def test_every_command_has_help_with_an_example(capsys):
    main(["--help"])
    listed = capsys.readouterr().out
    for command in ("demo", "label", "analyze", "fit", "train", "predict", "audit"):
        assert command in listed
        assert main([command, "--help"]) == 0
        assert f"sidelight {command}" in capsys.readouterr().out.partition("Example")[2]


def test_nothing_but_results_goes_to_a_pipe(tmp_path, lfs):
    (tmp_path / "notes.csv").write_text("id,text\n1,fine\n2,so\n")
    done = subprocess.run(
        [sys.executable, "-m", "sidelight.apps.cli", "label", "notes.csv", "--functions", "lfs.py", "--select", "plain",
         "--out", "votes", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("{")
