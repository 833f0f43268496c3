"""Views of confusion as plain descriptions, and the measures of trees and of several outputs."""

import json

import numpy as np
import pytest
from sklearn import metrics

from sidelight.slicing import (
    Confusion,
    ConfusionView,
    cell_lift,
    hamming_loss,
    node_measure,
    tree_distance,
)

FINDINGS = ["none", "pneumothorax/small", "pneumothorax/large", "effusion"]


@pytest.fixture(scope="module")
def case():
    random = np.random.default_rng(0)
    n = 800
    actual = {"finding": random.choice(FINDINGS, n), "side": random.choice(["left", "right"], n)}
    observed = {
        name: np.where(random.random(n) < 0.3, random.permutation(labels), labels)
        for name, labels in actual.items()
    }
    slices = {"drain": random.random(n) < 0.3}
    return actual, observed, slices


def confusion(case):
    actual, observed, slices = case
    return Confusion.of(
        {name: labels.tolist() for name, labels in actual.items()},
        {name: labels.tolist() for name, labels in observed.items()},
        slices=slices,
    )


def test_a_view_is_the_same_as_the_steps_it_names(case):
    found = confusion(case)
    view = ConfusionView(
        ("finding", "side"),
        where=(
            {"slice": "drain"},
            {"dimension": "finding", "under": ["pneumothorax", "effusion"], "side": "actual"},
        ),
        level={"finding": 1},
        normalize="count",
    )
    by_hand = (
        found.where(slice="drain")
        .where("finding", ("pneumothorax", "effusion"))
        .level("finding", 1)
        .keep("finding", "side")
        .nest("finding", "side")
        .table(normalize="count")
    )
    table = view.of(found)
    assert table.classes == by_hand.classes
    assert np.array_equal(table.counts, by_hand.counts)
    again = ConfusionView.from_json(json.loads(json.dumps(view.to_json())))
    assert np.array_equal(again.of(found).counts, table.counts)
    assert again.to_json() == view.to_json()


def test_a_view_rolls_up_and_filters(case):
    found = confusion(case)
    view = ConfusionView.from_json(
        {
            "dimensions": ["finding"],
            "collapse": {"finding": ["pneumothorax"]},
            "only": {"dimension": "finding", "nodes": ["pneumothorax", "none"], "side": "either"},
            "where": [{"wrong": "side"}],
        }
    )
    by_hand = found.where(wrong="side").collapse("finding", "pneumothorax")
    by_hand = by_hand.only("finding", "pneumothorax", "none", side="either").keep("finding")
    assert np.array_equal(view.of(found).counts, by_hand.table().counts)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"dims": ["finding"]}, "unknown key 'dims'"),
        ({}, "at least one dimension"),
        ({"dimensions": ["finding"], "where": [{"label": "a"}]}, "condition 1"),
        ({"dimensions": ["finding"], "where": [{"under": ["a"]}]}, "both dimension and under"),
        ({"dimensions": ["finding"], "where": [{"slice": "drain", "side": "actual"}]}, "side without"),
        ({"dimensions": ["finding"], "only": {"nodes": ["a"]}}, "only has"),
        ({"dimensions": ["finding"], "normalize": "rows"}, "normalize is 'rows'"),
    ],
)
def test_a_view_with_a_mistake_is_refused(data, told):
    with pytest.raises(ValueError, match=told):
        ConfusionView.from_json(data)


def test_a_view_of_labels_that_are_not_there_is_refused(case):
    view = ConfusionView(("finding",), where=({"dimension": "finding", "under": "pneumo"},))
    with pytest.raises(ValueError, match="lies at or below 'pneumo'"):
        view.of(confusion(case))


def test_measures_agree_with_scikit_learn(case):
    actual, observed, _ = case
    found = confusion(case)
    wrong = np.mean([actual[name] != observed[name] for name in actual])
    assert hamming_loss(found) == pytest.approx(wrong)
    expected = metrics.balanced_accuracy_score(actual["side"] == "left", observed["side"] == "left")
    assert node_measure(found, "side", "left", "balanced_accuracy") == pytest.approx(expected)


def test_distance_through_the_tree_counts_steps_up_and_down():
    found = Confusion.of({"f": ["a/x", "a/x", "a/x", "a/?", "a/x"]}, {"f": ["a/x", "a/y", "b", "a/x", None]})
    assert tree_distance(found, "f") == pytest.approx((0 + 2 + 3 + 1 + 2) / 5)


def test_lift_is_one_where_labels_know_nothing_of_each_other():
    random = np.random.default_rng(1)
    a, b = random.choice(["x", "y"], 20_000), random.choice(["x", "y"], 20_000)
    found = Confusion.of({"d": a.tolist()}, {"d": b.tolist()}, classes={"d": ["x", "y", "z"]})
    lift = cell_lift(found, "d")
    assert lift[:2, :2] == pytest.approx(np.ones((2, 2)), abs=0.05)
    assert np.isnan(lift[2]).all()


def test_a_planted_stratum_has_the_largest_drop_in_recall():
    first = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        n = 4000
        y, kind = random.integers(0, 2, n), random.integers(0, 20, n)
        wrong = random.random(n) < np.where((kind == 7) & (y == 1), 0.35, 0.1)
        labels = np.array(["none", "finding"])
        found = Confusion.of(
            {"d": labels[y].tolist()}, {"d": labels[np.where(wrong, 1 - y, y)].tolist()},
            slices={f"s{code}": kind == code for code in range(20)},
        )  # fmt: skip
        recalls = [
            node_measure(found.where(slice=f"s{code}"), "d", "finding", "recall") for code in range(20)
        ]
        first += int(np.argmin(recalls)) == 7
    assert first >= 38
