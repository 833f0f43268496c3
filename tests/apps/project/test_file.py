"""What the project file accepts, and how it says what is wrong."""

import re

import pytest

from sidelight.apps.project import load_project
from sidelight.apps.project.checks import check_columns
from sidelight.apps.project.file import parse
from sidelight.apps.project.lines import Places, find_lines
from sidelight.labeling import InputError, UsageError


@pytest.fixture(scope="module")
def home(sea, tmp_path_factory):
    return sea.write(tmp_path_factory.mktemp("file") / "sea", n=12)


def edited(home, tmp_path, old, new):
    """Return the message about a project file with `old` replaced by `new`."""
    text = (home / "sidelight.toml").read_text()
    assert old in text
    file = home / f"{tmp_path.name}.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        check_columns(load_project(file))
    assert "\n" not in str(caught.value)
    return str(caught.value)


FAULTS = [
    ("functions = \"lfs.py\"", "functoins = \"lfs.py\"", "sources.rules.functoins: no such key; did you mean 'functions'?"),
    ("[tuning]", "[tunning]", "tunning: no such key; did you mean 'tuning'?"),
    ("max_epochs = 1", "max_epoch = 1", "tuning.max_epoch: no such key; did you mean 'max_epochs'?"),
    ("\"lfs.py\"", "\"lsf.py\"", "sources.rules.functions: there is no file 'lsf.py'; did you mean 'lfs.py'?"),
    ("\"notes.csv\"", "\"note.csv\"", "data.export: there is no file 'note.csv'; did you mean 'notes.csv'?"),
    ("task = \"state\"", "task = \"sate\"", "sources.rules.task: no task 'sate'; did you mean 'state'?"),
    ("column = \"age\"", "column = \"aeg\"", "slices.old.column: the export has no column 'aeg'; did you mean 'age'?"),
    ("id = \"note\"", "id = \"nota\"", "data.id: has no column 'nota'; did you mean 'note'?"),
    ("column = \"note_text\"", "column = \"note_txt\"", "payloads.report.column: has no column 'note_txt'; did you mean 'note_text'?"),
    ("[monitors]", "[audit]\nsubclass = \"boot\"\n[monitors]", "audit.subclass: the export has no column 'boot'; did you mean 'boat'?"),
    ("[monitors]", "[audit]\nsearch = [\"patient\"]\n[monitors]", "audit.search: 'patient' holds the patients, which no page may show"),
    ("[monitors]", "[audit]\nsubclass_schema = \"a.toml\"\n[monitors]", "audit.subclass_schema: needs subclass"),
    ("[monitors]", "[audit]\nsubclass = \"boat\"\nsubclass_schema = \"a.toml\"\n[monitors]", "audit.subclass_schema: there is no file 'a.toml'"),
    ("\"age\", \"boat\"", "\"age\", \"boot\"", "monitors.columns: the export has no column 'boot'; did you mean 'boat'?"),
    ("target = \"waves\"", "target = \"wave\"", "tasks.state.target: no signal or image payload 'wave'; did you mean 'waves'?"),
    ("target = \"waves\"", "parent = \"state\"\nwhen = \"wild\"", "tasks.state.parent: tasks go round in a circle: state -> state"),
    ("kind = \"signal\"", "kind = \"signl\"", "payloads.waves.kind: is 'signl'; it is one of text, events, signal, image; did you mean 'signal'?"),
    ("role = \"gold\"", "role = \"golden\"", "sources.codes.role: is 'golden'; it is one of vote, gold; did you mean 'gold'?"),
    ("at_least = 60", "reason = \"old\"", "slices.old: needs a condition"),
    ("at_least = 60", "at_least = \"60\"", "slices.old.at_least: input should be a valid number"),
    ("target = \"waves\"", "label_model = \"majorty\"", "no label model 'majorty'; did you mean 'majority'?"),
    ("target = \"waves\"", "kind = \"binry\"", "tasks.state.kind: is 'binry'; it is one of binary, multiclass"),
    ("key = \"sea\"", "dev = 0.6\ntest = 0.5", "splits: dev and test leave no patient to train on"),
    ("column = \"label\"", "", "sources.anna: needs column = the label's column in that file"),
    ("seed = 3", "seed = \"3\"", "project.seed: input should be a valid integer"),
    ("[data]", "[data", ": is no TOML: expected ']' at the end of a table declaration"),
    ("seed = 3", "seed = ", ", line 5, column 8: is no TOML: invalid value"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_a_fault_is_one_line_with_the_key_the_line_and_the_nearest_name(home, tmp_path, old, new, told):
    message = edited(home, tmp_path, old, new)
    assert told in message
    line = int(re.search(r", line (\d+)[:,] ", message)[1])
    text = (home / f"{tmp_path.name}.toml").read_text().splitlines()
    if ".id" not in told and "TOML" not in told:
        assert any(word in text[line - 1] for word in (*re.findall(r"\w+", told.partition(":")[0]), "["))


def test_a_circle_of_tasks_is_named(home, tmp_path):
    more = '\n[tasks.a]\nclasses = ["x", "y"]\nparent = "b"\nwhen = "x"\n\n[tasks.b]\nclasses = ["x", "y"]\nparent = "a"\nwhen = "y"\n'
    more += (
        '\n[sources.ra]\ntask = "a"\nfunctions = "lfs.py"\n\n[sources.rb]\ntask = "b"\nfunctions = "lfs.py"\n'
    )
    message = edited(home, tmp_path, "[splits]", more + "[splits]")
    assert "tasks.b.parent: tasks go round in a circle: a -> b -> a" in message


def test_a_missing_project_file_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r"sidelight\.toml: does not exist; `sidelight init` writes one"):
        load_project(tmp_path)


def test_the_effective_configuration_reads_back_as_itself(home):
    project = load_project(home)
    text = project.effective()
    assert parse(text, Places("effective.toml", text)) == project.config
    assert "learning_rate = 0.003" in text


def test_lines_are_found_in_tables_inline_tables_and_long_values():
    text = 'a = 1\n\n[b."c d"]\nlist = [\n  "x = 1",\n  "[z]",\n]\ntext = """\nno = 1\n"""\nlast.part = {k = 1}\n'
    assert find_lines(text) == {
        ("a",): 1,
        ("b", "c d"): 3,
        ("b", "c d", "list"): 4,
        ("b", "c d", "text"): 8,
        ("b", "c d", "last", "part"): 11,
    }
