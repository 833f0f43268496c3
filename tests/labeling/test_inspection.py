import random
import signal
import time
from datetime import UTC, datetime
from random import randint

import pytest

from sidelight.labeling import LabelSchema, event_lf, inspect_functions, keyword_lf, labeling_function


def kinds(functions, records=None, **keywords):
    return [(remark.function, remark.kind) for remark in inspect_functions(functions, records, **keywords)]


def test_healthy_functions_earn_no_remark():
    functions = [keyword_lf("a", ["cough"], 1, examples={"cough": 1}), keyword_lf("b", ["fever"], 1)]
    assert kinds(functions, ["cough", "fever", "clear"]) == []


def test_failing_examples_silent_and_doubled_functions():
    functions = [
        keyword_lf("a", ["cough"], 1, examples={"cough": None}),
        keyword_lf("b", ["coughs", "cough"], 1),
        keyword_lf("c", ["zebra"], 1),
    ]
    assert kinds(functions, ["a cough", "cough", "x"]) == [
        ("a", "example"),
        ("b", "overlapping"),
        ("c", "never fires"),
    ]


def test_slow_and_failing_functions():
    @labeling_function
    def slow(record):
        sum(range(200_000))
        return 1

    @labeling_function
    def breaks(record):
        raise KeyError(record.text)

    assert kinds([slow, breaks], ["a", "b"], slow_ms=0.5) == [
        ("slow", "slow"),
        ("breaks", "error"),
    ]
    (error,) = inspect_functions([breaks], ["ZEBRA", "b"])
    assert error.message.startswith("raised KeyError in line")
    assert error.message.endswith("failed on 2 of 2 records")


def test_a_function_that_votes_for_no_class_hides_no_other():
    @labeling_function
    def typo(record):
        return "abnromal" if "cough" in record.text else None

    functions = [typo, keyword_lf("a", ["zebra"], "abnormal")]
    schema = LabelSchema(classes=("normal", "abnormal"))
    found = inspect_functions(functions, ["x", "a cough"], schema=schema)
    assert [(one.function, one.kind, one.is_failure) for one in found] == [
        ("typo", "no vote", True),
        ("a", "never fires", False),
    ]
    assert found[0].message.startswith("row 1: voted")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer")
def test_a_function_that_is_stuck_is_left_out_and_the_others_are_looked_at():
    @labeling_function
    def stuck(record):
        while record.text == "x":
            pass

    functions = [stuck, keyword_lf("a", ["cough"], 1), keyword_lf("b", ["cough"], 1)]
    found = inspect_functions(functions, ["cough", "x", "cough"])
    assert [(one.function, one.kind) for one in found] == [("stuck", "slow"), ("b", "overlapping")]
    assert "over 1 of 3 records, and was not tried on more" in found[0].message


def test_a_function_that_would_take_minutes_is_tried_on_a_few_records():
    @labeling_function
    def dear(record):
        time.sleep(0.03)

    (found,) = inspect_functions([dear], ["a"] * 1000)
    assert (found.kind, "tried on 10 of 1000 only" in found.message) == ("slow", True)


def test_events_of_records_without_a_time_leak():
    functions = [event_lf("code", ["I10"], 1)]
    event = {"kind": "", "code": "I10", "time": "2020-01-01"}
    assert kinds(functions, [{"text": "", "events": [event]}]) == [("code", "leaking")]
    assert kinds(functions, [{"text": "", "time": "2021-01-01", "events": [event]}]) == []


def test_clocks_and_dice_are_told_from_their_modules():
    @labeling_function
    def waits(record):
        time.sleep(0)
        return 1 if record.time is None else datetime.fromisoformat("2020-01-01")

    @labeling_function
    def rolls(record):
        return randint(0, 1)

    @labeling_function
    def looks(record):
        return 1 if datetime.now(UTC) else random.random()

    # the dice behind `randint` cannot be fingerprinted either
    assert kinds([waits, rolls, looks]) == [("rolls", "opaque"), ("rolls", "unstable"), ("looks", "unstable")]


def test_functions_that_read_what_was_known_later_leak():
    written = datetime(2020, 1, 1, tzinfo=UTC)
    records = [
        {
            "id": str(i),
            "text": "x",
            "time": written,
            "died": "2020-03-01",
            "gold_label": 1,
            "born": "1950-01-01",
        }
        for i in range(3)
    ]

    @labeling_function
    def peeks(record):
        return 1 if record.died else 0

    @labeling_function
    def cheats(record):
        return record["gold_label"]

    @labeling_function
    def fair(record):
        return 0 if record.born else None

    assert kinds([peeks, cheats, fair], records, overlap=1.1) == [("peeks", "leaking"), ("cheats", "leaking")]
    (remark,) = inspect_functions([peeks], records)
    assert remark.message == "reads 'died', which lies after the document's time in 3 records"


def test_votes_that_depend_on_the_clock_are_unstable():
    @labeling_function
    def changes(record):
        return 1 if datetime.now(tz=UTC).year > 2000 else 0

    assert ("changes", "unstable") in kinds([changes])


def test_opaque_resources_ask_for_a_version():
    function = labeling_function(name="model", resources={"model": object()})(lambda record, model: 1)
    assert kinds([function]) == [("model", "opaque")]
    assert (
        kinds([labeling_function(name="m", resources={"model": object()}, version="2")(lambda r, model: 1)])
        == []
    )
