"""Records with several labels: findings one by one, and whole sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import hamming_loss as reference_hamming_loss
from sklearn.metrics import multilabel_confusion_matrix

from sidelight.slicing import (
    Confusion,
    exact_match,
    finding_dimensions,
    hamming_loss,
    node_measure,
    set_dimension,
)

NAMES = ("effusion", "mass", "nodule")
some_sets = st.lists(st.tuples(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES))), min_size=1)


def as_table(sets):
    return np.array([[name in labels for name in NAMES] for labels in sets], dtype=int)


@given(some_sets)
def test_each_finding_has_the_usual_two_by_two_table(pairs):
    actual, observed = zip(*pairs, strict=True)
    confusion = Confusion.of(*finding_dimensions(actual, observed, findings=NAMES))
    truth, called = as_table(actual), as_table(observed)
    for name, table in zip(NAMES, multilabel_confusion_matrix(truth, called), strict=True):
        (tn, fp), (fn, tp) = table
        if tp + fn:
            assert node_measure(confusion, name, f"{name}/present", "recall") == pytest.approx(tp / (tp + fn))
        if tp + fp:
            assert node_measure(confusion, name, f"{name}/present", "precision") == pytest.approx(
                tp / (tp + fp)
            )
        assert confusion.keep(name).mass == tn + fp + fn + tp
    assert hamming_loss(confusion) == pytest.approx(reference_hamming_loss(truth, called))
    assert exact_match(confusion) == pytest.approx(np.mean([a == b for a, b in pairs]))


@given(some_sets)
def test_whole_sets_are_right_when_they_are_equal(pairs):
    actual, observed = zip(*pairs, strict=True)
    confusion = Confusion.of(*set_dimension(actual, observed))
    assert exact_match(confusion) == pytest.approx(np.mean([a == b for a, b in pairs]))
    assert confusion.mass == len(pairs)


def test_a_path_says_that_the_node_above_it_is_present():
    actual, observed = finding_dimensions([{"fracture/hip"}, {"mass"}], [{"fracture/rib"}, set()])
    assert list(actual) == ["fracture", "fracture/hip", "fracture/rib", "mass"]
    confusion = Confusion.of(actual, observed)
    assert node_measure(confusion, "fracture", "fracture/present", "recall") == 1
    assert node_measure(confusion, "fracture/hip", "fracture/hip/present", "recall") == 0


def test_a_kind_that_is_not_known_counts_at_its_node_and_not_below():
    actual, observed = finding_dimensions(
        [{"fracture/?"}, {"fracture/hip"}, set()], [{"fracture/hip"}, {"fracture/hip"}, {"fracture/?"}]
    )
    assert actual["fracture/hip"] == ["fracture/hip/?", "fracture/hip/present", "fracture/hip/absent"]
    assert observed["fracture/hip"][2] == "fracture/hip/absent"
    confusion = Confusion.of(actual, observed)
    assert node_measure(confusion, "fracture", "fracture/present", "prevalence") == pytest.approx(2 / 3)
    assert node_measure(confusion, "fracture/hip", "fracture/hip/present", "prevalence") == pytest.approx(
        1 / 2
    )
    assert node_measure(confusion, "fracture/hip", "fracture/hip/present", "precision") == 1


def test_a_prediction_that_is_not_there_is_kept_and_gold_that_is_not_there_is_not():
    confusion = Confusion.of(*finding_dimensions([{"mass"}, None, set()], [None, {"mass"}, set()]))
    assert confusion.mass == 2
    assert node_measure(confusion, "mass", "mass/present", "recall") == 0
    table = Confusion.of(*set_dimension([{"mass"}, None, set()], [None, {"mass"}, set()])).table()
    assert table.classes == ("none", "{mass}", "missing")
    assert table.counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_slices_condition_sets_as_they_do_labels():
    confusion = Confusion.of(
        *finding_dimensions([{"mass"}, {"mass"}, set()], [{"mass"}, set(), set()]),
        slices={"old": [True, False, True]},
    )
    assert node_measure(confusion.where(slice="old"), "mass", "mass/present", "recall") == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: finding_dimensions(["mass"], [{"mass"}]), r"actual\[0\] is no collection"),
        (lambda: finding_dimensions([{"mass"}], [{"mass", ""}]), r"observed\[0\] is no collection"),
        (lambda: finding_dimensions([{"mass//a"}], [set()]), r"actual\[0\] holds a label with a slash"),
        (lambda: finding_dimensions([{"mass"}], []), "1 actual sets and 0 observed"),
        (lambda: finding_dimensions([set()], [set()]), "names none"),
        (lambda: finding_dimensions([set()], [set()], findings=["a", "a"]), "twice"),
        (lambda: set_dimension([{"a/b"}], [set()]), "holds a slash"),
        (lambda: set_dimension([{"a"}], []), "1 actual sets"),
        (lambda: set_dimension([{str(n)} for n in range(31)], [set()] * 31), "32 different sets"),
    ],
)
def test_what_is_no_set_is_named_by_row(call, message):
    with pytest.raises(ValueError, match=message):
        call()
