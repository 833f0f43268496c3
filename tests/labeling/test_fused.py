"""The fused plan: one pass over a text, and the votes each function gives on its own."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import FunctionError, LFApplier, UsageError, keyword_lf, labeling_function, regex_lf
from sidelight.labeling.fused import FusedPlan
from sidelight.labeling.fused.vector import is_installed
from sidelight.labeling.fused.words import SAFE, fold
from sidelight.labeling.record import Record

FUNCTIONS = [
    keyword_lf("effusion", ["pleural effusion", "effusion", "Erguß"], 1),
    keyword_lf("inside", ["ödem", "skin", "k", "+ve", "x-ray"], 1, whole_words=False),
    keyword_lf("signs", ["+ve", "(l)", "s/p", "a."], 1),
    keyword_lf("cased", ["AF", "Kalium"], 1, case_sensitive=True),
    keyword_lf("unless", ["stroke"], 1, unless=["no stroke"]),
    keyword_lf("context", ["fever"], 1, negated=False),
    regex_lf("wrapped", r"\bno\s+(?:\w+\s+){0,3}effusion", 0),
    regex_lf("near", r"\bstroke s?\b.{0,12}\b(?:is|seen)\b|\bk\b", 0),
    regex_lf("number", r"\bEF\s*(?:of\s*)?[12]\d\s*%", 1),
    regex_lf("lazy", r"skin.*?rash", 1),
    regex_lf("anchored", r"^no|fever$|(?<=x)ray", 1),
    regex_lf("classes", r"[^\W\d]{3,}\d\b\S", 1),
    regex_lf("ascii", r"(?a:\bkalium\b)", 1),
    regex_lf("back", r"(\w)\1\1", 1),
    regex_lf("never", r"zebra(?!fish)", 1),
]
PIECES = [
    "no", "No", "pleural", "effusion", "EFFUSION", " ", "  ", "\n", "\t", "\x1c", "\x85", "\xa0", "stroke", "is", "s", "k", "K", "K", "ſkin",
    "skin", "rash", "EF", "25 %", "of", "fever", "Fever", "xray", "x-ray", "+VE", "(l)", "s/p", "a.", "AF", "af", "Kalium", "ÖDEM", "Lungenödem",
    "o\u0308dem", "ERGUSS", "erguß", "ERGUẞ", "ı", "İ", "_", "é", "1", "zebra", "zebrafish", "aaa", ".", ",", "but", "abc1x",
]  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join),
    st.text(max_size=40),
)
ENGINES = [
    "words",
    pytest.param("vector", marks=pytest.mark.skipif(not is_installed(), reason="no hyperscan")),
]
PLANS = {engine: FusedPlan(FUNCTIONS, engine=engine) for engine in ("words", *(["vector"] * is_installed()))}


@pytest.mark.parametrize("engine", ENGINES)
@given(notes=st.lists(texts, min_size=1, max_size=5))
def test_fused_functions_vote_as_each_does_alone(engine, notes):
    found, faults = PLANS[engine].find([Record({"text": note}) for note in notes], 0, "raise")
    alone = [[function(note) is not None for function in FUNCTIONS] for note in notes]
    assert found.tolist() == alone
    assert not any(faults)


def test_every_function_here_is_fused_and_fires_somewhere():
    notes = [
        "".join(PIECES),
        *PIECES,
        "no effusion",
        "AF EF 25 % fever stroke",
        "no x-ray",
        "aaa abc1. Kalium 1",
    ]
    assert PLANS["words"].columns == tuple(range(len(FUNCTIONS)))
    found, _ = PLANS["words"].find([Record({"text": note}) for note in notes], 0, "raise")
    assert found.any(axis=0).all()


def test_folding_finds_every_character_that_re_takes_for_a_safe_one():
    letters = "".join(sorted(re.escape(c) for c in SAFE))
    matches = re.compile(f"[{letters}]", re.IGNORECASE).fullmatch
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if character.isspace() or not matches(character):
            continue
        same = [c for c in SAFE if re.fullmatch(re.escape(c), character, re.IGNORECASE)]
        assert fold(character) in same, unicodedata.name(character, hex(code))


@pytest.mark.parametrize("engine", ENGINES)
def test_other_fields_and_missing_texts(engine):
    functions = [keyword_lf("a", ["cough"], 1, field="notes"), keyword_lf("b", ["cough"], 1)]
    records = [Record({"text": "cough", "notes": None}), Record({"text": None, "notes": "a cough"})]
    assert FusedPlan(functions, engine=engine).find(records, 0, "raise")[0].tolist() == [
        [False, True],
        [True, False],
    ]


def test_a_field_that_is_no_text_is_the_functions_error():
    functions = [keyword_lf("a", ["cough"], 1, field="age"), keyword_lf("b", ["cough"], 1)]
    with pytest.raises(FunctionError, match="'a', row 1"):
        LFApplier(functions).apply([{"text": "cough", "age": "x"}, {"text": "cough", "age": 61}])
    votes = LFApplier(functions).apply([{"text": "cough", "age": 61}], on_error="abstain")
    assert votes.dense().tolist() == [[-1, 1]]
    assert votes.statistics.errors.tolist() == [1, 0]


def test_bare_texts_frames_and_records_give_the_same_votes():
    import pandas as pd

    functions = [keyword_lf("a", ["cough"], 1), regex_lf("b", "no cough", 0)]
    notes = ["Cough.", "no cough", "ödem"]
    frame = pd.DataFrame({"text": notes, "patient_id": [1, None, 3]}, index=["x", "y", "z"])
    from_frame = LFApplier(functions).apply(frame)
    slow = LFApplier([*functions, labeling_function(lambda record: None)]).apply(frame)
    assert (
        from_frame.dense().tolist()
        == LFApplier(functions).apply(notes).dense().tolist()
        == [[1, -1], [1, 0], [-1, -1]]
    )
    assert from_frame.ids.tolist() == slow.ids.tolist() == ["x", "y", "z"]
    assert from_frame.patient_ids.tolist() == slow.patient_ids.tolist() == ["1", "", "3"]


def test_evidence_of_fused_functions():
    votes = LFApplier([keyword_lf("a", ["fever"], 1, negated=False)]).apply(
        ["No fever. Fever."], evidence=True
    )
    assert dict(votes.evidence) == {(0, 0): ((10, 15),)}


def test_an_unknown_engine_is_refused():
    with pytest.raises(UsageError, match="'words'"):
        FusedPlan(FUNCTIONS, engine="fast")
