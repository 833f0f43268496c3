import pickle

import pytest

from sidelight.labeling import (
    ClinicalPipeline,
    ContextFilter,
    ContextRule,
    LFApplier,
    UsageError,
    keyword_lf,
    regex_lf,
)
from sidelight.labeling.clinical import rule_set


@pytest.mark.parametrize(
    ("options", "note", "vote"),
    [
        ({}, "No effusion.", 1),
        ({"negated": False}, "No effusion.", None),
        ({"negated": False}, "No effusion. Small effusion.", 1),
        ({"negated": True}, "No effusion.", 1),
        ({"negated": True}, "Effusion.", None),
        ({"uncertain": False}, "Possible effusion.", None),
        ({"historical": False}, "History of effusion.", None),
        ({"hypothetical": False}, "Return if effusion develops.", None),
        ({"experiencer": "patient"}, "Mother had an effusion.", None),
        ({"experiencer": "family"}, "Mother had an effusion.", 1),
        ({"sections": ["impression"]}, "Findings: effusion. Impression: normal.", None),
        ({"sections": ["impression"]}, "FINDINGS: clear. IMPRESSION: effusion.", 1),
        ({"negated": False, "language": "de"}, "Kein effusion.", None),
    ],
)
def test_findings_count_in_the_context_asked_for(options, note, vote):
    assert keyword_lf("effusion", ["effusion"], 1, **options)(note) == vote
    assert regex_lf("effusion", "effusion", 1, **options)(note) == vote


def test_evidence_is_what_survived():
    function = keyword_lf("effusion", ["effusion"], 1, negated=False)
    votes = LFApplier([function]).apply(["No effusion, no effusion. Effusion."], evidence=True)
    assert dict(votes.evidence) == {(0, 0): ((26, 34),)}


def test_context_is_part_of_the_fingerprint_and_travels():
    plain, current = (keyword_lf("e", ["effusion"], 1, **o) for o in ({}, {"negated": False}))
    house = rule_set("en").extended([ContextRule("zero", ("negated",), "forward")])
    ours = keyword_lf("e", ["effusion"], 1, negated=False, language=house)
    assert len({plain.fingerprint, current.fingerprint, ours.fingerprint}) == 3
    assert plain.fingerprint == keyword_lf("e", ["effusion"], 1, language="de").fingerprint
    again = pickle.loads(pickle.dumps(ours))  # noqa: S301
    assert again("Zero effusion.") is None
    assert again.fingerprint == ours.fingerprint


def test_a_users_pipeline_replaces_the_sentence_splitter():
    def whole(text):
        return [(0, len(text))]

    pipeline = ClinicalPipeline(rule_set("en"), split=whole)
    options = {"negated": False}
    assert keyword_lf("e", ["effusion"], 1, **options)("No fever. Effusion") == 1
    assert keyword_lf("e", ["effusion"], 1, **options, language=pipeline)("No fever. Effusion") is None


def test_a_spacy_pipeline_gives_the_sentences():
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    pipeline = ClinicalPipeline.from_spacy(nlp)
    assert keyword_lf("e", ["effusion"], 1, negated=False, language=pipeline)("No fever. Effusion") == 1


@pytest.mark.parametrize(
    "options",
    [
        {"negated": "no"},
        {"experiencer": "mother"},
        {"sections": "impression"},
        {"language": "xx"},
        {"negative": True},
    ],
)
def test_unknown_contexts_are_refused(options):
    with pytest.raises(UsageError):
        keyword_lf("effusion", ["effusion"], 1, **options)


def test_a_filter_works_on_bare_text():
    assert ContextFilter(negated=False).keep("No rash, fever", [(3, 7)]) == []
