import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidelight.labeling import LFAnalysis, LFApplier, as_votes, diff, keyword_lf

tables = st.integers(1, 8).flatmap(lambda n: arrays(np.int8, (n, 3), elements=st.integers(-1, 2)))
NOTES = ["effusion", "no effusion", "effusion drain", "clear", "clear drain", "nothing"]
LFS = [
    keyword_lf("effusion", ["effusion"], 1),
    keyword_lf("none", ["no effusion", "clear"], 0),
    keyword_lf("drain", ["drain"], 1),
]
GOLD = [1, 0, 1, 0, 0, -1]


@pytest.fixture
def analysis():
    return LFAnalysis(LFApplier(LFS).apply(NOTES), LFS, records=NOTES)


@given(tables)
def test_matrices_count_what_a_loop_counts(votes):
    conflict, overlap = LFAnalysis(votes).conflict_matrix(), LFAnalysis(votes).redundancy_matrix()
    for i in range(3):
        for j in range(3):
            a, b = votes[:, i], votes[:, j]
            both, either = (a >= 0) & (b >= 0), (a >= 0) | (b >= 0)
            differ, same = (both & (a != b)).sum(), (both & (a == b)).sum()
            np.testing.assert_allclose(conflict[i, j], differ / both.sum() if both.any() else np.nan)
            np.testing.assert_allclose(overlap[i, j], same / either.sum() if either.any() else np.nan)


def test_duplicates_are_pairs_that_vote_alike():
    votes = [[1, 1, -1], [0, 0, -1], [1, 1, 1], [-1, -1, 1]]
    (pair,) = LFAnalysis(votes).duplicates()
    assert (pair.first, pair.second, pair.overlap, pair.n_common) == ("lf_0", "lf_1", 1.0, 3)


def test_show_gives_records_with_the_words_marked(analysis):
    shown = analysis.show("effusion", n=10, Y=GOLD)
    assert [one.row for one in shown] == [0, 1, 2]
    assert shown[1].marked("<", ">") == "no <effusion>"
    assert shown[1].votes == {"effusion": "1"}
    assert shown[1].gold == "0"
    assert "effusion" not in repr(shown[1]).replace("{'effusion'", "")
    assert [one.row for one in analysis.show("effusion", Y=GOLD, wrong=True)] == [1]
    assert len(analysis.show("effusion", n=2)) == 2
    assert analysis.show("effusion", n=2) == analysis.show("effusion", n=2)
    assert shown[2].marked(around=0) == "[effusion]"


def test_conflicts_are_records_with_different_votes(analysis):
    (one,) = analysis.conflicts("effusion", "none")
    assert (one.row, one.votes) == (1, {"effusion": "1", "none": "0"})
    with pytest.raises(ValueError, match="no function called 'zebra'"):
        analysis.conflicts("effusion", "zebra")


def test_leave_one_out_puts_the_harmful_first(analysis):
    worth = analysis.leave_one_out(GOLD)
    assert worth[0].function == "drain"
    assert worth[0].gain == pytest.approx(-0.2)
    assert {one.function: one.gain > 0 for one in worth}["none"]
    with pytest.raises(ValueError, match="no gold"):
        analysis.leave_one_out([-1] * 6)


def test_suggestions_are_words_that_go_with_a_class_and_can_be_taken():
    notes = ["fluid seen today"] * 20 + ["dry base today"] * 20
    analysis = LFAnalysis(as_votes([[-1]] * 40), records=notes)
    found = analysis.suggest([1] * 20 + [0] * 20)
    assert found[0].term in (
        "dry",
        "base",
        "dry base",
        "fluid",
        "seen",
        "fluid seen",
        "dry base today",
        "fluid seen today",
        "seen today",
        "base today",
    )
    assert "today" not in {one.term for one in found}
    assert {one.vote for one in found} == {0, 1}
    first = found[0]
    assert (first.n_records, first.n_uncovered, first.precision, first.lift) == (20, 20, 1.0, 2.0)
    function = first.accept(negated=False)
    assert function({"text": f"the {first.term}."}) == first.vote
    assert first.term not in {
        one.term for one in analysis.suggest([1] * 20 + [0] * 20, rejected=[first.term])
    }
    assert LFAnalysis(as_votes([[-1]] * 40), records=notes).suggest() == []


def test_codes_are_suggested_too():
    def note(code):
        return {
            "text": "x",
            "time": "2020-02-01",
            "events": [{"kind": "condition", "code": code, "time": "2020-01-01"}],
        }

    rows = [note("I21.4")] * 12 + [note("Z00")] * 12
    found = LFAnalysis(as_votes([[-1]] * 24), records=rows).suggest([1] * 12 + [0] * 12)
    assert {(one.kind, one.term, one.vote) for one in found} == {("code", "I21.4", 1), ("code", "Z00", 0)}
    assert found[0].accept().name in ("has_i21_4", "has_z00")


def test_functions_surely_worse_than_their_classes_share_are_flagged():
    votes = [[1, 1]] * 30 + [[1, 0]] * 30
    table = LFAnalysis(votes).lf_summary([0] * 30 + [1] * 30)
    assert table["worse_than_prior"].tolist() == [False, True]


def test_plots_show_every_function(analysis):
    for figure in (analysis.plot_conflicts(), analysis.plot_redundancy()):
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
            "effusion",
            "none",
            "drain",
        ]


def test_diff_of_two_runs():
    rows = [{"id": str(i), "text": note} for i, note in enumerate(NOTES)]
    old = LFApplier(LFS).apply(rows)
    changed = [
        keyword_lf("effusion", ["effusion"], 1, negated=False),
        LFS[1],
        keyword_lf("new", ["nothing"], 0),
    ]
    changes = {c.function: c for c in diff(old, LFApplier(changed).apply(rows[::-1]))}
    assert {name: c.status for name, c in changes.items()} == {
        "effusion": "changed", "none": "same", "drain": "removed", "new": "added",
    }  # fmt: skip
    assert (changes["effusion"].gained, changes["effusion"].lost, changes["effusion"].flipped) == (0, 1, 0)
    assert changes["none"].n_moved == 0
    assert changes["none"].p_value == pytest.approx(1)
    with pytest.raises(ValueError, match="differ in length"):
        diff(as_votes([[1]]), as_votes([[1], [0]]))
