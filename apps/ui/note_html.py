"""A record's text as safe HTML: every character escaped, evidence marked by class, findings by what the note says."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sidelight.labeling import Span

from .findings import STATUSES, Finding

SIGNS = {"negated": "no", "uncertain": "?", "historical": "past", "hypothetical": "if", "family": "other"}
"""What stands before a finding that the patient does not simply have."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters that a function's vote rests on.

    Parameters
    ----------
    span : (start, end)
        Where in the text.
    label : int
        The class voted for: decides colour and line.
    says : str
        What is shown when the pointer rests on it.
    """

    span: Span
    label: int
    says: str


def note_html(
    text: str,
    marks: Sequence[Mark] = (),
    *,
    sections: Sequence[tuple[int, int]] = (),
    findings: Sequence[Finding] = (),
) -> str:
    """Return a text with its marks as HTML; whatever stands in the text is shown and never interpreted.

    Parameters
    ----------
    text : str
        The record's text.
    marks : sequence of Mark
        They may overlap; where classes meet, the mark is striped.
    sections : sequence of (start, end)
        Section titles that do not overlap, set in bold; the first one's anchor is `section-0`.
    findings : sequence of Finding
        Mentions that do not overlap, each with what the note says of it.

    Examples
    --------
    >>> note_html("No <b>rest</b>.", [Mark((0, 2), 1, "denies")])
    '<div class="note"><mark class="c1" title="denies">No</mark> &lt;b&gt;rest&lt;/b&gt;.</div>'
    """
    n = len(text)
    if not text.strip():
        return '<div class="note empty">This record has no text.</div>'
    inside = [mark for mark in marks if 0 <= mark.span[0] < mark.span[1] <= n]
    found = [finding for finding in findings if 0 <= finding.span[0] < finding.span[1] <= n]
    cuts = {0, n}
    for span in (*(mark.span for mark in inside), *(finding.span for finding in found), *sections):
        cuts.update(place for place in span if 0 <= place <= n)
    parts = []
    for start, end in itertools.pairwise(sorted(cuts)):
        over = [mark for mark in inside if mark.span[0] <= start and end <= mark.span[1]]
        piece = escape(text[start:end])
        for number, (first, last) in enumerate(sections):
            if first <= start and end <= last:
                anchor = f' id="section-{number}"' if start == first else ""
                piece = f"<b{anchor}>{piece}</b>"
        for finding in found:
            if finding.span[0] <= start and end <= finding.span[1]:
                piece = _finding(piece, finding.status, first=start == finding.span[0])
        if over:
            classes = sorted({mark.label for mark in over})
            style = f"c{classes[0] % 8}" if len(classes) == 1 else "mixed"
            says = escape(", ".join(dict.fromkeys(mark.says for mark in over)), quote=True)
            piece = f'<mark class="{style}" title="{says}">{piece}</mark>'
        parts.append(piece)
    return f'<div class="note">{"".join(parts)}</div>'


def _finding(piece: str, status: str, *, first: bool) -> str:
    """Return a piece of a finding, the first one with a sign where the note does not simply state it."""
    sign = SIGNS.get(status) if first else None
    shown = f'<i class="sign">{sign}</i>' if sign else ""
    return f'<span class="finding {status}" title="{STATUSES[status]}">{shown}{piece}</span>'


def finding_legend(findings: Sequence[Finding]) -> str:
    """Return what the signs before findings mean, for those that are there; empty without any."""
    there = dict.fromkeys(finding.status for finding in findings)
    entries = "".join(
        f'<span><i class="sign">{sign}</i>{STATUSES[status]}</span>'
        for status, sign in SIGNS.items()
        if status in there
    )
    return f'<div class="legend">{entries}</div>' if entries else ""


def section_links(names: Sequence[str]) -> str:
    """Return links to the sections of a note, in the order in which `note_html` was given them."""
    links = "".join(f'<a href="#section-{number}">{escape(name)}</a>' for number, name in enumerate(names))
    return f'<nav class="sections" aria-label="Sections of the note">{links}</nav>'
