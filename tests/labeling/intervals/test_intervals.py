"""The interval algebra against brute force and against masks on a grid of integers."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import LFApplier
from sidelight.labeling.intervals import (
    ALLEN,
    Interval,
    IntervalMap,
    IntervalSet,
    above,
    after,
    before,
    during,
    event_intervals,
    inside,
    intersects,
    interval_lf,
    iou,
    key,
    left_of,
    match,
    mention_intervals,
    on,
    overlap_fraction,
    pair,
    right_of,
    same,
    same_size,
    score_at_least,
    score_lf,
    spanning,
    timeline_lf,
    touches,
    within,
)

GRID = 12
spans = st.tuples(st.integers(0, GRID), st.integers(0, GRID)).map(sorted).filter(lambda s: s[0] < s[1])
sets = st.lists(spans.map(tuple), max_size=6).map(IntervalSet)
INVERSE = {
    "before": "after", "meets": "met_by", "overlaps": "overlapped_by", "starts": "started_by", "during": "contains",
    "finishes": "finished_by", "equal": "equal",
}  # fmt: skip


def mask(intervals):
    covered = np.zeros(GRID, dtype=bool)
    for i in intervals:
        covered[int(i.lo) : int(i.hi)] = True
    return covered


def bounds(intervals):
    return [(i.lo, i.hi) for i in intervals]


def test_exactly_one_of_allens_relations_holds_and_inverses_turn_around():
    proper = [(s, e) for s in range(7) for e in range(s + 1, 7)]
    inverse = {**INVERSE, **{b: a for a, b in INVERSE.items()}}
    seen = set()
    for a in proper:
        for b in proper:
            left, right = Interval(*a), Interval(*b)
            (held,) = [name for name, relation in ALLEN.items() if relation()(left, right)]
            assert ALLEN[inverse[held]]()(right, left)
            seen.add(held)
    assert seen == set(ALLEN)


RELATIONS = [*(make() for make in ALLEN.values()), before(1, 3), after(2), during(), intersects(), touches(), within(2),
             overlap_fraction(0.5), iou(0.3), before() | after(0, 2), during() & ~within(1), ~intersects()]  # fmt: skip


@pytest.mark.parametrize("relation", RELATIONS)
@given(left=sets, right=sets)
def test_a_join_finds_what_the_cross_product_finds(relation, left, right):
    wanted = [(a.lo, a.hi, b.lo, b.hi) for a in left for b in right if relation(a, b)]
    joined = left.join(right, relation, lambda a, b: Interval(a.lo, a.hi, {}, {"b": (b.lo, b.hi)}))
    assert sorted((i.lo, i.hi, *i.payload["b"]) for i in joined) == sorted(wanted)
    partners = {(a, b) for a, b, *_ in wanted}
    assert set(bounds(left.filter_against(right, relation))) == partners
    assert len(left.filter_against(right, relation)) + len(left.anti(right, relation)) == len(left)


def test_a_long_interval_does_not_hide_pairs_in_a_large_join():
    rng = np.random.default_rng(0)
    starts = np.sort(rng.uniform(0, 10_000, 3000))
    left = IntervalSet([(s, s + 1) for s in starts])
    right = IntervalSet([(0, 10_001), *((s, s + 1) for s in rng.uniform(0, 10_000, 500))])
    found = left.filter_against(right, during())
    assert len(found) == 3000
    n_pairs = len(left.join(right, intersects(), "left"))
    lo, hi = right.lo[None], right.hi[None]
    assert n_pairs == int(((left.lo[:, None] < hi) & (lo < left.hi[:, None])).sum())


@given(sets, sets)
def test_minus_measures_what_masks_measure(left, right):
    rest = left.minus(right)
    assert rest.measure() == (mask(left) & ~mask(right)).sum()
    assert len(rest.filter_against(right, intersects())) == 0


@given(sets, st.integers(0, 2))
def test_coalesce_is_a_disjoint_union_that_it_leaves_alone(intervals, gap):
    merged = intervals.coalesce(gap=gap)
    assert bounds(merged.coalesce(gap=gap)) == bounds(merged)
    assert all(b.lo - a.hi > gap for a, b in zip(list(merged), list(merged)[1:], strict=False))
    if not gap:
        assert merged.measure() == intervals.measure() == mask(intervals).sum()


@given(sets)
def test_inverting_twice_is_coalescing(intervals):
    assert bounds(intervals.invert(0, GRID).invert(0, GRID)) == bounds(intervals.coalesce())


@given(st.lists(st.tuples(spans, st.sampled_from("ab")), max_size=6), st.randoms())
def test_the_order_in_which_intervals_come_does_not_matter(rows, random):
    items = [Interval(lo, hi, {}, {"name": name}, "s", 0.5) for (lo, hi), name in rows]
    one = IntervalSet(items)
    random.shuffle(items)
    two = IntervalSet(items)
    assert one == two
    assert list(one.coalesce(by="name")) == list(two.coalesce(by="name"))
    assert IntervalSet.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_coalesce_by_group_with_payloads_and_scores():
    rows = [
        Interval(0, 2, {}, {"c": 1, "n": 1}, "", 0.2),
        Interval(1, 3, {}, {"c": 2, "n": 1}),
        Interval(2, 4, {}, {"c": 1, "n": 1}, "", 0.9),
    ]
    merged = IntervalSet(rows).coalesce(by="c", merge_payload=lambda ps: {"n": sum(p["n"] for p in ps)})
    assert [(i.lo, i.hi, i.payload["n"], i.score) for i in merged] == [(0, 4, 2, 0.9), (1, 3, 1, None)]


def test_merging_bounds_scores_and_payloads_in_a_join():
    left, right = (
        IntervalSet([Interval(0, 5, {}, {"a": 1}, "", 0.9)]),
        IntervalSet([Interval(3, 8, {}, {"b": 2}, "", 0.4)]),
    )
    for how, expected in (("span", (0, 8)), ("intersect", (3, 5)), ("left", (0, 5)), ("right", (3, 8))):
        (one,) = left.join(right, intersects(), how)
        assert (one.lo, one.hi, one.score) == (*expected, 0.4)
    (one,) = left.join(right, intersects(), payload=lambda a, b: {**a.payload, **b.payload})
    assert one.payload == {"a": 1, "b": 2}
    assert len(left.join(IntervalSet([(5, 6)]), touches(), "intersect")) == 0


def test_instants_take_part_where_that_makes_sense():
    note, stay = Interval(5, 5), Interval(5, 9)
    assert during()(note, stay)
    assert not during()(Interval(9, 9), stay)
    assert after(1)(Interval(11, 11), stay)
    assert not intersects()(note, stay)
    assert not any(
        relation()(note, stay) for name, relation in ALLEN.items() if name not in ("before", "after")
    )
    assert bounds(IntervalSet([note]).minus(IntervalSet([stay]))) == []
    assert bounds(IntervalSet([(9, 9)]).minus(IntervalSet([stay]))) == [(9, 9)]


def test_operators_on_one_set():
    s = IntervalSet([(0, 4, {"k": 1}), (6, 7, {"k": 2})])
    assert bounds(s.split(lambda i: [(i.lo + n, i.lo + n + 1) for n in range(int(i.size))])) == [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (6, 7),
    ]
    assert bounds(s.filter_size(2)) == [(0, 4)]
    assert bounds(s.dilate(1)) == [(-1, 5), (5, 8)]
    assert bounds(s.dilate(-1)) == [(1, 3)]
    assert bounds(s.filter(key("k", {2}))) == bounds(s.filter(key("k", lambda k: k > 1))) == [(6, 7)]
    assert s.fold(lambda total, i: total + i.size, 0) == 5
    assert bounds(s.map(lambda i: (i.lo, i.lo))) == [(0, 0), (6, 6)]
    assert [i.payload for i in s.map_payload(lambda p: {"k": -p["k"]})] == [{"k": -1}, {"k": -2}]
    assert bounds(s.union(IntervalSet([(1, 2)]))) == [(0, 4), (1, 2), (6, 7)]
    (group,) = s.group_by(lambda i: 0)
    assert (group.lo, group.hi, len(group.payload["group"])) == (0, 7, 2)
    assert len(IntervalSet([(0, 1), (0, 1), (2, 3)]).group_by_axis()) == 2
    (with_matches, _) = s.collect(IntervalSet([(1, 2), (3, 5)]), intersects(), keep_empty=True)
    assert len(with_matches.payload["matches"]) == 2
    assert len(s.collect(IntervalSet([(1, 2)]), intersects())) == 1
    assert (
        len(IntervalSet([Interval(0, 1, {}, {}, "", 0.3), Interval(0, 1)]).filter(score_at_least(0.3))) == 1
    )


def box(t, x, y, **payload):
    return Interval(*t, {"x": x, "y": y}, payload)


def test_relations_between_boxes():
    face, cup = box((0, 1), (0, 10), (0, 10)), box((0, 1), (20, 30), (12, 22))
    assert left_of()(face, cup)
    assert right_of()(cup, face)
    assert above()(face, cup)
    assert not inside()(face, cup)
    assert inside()(box((0, 1), (2, 3), (2, 3)), face)
    assert not inside()(face, box((0, 1), (2, 3), (2, 3)))
    assert on("x", before())(face, cup)
    assert same_size("x")(face, cup)
    assert iou(0.99, ("x", "y"))(face, face)
    scene = IntervalSet([face, cup, box((5, 6), (0, 10), (0, 10))])
    found = match(scene, {"a": None, "b": None}, {("a", "b"): left_of() & intersects()})
    assert [(m["a"].axes["x"], m["b"].axes["x"]) for m in found] == [((0, 10), (20, 30))]
    assert spanning(found[0]).axes["x"] == (0, 30)
    with pytest.raises(ValueError, match="names c"):
        match(scene, {"a": None}, {("a", "c"): left_of()})


def test_relations_on_payloads():
    left = IntervalSet([(0, 1, {"side": "left"})])
    right = IntervalSet([(5, 6, {"side": "left"}), (7, 8, {"side": "right"}), (9, 10, {})])
    assert len(right.filter_against(left, same("side"))) == 1
    assert len(right.filter_against(left, pair(lambda a, b: a.payload.get("side") != b.payload["side"]))) == 2


def test_a_large_join_without_a_window_says_so():
    many = IntervalSet([(i, i + 1) for i in range(1100)])
    with pytest.warns(RuntimeWarning, match="without a window"):
        many.filter_against(many, ~intersects())


@pytest.mark.parametrize(
    "make",
    [
        lambda: IntervalSet([(2, 1)]),
        lambda: IntervalSet([(float("nan"), 1)]),
        lambda: IntervalSet([Interval(0, 1, {"x": (0, 1)}), Interval(0, 1)]),
        lambda: IntervalSet([Interval(0, 1, {"t": (0, 1)})]),
        lambda: IntervalSet([(0, 1)]).union(IntervalSet([(0, 1)], axis="f")),
        lambda: IntervalSet([(0, 1)]).join(IntervalSet([(0, 1)]), intersects(), "middle"),
        lambda: IntervalMap({}, unit="d").minus(IntervalMap({}, unit="s")),
        lambda: score_lf("s", lambda r: IntervalSet(), positive=1, above=0.2, negative=0, below=0.5),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ValueError, match=r"."):
        make()


def test_maps_work_key_by_key_and_a_missing_key_is_empty():
    a = IntervalMap({"p": [(0, 4)], "q": [(0, 4)]}, unit="d")
    b = IntervalMap({"p": [(1, 2)], "r": [(0, 9)]}, unit="d")
    assert a.minus(b).counts() == {"p": 2, "q": 1}
    assert a.anti(b, intersects()).counts() == {"p": 0, "q": 1}
    assert a.filter_against(b, intersects()).counts() == {"p": 1, "q": 0}
    assert a.join(b, intersects(), "intersect")["p"] == IntervalSet([(1, 2)])
    assert a.union(b).counts() == {"p": 2, "q": 1, "r": 1}
    assert a.filter_size(5).counts() == {"p": 0, "q": 0}
    assert len(a["nobody"]) == 0
    assert a.collect(b, intersects()).counts() == {"p": 1, "q": 0}


# -- from intervals to votes -------------------------------------------------------------------------

SEIZURES = IntervalSet([(10, 20), (32, 33)])


def windows():
    return [{"text": "", "start": 10.0 * i, "end": 10.0 * i + 10} for i in range(5)]


def test_windows_are_labeled_by_how_much_is_covered_and_only_where_someone_looked():
    cover = interval_lf("cover", lambda record: SEIZURES, 1, else_=0)
    count = interval_lf("count", lambda record: SEIZURES, 1, min_count=1)
    seen = interval_lf(
        "seen", lambda record: SEIZURES, 1, else_=0, observed=lambda record: IntervalSet([(0, 35)])
    )
    votes = LFApplier([cover, count, seen]).apply(windows()).dense()
    assert votes[:, 0].tolist() == [0, 1, 0, 0, 0]
    assert votes[:, 1].tolist() == [-1, 1, -1, 1, -1]
    assert votes[:, 2].tolist() == [0, 1, 0, 0, -1]


def test_scores_are_cut_into_votes():
    def detector(record):
        return IntervalSet(
            [
                Interval(0, 10, {}, {}, "", 0.9),
                Interval(10, 12, {}, {}, "", 0.2),
                Interval(20, 30, {}, {}, "", 0.1),
            ]
        )

    greatest = score_lf("g", detector, positive=1, above=0.8, negative=0, below=0.15, bounds=("start", "end"))
    votes = LFApplier([greatest]).apply(windows()).dense()
    assert votes[:, 0].tolist() == [1, -1, 0, -1, -1]
    mean = score_lf("m", detector, positive=1, above=0.5, how="mean")
    assert mean({"text": ""}) is None


def history(*events):
    return {
        "text": "",
        "time": "2021-01-01",
        "events": [{"kind": "c", "code": c, "time": t} for c, t in events],
    }


@pytest.mark.parametrize(
    ("record", "vote"),
    [
        (history(("0SR9", "2020-01-01"), ("M25.5", "2020-03-01")), 1),
        (history(("0SR9", "2020-01-01"), ("M25.5", "2020-01-11")), None),
        (history(("0SR9", "2020-01-01"), ("0SW9", "2020-02-01"), ("M25.5", "2020-03-01")), None),
        (history(("0SR9", "2020-01-01"), ("M25.5", "2022-03-01")), None),
        (history(("M25.5", "2020-03-01")), None),
    ],
)
def test_pain_after_the_implant_and_before_any_revision(record, vote):
    def late_pain(record):
        implant, revision = event_intervals(record, ["0SR"]), event_intervals(record, ["0SW"])
        return (
            event_intervals(record, ["M25"]).filter_against(implant, after(30, 365)).anti(revision, after())
        )

    assert timeline_lf("late_pain", late_pain, 1)(record) == vote


def test_mentions_in_notes_are_instants():
    from datetime import UTC, datetime

    since = datetime(2020, 1, 1, tzinfo=UTC)
    notes = [(datetime(2020, 1, 11, tzinfo=UTC), "hip pain"), (datetime(2020, 1, 21, tzinfo=UTC), "fine")]
    (mention,) = mention_intervals(notes, "pain", since)
    assert (mention.lo, mention.is_instant, mention.payload["spans"]) == (10, True, [(4, 8)])
