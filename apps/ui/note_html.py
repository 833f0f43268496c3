"""A record's text as safe HTML: every character escaped, evidence marked by class, sections as headings."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from sidelight.labeling import Span


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


def note_html(text: str, marks: Sequence[Mark] = (), *, sections: Sequence[tuple[int, int]] = ()) -> str:
    """Return a text with its marks as HTML; whatever stands in the text is shown and never interpreted.

    Parameters
    ----------
    text : str
        The record's text.
    marks : sequence of Mark
        They may overlap; where classes meet, the mark is striped.
    sections : sequence of (start, end)
        Section titles that do not overlap, set in bold; the first one's anchor is `section-0`.

    Examples
    --------
    >>> note_html("No <b>rest</b>.", [Mark((0, 2), 1, "denies")])
    '<div class="note"><mark class="c1" title="denies">No</mark> &lt;b&gt;rest&lt;/b&gt;.</div>'
    """
    n = len(text)
    if not text.strip():
        return '<div class="note empty">This record has no text.</div>'
    inside = [mark for mark in marks if 0 <= mark.span[0] < mark.span[1] <= n]
    cuts = {0, n}
    for mark in inside:
        cuts.update(mark.span)
    for section in sections:
        cuts.update(place for place in section if 0 <= place <= n)
    places = sorted(cuts)
    parts = []
    for start, end in itertools.pairwise(places):
        over = [mark for mark in inside if mark.span[0] <= start and end <= mark.span[1]]
        piece = escape(text[start:end])
        for number, (first, last) in enumerate(sections):
            if first <= start and end <= last:
                anchor = f' id="section-{number}"' if start == first else ""
                piece = f"<b{anchor}>{piece}</b>"
        if over:
            classes = sorted({mark.label for mark in over})
            style = f"c{classes[0] % 8}" if len(classes) == 1 else "mixed"
            says = escape(", ".join(dict.fromkeys(mark.says for mark in over)), quote=True)
            piece = f'<mark class="{style}" title="{says}">{piece}</mark>'
        parts.append(piece)
    return f'<div class="note">{"".join(parts)}</div>'


def section_links(names: Sequence[str]) -> str:
    """Return links to the sections of a note, in the order in which `note_html` was given them."""
    links = "".join(f'<a href="#section-{number}">{escape(name)}</a>' for number, name in enumerate(names))
    return f'<nav class="sections" aria-label="Sections of the note">{links}</nav>'
