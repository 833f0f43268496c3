from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import LinkLimitError, SignalSet, link
from sidelight.labeling.faults import LimitError

names = st.lists(st.sampled_from("abcdefgh"), max_size=12)


def signals_of(ids, **more):
    return SignalSet.of(np.arange(len(ids) * 4.0).reshape(len(ids), 1, 4), ids=list(ids), **more)


@given(names, st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True))
def test_every_row_is_linked_or_reported(labels, studies):
    linked = link(labels, signals_of(studies))
    report = linked.report
    rows = [*linked.label_rows.tolist(), *report.unmatched_labels, *report.ambiguous_labels]
    assert sorted(rows) == list(range(len(labels)))
    assert linked.ids.tolist() == [labels[row] for row in linked.label_rows]
    assert len(report.unmatched_signals) == len(set(studies) - set(labels))
    assert report.n_linked == len(linked)


def test_labels_follow_their_signal():
    table = SimpleNamespace(
        ids=np.array(["3", "9", "1"]),
        patient_ids=np.array(["p", "q", ""]),
        proba=np.array([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]]),
        covered=np.array([True, False, True]),
    )
    linked = link(table, signals_of(["1", "2", "3"]))
    assert linked.ids.tolist() == ["3", "1"]
    assert linked.patient_ids.tolist() == ["p", ""]
    assert linked.covered.tolist() == [True, True]
    np.testing.assert_array_equal(linked.proba, table.proba[[0, 2]])
    np.testing.assert_array_equal(linked.signals.values[0, 0], [8, 9, 10, 11])


def test_a_study_shared_by_two_rows_is_nobodys():
    linked = link(["a", "b"], signals_of(["x", "b"]), studies={"a": "b"})
    assert len(linked) == 0
    assert linked.report.ambiguous_labels == (0, 1)


def two_readings(patients=("p", "p", "q", "r")):
    return SimpleNamespace(
        ids=np.array(["read-1", "read-2", "read-3", "read-4"]),
        patient_ids=np.array(patients),
        proba=np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5], [0.9, 0.1]]),
        covered=np.array([True, True, False, True]),
    )


def test_several_reports_of_one_study_are_averaged_when_asked():
    studies = {"read-1": "a", "read-2": "a", "read-3": "b", "read-4": "c"}
    linked = link(two_readings(), signals_of("cba"), studies=studies, several="average")
    assert linked.ids.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(linked.proba, [[0.4, 0.6], [0.5, 0.5], [0.9, 0.1]])
    assert linked.covered.tolist() == [True, False, True]
    assert linked.report.joined_labels == (0, 1)
    assert linked.report.n_linked == 4
    assert "2 label rows averaged with others of their study: 0, 1" in linked.report.lines()


def test_an_uncovered_report_does_not_water_down_a_covered_one():
    studies = {"read-3": "x", "read-4": "x"}
    labels = two_readings(("p", "p", "r", "r"))
    linked = link(labels, signals_of(["x"]), studies=studies, several="average")
    np.testing.assert_allclose(linked.proba, [[0.9, 0.1]])
    assert linked.covered.tolist() == [True]


def test_reports_of_two_patients_are_never_averaged():
    studies = {"read-3": "x", "read-4": "x"}
    linked = link(two_readings(), signals_of(["x"]), studies=studies, several="average")
    assert linked.report.ambiguous_labels == (2, 3)
    assert not len(linked)
    with pytest.raises(ValueError, match="leave out"):
        link(two_readings(), signals_of(["x"]), several="sum")


def test_the_report_counts_rows_and_names_no_id():
    values = np.zeros((3, 1, 4))
    values[2] = np.inf
    linked = link(["secret-1", "secret-2"], SignalSet.of(values, ids=["secret-1", "secret-3", "secret-4"]))
    lines = linked.report.lines()
    assert lines == [
        "1 of 2 label rows linked to 2 signals",
        "1 label rows without a signal: 1",
        "1 signals without a label row: 1",
        "1 signals set aside as unreadable: 2",
    ]
    assert linked.report.to_json()["unmatched_labels"] == [1]


def test_too_many_lost_rows_break_the_limit_and_say_so():
    with pytest.raises(LimitError, match="at most 25% may be lost") as caught:
        link(["a", "b", "c"], signals_of("ab"), max_lost=0.25)
    assert isinstance(caught.value, LinkLimitError)
    assert caught.value.report.unmatched_labels == (2,)
    assert len(link(["a", "b", "c"], signals_of("ab"), max_lost=0.5)) == 2
