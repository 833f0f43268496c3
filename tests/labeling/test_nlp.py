from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import LFApplier, Record, UsageError
from sidelight.labeling.nlp import (
    NLPLabelingFunction,
    SpacyPreprocessor,
    matcher_lf,
    nlp_labeling_function,
)

spacy = pytest.importorskip("spacy")
NLP = spacy.blank("en")
NLP.add_pipe("sentencizer")


def counting(seen):
    nlp = spacy.blank("en")

    @spacy.Language.component(f"counter_{id(seen)}")
    def count(doc):
        seen.append(doc.text)
        return doc

    nlp.add_pipe(f"counter_{id(seen)}")
    return nlp


@nlp_labeling_function(language=NLP)
def has_two_sentences(record):
    return 1 if len(list(record.doc.sents)) == 2 else -1


def test_functions_read_documents():
    assert isinstance(has_two_sentences, NLPLabelingFunction)
    votes = LFApplier([has_two_sentences]).apply(["One. Two.", "One.", ""])
    assert votes.dense().ravel().tolist() == [1, -1, -1]
    assert has_two_sentences("One. Two.") == 1


def test_each_note_is_parsed_once_however_many_functions_read_it():
    seen = []
    nlp = counting(seen)
    functions = [
        nlp_labeling_function(name=f"f{i}", language=nlp)(lambda record: len(record.doc) % 2)
        for i in range(3)
    ]
    notes = [f"note {i}" for i in range(10)]
    LFApplier(functions).apply(notes)
    assert seen == notes


def test_required_words_spare_the_parsing():
    seen = []
    function = nlp_labeling_function(name="f", language=counting(seen), requires=["stroke"])(lambda record: 1)
    assert LFApplier([function]).apply(["stroke", "clear"]).dense().ravel().tolist() == [1, -1]
    assert seen == ["stroke"]


def test_a_function_that_fails_is_located_among_the_preprocessed():
    @nlp_labeling_function(language=NLP)
    def breaks(record):
        return 1 // len(record.doc)

    votes = LFApplier([breaks]).apply(["a", "", "b"], on_error="abstain")
    assert votes.dense().ravel().tolist() == [1, -1, 1]


def test_matcher_functions_run_as_one_and_bring_evidence():
    seen = []
    nlp = counting(seen)
    functions = [
        matcher_lf("effusion", ["pleural effusion", "effusions"], 1, language=nlp),
        matcher_lf("normal", ["normal"], 0, language=nlp),
    ]
    notes = ["Pleural effusion.", "normal heart", "abnormal", "no effusions, normal"]
    votes = LFApplier(functions).apply(notes)
    assert votes.dense().tolist() == [[1, -1], [-1, 0], [-1, -1], [1, 0]]
    assert seen == notes
    assert [[f(note) for f in functions] for note in notes][3] == [1, 0]
    evidence = LFApplier(functions).apply(notes, evidence=True).evidence
    assert evidence[0, 0] == ((0, 16),)
    assert functions[0].fingerprint != functions[1].fingerprint


def test_a_preprocessor_gives_a_field():
    made = SpacyPreprocessor(doc_field="parsed", language=NLP)({"text": "one two"})
    assert len(made.parsed) == 2


def test_what_is_missing_is_said():
    with pytest.raises(UsageError, match="no pipeline called 'en_core_web_none'"):
        SpacyPreprocessor(language="en_core_web_none")({"text": "x"})
    with pytest.raises(UsageError, match="by keyword"):
        nlp_labeling_function(lambda record: 1)
    with pytest.raises(UsageError, match="phrases is"):
        matcher_lf("f", "effusion", 1, language=NLP)


PHRASES = {
    "plain": ["pleural effusion", "effusions", "port-a-cath", "fx of"],
    "signs": ["don't", "8 am", "( x", "."],
    "accents": ["ödem", "weißes", "İ"],
}
WORDS = [
    "pleural", "effusion", "Effusions", "effusion.", "(effusion)", "port-a-cath", "port", "-", "a", "cath", "fx", "of",
    "don't", "do", "n't", "8am", "8", "am", "a.m.", "(", ")", ":)", ":", ":-)", "x", "(x", "Ödem", "WEISSES", "weißes", "İ",
    "", "", "\n", "\t", "\u00a0", "pleural\neffusion", "U.S.", "c.", "++", "o.O", "_(:",
]  # fmt: skip


@pytest.mark.parametrize("attr", ["LOWER", "ORTH"])
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=12))
def test_phrases_found_among_pieces_are_those_of_whole_documents(attr, words):
    from spacy.matcher import PhraseMatcher

    functions = FUNCTIONS[attr]
    text = " ".join(words)
    merged = functions[0]._merged
    assert merged._compiled()[3] is not None
    doc = BLANK(text)
    for function in functions:
        matcher = PhraseMatcher(BLANK.vocab, attr=attr)
        matcher.add("k", [BLANK.make_doc(phrase) for phrase in function.phrases])
        votes, faults = function.evaluate([Record({"text": text})], 0, "raise")
        assert (votes, faults.total()) == ([1 if matcher(doc) else None], 0)


BLANK = spacy.blank("en")
FUNCTIONS = {
    attr: [matcher_lf(name, phrases, 1, language=BLANK, attr=attr) for name, phrases in PHRASES.items()]
    for attr in ("LOWER", "ORTH")
}


def test_new_words_do_not_pile_up():
    nlp = spacy.blank("en")
    function = matcher_lf("f", ["effusion"], 1, language=nlp)
    function.evaluate([Record({"text": "effusion"})], 0, "raise")
    table = function._merged._compiled()[3]
    n_strings = len(nlp.vocab.strings)
    for start in range(0, 120_000, 1_000):
        text = " ".join(f"w{number}" for number in range(start, start + 1_000)) + " effusion"
        assert table.find(text) == {id(function)}
        assert len(table._heads) <= 51_001
    assert len(nlp.vocab.strings) == n_strings


@pytest.mark.parametrize("change", ["merging component", "rule with a space", "white phrase"])
def test_where_pieces_do_not_tell_documents_are_searched(change):
    nlp = spacy.blank("en")
    phrases = ["new york"]
    if change == "merging component":
        nlp.add_pipe("merge_entities")
    elif change == "rule with a space":
        nlp.tokenizer.add_special_case("New York", [{"ORTH": "New York"}])
    else:
        phrases = ["new \n york"]
    function = matcher_lf("f", phrases, 1, language=nlp)
    assert function.evaluate([Record({"text": "to New York"})], 0, "raise")[1].total() == 0
    assert function._merged._compiled()[3] is None


def test_matchers_of_functions_are_searched_together_and_answer_as_each_would():
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    lists = [["a", "a b"], ["b", "A B"], ["c"], ["b c", "a"]]
    matchers, functions, plain = [], [], []
    for i, phrases in enumerate(lists):
        matcher = PhraseMatcher(nlp.vocab, attr="LOWER" if i != 2 else "ORTH")
        for phrase in phrases:
            matcher.add(f"key {phrase}", [nlp.make_doc(phrase)])
        matchers.append(matcher)

        def in_default(record, matcher=matcher):
            found = matcher(record.doc)
            assert isinstance(matcher, PhraseMatcher)
            assert len(matcher) == len(lists[lists.index(phrases_of(matcher))])
            seen.append(found)
            return len(found) % 2

        def in_closure(record, inner=None, own=matcher):
            return len(own(record.doc[0:2])) + len(own(record.doc, as_spans=True))

        plain += [in_default, in_closure]
    seen = []

    def phrases_of(matcher):
        return next(
            phrases
            for phrases, one in zip(lists, matchers, strict=True)
            if all(f"key {p}" in matcher for p in phrases) and len(one) == len(matcher)
        )

    functions = [nlp_labeling_function(name=f"f{i}", language=nlp)(f) for i, f in enumerate(plain)]
    notes = ["a b c", "A b", "c c", "", "x"] * 60
    votes = LFApplier(functions).apply(notes).dense()
    together = list(seen)
    seen.clear()
    alone = [[f(SimpleNamespace(doc=nlp(note))) for f in plain] for note in notes]
    assert votes.tolist() == alone
    key = str
    assert sorted(together, key=key) == sorted(seen, key=key)


def test_a_matcher_that_changes_is_asked_itself():
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("en")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("k", [nlp.make_doc("a")])

    @nlp_labeling_function(language=nlp)
    def grows(record, matcher=matcher):
        if record.text == "learn":
            matcher.add("l", [record.doc])
        return len(matcher(record.doc))

    applier = LFApplier([grows])
    assert applier.apply(["a", "learn", "a learn", "a"]).dense().ravel().tolist() == [1, 1, 2, 1]
    matcher.add("m", [nlp.make_doc("x")])
    assert applier.apply(["x a", "learn"]).dense().ravel().tolist() == [2, 1]
    matcher.remove("l")
    assert applier.apply(["a x learning", "learning"]).dense().ravel().tolist() == [2, 0]
