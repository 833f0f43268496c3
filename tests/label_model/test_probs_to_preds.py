import numpy as np
import pytest

from sidelight.label_model import probs_to_preds

PROBABILITIES = np.array([[0.1, 0.9], [0.5, 0.5], [0.7, 0.3]])


def test_ties_go_by_the_policy():
    assert probs_to_preds(PROBABILITIES, tie_break_policy="abstain").tolist() == [1, -1, 0]
    drawn = probs_to_preds(np.full((200, 3), 1 / 3))
    assert set(drawn.tolist()) == {0, 1, 2}
    assert drawn.tolist() == probs_to_preds(np.full((200, 3), 1 / 3)).tolist()
    assert set(probs_to_preds(np.full((50, 2), 0.5), "true-random").tolist()) == {0, 1}


def test_what_ties_is_said_by_the_width():
    near = [[0.50, 0.49, 0.01]]
    assert probs_to_preds(near, "abstain").tolist() == [0]
    assert probs_to_preds(near, "abstain", tol=0.02).tolist() == [-1]


def test_no_rows_give_no_classes():
    assert probs_to_preds(np.zeros((0, 2))).tolist() == []


@pytest.mark.parametrize(
    ("probs", "policy", "named"),
    [
        ([0.5, 0.5], "random", "has shape"),
        ([[0.5, float("nan")]], "random", r"probs\[0\]"),
        ([[0.5, 0.5]], "coin", "tie_break_policy is 'coin'"),
    ],
)
def test_what_is_no_table_of_probabilities_is_refused(probs, policy, named):
    with pytest.raises(ValueError, match=named):
        probs_to_preds(probs, policy)
