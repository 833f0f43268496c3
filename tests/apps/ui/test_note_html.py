"""A note on the page: marked where functions fired and findings stand, and never interpreted."""

import re

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.findings import Finding, FindingMarker
from sidelight.apps.ui.note_html import SIGNS, Mark, note_html
from sidelight.labeling import InputError, finding_lf


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "a & b", '" onmouseover="x', "x" * 5, "grün 𝔸"]
)
def test_a_note_is_shown_and_never_interpreted(text):
    html = note_html(
        text, [Mark((0, 3), 0, '"><b>'), Mark((1, len(text)), 1, "two"), Mark((2, 900), 1, "past the end")]
    )
    plain = html.replace('<div class="note">', "").replace("</div>", "").replace("</mark>", "")
    assert "<script" not in html
    assert '"><b>' not in html
    assert plain.count("<") == plain.count("<mark ")


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("Small left pleural effusion.", "affirmed"),
        ("No pleural effusion.", "negated"),
        ("Possible pleural effusion.", "uncertain"),
        ("History of pleural effusion.", "historical"),
        ("Mother had a stroke.", "family"),
        ("Kein Nachweis einer Fraktur.", "negated"),
        ("ingen pneumoni och är normal", "negated"),
    ],
)
def test_findings_carry_what_the_note_says_of_them(sentence, status):
    (finding,) = FindingMarker.of().find(sentence)
    assert finding.status == status
    html = note_html(sentence, findings=[finding])
    sign = SIGNS.get(status)
    assert f'<span class="finding {status}"' in html
    assert ('class="sign"' in html) == (sign is not None)
    assert (sign or "") in html
    plain = re.sub(r'<i class="sign">.*?</i>|<[^>]*>', "", html)
    assert plain == sentence, "the text itself stays whole"


def test_a_finding_within_evidence_shows_its_sign_once():
    html = note_html("no big effusion", [Mark((3, 9), 0, "f")], findings=[Finding((7, 15), "negated")])
    assert html.count('class="sign"') == 1
    assert re.sub(r"<[^>]*>", "", html.replace('<i class="sign">no</i>', "")) == "no big effusion"


def test_findings_come_from_a_file_and_from_functions(tmp_path):
    (tmp_path / "terms.txt").write_text("# mine\nblue toe\n")
    says = finding_lf("says", ["green ear"], affirmed="yes")
    marker = FindingMarker.of([says], tmp_path / "terms.txt")
    found = marker.find("Blue toe, no green ear, fever.")
    assert [finding.status for finding in found] == ["affirmed", "negated"]
    with pytest.raises(InputError):
        FindingMarker.of([], tmp_path / "gone.txt")


def test_a_note_without_text_says_so():
    assert "no text" in note_html("  \n")
