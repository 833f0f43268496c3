"""Labels that cannot be are refused in words of ours, none of which is a record's."""

import numpy as np
import pytest

from sidelight.crossmodal.targets import as_targets
from sidelight.slicing import audit


@pytest.mark.parametrize(
    ("labels", "covered", "error", "said"),
    [
        (["Mueller", "absent"], None, TypeError, "class numbers"),
        ([0.0, np.nan], None, ValueError, r"labels\[1\] is not finite"),
        ([[0.5, 0.5], [0.2, 0.8]], [True], ValueError, r"covered has shape \(1,\) for 2 records"),
        ([[0.5, 0.5]], [[True, False]], ValueError, r"covered has shape \(1, 2\) for 1 records"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, covered, error, said):
    with pytest.raises(error, match=said) as caught:
        as_targets(labels, covered)
    assert "Mueller" not in str(caught.value)


def test_numbers_in_an_array_of_objects_are_numbers():
    assert as_targets(np.array([1, -1, 0], dtype=object)).weight.tolist() == [1.0, 0.0, 1.0]


def test_one_metric_may_be_named_without_a_list():
    y = np.arange(60) % 2
    rows = audit(y, y * 0.5 + 0.2, {"a": np.arange(60) < 30}, metrics="auroc").rows
    assert [row.metric for row in rows] == ["auroc"]
