import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling.clinical import ClinicalText, ContextRule, RuleSet, assertion, phrases, rule_set


def said(sentence, finding, language="en"):
    start = sentence.lower().index(finding.lower())
    found = assertion(sentence, (start, start + len(finding)), language)
    marks = [name for name in ("negated", "uncertain", "historical", "hypothetical") if getattr(found, name)]
    return [*marks, *([] if found.experiencer == "patient" else [found.experiencer])]


@pytest.mark.parametrize(
    ("sentence", "finding", "expected"),
    [
        ("Small left pleural effusion.", "effusion", []),
        ("No pleural effusion.", "effusion", ["negated"]),
        ("No CHF, no pneumonia.", "pneumonia", ["negated"]),
        ("No fever, chills or night sweats.", "night sweats", ["negated"]),
        ("No effusion or pneumothorax is seen.", "pneumothorax", ["negated"]),
        ("No pneumothorax, the heart is enlarged.", "heart is enlarged", []),
        ("Denies chest pain but reports cough.", "cough", []),
        ("The patient is negative for influenza.", "influenza", ["negated"]),
        ("Fever: none, cough: yes", "fever", ["negated"]),
        ("Effusion has resolved.", "effusion", ["negated"]),
        ("Myocardial infarction was ruled out.", "myocardial infarction", ["negated"]),
        ("I do not believe the patient has a stroke.", "stroke", ["negated"]),
        ("Noted nodule, normal heart.", "nodule", []),
        ("He does not appear to have any cellulitis.", "cellulitis", ["negated"]),
        ("Appears to be without pneumothorax.", "pneumothorax", ["negated"]),
        ("Neither hepatomegaly nor splenomegaly was found.", "splenomegaly", ["negated"]),
        ("(-) fever (+) cough", "cough", []),
        ("The pneumothorax has not increased.", "pneumothorax", []),
        ("He had no fevers but did have chills.", "chills", []),
        ("Without complaints of pain today, does report dizziness.", "dizziness", []),
        ("The study (not done last year) shows an effusion.", "effusion", []),
        ("No change in effusion.", "effusion", []),
        ("No significant interval change in effusion.", "effusion", []),
        ("Not only pneumonia but effusion.", "pneumonia", []),
        ("Walks without difficulty, has chest pain.", "chest pain", []),
        ("Cannot exclude fracture.", "fracture", ["uncertain"]),
        ("Pneumonia cannot be ruled out.", "pneumonia", ["uncertain"]),
        ("Rule out pneumonia.", "pneumonia", ["uncertain"]),
        ("Suspicious for malignancy.", "malignancy", ["uncertain"]),
        ("Atelectasis versus pneumonia.", "pneumonia", ["uncertain"]),
        ("Pneumonia is unlikely.", "pneumonia", ["negated", "uncertain"]),
        ("Less likely pneumonia (cannot be excluded).", "pneumonia", ["uncertain"]),
        ("Possible effusion, no pneumothorax.", "pneumothorax", ["negated"]),
        ("History of effusion, drained 2019.", "effusion", ["historical"]),
        ("History of asthma who presents with fever.", "fever", []),
        ("No history of stroke.", "stroke", ["negated", "historical"]),
        ("Appendicitis 12 years ago.", "appendicitis", ["historical"]),
        ("HISTORY OF PRESENT ILLNESS: chest pain since noon.", "chest pain", []),
        ("PAST MEDICAL HISTORY: Diabetes.", "diabetes", ["historical"]),
        ("Compared to the previous radiograph there is an effusion.", "effusion", []),
        ("Return if fever develops.", "fever", ["hypothetical"]),
        ("Evaluate for pneumonia.", "pneumonia", ["hypothetical"]),
        ("Mother had breast cancer.", "breast cancer", ["family"]),
        ("FAMILY HISTORY: colon cancer.", "colon cancer", ["historical", "family"]),
        ("Her mother is well; she has asthma.", "asthma", []),
        ("Lives with her mother and has diabetes.", "diabetes", []),
        ("Roommate with vomiting.", "vomiting", ["other"]),
    ],
)
def test_english_findings_in_context(sentence, finding, expected):
    assert said(sentence, finding) == expected


@pytest.mark.parametrize(
    ("sentence", "finding", "expected"),
    [
        ("Kein Pneumothorax, kein Erguss.", "Erguss", ["negated"]),
        ("Kein Anhalt für Fraktur.", "Fraktur", ["negated"]),
        ("Erguss nicht nachweisbar.", "Erguss", ["negated"]),
        ("Keine wesentliche Änderung des Ergusses.", "Ergusses", []),
        ("V.a. Pneumonie.", "Pneumonie", ["uncertain"]),
        ("Verdacht auf Infarkt.", "Infarkt", ["uncertain"]),
        ("Ein Infarkt kann nicht ausgeschlossen werden.", "Infarkt", ["uncertain"]),
        ("Ischämie unwahrscheinlich.", "Ischämie", ["negated", "uncertain"]),
        ("Z.n. Myokardinfarkt, aktuell Vorhofflimmern.", "Myokardinfarkt", ["historical"]),
        ("Z.n. Myokardinfarkt, aktuell Vorhofflimmern.", "Vorhofflimmern", []),
        ("Mutter mit Diabetes.", "Diabetes", ["family"]),
        ("Sinusrhythmus, Linkstyp.", "Linkstyp", []),
    ],
)
def test_german_findings_in_context(sentence, finding, expected):
    assert said(sentence, finding, "de") == expected


@pytest.mark.parametrize(
    ("sentence", "finding", "expected"),
    [
        ("Inga tecken på pneumoni.", "pneumoni", ["negated"]),
        ("Pneumoni kan inte uteslutas.", "pneumoni", ["uncertain"]),
        ("Misstänkt fraktur.", "fraktur", ["uncertain"]),
        ("Tidigare hjärtinfarkt.", "hjärtinfarkt", ["historical"]),
        ("Far med diabetes.", "diabetes", ["family"]),
    ],
)
def test_swedish_findings_in_context(sentence, finding, expected):
    assert said(sentence, finding, "sv") == expected


def test_a_header_within_a_line_ends_what_stands_before_it():
    assert said("Measurements not obtained REFERRING DIAGNOSIS: syncope", "syncope") == []


def test_triggers_point_at_the_words_that_decided():
    found = assertion("There is no effusion.", (12, 20))
    assert found.triggers == (("negated", (9, 11)),)
    assert not found.affirmed


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=60))
def test_any_text_has_an_assertion(before, finding, after):
    text = before + finding + after
    found = assertion(text, (len(before), len(before) + len(finding)))
    assert all(0 <= start <= end <= len(text) for _, (start, end) in found.triggers)


def test_a_span_outside_the_text_is_refused_without_quoting_it():
    with pytest.raises(ValueError, match="outside the text's 6 characters"):
        assertion("secret", (3, 9))


def test_a_house_adds_rules_of_its_own():
    english = rule_set("en")
    house = english.extended([ContextRule("zero trace of", ("negated",), "forward")])
    assert not assertion("Zero trace of effusion", (14, 22)).negated
    assert assertion("Zero trace of effusion", (14, 22), house).negated
    assert house.fingerprint_parts() != english.fingerprint_parts()


def test_sentences_of_another_pipeline_replace_ours():
    text = "No fever. cough"
    whole = ClinicalText(text, rule_set("en"), sentences=[(0, len(text))])
    assert whole.assertion((10, 15)).negated
    assert not assertion(text, (10, 15)).negated


def test_unknown_languages_and_malformed_rules_are_refused():
    with pytest.raises(ValueError, match="'xx'"):
        rule_set("xx")
    with pytest.raises(ValueError, match="unknown category"):
        RuleSet("en", [ContextRule("no", ("denied",), "forward")])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="do not nest"):
        phrases("{a|b [c]}")


def test_rule_sets_read_as_data():
    for language in ("en", "de", "sv"):
        assert json.dumps([rule.phrase for rule in rule_set(language).rules])
