"""The table about labeling functions: numbers worked by hand."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidelight.labeling import LFAnalysis, LFApplier, as_votes, keyword_lf, labeling_function

VOTES = np.array(
    [
        [0, 0, -1, -1],
        [0, 1, -1, -1],
        [0, -1, -1, -1],
        [1, 1, 1, -1],
        [-1, 1, 0, -1],
        [-1, -1, -1, -1],
        [0, -1, -1, -1],
        [-1, 1, -1, -1],
    ],
    dtype=np.int8,
)
GOLD = [0, 1, 0, 1, 1, 0, None, float("nan")]
GOLD_ARRAY = np.array([0, 1, 0, 1, 1, 0, -1, -1])


def test_coverage_overlap_and_conflict_of_records():
    analysis = LFAnalysis(VOTES)
    assert analysis.label_coverage() == 7 / 8
    assert analysis.label_overlap() == 4 / 8
    assert analysis.label_conflict() == 2 / 8


def test_the_columns_without_gold():
    table = LFAnalysis(VOTES).lf_summary()
    assert list(table.columns) == ["j", "polarity", "coverage", "overlaps", "conflicts"]
    assert list(table.index) == ["lf_0", "lf_1", "lf_2", "lf_3"]
    assert table["polarity"].tolist() == [[0, 1], [0, 1], [0, 1], []]
    assert table["coverage"].tolist() == [5 / 8, 5 / 8, 2 / 8, 0]
    assert table["overlaps"].tolist() == [3 / 8, 4 / 8, 2 / 8, 0]
    assert table["conflicts"].tolist() == [1 / 8, 2 / 8, 1 / 8, 0]


def test_missing_gold_is_left_out_and_never_counted_as_error():
    table = LFAnalysis(VOTES).lf_summary(GOLD)
    assert table["correct"].tolist() == [3, 4, 1, 0]
    assert table["incorrect"].tolist() == [1, 0, 1, 0]
    np.testing.assert_allclose(table["precision"], [3 / 4, 1, 1 / 2, np.nan])
    np.testing.assert_allclose(table["recall"], [3 / 6, 4 / 6, 1 / 6, np.nan])
    # voting at random: each vote is right with its class's share of gold (3 of 6, both classes)
    np.testing.assert_allclose(table["lift"], [1.5, 2, 1, np.nan])


def test_intervals_are_wilsons():
    table = LFAnalysis(VOTES).lf_summary(GOLD)
    z = 1.959963984540054
    for correct, n, low, high in zip(
        table["correct"],
        table["correct"] + table["incorrect"],
        table["precision_lo"],
        table["precision_hi"],
        strict=True,
    ):
        if n == 0:
            assert np.isnan(low)
            assert np.isnan(high)
            continue
        p = correct / n
        middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        assert low == pytest.approx((middle - half) / (1 + z * z / n))
        assert high == pytest.approx((middle + half) / (1 + z * z / n))
        assert 0 <= low <= p <= high <= 1
    wide = LFAnalysis(VOTES).lf_summary(GOLD, level=0.99)
    assert (wide["precision_lo"].dropna() < table["precision_lo"].dropna()).all()


def test_lift_compares_with_voting_so_at_random():
    gold = [1, 0, 0, 0]
    table = LFAnalysis([[1, 0], [-1, 0], [-1, 0], [1, 0]]).lf_summary(gold)
    np.testing.assert_allclose(table["precision"], [1 / 2, 3 / 4])
    np.testing.assert_allclose(table["lift"], [(1 / 2) / (1 / 4), 1])
    np.testing.assert_allclose(table["recall"], [1, 1])


def test_a_function_that_never_fires_has_no_precision_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = LFAnalysis([[-1], [-1]]).lf_summary([0, 1])
    assert table.loc["lf_0", "coverage"] == 0
    assert np.isnan(
        table.loc["lf_0", ["precision", "precision_lo", "precision_hi", "recall", "lift"]].astype(float)
    ).all()


def test_snorkels_table_has_snorkels_columns_in_their_order():
    table = LFAnalysis(VOTES).lf_summary(GOLD_ARRAY, est_weights=[1, 2, 3, 4], style="snorkel")
    assert list(table.columns) == [
        "j", "Polarity", "Coverage", "Overlaps", "Conflicts", "Correct", "Incorrect", "Emp. Acc.", "Learned Weight",
    ]  # fmt: skip
    assert table["Correct"].tolist() == [3, 4, 1, 0]
    np.testing.assert_allclose(table["Emp. Acc."][:3], [3 / 4, 1, 1 / 2])
    assert list(LFAnalysis(VOTES).lf_summary(style="snorkel").columns) == list(table.columns[:5])
    with pytest.raises(ValueError, match="'sidelight' or 'snorkel'"):
        LFAnalysis(VOTES).lf_summary(style="Snorkel")


def test_shares_of_overlaps_and_conflicts():
    analysis = LFAnalysis(VOTES)
    np.testing.assert_allclose(analysis.lf_overlaps(normalize_by_coverage=True), [3 / 5, 4 / 5, 1, np.nan])
    np.testing.assert_allclose(
        analysis.lf_conflicts(normalize_by_overlaps=True), [1 / 3, 2 / 4, 1 / 2, np.nan]
    )


def test_empirical_probabilities_are_distributions_for_each_class():
    table = LFAnalysis(VOTES).lf_empirical_probs(GOLD_ARRAY, k=2)
    assert table.shape == (4, 3, 2)
    np.testing.assert_allclose(table.sum(axis=1), 1)
    np.testing.assert_allclose(table[0], [[1 / 3, 1 / 3], [2 / 3, 1 / 3], [0, 1 / 3]])
    np.testing.assert_allclose(LFAnalysis(VOTES).lf_empirical_accuracies(GOLD_ARRAY)[:3], [3 / 4, 1, 1 / 2])


arrays = hnp.arrays(np.int8, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(-1, 2))


@given(arrays, st.data())
def test_neither_order_of_records_nor_form_of_votes_matters(values, data):
    gold = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=len(values), max_size=len(values))))
    order = np.array(data.draw(st.permutations(range(len(values)))))
    tables = [
        LFAnalysis(as_votes(values, cardinality=3)).lf_summary(gold),
        LFAnalysis(as_votes(values, cardinality=3).compact()).lf_summary(gold),
        LFAnalysis(as_votes(values[order], cardinality=3)).lf_summary(gold[order]),
    ]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


@given(arrays)
def test_coverage_overlap_and_conflict_are_nested(values):
    analysis = LFAnalysis(as_votes(values, cardinality=3))
    assert 1 >= analysis.label_coverage() >= analysis.label_overlap() >= analysis.label_conflict() >= 0
    assert (analysis.lf_coverages() >= analysis.lf_overlaps()).all()
    assert (analysis.lf_overlaps() >= analysis.lf_conflicts()).all()
    naive = [len({v for v in row if v >= 0}) > 1 for row in values]
    assert analysis.label_conflict() == pytest.approx(np.mean(naive))


def test_gold_is_matched_by_id():
    functions = [keyword_lf("says_a", ["a"], 0), keyword_lf("says_b", ["b"], 1)]
    votes = LFApplier(functions).apply([{"id": name, "text": name} for name in "ab"])
    table = LFAnalysis(votes, functions).lf_summary({"b": 1, "a": 0})
    assert table["precision"].tolist() == [1, 1]
    assert list(table.index) == ["says_a", "says_b"]
    assert (table["ms_per_row"] > 0).all()
    assert table["errors"].tolist() == [0, 0]


def test_names_come_from_the_functions_and_must_fit():
    functions = [keyword_lf("says_a", ["a"], 0), keyword_lf("says_b", ["b"], 1)]
    assert list(LFAnalysis([[0, 1]], functions).lf_summary().index) == ["says_a", "says_b"]
    with pytest.raises(ValueError, match="2 functions for 1 columns"):
        LFAnalysis([[0]], functions)
    votes = LFApplier(functions).apply(["a"])
    with pytest.raises(ValueError, match="not the functions of these votes"):
        LFAnalysis(votes, functions[::-1])


def test_failing_calls_are_shown():
    @labeling_function(on_error="abstain")
    def breaks(record):
        raise ValueError

    assert LFAnalysis(LFApplier([breaks]).apply(["a", "b"])).lf_summary()["errors"].tolist() == [2]


def test_no_records_make_an_empty_but_whole_table():
    table = LFAnalysis(np.empty((0, 2), np.int8)).lf_summary([])
    assert table["coverage"].tolist() == [0, 0]
    assert table["precision"].isna().all()


def test_lift_and_recall_have_intervals_that_hold_the_truth():
    held = {"lift": [], "recall": []}
    truth = {"lift": (0.2 * 0.5) / (0.2 * 0.5 + 0.8 * 0.1) / 0.2, "recall": 0.5}
    for seed in range(200):
        random = np.random.default_rng(seed)
        gold = (random.random(100) < 0.2).astype(int)
        votes = np.where(random.random(100) < np.where(gold == 1, 0.5, 0.1), 1, -1)
        row = LFAnalysis(votes[:, None]).lf_summary(gold).iloc[0]
        for name, value in truth.items():
            held[name].append(row[f"{name}_lo"] <= value <= row[f"{name}_hi"])
    assert 0.9 <= np.mean(held["lift"]) <= 0.985
    assert 0.9 <= np.mean(held["recall"]) <= 0.985


def test_lift_and_recall_are_less_sure_where_records_of_a_patient_recur():
    random = np.random.default_rng(0)
    gold = np.repeat(random.integers(0, 2, 40), 5)
    votes = np.where(np.repeat(random.random(40) < 0.8, 5), gold, 1 - gold).reshape(-1, 1)
    alone = LFAnalysis(votes).lf_summary(gold).iloc[0]
    owners = np.repeat([f"p{row}" for row in range(40)], 5)
    shared = LFAnalysis(replace(as_votes(votes), patient_ids=owners)).lf_summary(gold).iloc[0]
    for name in ("lift", "recall"):
        assert shared[name] == pytest.approx(alone[name])
        assert shared[f"{name}_hi"] - shared[f"{name}_lo"] > 1.3 * (alone[f"{name}_hi"] - alone[f"{name}_lo"])


def test_a_function_that_is_never_right_has_a_lift_of_zero_with_a_bound():
    row = LFAnalysis([[1], [1], [-1], [-1]]).lf_summary([0, 0, 1, 1]).iloc[0]
    assert row["lift"] == row["lift_lo"] == 0
    assert 0 < row["lift_hi"] < 20
