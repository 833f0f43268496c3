import pytest

from sidelight.labeling import LFApplier, UsageError
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
