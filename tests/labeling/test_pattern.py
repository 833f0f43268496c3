"""Keyword and regular-expression functions."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import LFApplier, PatternFunction, UsageError, keyword_lf, regex_lf

letters = "abcäöüßéèñÄÖÜÉxyz"
words = st.text(st.sampled_from(letters), min_size=1, max_size=4)
texts = st.lists(st.text(st.sampled_from(letters + "  \n-.,()4_"), max_size=6), max_size=12).map("".join)


def naive(text, phrases):
    """Say whether a phrase stands in the text as whole words: word by word, without any pattern."""

    def parts(string):
        found, word = [], ""
        for character in string.lower():
            if character.isalnum() or character == "_":
                word += character
            else:
                found += [word, character]
                word = ""
        joined = []
        for part in [*found, word]:
            if part.isspace():
                if joined and joined[-1] == " ":
                    continue
                joined.append(" ")
            elif part:
                joined.append(part)
        return joined

    tokens = parts(text)
    for phrase in phrases:
        wanted = parts(phrase.strip())
        if any(tokens[i : i + len(wanted)] == wanted for i in range(len(tokens))):
            return True
    return False


@given(texts, st.lists(words, min_size=1, max_size=4))
def test_keywords_are_found_as_a_naive_word_search_finds_them(text, keywords):
    assert keyword_lf("k", keywords, 1)({"text": text}) == (1 if naive(text, keywords) else None)


@given(
    texts, st.lists(st.lists(words, min_size=2, max_size=3).map(" ".join), min_size=1, max_size=3), st.data()
)
def test_phrases_are_found_over_any_white_space(text, phrases, data):
    gap = data.draw(st.sampled_from([" ", "  ", "\n", "\t ", "\u00a0"]))
    text += " " + gap.join(data.draw(st.sampled_from(phrases)).split()) if data.draw(st.booleans()) else ""
    assert keyword_lf("k", phrases, 1)({"text": text}) == (1 if naive(text, phrases) else None)


@given(texts, st.lists(words, min_size=1, max_size=4))
def test_inside_words_keywords_are_substrings(text, keywords):
    function = keyword_lf("k", keywords, 1, whole_words=False, case_sensitive=True)
    assert function({"text": text}) == (1 if any(word in text for word in keywords) else None)


@given(texts, words, words)
def test_a_blocking_word_silences_the_vote(text, keyword, blocker):
    vote = keyword_lf("k", [keyword], 1, unless=[blocker])({"text": text})
    assert vote == (1 if naive(text, [keyword]) and not naive(text, [blocker]) else None)


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        ("normal", "Abnormal ECG.", False),
        ("normal", "ECG normal.", True),
        ("normal", "NORMAL-SIZED HEART", True),
        ("ödem", "Lungenödem", False),
        ("Ödem", "kein ödem", True),
        ("ÖDEM", "Kein Ödem.", True),
        ("größe", "GRÖSSE", False),
        ("linksschenkelblock", "Kompletter Linksschenkelblock, Lagetyp", True),
        ("q-wave", "no Q-wave seen", True),
        ("st", "ST-Hebung", True),
        ("st", "ST_Hebung", False),
        ("c. difficile", "C.  difficile positive", True),
        ("c. difficile", "Cx difficile", False),
        ("2+", "edema 2+ bilaterally", True),
        ("(r)", "lung (R) clear", True),
        ("épanchement pleural", "Épanchement\npleural gauche", True),
        ("心房細動", "所見 心房細動 あり", True),
        ("", "anything", None),
    ],
)
def test_words_in_context(keyword, text, found):
    if found is None:
        with pytest.raises(UsageError, match="keywords is empty"):
            keyword_lf("k", [keyword], 1)
        return
    assert keyword_lf("k", [keyword], 1)(text) == (1 if found else None)


def test_a_record_without_text_earns_no_vote():
    function = keyword_lf("k", ["a"], 1)
    assert function({"id": "r1"}) is None
    assert function({"text": None}) is None
    assert function({"text": ""}) is None


def test_another_field_can_be_searched():
    function = keyword_lf("k", ["paced"], 1, field="impression")
    assert LFApplier([function]).apply(
        [{"impression": "Paced."}, {"impression": "", "text": "paced"}]
    ).dense().tolist() == [
        [1],
        [-1],
    ]


def test_evidence_is_every_place_found():
    function = keyword_lf("k", ["fluid", "pleural effusion"], 1)
    votes = LFApplier([function]).apply(["Fluid. Pleural  effusion.", "clear"], evidence=True)
    assert dict(votes.evidence) == {(0, 0): ((0, 5), (7, 24))}


def test_regular_expressions_take_flags_or_compiled_patterns():
    assert regex_lf("r", r"\bEF\b", 1)("ef 20 %") == 1
    assert regex_lf("r", r"\bEF\b", 1, flags=0)("ef 20 %") is None
    assert regex_lf("r", re.compile("EF"), 1)("ef") is None
    assert regex_lf("r", "EF", 1, unless="normal")("EF normal") is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: keyword_lf("mine", "normal", 1),
        lambda: keyword_lf("mine", [], 1),
        lambda: keyword_lf("mine", ["a"], 1, unless="b"),
        lambda: keyword_lf("mine", ["a"], 1, whole_words="yes"),
        lambda: regex_lf("mine", "(unclosed", 1),
        lambda: regex_lf("mine", "a", 1, unless="*"),
    ],
    ids=["one string", "no keyword", "one string in unless", "whole_words", "pattern", "unless"],
)
def test_wrong_options_are_refused_with_the_functions_name(make):
    with pytest.raises(UsageError, match="function 'mine'"):
        make()


def test_pattern_functions_travel_between_processes():
    function = keyword_lf("k", ["a b"], "abnormal", unless=["c"], field="title", on_error="abstain")
    copy = pickle.loads(pickle.dumps(function))  # noqa: S301
    assert isinstance(copy, PatternFunction)
    assert (copy.name, copy.fingerprint, copy.on_error) == (function.name, function.fingerprint, "abstain")
    assert copy({"title": "A  B"}) == "abnormal"
