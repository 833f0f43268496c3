import numpy as np
import pandas as pd
import pytest

from sidelight.labeling import LFApplier, filter_unlabeled_dataframe, labeling_function

L = np.array([[0, -1], [-1, -1], [1, 1], [-1, -1]])


def test_a_frame_keeps_its_index_and_each_value_its_kind():
    frame = pd.DataFrame({"text": list("abcd")}, index=[7, 7, 8, 9])
    probabilities = np.arange(8.0).reshape(4, 2)
    kept, proba = filter_unlabeled_dataframe(frame, probabilities, L)
    assert kept.index.tolist() == [7, 8]
    assert kept.text.tolist() == ["a", "c"]
    assert proba.tolist() == [[0, 1], [4, 5]]
    series, names = filter_unlabeled_dataframe(frame.text, ("p", "q", "r", "s"), L)
    assert (series.tolist(), names) == (["a", "c"], ("p", "r"))
    assert len(frame) == 4


def test_a_vote_for_a_set_of_classes_counts():
    @labeling_function
    def unsure(record):
        return {0, 1} if record.text == "b" else None

    votes = LFApplier([unsure]).apply(["a", "b"])
    assert filter_unlabeled_dataframe(["a", "b"], [0, 1], votes) == (["b"], [1])


def test_nothing_covered_leaves_nothing():
    assert filter_unlabeled_dataframe([1, 2], [3, 4], [[-1], [-1]]) == ([], [])


@pytest.mark.parametrize(("X", "y", "named"), [([1], [1, 2, 3, 4], "X has 1"), ([1] * 4, [1, 2], "y has 2")])
def test_what_does_not_belong_together_is_refused(X, y, named):
    with pytest.raises(ValueError, match=named):
        filter_unlabeled_dataframe(X, y, L)
