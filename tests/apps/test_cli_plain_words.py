"""What fit, erase and label say when something was assumed, misspelt or left behind."""

import json

import pytest

from sidelight.apps.cli.main import main
from sidelight.labeling import InputError, read_votes

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf
schema = LabelSchema(classes=("absent", "present"))
fluid = keyword_lf("fluid", ["fluid"], "present")
clear = keyword_lf("clear", ["clear"], "absent")
dry = keyword_lf("dry", ["dry"], "absent")
"""


@pytest.fixture
def votes(tmp_path, monkeypatch, capsys):
    """A folder of votes whose `fluid` never meets another function."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    texts = ["fluid", "clear and dry", "clear", "dry"] * 10
    rows = "".join(f"{row},p{row // 2},{text}\n" for row, text in enumerate(texts))
    (tmp_path / "notes.csv").write_text("id,patient_id,text\n" + rows)
    assert main(["label", "notes.csv", "--functions", "lfs.py", "--out", "votes"]) == 0
    capsys.readouterr()
    return tmp_path / "votes"


def test_what_no_other_function_checks_is_called_assumed(votes, capsys):
    assert main(["fit", "votes", "--out", "labels.parquet"]) == 0
    said = capsys.readouterr()
    assert "nothing tells how right fluid is" in said.err
    assert "clear" not in said.err
    assert "estimated from votes alone; say --class-balance" in said.out
    rows = [line.split() for line in said.out.splitlines() if line.startswith((" fluid", " clear", " dry"))]
    shared = {row[0]: row[-1] for row in rows}
    assert ["assumed" in row for row in rows] == [True, False, False]
    assert (shared["fluid"], shared["clear"], shared["dry"]) == ("0", "10", "10")


@pytest.mark.parametrize(
    ("balance", "said"),
    [
        ("absent=0.9", "says nothing of present"),
        ("absent=0.9,present=0.2", "adds up to 1.1"),
        ("absent=nan,present=0.2", "adds up to nan"),
        ("absent=1.5,present=-0.5", "at least 0"),
        ("abstain=0.5,present=0.5", "not 'abstain=0.5'"),
    ],
)
def test_a_class_balance_that_cannot_be_is_wrong_usage(votes, balance, said, capsys):
    assert main(["fit", "votes", "--class-balance", balance, "--out", "labels.parquet"]) == 2
    assert said in capsys.readouterr().err


def test_labels_are_not_written_under_a_name_that_says_something_else(votes, capsys):
    assert main(["fit", "votes", "--out", "labels.csv"]) == 2
    assert "name it .parquet" in capsys.readouterr().err
    assert not (votes.parent / "labels.csv").exists()


def test_a_patient_is_found_in_labels_of_any_name(votes, capsys):
    assert main(["fit", "votes", "--out", "labels.pq"]) == 0
    capsys.readouterr()
    assert main(["erase", ".", "--patient", "p3", "--json"]) == 0
    removed = json.loads(capsys.readouterr().out)["removed"]
    assert {place.rpartition("/")[2]: n for place, n in removed.items()} == {"votes": 2, "labels.pq": 2}


def test_a_patient_who_is_nowhere_is_told_from_one_erased_before(votes, capsys):
    assert main(["erase", "votes", "--patient", "P-3", "--dry-run"]) == 0
    said = capsys.readouterr().err
    assert "is the id written as in the export?" in said
    assert "P-3" not in said
    assert main(["erase", "votes", "--patient", "p3"]) == 0
    assert main(["erase", "votes", "--patient", "p3"]) == 0
    assert "was erased here before" in capsys.readouterr().err


def test_a_fault_of_a_functions_file_has_its_line_also_by_a_relative_path(votes, capsys):
    (votes.parent / "broken.py").write_text("\n\nimport sidelight.nothing\n")
    assert main(["label", "notes.csv", "--functions", "broken.py", "--out", "other"]) == 3
    assert "broken.py: line 3: ModuleNotFoundError" in capsys.readouterr().err


def test_a_small_limit_is_not_rounded_away(votes, capsys):
    notes = votes.parent / "notes.csv"
    notes.write_text(notes.read_text() + "x,p9\n")
    given = ["label", "notes.csv", "--functions", "lfs.py", "--out", "votes", "--limit", "0.0001"]
    assert main(given) == 1
    assert "more than 0.01%" in capsys.readouterr().err


def test_retry_where_there_are_no_votes_names_the_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert main(["retry"]) == 2
    assert capsys.readouterr().err.startswith("error: here is no folder of votes")


def test_votes_of_an_unfinished_run_are_told_from_no_votes(votes, capsys):
    (votes / "manifest.json").unlink()
    assert main(["fit", "votes", "--out", "labels.parquet"]) == 3
    assert "not finished" in capsys.readouterr().err
    assert main(["retry", "votes"]) == 0
    assert main(["fit", "votes", "--out", "labels.parquet"]) == 0


def test_votes_that_are_not_there_are_named_also_by_text(tmp_path):
    with pytest.raises(InputError, match="is no folder of votes"):
        read_votes(str(tmp_path / "none"))


def test_an_interrupted_labeling_says_how_to_go_on(votes, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("sidelight.labeling.engine.label_export", interrupt)
    assert main(["label", "notes.csv", "--functions", "lfs.py", "--out", "votes"]) == 130
    assert "the same command goes on where it was" in capsys.readouterr().err


def test_gold_that_stands_twice_is_said_to_be_set_aside(votes, capsys):
    (votes.parent / "gold.csv").write_text("id,label\n0,present\n0,absent\n1,absent\n")
    assert main(["analyze", "votes", "--gold", "gold.csv", "--gold-column", "label"]) == 0
    assert "gold.csv: 1 of 3 rows were set aside: duplicate_id:id 1" in capsys.readouterr().err


def test_gold_that_is_no_class_is_told_by_the_row_of_its_own_file(votes, capsys):
    rows = "elsewhere,unknown\n30,absent\n7,Present\n"
    (votes.parent / "gold.csv").write_text("id,label\n" + rows)
    assert main(["analyze", "votes", "--gold", "gold.csv", "--gold-column", "label"]) == 2
    said = capsys.readouterr().err
    assert "gold.csv: row 3 below the head" in said
    assert "Present" not in said


@pytest.mark.parametrize("chosen", [["clear"], ["clear", "dry"]])
@pytest.mark.filterwarnings("ignore:.*cannot be told from agreements")
def test_accuracies_of_fewer_than_three_functions_are_called_assumed(votes, chosen, capsys):
    few = ["--functions", "lfs.py", *(part for name in chosen for part in ("--select", name))]
    assert main(["label", "notes.csv", *few, "--out", "few"]) == 0
    capsys.readouterr()
    assert main(["fit", "few", "--out", "labels.parquet"]) == 0
    said = capsys.readouterr()
    assert "Learned accuracies" not in said.out
    assert "Assumed accuracies: nothing was learned" in said.out
    assert said.out.count("0.700, assumed") == len(chosen)
    assert "taken to be equal; say --class-balance" in said.out
    assert "agreements tell of 3 functions or more" in said.err
    assert main(["fit", "few", "--out", "labels.parquet", "--overwrite", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["assumed"], told["class balance from"]) == (chosen, "uniform")
    assert main(["fit", "few", "--model-out", "model"]) == 0
    assert capsys.readouterr().out.count("0.700, assumed") == len(chosen)


@pytest.mark.filterwarnings("ignore:.*cannot be told from agreements")
def test_what_gold_labels_teach_is_not_called_assumed(votes, capsys):
    assert (
        main(
            [
                "label",
                "notes.csv",
                "--functions",
                "lfs.py",
                "--select",
                "clear",
                "--select",
                "fluid",
                "--out",
                "few",
            ]
        )
        == 0
    )
    gold = "".join(f"{row},{'present' if row % 4 == 0 else 'absent'}\n" for row in range(0, 40, 4))
    (votes.parent / "gold.csv").write_text("id,gold\n" + gold)  # all of them have fluid
    capsys.readouterr()
    taught = ["--gold", "gold.csv", "--gold-column", "gold", "--learn-from-gold", "--json"]
    assert main(["fit", "few", "--out", "labels.parquet", *taught]) == 0
    assert json.loads(capsys.readouterr().out)["assumed"] == ["clear"]
