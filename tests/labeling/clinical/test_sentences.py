import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling.clinical import split_sentences


@pytest.mark.parametrize(
    ("note", "sentences"),
    [
        ("No fever. No cough.", ["No fever.", "No cough."]),
        ("Seen by Dr. Stone today.", ["Seen by Dr. Stone today."]),
        ("Creatinine 2.1 mg/dl. Stable.", ["Creatinine 2.1 mg/dl.", "Stable."]),
        ("1. Aspirin\n2. Metoprolol", ["1. Aspirin", "2. Metoprolol"]),
        ("- fever\n- cough", ["- fever", "- cough"]),
        ("Findings: clear\n\nImpression: normal", ["Findings: clear", "Impression: normal"]),
        ("no fever,\nno chills", ["no fever,\nno chills"]),
        ("Heart: normal\nLungs: clear", ["Heart: normal", "Lungs: clear"]),
        ("Is there pain? No! None.", ["Is there pain?", "No!", "None."]),
        ("Evidence of e.g. oedema.", ["Evidence of e.g. oedema."]),
        ("Am 3. postoperativen Tag fieberfrei. V.a. Infekt.", ["Am 3. postoperativen Tag fieberfrei.", "V.a. Infekt."]),
        ("   ", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_of_notes(note, sentences):
    assert [note[start:end] for start, end in split_sentences(note)] == sentences


def test_a_wrapped_line_is_joined():
    note = "The patient was seen in the emergency department with\nDr. Stone present and was discharged."
    assert len(split_sentences(note)) == 1


@given(st.text(alphabet="ab .\n-1é:", max_size=80))
def test_sentences_are_disjoint_ordered_and_lose_only_white_space(note):
    spans = split_sentences(note)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    assert "".join("".join(note[s:e].split()) for s, e in spans) == "".join(note.split())
