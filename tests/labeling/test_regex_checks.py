import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import LFApplier, labeling_function, regex_lf
from sidelight.labeling.fused.words import fold
from sidelight.labeling.regex_checks import (
    RunawayRegexWarning,
    can_run_away,
    greatest_width,
    required_literals,
)


@pytest.mark.parametrize(
    "pattern", [r"^(\w+\s?)+$", r"(a+)+b", r"(?:a*)*", r"(?:\d+|x)+", r"(.*,?)*end", r"([a-z]+-?)+\."]
)
def test_repeats_of_repeats_are_noticed(pattern):
    assert can_run_away(re.compile(pattern))
    with pytest.warns(RunawayRegexWarning, match="'f'"):
        regex_lf("f", pattern, 1)


@pytest.mark.parametrize(
    "pattern", [r"(?:\w+\s+)*end", r"\bno\s+(?:\w+\s+){0,3}x", r"\d+(?:\.\d+)?", r"(?:a+b)+", r"a.*b.*c"]
)
def test_harmless_repeats_are_not(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regex_lf("f", pattern, 1)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bpleural\s+effusions?\b", {"pleural effusion"}),
        (r"(?:no|without) (?:stroke|bleed)", {"stroke", "bleed"}),
        (r"stroke|x", None),
        (r"(stroke)?", None),
        (r"\d+ mg", {"mg"}),
        (r"Ödem", {"dem"}),
        (r"(?i:Stroke)+", {"stroke"}),
        (r"[Ss]troke", {"troke"}),
        (r"\s+foo\s+", {"foo"}),
    ],
)
def test_words_that_every_match_holds(pattern, words):
    assert required_literals(re.compile(pattern)) == words


patterns = st.sampled_from([r"no\s+fever", r"a(?:b|cd)+e", r"x{2,3}y", r"(no|not) ab", r"AB\s*c", r"ab.cd"])


@given(patterns, st.text(alphabet="abcdenoxyfvr \n\tAB", max_size=30))
def test_no_match_lacks_its_words(pattern, text):
    compiled = re.compile(pattern, re.IGNORECASE)
    if compiled.search(text):
        assert any(word in fold(text) for word in required_literals(compiled))


def test_the_greatest_width_of_a_match():
    assert greatest_width(re.compile(r"ab{1,3}\b.")) == 5
    assert greatest_width(re.compile(r"ab*")) is None
    assert greatest_width(re.compile(r"ab$")) is None
    assert greatest_width(re.compile(r"(?<=x)ab")) is None


def runs_away(record):
    return 1 if re.search(r"^(\w+\s?)+$", record.text) else None


def test_a_pattern_that_runs_away_is_stopped_and_the_note_abstains():
    note = "a" * 60 + "!"
    functions = [labeling_function(runs_away), labeling_function(name="fine")(lambda record: 0)]
    votes = LFApplier(functions).apply([note, "ok"], on_error="abstain", note_seconds=0.2)
    assert votes.dense().tolist() == [[-1, 0], [1, 0]]
    assert votes.statistics.errors.tolist() == [1, 0]
    with pytest.raises(Exception, match=r"took more than 0.2 s over one record"):
        LFApplier(functions).apply([note], note_seconds=0.2)


def test_a_declared_pattern_that_runs_away_is_stopped_too():
    with pytest.warns(RunawayRegexWarning):
        function = regex_lf("slow", r"^(\w+\s?)+$", 1)
    votes = LFApplier([function]).apply(["a" * 60 + "é!", "ok"], on_error="abstain", note_seconds=0.2)
    assert votes.dense().ravel().tolist() == [-1, 1]
    assert votes.statistics.errors.tolist() == [1]
