"""Snorkel's scorer: names and meaning, slice by slice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from sidelight.slicing import Scorer

labels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=30)


@given(labels)
def test_metrics_agree_with_scikit_learn(pairs):
    gold, predicted = np.array(pairs).T
    scores = Scorer(["accuracy", "f1_micro", "f1_macro", "matthews_corrcoef"]).score(gold, predicted)
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(gold, predicted))
    assert scores["f1_micro"] == pytest.approx(reference.f1_score(gold, predicted, average="micro"))
    assert scores["f1_macro"] == pytest.approx(
        reference.f1_score(gold, predicted, average="macro", zero_division=0)
    )
    if len(set(gold) | set(predicted)) > 1:
        assert scores["matthews_corrcoef"] == pytest.approx(reference.matthews_corrcoef(gold, predicted))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_two_classes_agree_with_scikit_learn(pairs):
    gold, predicted = np.array(pairs).astype(int).T
    scores = Scorer(["f1", "precision", "recall"]).score(gold, predicted)
    for name, function in (
        ("f1", reference.f1_score), ("precision", reference.precision_score), ("recall", reference.recall_score)
    ):  # fmt: skip
        assert scores[name] == pytest.approx(function(gold, predicted, zero_division=0))


def test_gold_and_predictions_that_abstain_are_left_out_and_coverage_counts_them():
    scores = Scorer(["accuracy", "coverage"]).score([1, 0, -1, 1], [1, -1, 1, 0])
    assert scores == {"accuracy": 0.5, "coverage": pytest.approx(2 / 3)}


def test_slices_are_scored_beside_all_records():
    S = np.rec.fromarrays([[1, 1, 0, 0], [0, 0, 0, 1]], names=["first", "last"])
    scorer = Scorer(
        ["accuracy", "roc_auc"], custom_metric_funcs={"n": lambda golds, preds, probs: len(golds)}
    )
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.7, 0.3]])
    frame = scorer.score_slices(S, [0, 1, 1, 1], [0, 1, 1, 0], proba, as_dataframe=True)
    assert list(frame.index) == ["overall", "first", "last"]
    assert frame["accuracy"].tolist() == [0.75, 1.0, 0.0]
    assert frame["n"].tolist() == [4, 2, 1]
    assert frame.loc["overall", "roc_auc"] == 1.0


def test_an_empty_slice_scores_nothing():
    assert np.isnan(Scorer(["accuracy"]).score_slices({"none": [0, 0]}, [0, 1], [0, 1])["none"]["accuracy"])


def test_an_unknown_metric_is_told():
    with pytest.raises(ValueError, match="known by name"):
        Scorer(["fame"])
