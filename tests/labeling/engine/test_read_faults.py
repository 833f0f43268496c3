"""What functions raise is kept by kind, line, function and part, without a word of its message."""

import json

import orjson
import pytest

from sidelight.apps.cli.main import main
from sidelight.labeling import LFApplier, labeling_function, regex_lf
from sidelight.labeling.engine import erase_patient, label_export, read_faults

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(["no", "yes"])
fever = keyword_lf("fever", ["fever"], "yes")


@labeling_function
def reads_age(record):
    if "calm" in record.text:
        raise KeyError(record.text)
    return "yes" if int(record.text.split()[-1]) > 60 else "no"
"""
KEY, VALUE = "raised KeyError in line 11 of its file", "raised ValueError in line 12 of its file"


@pytest.fixture
def home(tmp_path):
    """Two files: in one, five of ten calls raise in two ways; in the other, one does."""
    (tmp_path / "notes").mkdir()
    texts = {
        "a": ["calm Quokka"] * 3 + ["aged Quokka"] * 2 + ["aged 70"] * 5,
        "b": ["calm Quokka", "aged 12"],
    }
    for name, rows in texts.items():
        lines = ["id,patient_id,text"] + [f"{name}{i},p-{name}{i},{text}" for i, text in enumerate(rows)]
        (tmp_path / "notes" / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    return tmp_path


def counts(folder):
    return [(f.function, f.fault, f.n_calls, sorted(f.parts.values())) for f in read_faults(folder)]


def test_kind_and_line_are_kept_by_function_and_part(home):
    report = label_export(home / "notes", home / "lfs.py", home / "votes")
    expected = [("reads_age", KEY, 4, [1, 3]), ("reads_age", VALUE, 2, [2])]
    assert counts(home / "votes") == expected
    assert report.errors == {"reads_age": 6}
    receipts = b"".join(file.read_bytes() for file in (home / "votes").rglob("*.json*"))
    assert b"Quokka" not in receipts
    assert b"KeyError" in receipts
    label_export(home / "notes", home / "lfs.py", home / "votes")
    assert counts(home / "votes") == expected, "a run with nothing to do keeps them"
    mended = FUNCTIONS.replace("raise KeyError(record.text)", 'return "no"')
    (home / "lfs.py").write_text(mended)
    label_export(home / "notes", home / "lfs.py", home / "votes")
    assert counts(home / "votes") == [("reads_age", VALUE, 2, [2])], "those of the function as it is now"


def test_erasing_a_patient_keeps_them_and_older_receipts_say_how_often(home):
    label_export(home / "notes", home / "lfs.py", home / "votes")
    before = counts(home / "votes")
    assert erase_patient(home / "votes", "p-b1") == ["b1"]
    assert counts(home / "votes") == before
    for file in (home / "votes" / "parts").rglob("*.json"):
        receipt = orjson.loads(file.read_bytes())
        for function in receipt.get("functions", ()):
            del function["faults"]
        file.write_bytes(orjson.dumps(receipt))
    assert counts(home / "votes") == [("reads_age", "raised", 6, [1, 5])]
    assert erase_patient(home / "votes", "p-a9") == ["a9"]
    assert counts(home / "votes") == [("reads_age", "raised", 6, [1, 5])]


def test_label_and_analyze_show_them(home, capsys):
    command = [
        "label",
        str(home / "notes"),
        "--functions",
        str(home / "lfs.py"),
        "--out",
        str(home / "votes"),
    ]
    for asked, code in ((command, 1), (["analyze", str(home / "votes")], 0)):
        assert main(asked) == code
        shown = capsys.readouterr().out
        assert "Calls that raised" in shown
        assert KEY in shown
        assert VALUE in shown
        assert "Quokka" not in shown
        main([*asked, "--json"])
        told = json.loads(capsys.readouterr().out)["faults"]
        assert [(f["function"], f["fault"], f["calls"]) for f in told] == [
            ("reads_age", KEY, 4),
            ("reads_age", VALUE, 2),
        ]
        assert [len(f["parts"]) for f in told] == [2, 1]


def test_statistics_of_a_run_in_memory_have_them_too():
    @labeling_function
    def divides(record):
        return 1 // (len(record.text) - 1)

    votes = LFApplier([divides, regex_lf("a", "a", 1)]).apply(
        [{"text": "a"}, {"text": "ab"}, {"text": "b"}, {"text": 3}], on_error="abstain"
    )
    divided, other = votes.statistics.faults
    assert sum(divided.values()) == 3
    assert {fault.split(" in ")[0]: n for fault, n in divided.items()} == {
        "raised ZeroDivisionError": 2,
        "raised TypeError": 1,
    }
    assert sum(other.values()) == 1
    assert votes.take_functions(["a"]).statistics.faults == (other,)
