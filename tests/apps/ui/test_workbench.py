"""Functions typed into a form: what they would do, their code, and patterns that never end."""

import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.function_form import FunctionForm, save_code
from sidelight.apps.ui.pattern_process import PatternProcess
from sidelight.apps.ui.preview import add_function, failing_examples, judge, preview
from sidelight.apps.ui.workspace import Workspace
from sidelight.labeling import LabelingFunction, LimitError, UsageError, load_functions

CLASSES = ("normal", "abnormal")


@pytest.fixture(scope="module")
def sample():
    return Workspace.sample()


@pytest.fixture(scope="module")
def process():
    running = PatternProcess()
    yield running
    running.close()


def form(words, kind="keywords", **more):
    return FunctionForm(more.pop("name", "says_it"), kind, words, more.pop("vote", "abnormal"), **more)


def test_a_preview_counts_what_the_function_itself_would_do(sample, process):
    rows = np.arange(len(sample.records))
    texts = sample.records.texts(rows.tolist())
    gold = np.full(len(rows), -1)
    gold[:100] = sample.proba[:100].argmax(axis=1)
    typed = form("infarct\ninfarkt\nischaemia")
    result = preview(process, sample, typed, rows, texts, gold)
    function = typed.build()
    expected = [row for row in rows.tolist() if function(sample.records[row]) is not None]
    assert sorted(result.hits) == expected != []
    assert result.coverage == len(expected) / len(rows)
    assert 0 <= result.conflict <= result.overlap <= result.coverage
    judged = [row for row in expected if row < 100]
    assert result.n_judged == result.precision.n == len(judged)
    assert all((gold[row] == 1) and row not in expected for row in result.misses)
    assert all(
        texts[row][a:b].lower() in ("infarct", "infarkt", "ischaemia")
        for row, spans in result.hits.items()
        for a, b in spans
    )
    assert result.changed is not None
    assert result.ms_per_note > 0


def test_what_the_note_denies_does_not_count(process):
    found = process.run(
        form("infarct", not_when=("negated",)), ["an infarct", "no infarct", "no change. infarct"], CLASSES
    )
    assert found.votes == {0: 1, 2: 1}


def test_a_finding_votes_by_what_the_note_says_of_it(process):
    asked = form("infarct", kind="finding in context", when_denied="normal")
    found = process.run(asked, ["an infarct", "no infarct", "possible infarct", "nothing"], CLASSES)
    assert found.votes == {0: 1, 1: 0}
    assert found.evidence == {0: ((3, 10),), 1: ((3, 10),)}


def test_a_pattern_that_never_ends_is_stopped_and_the_next_one_runs(process):
    slow = PatternProcess(patience=1.0)
    slow.run(form("start"), ["warm up"], CLASSES)
    begin = time.perf_counter()
    with pytest.raises(LimitError, match="longer than 1 second"):
        slow.run(form("(a+)+$", kind="regular expression"), ["a" * 60 + "!"], CLASSES)
    assert time.perf_counter() - begin < 10
    assert slow.run(form("b"), ["a b c"], CLASSES).evidence == {0: ((2, 3),)}
    slow.close()


@pytest.mark.parametrize(
    "wrong",
    [form(""), form("x", name="no name"), form("x", name="class"), form("(", kind="regular expression")],
)
def test_what_is_no_function_is_said_in_words(process, wrong):
    with pytest.raises(UsageError):
        process.run(wrong, ["x"], CLASSES)


def test_a_function_put_to_use_votes_and_the_model_learns_anew(sample, process):
    more = add_function(process, sample, form("sinusrhythmus", name="says_rhythm", vote="normal"))
    assert more.votes.names == (*sample.votes.names, "says_rhythm")
    column = np.asarray(more.votes)[:, -1]
    expected = [
        0 if "sinusrhythmus" in text.lower() else -1 for text in more.records.texts(range(len(column)))
    ]
    assert (column == 0).sum() > 50
    assert np.mean(column == expected) > 0.97, "whole words only"
    assert more.proba.shape == sample.proba.shape
    assert len(more.functions) == len(sample.functions) + 1


FORMS = [
    form("paced\npacemaker", name="says_paced", unless="no pacemaker"),
    form(r"\bst[- ]senkung", kind="regular expression", name="says_st", unless="keine"),
    form("block", name="says_block", whole_words=False),
    form("infarct", name="says_infarct", not_when=("negated", "uncertain")),
    form('it\'s "quoted" \\ back', name="says_odd"),
    form(
        "infarct", kind="finding in context", name="says_context", when_denied="normal", unless="old infarct"
    ),
]


def test_saved_code_does_what_the_form_did_and_its_tests_pass(tmp_path):
    path = tmp_path / "lfs.py"
    for typed in FORMS:
        save_code(
            typed,
            path,
            ("normal", "abnormal"),
            typed.words.splitlines()[0] if typed.kind != "regular expression" else "st-senkung",
            "sinus rhythm",
        )
    found = {function.name: function for function in load_functions(path, LabelingFunction)}
    assert list(found) == [typed.name for typed in FORMS]
    for text in [
        "pacemaker",
        "no pacemaker",
        "ST-Senkung",
        "keine st senkung",
        "hemiblock",
        "an infarct",
        "no infarct",
        "possible infarct",
        'it\'s "quoted" \\ back',
        "",
    ]:
        for typed in FORMS:
            assert found[typed.name]({"text": text}) == typed.build()({"text": text})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_lfs.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "12 passed" in done.stdout


def test_a_function_is_added_to_a_file_that_has_others(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from sidelight.labeling import labeling_function\n\n@labeling_function\ndef is_long(record):\n    return None\n"
    )
    written = save_code(FORMS[0], path, ("normal", "abnormal"), "", "")
    assert written == [path]
    assert [f.name for f in load_functions(path, LabelingFunction)] == ["is_long", "says_paced"]
    with pytest.raises(UsageError, match="already"):
        save_code(FORMS[0], path, ("normal", "abnormal"), "", "")
    with pytest.raises(UsageError, match="already"):
        save_code(form("x", name="is_long"), path, ("normal", "abnormal"), "", "")


def test_examples_that_come_out_otherwise_are_named(process):
    wrong = failing_examples(
        process, FORMS[0], "a pacemaker\nno device", "no pacemaker\npaced rhythm", CLASSES
    )
    assert wrong == ["no device", "paced rhythm"]


FILE = """
from sidelight.labeling import Vote, labeling_function
import helper_beside

print("a word to nobody")

@labeling_function
def is_old(record):
    return "abnormal" if record.age and record.age > 80 else None

@labeling_function
def raises(record):
    raise ValueError(record.text)

says_word = helper_beside.made
"""


def test_a_file_of_functions_is_tried_with_all_fields_before_it_is_saved(sample, tmp_path):
    (tmp_path / "helper_beside.py").write_text(
        "from sidelight.labeling import keyword_lf\nmade = keyword_lf('says_word', ['infarct'], 'abnormal')\n"
    )
    rows = np.arange(len(sample.records))
    table = sample.records.stream(rows.tolist())
    process = PatternProcess()
    trials = {trial.name: trial for trial in process.run_file(FILE, tmp_path / "mine.py", table, CLASSES)}
    assert list(trials) == ["is_old", "raises", "says_word"]
    old = [row for row in rows.tolist() if (sample.records[row].age or 0) > 80]
    assert sorted(trials["is_old"].votes) == old != []
    assert (trials["raises"].n_errors, trials["raises"].raised) == (len(rows), "ValueError")
    assert trials["says_word"].evidence
    assert not (tmp_path / "mine.py").exists(), "trying writes nothing"
    gold = np.full(len(rows), -1)
    gold[old[:3]] = [1, 1, 0]
    seen = judge(trials["is_old"], sample, rows, gold)
    assert (seen.n_judged, round(seen.precision.estimate, 2)) == (3, 0.67)
    assert judge(trials["raises"], sample, rows, gold).coverage == 0


@pytest.mark.parametrize("code", ["x = (", "raise ValueError('Canary')", "import os; os._exit(3)", "x = 1"])
def test_a_file_that_does_not_load_is_told_in_words(sample, tmp_path, code):
    process = PatternProcess(patience=5)
    with pytest.raises((UsageError, LimitError)) as fault:
        process.run_file(code, tmp_path / "mine.py", sample.records.stream([0]), CLASSES)
    assert "Canary" not in str(fault.value)
