"""Every operation of the confusion algebra beside the same thing counted record by record."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.apps.audits.combinations import confusions
from sidelight.slicing import Confusion, as_slices, audit, exact_match, hamming_loss, node_measure

FINDINGS = ["a/x", "a/y", "b", "c/u/v", "c/u/w", "c/?"]
SITES = ["p", "q/1", "q/2"]

a_record = st.tuples(
    st.sampled_from(FINDINGS),
    st.sampled_from([*FINDINGS, "missing"]),
    st.sampled_from(SITES),
    st.sampled_from([*SITES, "missing"]),
    st.floats(0, 5),
    st.booleans(),
)
records = st.lists(a_record, min_size=1, max_size=30)
FINDING, CALLED, SITE, CALLED_SITE, MASS, MEMBER = range(6)


def distribution(rows):
    def column(place):
        return [None if row[place] == "missing" else row[place] for row in rows]

    return Confusion.of(
        {"finding": column(FINDING), "site": column(SITE)},
        {"finding": column(CALLED), "site": column(CALLED_SITE)},
        weight=[row[MASS] for row in rows],
        slices={"member": np.array([row[MEMBER] for row in rows])},
    )


def agrees(table, rows, actual=lambda row: row[FINDING], observed=lambda row: row[CALLED]):
    """Check a table against the masses of pairs of labels, told by hand."""
    by_hand = Counter()
    for row in rows:
        by_hand[actual(row), observed(row)] += row[MASS]
    for i, one in enumerate(table.classes):
        for j, other in enumerate(table.classes):
            assert table.counts[i, j] == pytest.approx(by_hand[one, other])
    assert table.counts.sum() == pytest.approx(sum(row[MASS] for row in rows))


def below(label, node):
    return label == node or label.startswith(f"{node}/")


@settings(max_examples=60, deadline=None)
@given(records)
def test_tables_levels_and_nests_are_what_counting_gives(rows):
    confusion = distribution(rows)
    agrees(confusion.table("finding"), rows)
    for depth in (1, 2, 3):

        def cut(label, depth=depth):
            return "/".join(label.split("/")[:depth])

        agrees(
            confusion.level("finding", depth).table("finding"),
            rows,
            lambda row, cut=cut: cut(row[FINDING]),
            lambda row, cut=cut: cut(row[CALLED]),
        )
    agrees(
        confusion.nest("site", "finding").table(),
        rows,
        lambda row: f"{row[SITE]}/{row[FINDING]}",
        lambda row: f"{row[CALLED_SITE]}/{row[CALLED]}",
    )


@settings(max_examples=60, deadline=None)
@given(records)
def test_conditions_add_up_and_commute_with_summing_out(rows):
    confusion = distribution(rows)
    agrees(confusion.where(slice="member").table("finding"), [row for row in rows if row[MEMBER]])
    for side in ("actual", "observed"):
        parts = [confusion.where("site", site, side=side) for site in confusion.classes["site"]]
        assert sum(part.table("finding").counts for part in parts) == pytest.approx(
            confusion.table("finding").counts
        )
        assert sum(part.mass for part in parts) == pytest.approx(confusion.mass)
    one = confusion.keep("finding").where(slice="member").table()
    other = confusion.where(slice="member").keep("finding").table()
    assert one.counts.tolist() == other.counts.tolist()
    again = confusion.where(slice="member").where(slice="member")
    assert again.table("finding").counts.tolist() == other.counts.tolist()


@settings(max_examples=60, deadline=None)
@given(records, st.sampled_from(["both", "either"]))
def test_a_filter_keeps_what_lies_below_and_says_how_much_it_dropped(rows, side):
    confusion = distribution(rows)
    if not any(below(row[place], "a") for row in rows for place in (FINDING, CALLED)):
        return
    both = [(below(row[FINDING], "a"), below(row[CALLED], "a")) for row in rows]
    kept = [row for row, held in zip(rows, both, strict=True) if (all(held) if side == "both" else any(held))]
    found = confusion.only("finding", "a", side=side)
    agrees(found.table("finding"), kept)
    if confusion.mass > 0:
        share = sum(row[MASS] for row in kept) / confusion.mass
        assert found.dropped == pytest.approx(1 - share, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(records)
def test_normalised_tables_sum_to_one_where_there_is_anything(rows):
    confusion = distribution(rows)
    for normalize, axis in (("row", 1), ("column", 0), ("total", None)):
        table = confusion.table("finding", normalize=normalize)
        sums, masses = np.nansum(table.values, axis=axis), table.counts.sum(axis=axis)
        assert np.asarray(sums)[np.asarray(masses) > 0] == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(records, st.sampled_from(["a", "b", "c", "c/u", "a/x", "c/u/v"]))
def test_measures_of_a_node_are_what_counting_gives(rows, node):
    if not any(below(row[place], node) for row in rows for place in (FINDING, CALLED)):
        return
    confusion = distribution(rows)
    told = [row for row in rows if not (row[FINDING] == "c/?" and node.startswith("c/"))]
    found = sum(row[MASS] for row in told if below(row[FINDING], node) and below(row[CALLED], node))
    actual = sum(row[MASS] for row in told if below(row[FINDING], node))
    called = sum(row[MASS] for row in told if below(row[CALLED], node))
    for name, whole in (("recall", actual), ("precision", called)):
        value = node_measure(confusion, "finding", node, name)
        assert np.isnan(value) if whole <= 0 else value == pytest.approx(found / whole)
    if confusion.mass > 0:
        wrong = [(row[FINDING] != row[CALLED]) + (row[SITE] != row[CALLED_SITE]) for row in rows]
        masses = np.array([row[MASS] for row in rows])
        assert hamming_loss(confusion) == pytest.approx(masses @ wrong / masses.sum() / 2)
        assert exact_match(confusion) == pytest.approx(masses @ (np.array(wrong) == 0) / masses.sum())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.tuples(*[st.floats(0.01, 1)] * 3)), min_size=1, max_size=20))
def test_soft_labels_add_their_probabilities_to_the_column_of_what_was_observed(rows):
    proba = np.array([shares for _, shares in rows])
    proba /= proba.sum(axis=1, keepdims=True)
    by_hand = np.zeros((3, 3))
    for (code, _), shares in zip(rows, proba, strict=True):
        by_hand[:, code] += shares
    names = ["u", "v", "w"]
    confusion = Confusion.expected(proba, [names[code] for code, _ in rows], names)
    assert confusion.table().counts == pytest.approx(by_hand)
    assert confusion.mass == pytest.approx(len(rows))


def test_a_dimension_twice_and_a_filter_of_nothing_are_refused():
    confusion = distribution([("b", "b", "p", "p", 1.0, True)])
    for call in (
        lambda: confusion.keep("site", "site"),
        lambda: confusion.nest("site", "site"),
        lambda: confusion.only("site"),
    ):
        with pytest.raises(ValueError, match="at least"):
            call()


@pytest.mark.parametrize("classes", [("MI", "MI/acute"), ("n/a", "seen/"), ("missing", "there")])
def test_an_audit_draws_classes_whose_names_hold_slashes(classes):
    y = np.arange(60) % 2
    proba = np.column_stack([1 - y * 0.8, y * 0.8])
    slices = as_slices({"late": np.arange(60) > 30})
    found = confusions(
        audit(y, proba, slices), y, proba, slices, classes, np.full(60, ""), ["LAFB/LPFB"] * 60
    )
    assert [confusion.mass for _, _, confusion in found] == [60, 60]
    assert "LAFB\u2215LPFB" in found[1][2].table().to_svg()
