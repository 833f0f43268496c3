"""Steps that add fields before functions see a record."""

import pytest

from sidelight.labeling import FunctionError, LFApplier, Record, labeling_function, preprocessor

calls = []


@preprocessor
def lower(record):
    calls.append("lower")
    record.lowered = record.text.lower()
    return record


@preprocessor(pre=[lower], name="words")
def split(record):
    calls.append("split")
    return record.with_fields(words=record.lowered.split())


@labeling_function(pre=[lower])
def says_sinus(record):
    return 0 if "sinus" in record.lowered else None


@labeling_function(pre=[lower, split])
def is_short(record):
    return 1 if len(record.words) < 3 and record.lowered else None


ROWS = [{"id": "a", "text": "SINUS rhythm"}, {"id": "b", "text": "Atrial fibrillation, rate 90"}]


def test_a_step_runs_once_a_record_however_many_functions_share_it():
    calls.clear()
    votes = LFApplier([says_sinus, is_short]).apply(ROWS)
    assert votes.dense().tolist() == [[0, 1], [-1, -1]]
    assert sorted(calls) == ["lower"] * 2 + ["split"] * 2


def test_a_missing_value_anywhere_in_the_row_does_not_make_it_run_again():
    calls.clear()
    LFApplier([says_sinus, is_short]).apply([row | {"age": float("nan")} for row in ROWS])
    assert sorted(calls) == ["lower"] * 2 + ["split"] * 2


def test_each_run_computes_afresh():
    texts = {"text": "SINUS"}
    assert says_sinus(texts) == 0
    texts["text"] = "paced"
    assert says_sinus(texts) is None


def test_the_record_given_stays_as_it_is():
    record = Record({"text": "SINUS"})
    assert lower(record).lowered == "sinus"
    assert split(record).words == ["sinus"]
    assert "lowered" not in record
    with pytest.raises(AttributeError, match="read-only"):
        lower(record).lowered = "x"


def test_names():
    assert (lower.name, split.name, lower.__name__) == ("lower", "words", "lower")


def test_a_step_that_returns_something_else_is_named():
    @preprocessor
    def forgets(record):
        record.lowered = "x"

    with pytest.raises(TypeError, match="'forgets' returned a NoneType"):
        forgets({"text": "ZEBRAFISH-4711"})


def test_a_step_that_raises_is_the_functions_fault_at_that_row():
    @preprocessor
    def breaks(record):
        raise ValueError(record.text)

    @labeling_function(pre=[breaks])
    def says_anything(record):
        return 0

    with pytest.raises(FunctionError, match="'says_anything', row 0: raised ValueError") as caught:
        LFApplier([says_anything]).apply([{"text": "ZEBRAFISH-4711"}])
    assert caught.value.__context__ is None
