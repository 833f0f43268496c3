"""Counts of a few patients are neither told nor left to be reckoned."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.slicing.small_cells import FIXED, LINKED, CellLedger

N = 14


def reckoned(target, told):
    """Return whether whole coefficients of -2..2 on up to three groups give a group; slow, and made in another way."""
    for size in (1, 2, 3):
        for chosen in itertools.combinations(told, size):
            for factors in itertools.product((-2, -1, 1, 2), repeat=size):
                if np.array_equal(sum(f * g for f, g in zip(factors, chosen, strict=True)), target):
                    return True
    return False


groups = st.lists(st.lists(st.booleans(), min_size=N, max_size=N), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(groups, st.integers(2, 5))
def test_no_small_group_is_told_or_reckoned_from_three_others(found, smallest):
    masks = [np.array(group, dtype=bool) for group in found]
    ledger = CellLedger(np.arange(N), smallest)
    everyone = np.ones(N, dtype=bool)
    ledger.tell("all", everyone, rank=FIXED)
    for number, mask in enumerate(masks):
        ledger.tell(number, mask)
    hidden = ledger.withheld()
    told = [everyone.astype(int)] + [
        m.astype(int) for n, m in enumerate(masks) if n not in hidden and m.any()
    ]
    assert "all" not in hidden
    for number, mask in enumerate(masks):
        few = 0 < mask.sum() < smallest
        if few:
            assert hidden[number] == f"<{smallest}"
            assert not reckoned(mask.astype(int), told)
        elif number in hidden:
            assert hidden[number] == LINKED


@pytest.mark.parametrize(("size", "mark"), [(0, None), (1, "<5"), (4, "<5"), (5, None)])
def test_a_group_is_told_from_the_threshold_on_and_when_empty(size, mark):
    ledger = CellLedger(np.arange(20), 5)
    ledger.tell("all", np.ones(20, dtype=bool), rank=FIXED)
    ledger.tell("group", np.arange(20) < size)
    assert ledger.withheld().get("group") == mark


def test_patients_are_counted_and_not_their_records():
    ledger = CellLedger(np.repeat(np.arange(5), 4), 3)
    ledger.tell("two patients", np.arange(20) < 8)
    ledger.tell("three patients", np.arange(20) < 12)
    assert ledger.withheld() == {"two patients": "<3"}


@pytest.mark.parametrize(
    ("hits", "told"), [(0, True), (1, False), (4, False), (5, True), (15, True), (16, False), (20, True)]
)
def test_a_share_is_told_where_neither_right_nor_wrong_are_few(hits, told):
    ledger = CellLedger(np.arange(20), 5)
    ledger.tell_share("share", (np.arange(20) < hits).astype(float), np.ones(20, dtype=bool))
    assert ("share" not in ledger.withheld()) == told


def test_a_mean_is_told_by_how_many_it_is_over():
    values = np.where(np.arange(20) < 4, 0.3, 0.9)
    values[10:] = np.nan
    for smallest, told in ((10, True), (11, False)):
        ledger = CellLedger(np.arange(20), smallest)
        ledger.tell_share("mean", values, np.ones(20, dtype=bool))
        assert ("mean" not in ledger.withheld()) == told


def test_what_is_worth_less_is_given_up_first():
    rows = np.arange(40)
    ledger = CellLedger(rows, 5)
    ledger.tell("all", rows >= 0, rank=FIXED)
    ledger.tell("few", rows < 3)
    ledger.tell("small and dear", (rows >= 3) & (rows < 13), rank=2)
    ledger.tell("large and cheap", rows >= 13, rank=1)
    assert ledger.withheld() == {"few": "<5", "large and cheap": LINKED}


def test_what_is_beyond_a_slice_within_another_is_guarded_and_what_is_not_guarded_costs_nothing():
    rows = np.arange(40)
    for guarded in (True, False):
        ledger = CellLedger(rows, 5)
        ledger.tell("all", rows >= 0, rank=FIXED)
        ledger.tell("outer", rows < 20, rank=1)
        ledger.tell("inner", rows < 17)
        if guarded:
            ledger.guard((rows < 20) & (rows >= 17))
        assert ledger.withheld() == ({"inner": LINKED} if guarded else {})
    ledger = CellLedger(rows, 5)
    ledger.tell("all", rows >= 0, rank=FIXED)
    ledger.tell("known", rows < 37)
    ledger.tell("missing", rows >= 37, guarded=False)
    assert ledger.withheld() == {"missing": "<5"}


def test_a_threshold_that_withholds_nothing_is_refused():
    with pytest.raises(ValueError, match="smallest cell is 1"):
        CellLedger(np.arange(3), 1)


def test_many_kinds_of_records_are_summed_up_without_a_change(monkeypatch):
    random = np.random.default_rng(0)
    rows = np.arange(600)
    columns = [np.minimum(random.geometric(0.6, 600), 6) for _ in range(8)]

    def withheld():
        ledger = CellLedger(rows, 5)
        ledger.tell("all", rows >= 0, rank=FIXED)
        for number, column in enumerate(columns):
            for value in range(1, 7):
                ledger.tell((number, value), column == value)
        return ledger.withheld()

    shorter = withheld()
    monkeypatch.setattr("sidelight.slicing.small_cells._sketch", lambda vectors: vectors)
    assert shorter == withheld()
    for number in range(8):
        marks = [shorter.get((number, value)) for value in range(1, 7)]
        assert marks.count("<5") == 0 or len(marks) - marks.count(None) >= 2
    assert LINKED in shorter.values()
