"""Tables of records and votes for the kinds of declared functions, one row a trap."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from sidelight.labeling import (
    CodeSet,
    InputError,
    LFApplier,
    UsageError,
    add_consistency,
    allow_prompts,
    annotator_lf,
    as_votes,
    cascade,
    dated_lf,
    event_lf,
    find_dates,
    finding_lf,
    first_of,
    keyword_lf,
    labeling_function,
    neighbour_lf,
    numeric_lf,
    prompt_lf,
    read_code_tree,
    rise_lf,
)

low_ef = numeric_lf("low_ef", ["EF", "LVEF", "ejection fraction"], 1, below=40, units="%", plausible=(5, 90))
high_k = numeric_lf("high_k", ["potassium", "Kalium", "K"], 1, above=5.5, units={"mmol/l": 1, "meq/l": 1})
renal = numeric_lf(
    "renal", ["creatinine"], 1, at_least=1.5, units={"mg/dl": 1, "µmol/l": 1 / 88.4}, unit_required=True
)


@pytest.mark.parametrize(
    ("function", "text", "vote"),
    [
        (low_ef, "EF 35 %", 1),
        (low_ef, "LVEF is estimated at approximately 30-35%", 1),
        (low_ef, "EF 35 to 45 %", None),
        (low_ef, "Ejection fraction: 40 %", None),
        (low_ef, "EF < 40%", 1),
        (low_ef, "EF > 30 %", None),
        (low_ef, "EF normal, heart rate 35", None),
        (low_ef, "EF 2 %", None),
        (low_ef, "BEEF 30 %", None),
        (low_ef, "EF of 30 mg/dl", None),
        (high_k, "K 6.1 mmol/l", 1),
        (high_k, "Kalium 6,1 mmol/l", 1),
        (high_k, "potassium 5.5", None),
        (high_k, "potassium was 6", 1),
        (renal, "creatinine 2.1 mg/dl", 1),
        (renal, "creatinine 180 µmol/l", 1),
        (renal, "creatinine 100 µmol/l", None),
        (renal, "creatinine 2.1", None),
    ],
)
def test_measured_values(function, text, vote):
    assert function(text) == vote


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("seen 2020-01-05", ["2020-01-05"]),
        ("on 1/5/2020", ["2020-01-05"]),
        ("on 13/5/19", ["2019-05-13"]),
        ("am 5.1.2020", ["2020-01-05"]),
        ("Jan 5, 2020 and 5 January 2020", ["2020-01-05", "2020-01-05"]),
        ("in 3/2016", ["2016-03-15"]),
        ("since 2012", ["2012-07-01"]),
        ("March 2016", ["2016-03-15"]),
        ("3 weeks ago", ["2019-12-25"]),
        ("two days ago, yesterday", ["2020-01-13", "2020-01-14"]),
        ("vor 2 Jahren", ["2018-01-15"]),
        ("för tre veckor sedan", ["2019-12-25"]),
        ("5/6/98", ["1998-05-06"]),
        ("2020-13-45 and 31/31/2020", []),
        ("EF 35, BP 120/80, 1200 ml, v1.2.3", []),
    ],
)
def test_dates_in_notes(text, days):
    assert [str(found.day) for found in find_dates(text, date(2020, 1, 15))] == days


def test_relative_dates_need_the_documents_day():
    assert list(find_dates("3 weeks ago, 5/6/98")) == []


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("Fell 3 days ago.", 1),
        ("Fell in 2012.", None),
        ("Fall in 2012, seen 2 days ago. Fell.", None),
        ("Denies that she fell yesterday.", None),
        ("Fell.", None),
    ],
)
def test_terms_are_bound_to_the_nearest_date_of_their_sentence(text, vote):
    recent = dated_lf("recent", ["fell", "fall"], 1, days=(-14, 0), negated=False)
    assert recent({"text": text, "time": "2020-01-15"}) == vote
    assert recent({"text": text}) is None


def lab(time, value, unit="mg/dl", code="2160-0"):
    return {"kind": "lab", "code": code, "time": time, "value": value, "unit": unit}


@pytest.mark.parametrize(
    ("events", "vote"),
    [
        ([lab("2020-01-01T08:00", 0.9), lab("2020-01-02T20:00", 1.2)], 1),
        ([lab("2020-01-01T08:00", 0.9), lab("2020-01-04T20:00", 1.4)], None),
        ([lab("2020-01-01T08:00", 1.4), lab("2020-01-02T08:00", 0.9)], None),
        ([lab("2020-01-01T08:00", 0.9), lab("2020-01-06T08:00", 1.9)], None),
        ([lab("2020-01-01T08:00", 0.9), lab("2020-01-02T08:00", 115, "µmol/l")], 1),
        ([lab("2020-01-01T08:00", 0.9), lab("2020-01-02T08:00", 9, "furlong")], None),
        ([lab("2020-01-01T08:00", 0.9), lab("2020-01-02T08:00", 1.9, code="x")], None),
    ],
)
def test_a_rise_within_a_window_before_the_documents_time(events, vote):
    injury = rise_lf("injury", ["2160-0"], 1, by=0.3, hours=48, units={"mg/dl": 1, "µmol/l": 1 / 88.4})
    assert injury({"text": "", "time": "2020-01-05", "events": events}) == vote


def test_events_of_a_kind_in_time_and_number():
    events = [{"kind": "drug", "code": "11289", "time": f"2020-01-0{day}"} for day in (1, 2, 9)]
    twice = event_lf("twice", ["11289"], 1, kind="drug", at_least=2)
    thrice = event_lf("thrice", None, 1, kind="drug", at_least=3)
    late = event_lf("late", ["11289"], 1, within_days=2)
    row = {"text": "", "time": "2020-01-05", "events": events}
    assert (twice(row), thrice(row), late(row)) == (1, None, None)
    assert event_lf("x", ["11289"], 1, kind="lab")(row) is None
    with pytest.raises(UsageError, match="give codes"):
        event_lf("x", None, 1)


def test_a_tree_of_codes_from_a_file(tmp_path):
    path = tmp_path / "tree.csv"
    path.write_text("child,parent\n22298006,414545008\n401303003,22298006\n414545008,64572001\n")
    codes = CodeSet(["22298006"], read_code_tree(path))
    assert ["401303003" in codes, "22298006" in codes, "414545008" in codes] == [True, True, False]
    with pytest.raises(InputError, match="has no column up"):
        read_code_tree(path, parent="up")


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("No effusion.", 0),
        ("Possible effusion.", {0, 1}),
        ("Small effusion. No left effusion.", 1),
        ("Possible effusion. No effusion.", {0, 1}),
        ("History of effusion.", None),
        ("Evaluate for effusion.", None),
        ("Effusion index. ", None),
        ("Mother had an effusion.", None),
        ("Clear.", None),
    ],
)
def test_what_a_note_says_of_a_finding_as_a_whole(text, vote):
    effusion = finding_lf(
        "e", ["effusion"], affirmed=1, negated=0, uncertain={0, 1}, unless=["effusion index"]
    )
    assert effusion(text) == vote


@pytest.mark.parametrize(
    ("value", "vote"), [("pos", 1), ("neg", 0), ("?", None), (None, None), (float("nan"), None)]
)
def test_an_annotators_column(value, vote):
    assert annotator_lf("r", "reader", answers={"pos": 1, "neg": 0})({"text": "", "reader": value}) == vote


def test_an_annotators_numbers_and_confidence():
    reader = annotator_lf("r", "reader", confidence="sure")
    votes = LFApplier([reader]).apply(
        [{"text": "", "reader": 1.0, "sure": 0.6}, {"text": "", "reader": 0, "sure": None}]
    )
    assert votes.dense().ravel().tolist() == [1, 0]
    np.testing.assert_allclose(votes.confidence.ravel(), [0.6, 1])


def test_a_lasting_finding_is_spread_within_the_patient_and_not_back_in_time():
    votes = as_votes([[1], [-1], [-1], [-1], [0]])
    groups = ["a", "a", "a", "", "b"]
    assert add_consistency(votes, "lf_0", groups=groups).dense()[:, 1].tolist() == [-1, 1, 1, -1, -1]
    timed = add_consistency(votes, "lf_0", groups=groups, times=[2, 1, 3, 1, 1])
    assert timed.dense()[:, 1].tolist() == [-1, -1, 1, -1, -1]
    split = add_consistency(as_votes([[1], [0], [-1]]), "lf_0", groups=["a"] * 3, agreement=0.6)
    assert split.dense()[:, 1].tolist() == [-1, -1, -1]


def test_neighbours_in_an_embedding_of_the_users():
    def embed(texts):
        return [[text.count("a"), text.count("b")] for text in texts]

    function = neighbour_lf("n", {"aaa": 1, "bbb": 0}, embed=embed, threshold=0.8, k=1)
    assert [function("aab" + "a" * 5), function("bbbb"), function("ab"), function("zz")] == [1, 0, None, None]
    votes = LFApplier([function]).apply(["a", "b", "zz"])
    assert votes.dense().ravel().tolist() == [1, 0, -1]


# -- combinators -------------------------------------------------------------------------------------

effusion, drain = keyword_lf("effusion", ["effusion"], 1), keyword_lf("drain", ["drain"], 1)
clear = keyword_lf("clear", ["clear"], 0)


@pytest.mark.parametrize(
    ("function", "text", "vote"),
    [
        (effusion & drain, "effusion drain", 1),
        (effusion & drain, "effusion", None),
        (effusion & clear, "effusion clear", None),
        (effusion | drain, "drain", 1),
        (effusion | clear, "effusion clear", None),
        (effusion & ~drain, "effusion", 1),
        (effusion & ~drain, "effusion drain", None),
        (~effusion, "nothing", None),
        ((~effusion).voting(0), "nothing", 0),
        (effusion.then(clear), "effusion clear", 0),
        (effusion.then(clear), "clear", None),
        (first_of(clear, effusion), "effusion clear", 0),
        (~(effusion & drain) & clear, "effusion clear", 0),
        (effusion & (drain | clear).voting(1), "effusion clear", 1),
    ],
)
def test_functions_put_together(function, text, vote):
    assert function(text) == vote


def test_combinations_name_their_parts_and_carry_their_evidence():
    both = effusion & drain & ~clear
    assert both.name == "(effusion & drain & ~clear)"
    assert both.polarity == (1,)
    votes = LFApplier([both]).apply(["effusion, drain"], evidence=True)
    assert dict(votes.evidence) == {(0, 0): ((0, 8), (10, 15))}


def test_plain_functions_combine_too():
    @labeling_function
    def is_long(record):
        return 1 if len(record.text) > 10 else -1

    assert (is_long & effusion)("a large effusion") == 1
    assert (is_long & effusion)("effusion") is None
    with pytest.raises(TypeError, match="not with a int"):
        _ = is_long & 1


def test_a_cascade_asks_the_cheap_ones_first():
    asked = []

    @labeling_function
    def dear(record):
        asked.append(record.text)
        return 1

    assert [cascade(dear, clear)(text) for text in ("clear", "x")] == [0, 1]
    assert asked == ["x"]


# -- prompts -----------------------------------------------------------------------------------------


class Model(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][0]["content"]
        Model.asked.append(text)
        said = "Yes." if "effusion" in text.split("\n")[-1] else "The patient is ZEBRA-4711"
        answer = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def address():
    Model.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_prompt_is_off_until_it_is_allowed_and_answers_are_kept(address, tmp_path):
    cache = tmp_path / "answers.json"
    ask = {
        "prompt": "Effusion?\n{text}",
        "answers": {"yes": 1, "no": 0},
        "model": "m",
        "url": address,
        "cache": cache,
    }
    function = prompt_lf("effusion", **ask)
    with pytest.raises(UsageError, match="which is off"):
        function("an effusion")
    with allow_prompts():
        assert LFApplier([function]).apply(
            ["an effusion", "clear", "an effusion"]
        ).dense().ravel().tolist() == [1, -1, 1]
    assert len(Model.asked) == 2
    assert prompt_lf("effusion", **ask)("an effusion") == 1  # from the file
    assert "ZEBRA" not in cache.read_text()
    assert "effusion" not in cache.read_text()
    assert oct(cache.stat().st_mode)[-3:] == "600"


def test_a_prompt_tells_count_and_cost_before_it_sends_anything(address):
    from sidelight.labeling import Record

    function = prompt_lf(
        "e", "?" * 392 + "{text}", {"yes": 1}, model="m", url=address, price_per_1000_tokens=2
    )
    estimate = function.estimate([Record({"text": "abcd" * 4})] * 3)
    assert (estimate.n_records, estimate.n_calls, estimate.n_tokens) == (3, 1, 111)
    assert estimate.cost == pytest.approx(0.222)
    assert Model.asked == []


@pytest.mark.parametrize(
    "url", ["http://example.invalid/v1", "http://10.0.0.1/v1", "file:///etc/passwd", "http://"]
)
def test_records_do_not_leave_this_machine(url):
    with pytest.raises(UsageError, match="url is"):
        prompt_lf("e", "{text}", {"yes": 1}, model="m", url=url)


@pytest.mark.parametrize(
    "make",
    [
        lambda: prompt_lf("e", "no place", {"yes": 1}, model="m"),
        lambda: prompt_lf("e", "{text}", {}, model="m"),
        lambda: numeric_lf("n", ["EF"], 1),
        lambda: numeric_lf("n", [], 1, above=1),
        lambda: dated_lf("d", ["x"], 1, days=(3, 1)),
        lambda: rise_lf("r", ["1"], 1, hours=4),
        lambda: CodeSet([]),
        lambda: CodeSet("I21"),
        lambda: neighbour_lf("n", {"a": 1}),
        lambda: finding_lf("f", ["x"]),
        lambda: finding_lf("f", [], affirmed=1),
    ],
)
def test_malformed_functions_are_refused(make):
    with pytest.raises(UsageError):
        make()
