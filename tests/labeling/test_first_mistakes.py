"""What a newcomer gets wrong first, and whether the message says so without repeating a record."""

import pickle

import numpy as np
import pytest

from sidelight.labeling import (
    FunctionError,
    LFApplier,
    UsageError,
    finding_lf,
    inspect_functions,
    keyword_lf,
    labeling_function,
    numeric_lf,
)

pd = pytest.importorskip("pandas")
effusion = keyword_lf("effusion", ["effusion"], 1)


@labeling_function
def misspells(record):
    return 1 if record.reprot else None


@labeling_function
def asks_for_age(record):
    return 1 if record["age"] > 5 else None


@labeling_function
def lowers(record):
    return 1 if "cough" in record.note.lower() else None


@labeling_function
def computes_a_name(record):
    return getattr(record, record.report.split()[0])


@labeling_function
def quotes(record):
    raise TypeError(record.report)


@pytest.mark.parametrize(
    ("function", "row", "said"),
    [
        (misspells, {"report": "x"}, "the records have no field 'reprot' (did you mean 'report'?)"),
        (asks_for_age, {"report": "x"}, "the records have no field 'age'"),
        (asks_for_age, {"age": None}, "is the field empty there?"),
        (lowers, {"note": None}, "is the field empty there?"),
    ],
)
def test_a_missing_or_empty_field_is_named_as_the_cause(function, row, said):
    with pytest.raises(FunctionError) as caught:
        LFApplier([function]).apply([row])
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize("function", [computes_a_name, quotes])
def test_no_word_of_the_record_is_taken_for_a_cause(function):
    with pytest.raises(FunctionError) as caught:
        LFApplier([function]).apply([{"report": "Mueller was here"}])
    assert "Mueller" not in str(caught.value)


def test_a_column_that_holds_numbers_is_no_text():
    with pytest.raises(FunctionError, match="searches 'age', which holds a float"):
        LFApplier([finding_lf("f", ["x"], affirmed=1, negated=0, field="age")]).apply([{"age": 5.0}])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LFApplier(effusion), "put it in a list"),
        (lambda: LFApplier([effusion], schema=["absent", "present"]), r"LabelSchema\(classes=...\)"),
        (lambda: keyword_lf("a", ["x"], None), "votes for None"),
        (lambda: keyword_lf("a", ["x"], True), "votes for True"),
        (lambda: keyword_lf("a", ["x"], -1), "votes for -1"),
        (lambda: keyword_lf("a", ["x"], 0.5), "votes for 0.5"),
        (lambda: numeric_lf("a", ["EF"], 1, below="40"), "bounds are numbers"),
        (lambda: LFApplier([effusion]).apply([{"report": "effusion"}]), "reads the field 'text'"),
        (lambda: LFApplier([effusion]).apply(pd.DataFrame({"report": ["x"]})), "rename the column"),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_said(make, said):
    with pytest.raises((UsageError, TypeError), match=said):
        make()


def test_a_class_may_be_a_number_of_numpys():
    assert pickle.loads(pickle.dumps(keyword_lf("a", ["x"], np.int64(1))))("x") == 1  # noqa: S301


@pytest.mark.parametrize("text", ["Mueller has an effusion.", "Mueller " * 1000])
def test_a_report_given_as_a_path_is_not_repeated(text):
    with pytest.raises(UsageError, match="texts go in a list") as caught:
        LFApplier([effusion]).apply(text)
    assert "Mueller" not in str(caught.value)


def test_a_field_that_only_some_records_have_may_be_read():
    votes = LFApplier([effusion]).apply([{"report": "x"}, {"text": "Effusion."}])
    assert np.asarray(votes).tolist() == [[-1], [1]]


def test_loading_rules_is_no_cost_of_a_record():
    loaded = iter([3_000_000])

    @labeling_function(version="1")
    def loads_first(record):
        sum(range(next(loaded, 0)))
        return 1

    assert inspect_functions([loads_first], [f"note {n}" for n in range(50)]) == []
