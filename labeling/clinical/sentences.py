"""Where the sentences of a clinical note begin and end."""

import re

from ..votes import Span

_ABBREVIATIONS = frozenset(
    [
        "dr",
        "drs",
        "mr",
        "mrs",
        "ms",
        "prof",
        "st",
        "jr",
        "sr",
        "vs",
        "etc",
        "approx",
        "resp",
        "dept",
        "ext",
        "ca",
        "cf",
        "e.g",
        "i.e",
        "a.m",
        "p.m",
        "al",
        "fig",
        "no",
        "nos",
        "vol",
        "pt",
        "pts",
        "pat",
        "hx",
        "dx",
        "tx",
        "rx",
        "sx",
        "fx",
        "abd",
        "temp",
        "wt",
        "ht",
        "min",
        "max",
        "avg",
        "est",
        "resp",
        "cont",
        "prev",
        "incl",
        "mg",
        "ml",
        "mcg",
        "kg",
        "cm",
        "mm",
        "hr",
        "hrs",
        "wk",
        "wks",
        "mo",
        "mos",
        "yr",
        "yrs",
        "b.i.d",
        "t.i.d",
        "q.i.d",
        "q.d",
        "q.h.s",
        "p.o",
        "p.r.n",
        "i.v",
        "i.m",
        "s.c",
        "bzw",
        "ca",
        "evtl",
        "ggf",
        "inkl",
        "insb",
        "ca",
        "vgl",
        "sog",
        "usw",
        "z.b",
        "d.h",
        "u.a",
        "v.a",
        "o.a",
        "z.n",
        "v.d",
        "o.g",
        "s.o",
        "bds",
        "li",
        "re",
        "bes",
        "geb",
        "zn",
        "vd",
        "pat",
        "bl.a",
        "t.ex",
        "d.v.s",
        "dvs",
        "ev",
        "osv",
    ]
)
_ENDS = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|$)")
_BREAK = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"[^\S\n]*\n[^\S\n]*\n\s*")
_BULLET = re.compile(r"[ \t]*(?:[-*•·–]|\(?\d{1,2}[.)]|[a-z][.)])[ \t]+\S")
_HEADER = re.compile(r"[ \t]*[A-ZÄÖÜÅ][\w/&()., '-]{0,60}:")
_ENUMERATOR = re.compile(r"\s*\(?\d{1,2}[.)]*$")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]$|^[^\W\d_]$")
_WRAPPED = 50
"""A line at least this long that ends in no full stop was broken by a margin, not by its author."""


def split_sentences(text: str) -> list[Span]:
    r"""Return start and end of each sentence, in order, without the white space around them.

    Breaks at full stops, blank lines, bullets and ends of short lines; not after abbreviations ("Dr."), initials,
    decimals and the numbers of a list, nor where a long line was wrapped.

    Examples
    --------
    >>> note = "Seen by Dr. Stone. No fever,\\nno chills. 1. Aspirin 81 mg"
    >>> [note[start:end] for start, end in split_sentences(note)]
    ['Seen by Dr. Stone.', 'No fever,\\nno chills.', '1. Aspirin 81 mg']
    """
    sentences = []
    for start, end in _paragraphs(text):
        begin = start
        for stop in _ENDS.finditer(text, start, end):
            if stop.end() < end and _ends_sentence(text, begin, stop.start(), stop.end()):
                sentences.append((begin, stop.end()))
                begin = stop.end()
        sentences.append((begin, end))
    return [span for raw in sentences if (span := _strip(text, *raw)) is not None]


def _paragraphs(text: str) -> list[Span]:
    """Return pieces of text between line breaks that end a sentence for certain."""
    pieces = []
    begin = 0
    for line_break in _BREAK.finditer(text):
        start, end = line_break.span()
        if start < begin:
            continue
        if _line_ends_sentence(text, begin, start, end):
            pieces.append((begin, start))
            begin = end
    pieces.append((begin, len(text)))
    return pieces


def _line_ends_sentence(text: str, begin: int, start: int, end: int) -> bool:
    """Whether the line break at start..end is the author's and not the margin's."""
    follows = _BREAK.search(text, end)
    next_line = text[end : follows.start() if follows else len(text)]
    line = text[
        text.rfind("\n", begin, start) + 1 if text.rfind("\n", begin, start) >= begin else begin : start
    ]
    if not next_line.strip() or not line.strip():
        return True
    if _BULLET.match(next_line) or _HEADER.match(next_line):
        return True
    last = line.rstrip()[-1]
    if last in ".!?:":
        return last != "." or not next_line.lstrip()[0].islower()
    if last in ",-/(" or next_line.lstrip()[0].islower():
        return False
    return len(line.rstrip()) < _WRAPPED


def _ends_sentence(text: str, begin: int, stop: int, end: int) -> bool:
    """Whether the full stop at `stop` ends the sentence that began at `begin`."""
    head = text[begin:stop]
    if text[stop] == "?" and (not head or head[-1] in " \t("):
        return False  # a doubt before its finding: "? appendicitis"
    if text[stop] != ".":
        return True
    if _ENUMERATOR.fullmatch(head):  # the number of a list item, not its content
        return False
    word = re.split(r"[\s(\[/,;:]", head)[-1].lower()
    rest = text[end:].lstrip()[:1]
    if word in _ABBREVIATIONS:
        # "no." and units end sentences too, and then a capital follows
        return word in _ALSO_LAST and not (rest.islower() or rest.isdigit())
    if _INITIALS.search(word):
        return False
    return not (word.isdigit() and rest.islower())  # German ordinals: "am 3. postoperativen Tag"


_END_TOO = """
no mg ml mcg kg cm mm hr hrs wk wks mo mos yr yrs etc usw abd min max al prev b.i.d t.i.d q.i.d q.d
p.o p.r.n i.v i.m a.m p.m re li
"""
_ALSO_LAST = frozenset(_END_TOO.split())


def _strip(text: str, start: int, end: int) -> Span | None:
    """Return the span without white space at its ends, None when nothing is left."""
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    size = len(piece.strip())
    return (start + left, start + left + size) if size else None
