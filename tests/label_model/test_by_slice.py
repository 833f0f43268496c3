"""Accuracy slice by slice."""

import numpy as np
import pytest

from sidelight.label_model import LabelModel, accuracy_by_slice


def test_a_function_that_fails_in_one_slice_shows_there():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 4000)
    night = rng.random(4000) < 0.3
    accuracy = np.where(night[:, None], [0.8, 0.8, 0.8, 0.55], [0.8, 0.8, 0.8, 0.9])
    votes = np.where(rng.random((4000, 4)) < accuracy, truth[:, None], 1 - truth[:, None])
    votes = np.where(rng.random((4000, 4)) < 0.7, votes, -1).astype(np.int8)
    rows = accuracy_by_slice(LabelModel().fit(votes), votes, {"night": night, "day": ~night}, gold=truth)
    table = {(row.slice, row.function): row for row in rows}
    assert len(rows) == 3 * 5
    bad = table["night", "lf_3"]
    assert bad.low < 0.55 < bad.high
    assert table["day", "lf_3"].low > bad.high
    assert bad.expected < table["day", "lf_3"].expected - 0.1
    assert table["(all)", "(label model)"].accuracy > 0.85
    assert bad.n_votes == ((votes[:, 3] >= 0) & night).sum()
    assert bad.coverage == pytest.approx(0.7, abs=0.05)


def test_slices_without_gold_or_records_are_empty_not_wrong():
    votes = np.array([[0, 0, 0], [1, 1, -1], [1, 1, 1], [0, -1, 0]], np.int8)
    model = LabelModel().fit(votes)
    rows = accuracy_by_slice(model, votes, {"nobody": [False] * 4})
    assert all(np.isnan(row.accuracy) for row in rows)
    assert all(row.n_votes == 0 and np.isnan(row.coverage) for row in rows if row.slice == "nobody")
    with pytest.raises(ValueError, match="slice odd has shape"):
        accuracy_by_slice(model, votes, {"odd": [True]})
