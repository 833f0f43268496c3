import itertools

from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling.clinical import SECTION_TITLES, find_sections


def names(note, **keywords):
    return [section.name for section in find_sections(note, **keywords)]


def test_headers_at_the_start_of_lines_and_sentences():
    assert names("Indication: cough\nFINDINGS: Clear. IMPRESSION: Normal.") == [
        "reason",
        "findings",
        "impression",
    ]


def test_a_header_without_a_colon_fills_a_line_in_capitals():
    assert names("FINDINGS\nclear\nIMPRESSION\nnormal") == ["findings", "impression"]
    assert names("the findings\nare clear") == [""]


def test_text_before_the_first_header_has_no_name():
    assert names("Chest radiograph.\nImpression: normal") == ["", "impression"]


def test_sub_headers_stay_in_their_section_and_unknown_capitals_close_it():
    assert names("Findings:\nLungs: clear\nHeart: normal") == ["findings"]
    assert names("Findings: clear\nTISSUE BANK: sent") == ["findings", "tissue_bank"]


def test_a_house_adds_headers():
    titles = {**SECTION_TITLES, "impression": (*SECTION_TITLES["impression"], "our opinion")}
    assert names("Our opinion: normal", titles=titles) == ["impression"]


def test_german_and_swedish_headers():
    assert names("Befund: frei\nBeurteilung: normal") == ["findings", "impression"]
    assert names("Fynd: rena lungor\nBedömning: normalt") == ["findings", "impression"]


@given(st.text(alphabet="FINDINGS:impression \n.a", max_size=80))
def test_sections_cover_the_text(note):
    sections = find_sections(note)
    assert sections[0].start == 0
    assert sections[-1].end == len(note)
    assert all(a.end == b.start for a, b in itertools.pairwise(sections))
