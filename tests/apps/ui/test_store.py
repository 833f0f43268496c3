"""The store of labels: nothing acknowledged is lost, nothing counts twice, nothing is changed afterwards."""

import json
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.store import LabelEvent, LabelStore, Ledger, new_event_id
from sidelight.labeling import InputError, UsageError


def event(item="n1", who="anna", kind="label", value="yes", **more):
    return LabelEvent(more.pop("event_id", new_event_id()), item, who, kind, value, **more)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """A store's place, in each of the databases; tasks of one test do not meet those of another."""
    if request.param == "sqlite":
        return str(tmp_path / "labels.sqlite")
    return request.getfixturevalue("postgres_server")


@pytest.fixture
def task():
    return f"task-{new_event_id()}"


def test_the_latest_label_stands_until_it_is_undone(place, task):
    with LabelStore(place, task) as store:
        first, second = event(value="yes"), event(value="no")
        store.add(first)
        store.add(second)
        assert store.ledger().current("n1", "anna").value == "no"
        store.add(event(kind="undo", value=second.event_id))
        assert store.ledger().current("n1", "anna").value == "yes"
        store.add(event(kind="undo", value=first.event_id))
        assert store.ledger().current("n1", "anna") is None
        assert store.ledger().decided("anna") == {}
        assert len(store.events()) == 4, "what was undone is still on record"


def test_a_store_of_before_evidence_was_kept_goes_on(place, task):
    with LabelStore(place, task) as store:
        store.add(event("n1"))
        with store._writing.begin() as connection:
            connection.exec_driver_sql("alter table label_event drop column evidence")
    with LabelStore(place, task) as store:
        store.add(event("n2", evidence=True))
        store.add(event("n3", evidence=False))
        assert [e.evidence for e in store.events()] == [None, True, False]
        assert set(store.ledger().labels(evidence=False)) == {"n3"}


def test_an_event_sent_twice_counts_once(place, task):
    with LabelStore(place, task) as store:
        same = event()
        assert store.add(same).new
        assert store.add(same) == store.add(same)
        assert len(store.events()) == 1


def test_a_repeated_click_with_a_new_id_is_collapsed(place, task):
    with LabelStore(place, task) as store:
        receipts = store.add_all([event(), event(), event(value="no"), event()])
        assert [receipt.new for receipt in receipts] == [True, False, True, True]


def test_an_id_used_for_another_event_is_refused(place, task):
    with LabelStore(place, task) as store:
        store.add(event(event_id=f"one of {task}"))
        with pytest.raises(UsageError, match="two different events"):
            store.add(event(event_id=f"one of {task}", value="no"))
        assert store.ledger().current("n1", "anna").value == "yes"
    with (
        LabelStore(place, task + "-reopened") as store,
        pytest.raises(UsageError, match="two different events"),
    ):
        store.add(event(event_id=f"one of {task}"))


def test_events_cannot_be_changed_or_removed(place, task):
    import sqlalchemy as sa

    with LabelStore(place, task) as store:
        store.add(event())
        for statement in ("update label_event set value = 'no'", "delete from label_event"):
            with (
                pytest.raises(sa.exc.DBAPIError, match="only ever added"),
                store._writing.begin() as connection,
            ):
                connection.exec_driver_sql(statement)
        assert store.events()[0].value == "yes"


def test_another_process_sees_what_was_committed(place, task):
    with LabelStore(place, task) as one, LabelStore(place, task) as two:
        one.add(event("n1"))
        two.add(event("n2"))
        assert set(one.ledger().labels()) == set(two.ledger().labels()) == {"n1", "n2"}


def test_annotators_agree_differ_and_are_adjudicated(place, task):
    with LabelStore(place, task) as store:
        store.add_all(
            [
                event("n1", "anna", value="yes"), event("n1", "ben", value="yes"),
                event("n2", "anna", value="yes"), event("n2", "ben", value="no"),
                event("n3", "anna", value="no"), event("n4", "ben", kind="skip", value=""),
            ]
        )  # fmt: skip
        ledger = store.ledger()
        assert set(ledger.in_dispute()) == {"n2"}
        assert {item: d.source for item, d in ledger.decisions().items()} == {"n1": "agreed", "n3": "single"}
        store.add(event("n2", "chief", value="no", purpose="adjudicate"))
        assert store.ledger().decisions()["n2"].label == "no"
        assert store.ledger().decisions()["n2"].source == "adjudicated"
        assert store.ledger().annotators() == ("anna", "ben")


def test_flags_and_comments_are_events_too(place, task):
    with LabelStore(place, task) as store:
        store.add_all([event(kind="flag", value=""), event(kind="comment", value="blurred scan")])
        assert store.ledger().flagged_items() == ("n1",)
        assert [c.value for c in store.ledger().comments("n1")] == ["blurred scan"]
        store.add(event(kind="unflag", value=""))
        assert store.ledger().flagged("n1") == {}


@pytest.mark.parametrize(
    "wrong", [{"kind": "delete"}, {"purpose": "test"}, {"item": ""}, {"who": ""}, {"value": ""}, {"kind": "undo", "value": ""}]
)  # fmt: skip
def test_events_that_could_mean_two_things_are_refused(wrong):
    with pytest.raises(UsageError):
        event(**wrong)


def test_the_file_is_private_and_no_foreign_file_is_opened(tmp_path):
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.add(event())
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "notes.csv").write_text("id,text\n1,a patient's words\n")
    with pytest.raises(InputError) as fault:
        LabelStore(tmp_path / "notes.csv")
    assert "patient" not in str(fault.value)


def test_a_store_of_a_newer_format_is_refused(tmp_path):
    LabelStore(tmp_path / "labels.sqlite").close()
    with sqlite3.connect(tmp_path / "labels.sqlite") as connection:
        connection.execute("update label_store set version = 99")
    connection.close()
    with pytest.raises(InputError, match="format 99"):
        LabelStore(tmp_path / "labels.sqlite")


def test_other_databases_are_refused():
    with pytest.raises(UsageError, match="SQLite or PostgreSQL"):
        LabelStore("mysql://localhost/labels")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["yes", "no", "skip", "undo"])), max_size=20
    )
)
def test_what_stands_equals_a_plain_stack_a_record(tmp_path, steps):
    expected: dict[str, list[str]] = {"a": [], "b": []}
    with LabelStore(tmp_path / f"{new_event_id()}.sqlite") as store:
        for item, step in steps:
            standing = store.ledger().current(item, "anna")
            if step == "undo":
                if standing is not None:
                    store.add(event(item, kind="undo", value=standing.event_id))
                    expected[item].pop()
                continue
            kind, value = ("skip", "") if step == "skip" else ("label", step)
            if store.add(event(item, kind=kind, value=value)).new:
                expected[item].append(step)
        fresh = Ledger()
        fresh.take(store.events())
        for ledger in (store.ledger(), fresh):
            for item, stack in expected.items():
                standing = ledger.current(item, "anna")
                assert (None if standing is None else standing.value or "skip") == (
                    stack[-1] if stack else None
                )


@pytest.mark.parametrize("n_items", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_twenty_annotators_at_once_lose_no_label(place, task, capsys, n_items):
    n_people = 20
    waits: list[float] = []
    acknowledged: list[tuple[str, str]] = []
    lock = threading.Lock()

    def work(person):
        mine = []
        random = np.random.default_rng(person)
        for row in range(n_items):
            given = event(f"n{row}", f"person-{person}", value=("yes", "no")[random.integers(2)])
            for attempt in range(2 if random.random() < 0.1 else 1):  # one click in ten is sent twice
                begin = time.perf_counter()
                receipt = store.add(given)
                mine.append(time.perf_counter() - begin)
                assert receipt.new == (attempt == 0)
        with lock:
            waits.extend(mine)
            acknowledged.extend((f"n{row}", f"person-{person}") for row in range(n_items))

    with LabelStore(place, task) as store:
        begin = time.perf_counter()
        with ThreadPoolExecutor(n_people) as pool:
            list(pool.map(work, range(n_people)))
        seconds = time.perf_counter() - begin
        stored = {(e.item_id, e.annotator) for e in store.events()}
        assert len(store.events()) == n_people * n_items
        assert stored == set(acknowledged), "0 lost"
    p50, p99 = np.percentile(waits, [50, 99]) * 1000
    with capsys.disabled():
        print(  # noqa: T201 - the measurement itself
            f"\n{store.url.get_backend_name()}: {len(waits)} saves in {seconds:.1f} s, "
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {max(waits) * 1000:.0f} ms; 0 lost"
        )
    assert max(waits) < 10, "no annotator starves"


WRITER = """
import sys
from sidelight.apps.ui.store import LabelEvent, LabelStore, new_event_id

place, task, run = sys.argv[1:]
with LabelStore(place, task) as store:
    row = 0
    while True:
        batch = [LabelEvent(f"{run}-{row}-{k}", f"{run}-n{row}-{k}", "anna", "label", "yes") for k in range(3)]
        store.add_all(batch)
        for event in batch:
            print(event.event_id, flush=True)
        row += 1
"""


@pytest.mark.parametrize("n_kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_writers_lose_no_acknowledged_label(place, task, n_kills):
    random = np.random.default_rng(0)
    promised: set[str] = set()
    for kill in range(n_kills):
        command = [sys.executable, "-c", WRITER, place, task, f"run{new_event_id()[:6]}-{kill}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            promised.add(process.stdout.readline().strip())
            time.sleep(random.uniform(0.0, 0.3))
            process.send_signal(signal.SIGKILL)
            promised.update(line.strip() for line in process.stdout if line.endswith("\n"))
    with LabelStore(place, task) as store:
        stored = [e.event_id for e in store.events()]
    assert promised <= set(stored)
    assert len(stored) == len(set(stored))
    assert len(promised) > n_kills


def test_events_survive_as_json():
    given = event(chance=0.25, ms_on_screen=1200, queue="random", suggestion="no")
    assert LabelEvent.from_json(json.loads(json.dumps(given.to_json()))) == given
