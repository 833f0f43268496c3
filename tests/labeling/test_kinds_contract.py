"""What holds for every kind of declared function."""

import pickle

import numpy as np
import pytest

from sidelight.labeling import (
    CodeSet,
    DeclaredFunction,
    FunctionError,
    LFApplier,
    Record,
    annotator_lf,
    cascade,
    dated_lf,
    event_lf,
    finding_lf,
    first_of,
    gazetteer_lf,
    keyword_lf,
    neighbour_lf,
    numeric_lf,
    prompt_lf,
    regex_lf,
    rise_lf,
)

EVENTS = [
    {"kind": "lab", "code": "2160-0", "time": f"2020-01-0{day}", "value": value, "unit": "mg/dl"}
    for day, value in ((1, 0.9), (2, 1.4))
]
ROWS = [
    {
        "id": "a",
        "text": "Effusion. EF 30 %. Fell 3 days ago.",
        "time": "2020-01-10",
        "events": EVENTS,
        "reader": "pos",
    },
    {"id": "b", "text": "No effusion, Lungenödem.", "time": "2020-01-10", "events": [], "reader": None},
    {"id": "c", "text": "", "time": None, "events": [], "reader": "?"},
    {"id": "d", "text": "ef 60%; EFFUSION unlikely", "time": "2019-01-01", "events": EVENTS, "reader": "neg"},
]
TEXTS = {"pleural effusion": 1, "effusion": 1, "normal heart": 0}


def kinds(change=False):
    """One function of every kind; with `change`, each with some content changed."""
    word = "ascites" if change else "effusion"
    number = 41 if change else 40
    return {
        "keyword": keyword_lf("f", [word], 1),
        "context": keyword_lf("f", ["effusion"], 1, negated=change),
        "regex": regex_lf("f", word, 1),
        "gazetteer": gazetteer_lf("f", [word, "x"], 1),
        "numeric": numeric_lf("f", ["EF"], 1, below=number, units="%"),
        "dated": dated_lf("f", ["fell"], 1, days=(-number, 0)),
        "event": event_lf("f", ["2160-0"], 1, above=number / 40),
        "rise": rise_lf("f", CodeSet(["2160"]), 1, by=number / 100, hours=48),
        "finding": finding_lf("f", [word], affirmed=1, negated=0),
        "annotator": annotator_lf("f", "reader", answers={"pos": 1, "neg": int(change)}),
        "neighbour": neighbour_lf("f", TEXTS, threshold=number / 100, k=1),
        "and": (keyword_lf("a", [word], 1) & keyword_lf("b", ["ef"], 1)).named("f"),
        "or": (keyword_lf("a", [word], 1) | keyword_lf("b", ["fell"], 1)).named("f"),
        "not": (~keyword_lf("a", [word], 1)).voting(0).named("f"),
        "then": keyword_lf("a", [word], 1).then(keyword_lf("b", ["fell"], 0)).named("f"),
        "first": first_of(keyword_lf("a", [word], 1), keyword_lf("b", ["ef"], 0), name="f"),
        "cascade": cascade(keyword_lf("a", [word], 1, negated=False), keyword_lf("b", ["ef"], 0), name="f"),
        "prompt": prompt_lf("f", f"{word}? {{text}}", {"yes": 1}, model="m"),
    }


pytestmark = pytest.mark.parametrize("kind", sorted(kinds()))


def votes_of(function, rows=ROWS):
    rows = list(rows)
    return LFApplier([function]).apply(rows).dense()[:, 0].tolist()


@pytest.fixture
def function(kind):
    return kinds()[kind]


def test_it_pickles_with_its_votes_and_its_fingerprint(kind, function):
    again = pickle.loads(pickle.dumps(function))  # noqa: S301
    assert type(again) is type(function)
    assert again.fingerprint == function.fingerprint
    assert again.polarity == function.polarity
    if kind != "prompt":
        assert votes_of(again) == votes_of(function)


def test_equal_content_has_equal_fingerprints_and_other_content_another(kind, function):
    assert function.fingerprint == kinds()[kind].fingerprint
    assert function.fingerprint != kinds(change=True)[kind].fingerprint


def test_it_fires_somewhere_and_the_order_of_records_does_not_matter(kind, function):
    if kind == "prompt":
        pytest.skip("asks a model")
    votes = votes_of(function)
    assert set(votes) != {-1}
    assert votes_of(function, ROWS[::-1]) == votes[::-1]


def test_evidence_agrees_with_the_vote_and_lies_in_the_text(kind, function):
    if kind == "prompt":
        pytest.skip("asks a model")
    run = LFApplier([function]).apply(ROWS, evidence=True)
    assert run.dense()[:, 0].tolist() == votes_of(function)
    for (row, _), spans in run.evidence.items():
        assert run.dense()[row, 0] != -1
        assert all(0 <= start < end <= len(ROWS[row]["text"]) for start, end in spans)


def test_it_says_what_it_does(kind, function):
    assert isinstance(function, DeclaredFunction)
    assert len(function.__doc__) > 10
    assert function.cost > 0


def test_errors_name_the_function_and_the_row_and_no_text(kind, function):
    if kind in ("event", "rise", "annotator", "prompt"):
        pytest.skip("reads no text, or asks a model")
    rows = [Record({"id": "a", "text": "fine"}), Record({"id": "b", "text": ["ZEBRA-4711"]})]
    with pytest.raises(FunctionError, match="'f', row 1") as caught:
        LFApplier([function]).apply(rows)
    assert "ZEBRA" not in str(caught.value)
    assert np.asarray(LFApplier([function]).apply(rows, on_error="abstain").statistics.errors).tolist() == [1]
