from datetime import UTC, datetime

from sidelight.labeling import inspect_functions, keyword_lf, labeling_function


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
        ("breaks", "never fires"),
    ]


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
