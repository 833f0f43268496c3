"""Label audits: where functions and labels are worse, and no alarm where they are not."""

import json

import numpy as np
import pytest

from sidelight.slicing import audit_labels


def voted(seed=0, n=900, *, wrong_in_slice=0.1):
    random = np.random.default_rng(seed)
    gold, paced = random.integers(0, 2, n), random.random(n) < 0.25
    votes = np.where(random.random((n, 3)) < 0.1, 1 - gold[:, None], gold[:, None])
    spoiled = paced & (random.random(n) < wrong_in_slice - 0.1)
    votes[spoiled, 0] = 1 - gold[spoiled]
    votes[random.random((n, 3)) < 0.3] = -1
    return votes, gold, {"paced": paced}


def test_the_function_that_is_wrong_in_a_slice_is_named():
    votes, gold, slices = voted(wrong_in_slice=0.6)
    first = audit_labels(votes, slices, gold=gold, names=["a", "b", "c"]).differing[0]
    assert (first.group, first.subject, first.measure) == ("paced", "a", "accuracy")
    assert first.gap.estimate < -0.3


def test_without_gold_conflict_still_tells():
    votes, _, slices = voted(wrong_in_slice=0.6)
    found = {(row.subject, row.measure) for row in audit_labels(votes, slices).differing}
    assert found == {("votes", "conflict")}


def test_the_labels_own_accuracy_counts_covered_records_alone():
    votes, gold, slices = voted()
    votes[:100] = -1
    proba = np.eye(2)[np.where(np.arange(900) < 100, 1 - gold, gold)]
    row = next(
        row for row in audit_labels(votes, slices, gold=gold, proba=proba).rows
        if (row.subject, row.measure) == ("labels", "accuracy")
    )  # fmt: skip
    assert row.value.estimate == row.rest.estimate == 1.0


def test_false_alarms_stay_within_the_level():
    alarms = sum(bool(audit_labels(*voted(seed)[::2], gold=voted(seed)[1]).differing) for seed in range(40))
    assert alarms <= 6


def test_a_slice_too_small_is_not_assessable_and_says_so():
    votes, gold, _ = voted()
    rows = audit_labels(votes, {"tiny": np.arange(900) < 5}, gold=gold).rows
    assert {row.verdict for row in rows} == {"not assessable"}
    assert all("are needed" in row.gap.reason for row in rows)


def test_it_travels_as_json():
    votes, gold, slices = voted()
    assert "NaN" not in json.dumps(
        audit_labels(votes, slices | {"none": np.zeros(900, bool)}, gold=gold).to_json()
    )


def test_names_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="1 names for 2 functions"):
        audit_labels([[0, 1]], {"a": [True]}, names=["one"])
