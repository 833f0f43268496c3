"""One person's desk: which record comes, what counts, and what the guard does not believe."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.context import Context
from sidelight.apps.ui.coreset import core_set
from sidelight.apps.ui.desk import SHORTEST_LOOK, Desk, Sight
from sidelight.apps.ui.people import Person
from sidelight.apps.ui.prevalence import estimate_shares, estimate_with_help, random_sample
from sidelight.apps.ui.queues import AUDIT_EVERY, build_queues, conflict
from sidelight.apps.ui.ratings import Ratings, against_functions
from sidelight.apps.ui.store import LabelEvent, LabelStore, new_event_id
from sidelight.apps.ui.workspace import RecordTable, Workspace, apply_and_fit
from sidelight.crossmodal import select_next, uncertainty
from sidelight.labeling import InputError, LabelSchema, keyword_lf

SCHEMA = LabelSchema(("calm", "wild"))
FUNCTIONS = (
    keyword_lf("says_calm", ["calm"], "calm"),
    keyword_lf("says_wild", ["wild"], "wild"),
    keyword_lf("says_storm", ["storm"], "wild"),
    keyword_lf("says_still", ["still"], "calm"),
)
TEXTS = ["calm and still", "wild storm", "calm yet wild", "nothing to say", "still, a storm", "calm"] * 10


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def context(tmp_path):
    table = pa.table(
        {"id": [f"n{r}" for r in range(60)], "patient_id": [f"p{r // 2}" for r in range(60)], "text": TEXTS}
    )
    batches = table.to_batches(max_chunksize=17)
    votes, model, proba = apply_and_fit(FUNCTIONS, SCHEMA, batches)
    workspace = Workspace("sea", SCHEMA, RecordTable(batches), FUNCTIONS, votes, model, proba)
    with LabelStore(tmp_path / "labels.sqlite") as store:
        yield Context(workspace, store)


@pytest.fixture
def clock():
    return Clock()


def desk_of(context, clock, name="anna"):
    return Desk(context, Person(name, frozenset({"annotator"})), Sight(), clock)


def show(desk, queue="random"):
    """Bring the next record on screen and read it."""
    row, source = desk.next(desk.queues()[queue])
    item_id = desk.context.workspace.records.ids[row]
    desk.sight.show(item_id, desk.now())
    desk._clock.now += 1.0
    return item_id, source


def test_records_are_found_in_whatever_batch_they_are(context):
    records = context.workspace.records
    assert [records[row].text for row in (0, 16, 17, 18, 59)] == [TEXTS[row] for row in (0, 16, 17, 18, 59)]
    assert records.rows["n42"] == 42
    assert len(records) == 60


def test_a_label_counts_once_it_was_read(context, clock):
    desk = desk_of(context, clock)
    item, source = show(desk)
    assert desk.decide(item, "label", "calm", queue=source)
    standing = desk.ledger.current(item, "anna")
    assert (standing.value, standing.ms_on_screen, standing.chance) == ("calm", 1000, pytest.approx(1 / 60))
    assert desk.next(desk.queues()["random"])[0] != context.workspace.records.rows[item]


def test_what_came_on_screen_a_moment_ago_is_not_believed(context, clock):
    desk = desk_of(context, clock)
    item, _ = show(desk)
    desk.sight.first_shown[item] = clock.now - SHORTEST_LOOK / 2
    assert not desk.decide(item, "label", "calm")
    clock.now += SHORTEST_LOOK + 0.01
    assert desk.decide(item, "label", "calm")


@given(gaps=st.lists(st.floats(0.01, SHORTEST_LOOK - 0.01), min_size=1, max_size=30))
def test_a_key_held_down_decides_one_record_at_most(gaps):
    """Every press comes sooner after the last than a person reads, whatever the rhythm."""
    sight, decided = Sight(), []

    class Held(Desk):
        @property
        def ledger(self):
            class Nobody:
                def current(self, item_id, annotator, purpose):
                    return "label" if item_id in decided else None

            return Nobody()

        def _add(self, event):
            decided.append(event.item_id)

    clock = Clock()
    workspace = type("W", (), {"records": range(100)})()
    desk = Held(
        type("C", (), {"workspace": workspace, "seen": set()})(), Person("anna", frozenset()), sight, clock
    )
    sight.show("n0", clock.now)
    clock.now += 2
    for gap in gaps:
        item = f"n{len(decided)}"
        sight.show(item, clock.now)
        desk.decide(item, "label", "calm")
        clock.now += gap
    assert decided == ["n0"] or decided == []


def test_a_late_press_for_a_record_that_left_changes_nothing(context, clock):
    desk = desk_of(context, clock)
    item, _ = show(desk)
    assert desk.decide(item, "label", "calm")
    clock.now += 1
    assert not desk.decide(item, "label", "wild")
    assert desk.ledger.current(item, "anna").value == "calm"


def test_undo_brings_the_record_back(context, clock):
    desk = desk_of(context, clock)
    item, _ = show(desk)
    desk.decide(item, "label", "calm")
    show(desk)
    assert desk.undo()
    assert show(desk, "uncertain")[0] == item
    clock.now += 1
    assert not desk.undo(), "there is nothing left to undo"


def test_everyone_gets_the_same_random_order_and_nobody_sees_the_others_labels(context, clock):
    anna, ben = desk_of(context, clock), desk_of(context, clock, "ben")
    for _ in range(5):
        item, _ = show(anna)
        anna.decide(item, "label", "calm")
        assert show(ben)[0] == item
        ben.decide(item, "label", "wild")
    assert len(anna.ledger.in_dispute()) == 5


def test_enough_readers_are_enough(context, clock):
    context.readers = 1
    anna, ben = desk_of(context, clock), desk_of(context, clock, "ben")
    item, _ = show(anna)
    anna.decide(item, "label", "calm")
    assert show(ben)[0] != item


def test_every_fifth_record_of_a_choosing_queue_is_drawn(context, clock):
    desk = desk_of(context, clock)
    sources = []
    for _ in range(2 * AUDIT_EVERY):
        item, source = show(desk, "conflict")
        desk.decide(item, "label", "calm", queue=source)
        sources.append(source)
    assert [place for place, name in enumerate(sources) if name == "random"] == [4, 9]


def test_queues_hold_what_they_promise(context):
    queues = context.queues
    texts = [TEXTS[row] for row in queues["conflict"].order]
    assert set(texts) == {"calm yet wild", "still, a storm"}
    assert {TEXTS[row] for row in queues["uncovered"].order} == {"nothing to say"}
    assert sorted(queues["random"].order.tolist()) == list(range(60))
    uncertain = uncertainty(context.workspace.proba)[queues["uncertain"].order]
    assert (np.diff(uncertain) <= 1e-12).all()


def test_the_most_useful_next_keep_the_chance_they_were_drawn_with(context, clock):
    useful = context.queues["useful"]
    doubt = uncertainty(context.workspace.proba) * (1 + conflict(context.workspace))
    assert (np.diff(doubt[useful.order]) <= 1e-12).all(), "the most useful first"
    assert set(useful.chances) == set(useful.order.tolist())
    desk = Desk(context, Person("anna", frozenset(["annotator"])), Sight(), clock)
    row, source = desk.next(useful)
    item = context.workspace.records.ids[row]
    desk.sight.show(item, desk.now())
    clock.now += 5
    assert desk.decide(item, "label", "wild", queue=source)
    (stored,) = context.store.events()
    assert (stored.queue, stored.chance) == ("useful", useful.chances[row])


def test_a_queue_drawn_elsewhere_comes_in_its_order(context, tmp_path):
    ids = context.workspace.records.ids
    drawn = select_next(ids, np.arange(len(ids), dtype=float), 10)
    path = drawn.write(tmp_path / "queue.parquet")
    queue = build_queues(context.workspace, path)["chosen"]
    assert [ids[row] for row in queue.order] == drawn.ids.tolist()
    assert list(queue.chances.values()) == pytest.approx(drawn.chances.tolist())
    (tmp_path / "no.parquet").write_text("Canary")
    with pytest.raises(InputError, match=r"no\.parquet"):
        build_queues(context.workspace, tmp_path / "no.parquet")


def test_a_refit_counts_peoples_labels_and_intervals_follow(context):
    before = context.workspace.proba.copy()
    assert (context.intervals.accuracy_low <= context.intervals.accuracy).all()
    gold = np.full(60, -1)
    gold[:30] = [0, 1, 0, 0, 1, 0] * 5
    context.adopt(context.workspace.with_gold(gold), fitted_with=30)
    assert context.fitted_with == 30
    assert not np.allclose(context.workspace.proba, before)
    assert context.queues["useful"].chances, "queues are drawn anew"
    assert (context.intervals.accuracy_low <= context.intervals.accuracy_high).all()


def test_a_core_set_takes_one_of_each_kind_first():
    kinds = [
        "sinus rhythm normal ecg",
        "atrial fibrillation fast",
        "left bundle branch block",
        "paced rhythm device",
    ]
    texts = [f"{kind} {('today', 'again')[n % 2]}" for n in range(20) for kind in kinds] + ["zzz qqq"]
    chosen = core_set(texts, 30)
    assert {row % 4 for row in chosen[:4].tolist()} == {0, 1, 2, 3}
    assert len(chosen) == 8, "equal texts are taken once"
    assert 80 not in chosen, "what shares no word with anything stands for nothing"
    assert core_set(["a", "b"], 5).tolist() == []


@given(seed=st.integers(0, 1000))
def test_each_record_of_a_core_set_is_the_one_least_like_those_before(seed):
    from sklearn.feature_extraction.text import TfidfVectorizer

    random = np.random.default_rng(seed)
    texts = [
        " ".join(random.choice(list("abcdefgh"), 4)).replace("a", "aa").replace(" ", "x ") for _ in range(40)
    ]
    vectors = TfidfVectorizer(min_df=2, sublinear_tf=True).fit_transform(texts)
    similarity = (vectors @ vectors.T).toarray()
    chosen = core_set(texts, 10).tolist()
    assert len(set(chosen)) == len(chosen) > 1
    nearest = [similarity[row, chosen[:place]].max() for place, row in enumerate(chosen) if place]
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(nearest)), "the farthest comes first"


def test_conflict_is_nothing_where_all_agree(context):
    clash = conflict(context.workspace)
    for row, text in enumerate(TEXTS):
        assert (clash[row] > 0) == (text in ("calm yet wild", "still, a storm"))


def test_second_opinions_are_asked_of_others_only(context, clock):
    anna, ben = desk_of(context, clock), desk_of(context, clock, "ben")
    item, _ = show(anna)
    anna.decide(item, "label", "wild")
    assert "second" not in anna.queues()
    assert show(ben, "second")[0] == item


def test_the_share_of_a_class_comes_from_the_random_order_alone(context, clock):
    anna = desk_of(context, clock)
    for queue in ["random"] * 12 + ["conflict"] * 6:
        item, source = show(anna, queue)
        anna.decide(item, "label", "wild" if "wild" in TEXTS[int(item[1:])] else "calm", queue=source)
    rows, labels, _ = random_sample(context)
    assert rows.tolist() == context.uniform[: len(rows)].tolist()
    assert 12 <= len(rows) < 18
    shares = estimate_shares(context)
    assert shares[1].estimate == labels.count("wild") / len(rows)
    assert sum(share.estimate for share in shares) == pytest.approx(1)


def test_help_from_a_good_guess_narrows_the_interval_and_stays_honest():
    random = np.random.default_rng(0)
    z = random.beta(1, 4, 20_000)
    truth = (random.random(20_000) < z).astype(float)
    inside, narrower = 0, 0
    for _ in range(300):
        sample = random.choice(20_000, 300, replace=False)
        interval = estimate_with_help(truth[sample], z[sample], float(z.mean()), 20_000)
        plain = 1.96 * np.sqrt(truth[sample].var() / 300)
        inside += interval.low <= truth.mean() <= interval.high
        narrower += interval.high - interval.low < 2 * plain
    assert 0.91 <= inside / 300 <= 0.99
    assert narrower > 270


def test_too_few_labels_give_no_helped_estimate():
    assert np.isnan(estimate_with_help(np.ones(20), np.ones(20), 0.5, 100).estimate)


def test_a_label_says_whether_evidence_was_in_sight(context, clock):
    desk = desk_of(context, clock)
    for asks in (False, True):
        item, _ = show(desk)
        assert not desk.shows_evidence(item)
        if asks:
            desk.ask_for_evidence(item)
            assert desk.shows_evidence(item)
        assert desk.decide(item, "label", "calm")
        assert desk.ledger.current(item, "anna").evidence is asks


def test_what_was_seen_stays_seen_in_another_tab_and_after_a_restart(context, clock):
    desk = desk_of(context, clock)
    item, _ = show(desk)
    assert desk.shows_evidence(item, always=True)
    other_tab = desk_of(context, clock)
    other_tab.sight.show(item, clock.now - 5)
    assert other_tab.decide(item, "label", "calm")
    context.seen.clear()  # the server was started again
    later = desk_of(context, clock)
    assert later.undo()
    later.sight.show(item, clock.now)
    clock.now += 1
    assert not later.shows_evidence(item), "it is hidden again"
    assert later.decide(item, "label", "wild")
    assert later.ledger.current(item, "anna").evidence is True
    ben = desk_of(context, clock, "ben")
    ben.sight.show(item, clock.now - 5)
    assert ben.decide(item, "label", "wild")
    assert ben.ledger.current(item, "ben").evidence is False, "what anna saw ben did not see"


def test_evidence_that_nobody_may_see_is_not_shown(context, clock):
    context.workspace = replace(context.workspace, evidence="never")
    desk = desk_of(context, clock)
    item, _ = show(desk)
    desk.ask_for_evidence(item)
    assert not desk.may_show_evidence
    assert not desk.shows_evidence(item, always=True)


def test_agreement_is_told_apart_by_whether_evidence_was_seen(context):
    said = [
        ("n1", "anna", "wild", True), ("n1", "ben", "wild", True),  # both saw that functions say wild
        ("n7", "anna", "calm", False), ("n7", "ben", "calm", False),  # nobody did, and they say otherwise
        ("n13", "anna", "wild", None),
    ]  # fmt: skip
    context.store.add_all(
        LabelEvent(new_event_id(), item, who, "label", value, evidence=seen)
        for item, who, value, seen in said
    )
    ledger, workspace = context.store.ledger(), context.workspace
    rows = {seen: Ratings.of(ledger, workspace, evidence=seen).rows.tolist() for seen in (None, True, False)}
    assert rows == {None: [1, 7, 13], True: [1], False: [7]}
    agrees = {
        seen: against_functions(workspace, ledger, evidence=seen)[0].precision.estimate
        for seen in (None, True, False)
    }
    assert agrees == {None: pytest.approx(2 / 3), True: 1.0, False: 0.0}


def test_ratings_line_up_with_people_and_records(context):
    said = [("n3", "anna", "calm"), ("n3", "ben", "wild"), ("n1", "ben", "wild"), ("gone", "ben", "wild")]
    context.store.add_all(LabelEvent(new_event_id(), item, who, "label", value) for item, who, value in said)
    ratings = Ratings.of(context.store.ledger(), context.workspace)
    assert ratings.people == ("anna", "ben")
    assert ratings.values.tolist() == [[-1, 1], [0, 1]]
    assert ratings.patient_ids.tolist() == ["p0", "p1"]
    (wild, storm) = against_functions(context.workspace, context.store.ledger())
    assert (wild.name, wild.n_judged, storm.precision.estimate) == ("says_wild", 1, 1.0)
