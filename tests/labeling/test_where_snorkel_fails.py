"""Each test is a failure users met in Snorkel 0.10, and what happens here instead."""

import time

import numpy as np
import pandas as pd
import pytest

from sidelight.label_model import LabelModel, LabelModelWarning, MajorityLabelVoter
from sidelight.labeling import (
    ABSTAIN,
    FunctionError,
    LabelSchema,
    LFAnalysis,
    LFApplier,
    PandasLFApplier,
    labeling_function,
    preprocessor,
)


@pytest.mark.parametrize("answer", [True, 7, 2.7, float("nan"), "spam"])
def test_a_wrong_vote_is_never_truncated_turned_or_passed_on(answer):
    """There True became 1, 2.7 became 2, NaN an abstention, and 7 passed until `fit`."""

    @labeling_function()
    def odd(x):
        return answer

    with pytest.raises(FunctionError, match="function 'odd', row 0"):
        PandasLFApplier([odd], schema=LabelSchema.of(2)).apply(pd.DataFrame({"text": ["a"]}))


def test_none_is_an_abstention():
    """There None stopped the run without naming the function."""

    @labeling_function()
    def silent(x):
        return None

    assert PandasLFApplier([silent]).apply(pd.DataFrame({"text": ["a"]})).dense().tolist() == [[ABSTAIN]]


def test_the_decorator_needs_no_parentheses():
    """There a bare decorator raised."""

    @labeling_function
    def bare(x):
        return 1

    assert bare({"text": ""}) == 1


def test_a_function_that_never_fires_has_no_precision():
    """There it showed accuracy 0.0, and a learned weight of 1.0."""
    table = LFAnalysis(np.array([[-1, 1], [-1, 0]])).lf_summary(np.array([1, 0]))
    assert np.isnan(table.loc["lf_0", "precision"])
    assert table.loc["lf_0", "coverage"] == 0


def test_unlabeled_gold_is_no_error_of_the_function():
    """There -1 in the gold labels counted against precision."""
    table = LFAnalysis(np.array([[1], [1]])).lf_summary(np.array([1, -1]))
    assert table.loc["lf_0", ["correct", "incorrect"]].tolist() == [1, 0]


def test_a_shuffled_index_moves_no_row():
    """There the parallel applier returned rows in the order of the index: accuracy 90% -> 10%."""
    frame = pd.DataFrame({"text": [str(i) for i in range(20)]}).sample(frac=1, random_state=0)

    @labeling_function()
    def odd_number(x):
        return int(x.text) % 2

    votes = PandasLFApplier([odd_number]).apply(frame)
    assert votes.dense().ravel().tolist() == [int(text) % 2 for text in frame["text"]]
    assert votes.ids.tolist() == [str(i) for i in frame.index]


def test_a_preprocessor_runs_once_a_record_missing_values_or_not():
    """There one NaN in the row made every key new, and the cache never hit."""
    calls = []

    @preprocessor()
    def lower(x):
        calls.append(1)
        x.lowered = x.text.lower()
        return x

    functions = [
        labeling_function(name=f"f{i}", pre=[lower])(lambda x: int(x.lowered == "a")) for i in range(3)
    ]
    frame = pd.DataFrame({"text": ["A", "b"], "age": [np.nan, 1.0]})
    assert PandasLFApplier(functions).apply(frame).dense().tolist() == [[1] * 3, [0] * 3]
    assert len(calls) == 2


def test_a_failing_call_is_counted_and_named():
    @labeling_function()
    def breaks(x):
        return x.nothing

    votes, meta = PandasLFApplier([breaks]).apply(
        pd.DataFrame({"text": ["a"]}), fault_tolerant=True, return_meta=True
    )
    assert meta.faults == {"breaks": 1}
    assert np.asarray(votes).tolist() == [[-1]]


def test_rows_of_a_frame_are_no_series():
    """There 100 000 rows and 10 functions took 18 to 24 seconds; a tenth of that work must not take two."""
    functions = [labeling_function(name=f"f{i}")(lambda x: 1 if "a" in x.text else -1) for i in range(10)]
    frame = pd.DataFrame({"text": ["abc", "xyz"] * 5000})
    begin = time.process_time()
    votes = LFApplier(functions).apply(frame)
    assert votes.shape == (10_000, 10)
    assert time.process_time() - begin < 1.8


def test_summaries_come_without_warnings():
    """There every summary printed a FutureWarning."""
    LFAnalysis(np.array([[0, 1], [1, -1]])).lf_summary(np.array([0, 1]))  # a warning is an error here


@pytest.mark.filterwarnings("ignore:labels go against the votes")  # half are for a class called rare
def test_a_record_without_votes_stays_unlabeled_whatever_the_balance():
    """There it got the larger class, and `tie_break_policy="abstain"` did not abstain."""
    votes = np.array([[0, 0, 0], [1, 1, 1], [-1, -1, -1]] * 20)
    for model in (LabelModel(cardinality=2), MajorityLabelVoter(cardinality=2)):
        fitted = (
            model.fit(votes, class_balance=[0.9, 0.1]) if isinstance(model, LabelModel) else model.fit(votes)
        )
        assert fitted.predict(votes)[2] == ABSTAIN


def test_three_runs_give_one_answer():
    """There P(class) of one row was 0.65, 0.56 and 0.65 in three processes."""
    votes = np.random.default_rng(0).integers(-1, 2, size=(200, 5))
    with pytest.warns(LabelModelWarning, match="next to nothing"):  # so drawn, they do not
        probabilities = [LabelModel(cardinality=2).fit(votes).predict_proba(votes) for _ in range(2)]
    np.testing.assert_array_equal(*probabilities)
