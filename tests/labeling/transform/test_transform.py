import numpy as np
import pandas as pd
import pytest

from sidelight.labeling import FunctionError, UsageError, keyword_lf, preprocessor
from sidelight.labeling.transform import (
    ApplyAllPolicy,
    ApplyEachPolicy,
    ApplyOnePolicy,
    MeanFieldPolicy,
    PandasTFApplier,
    RandomPolicy,
    TFApplier,
    find_flips,
    transformation_function,
)


@transformation_function
def add_a(record):
    record.text += "a"
    return record


@transformation_function()
def add_b(record):
    record.text += "b"
    return record


@transformation_function(name="random word")
def add_random(record, rng):
    record.text += f" {rng.integers(1_000_000)}"
    return record


@transformation_function
def never(record):
    return None


ROWS = [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}]


def texts(made):
    return [record.text for record in made]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ApplyEachPolicy(2), ["x", "xa", "xb", "y", "ya", "yb"]),
        (ApplyEachPolicy(2, keep_original=False), ["xa", "xb", "ya", "yb"]),
        (ApplyAllPolicy(2), ["x", "xab", "y", "yab"]),
        (ApplyAllPolicy(2, n_per_original=2, keep_original=False), ["xab", "xab", "yab", "yab"]),
        (MeanFieldPolicy(2, sequence_length=3, p=[0, 1], keep_original=False), ["xbbb", "ybbb"]),
    ],
)
def test_policies_say_what_is_applied(policy, expected):
    assert texts(TFApplier([add_a, add_b], policy).apply(ROWS)) == expected


def test_random_sequences_are_even_seeded_and_free_of_order():
    policy = RandomPolicy(2, sequence_length=2, n_per_original=3, keep_original=False)
    rows = [{"id": str(i), "text": ""} for i in range(200)]
    made = TFApplier([add_a, add_b], policy).apply(rows)
    share = np.mean([record.text.count("a") / 2 for record in made])
    assert 0.4 < share < 0.6
    again = TFApplier([add_a, add_b], policy).apply(rows[::-1])
    assert {r.id: r.text for r in made} == {r.id: r.text for r in again}
    assert texts(made) != texts(TFApplier([add_a, add_b], policy, seed=1).apply(rows))


def test_chance_within_a_function_is_seeded_too():
    one, two = (TFApplier([add_random], ApplyOnePolicy(2)).apply(ROWS) for _ in range(2))
    assert texts(one) == texts(two)
    assert len(set(texts(one))) == 6


def test_new_records_know_their_parent_and_originals_stay():
    made = TFApplier([add_a], ApplyOnePolicy(2)).apply(ROWS)
    assert [(r.id, r.parent_id) for r in made][:3] == [("1", None), ("1~1", "1"), ("1~2", "1")]
    assert ROWS[0]["text"] == "x"


def test_records_that_do_not_change_are_left_out():
    assert texts(TFApplier([never], ApplyOnePolicy()).apply(ROWS)) == ["x", "y"]


def test_frames_keep_their_columns():
    frame = pd.DataFrame({"text": ["x", "y"], "age": [1, 2]}, index=["p", "q"])
    made = PandasTFApplier([add_a], ApplyOnePolicy()).apply(frame)
    assert made.columns.tolist() == ["text", "age", "parent_id"]
    assert made["text"].tolist() == ["x", "xa", "y", "ya"]
    assert made.index.tolist() == ["p", "p~1", "q", "q~1"]
    assert made["age"].tolist() == [1, 1, 2, 2]
    parts = list(PandasTFApplier([add_a], ApplyOnePolicy()).apply_generator(frame, batch_size=1))
    assert pd.concat(parts).equals(made)


def test_preprocessors_run_before():
    @preprocessor
    def loud(record):
        record.loud = record.text.upper()
        return record

    @transformation_function(pre=[loud])
    def shout(record):
        record.text = record.loud
        return record

    assert texts(TFApplier([shout], ApplyOnePolicy(keep_original=False)).apply(ROWS)) == ["X", "Y"]


def test_votes_that_a_transformation_changes_are_found():
    @transformation_function
    def swap(record):
        record.text = record.text.replace("left", "right")
        return record

    functions = [keyword_lf("left", ["left"], 1), keyword_lf("effusion", ["effusion"], 1)]
    made = TFApplier([swap], ApplyOnePolicy()).apply([{"id": "1", "text": "left effusion"}])
    assert [tuple(flip) for flip in find_flips(functions, made)] == [("left", "1~1", "1", 1, -1)]
    with pytest.raises(ValueError, match="keep the originals"):
        find_flips(functions, made[1:])


def test_faults_name_function_and_row_and_no_text():
    @transformation_function
    def breaks(record):
        record.number = int(record.text)
        return record

    with pytest.raises(FunctionError, match="'breaks', row 1: raised ValueError") as caught:
        TFApplier([breaks], ApplyOnePolicy()).apply([{"id": "1", "text": "1"}, {"id": "2", "text": "ZEBRA"}])
    assert "ZEBRA" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TFApplier([], ApplyOnePolicy()),
        lambda: TFApplier([lambda r: r], ApplyOnePolicy()),
        lambda: TFApplier([add_a, add_a], ApplyAllPolicy(2)),
        lambda: TFApplier([add_a, add_b], ApplyOnePolicy()).apply(ROWS),
        lambda: TFApplier([add_a], ApplyAllPolicy(2)).apply(ROWS),
        lambda: MeanFieldPolicy(2, p=[0.5, 0.6]),
        lambda: ApplyOnePolicy(-1),
    ],
)
def test_what_does_not_fit_is_refused(make):
    with pytest.raises((UsageError, ValueError)):
        make()
