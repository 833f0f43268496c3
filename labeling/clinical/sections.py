"""The sections of a clinical note: where each begins, and what its header means."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SECTION_TITLES: dict[str, tuple[str, ...]] = {
    "chief_complaint": ("chief complaint", "cc", "reason for visit", "presenting complaint", "vorstellungsgrund", "sökorsak"),
    "reason": (
        "indication", "indications", "reason for exam", "reason for examination", "reason for study", "clinical indication",
        "clinical history", "clinical information", "reason for admission", "reason for consultation", "indikation",
        "fragestellung", "rechtfertigende indikation", "klinische angaben", "frågeställning",
    ),
    "history_of_present_illness": (
        "history of present illness", "hpi", "present illness", "history", "interval history", "subjective", "anamnese",
        "aktuelle anamnese", "jetzige anamnese", "anamnes", "aktuellt",
    ),
    "past_medical_history": (
        "past medical history", "past history", "medical history", "pmh", "pmhx", "previous medical history",
        "past medical and surgical history", "past medical/surgical history", "vorerkrankungen", "eigenanamnese",
        "vorgeschichte", "nebendiagnosen", "tidigare sjukdomar",
    ),
    "past_surgical_history": ("past surgical history", "surgical history", "psh", "voroperationen", "tidigare operationer"),
    "family_history": ("family history", "fh", "fhx", "family medical history", "familienanamnese", "hereditet", "ärftlighet"),
    "social_history": ("social history", "sh", "habits", "alcohol", "alcohol use", "tobacco", "tobacco use", "smoking", "sozialanamnese", "noxen", "socialt"),
    "allergies": ("allergies", "allergy", "drug allergies", "allergies and reactions", "allergien", "allergier"),
    "medications": (
        "medications", "current medications", "home medications", "discharge medications", "medications on admission",
        "meds", "medikation", "aktuelle medikation", "medikamente", "läkemedel",
    ),
    "review_of_systems": ("review of systems", "ros", "systems review", "vegetative anamnese"),
    "physical_exam": (
        "physical examination", "physical exam", "examination", "exam", "pe", "objective", "vital signs",
        "körperlicher untersuchungsbefund", "untersuchungsbefund", "status",
    ),
    "labs": ("laboratory data", "laboratory", "labs", "laboratory studies", "laboratory results", "labor", "laborwerte", "lab"),
    "procedure": ("procedure", "procedures", "procedure performed", "operation", "operation performed", "description of procedure", "eingriff"),
    "technique": ("technique", "exam type", "protocol", "technik", "untersuchungstechnik", "teknik"),
    "comparison": ("comparison", "comparisons", "comparison study", "prior studies", "voraufnahmen", "vergleich", "jämförelse"),
    "findings": ("findings", "report", "results", "radiographic findings", "befund", "befunde", "fynd", "utlåtande"),
    "impression": (
        "impression", "impressions", "conclusion", "conclusions", "interpretation", "summary", "beurteilung",
        "zusammenfassung", "bedömning",
    ),
    "assessment": ("assessment", "assessment and plan", "assessment/plan", "a/p", "diagnosis", "diagnoses", "final diagnosis", "diagnose", "diagnosen"),
    "hospital_course": ("hospital course", "brief hospital course", "course", "emergency department course", "verlauf"),
    "plan": ("plan", "recommendation", "recommendations", "disposition", "follow up", "follow-up", "empfehlung", "procedere", "therapie", "planering"),
    "instructions": (
        "discharge instructions", "instructions", "patient instructions", "return precautions", "warning signs",
        "followup instructions", "follow-up instructions", "follow up instructions",
    ),
}  # fmt: skip
"""Canonical names of sections and the headers, in lower case, that open them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a note under one header.

    Parameters
    ----------
    name : str
        Canonical name, "" before the first header.
    start, end : int
        From the header's first character to the next section.
    body : int
        Where the text after the header starts.
    """

    name: str
    start: int
    end: int
    body: int


def find_sections(text: str, titles: Mapping[str, Sequence[str]] = SECTION_TITLES) -> list[Section]:
    r"""Return the sections of a note in order; together they cover the text.

    A header stands at the start of a line or sentence and ends in a colon, or fills a line in capitals; headers not in
    `titles` belong to the section they stand in, unless in capitals at the start of a line, which close it.

    Parameters
    ----------
    text : str
        The note.
    titles : mapping from name to headers, default `SECTION_TITLES`
        Headers in lower case; extend a copy with those of your house.

    Examples
    --------
    >>> [(s.name, s.start) for s in find_sections("Indication: cough\nFINDINGS: Clear. IMPRESSION: Normal.")]
    [('reason', 0), ('findings', 18), ('impression', 35)]
    """
    pattern, names = _compiled(tuple((name, tuple(words)) for name, words in titles.items()))
    found: list[tuple[int, int, str]] = []
    for match in pattern.finditer(text):
        title, other = match["title"], match["other"]
        if title is None:
            if match["line"] is not None:
                found.append((match.start("other"), match.end(), "_".join(re.findall(r"\w+", other.lower()))))
            continue
        if match["line"] is None and not title[0].isupper():
            continue
        if match["colon"] is None and not title.isupper():
            continue
        found.append((match.start("title"), match.end(), names[" ".join(title.lower().split())]))
    sections = [Section("", 0, found[0][0] if found else len(text), 0)]
    ends = [*(start for start, _, _ in found[1:]), len(text)]
    for (start, body, name), after in zip(found, ends[: len(found)], strict=True):
        sections.append(Section(name, start, after, body))
    return [section for section in sections if section.end > section.start] or sections[:1]


@functools.lru_cache(maxsize=16)
def _compiled(titles: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple["re.Pattern[str]", dict[str, str]]:
    """Return a pattern that finds headers, and the section each known one opens."""
    names = {" ".join(title.lower().split()): name for name, words in titles for title in words}
    known = "|".join(
        r"\s+".join(map(re.escape, title.split())) for title in sorted(names, key=len, reverse=True)
    )
    return (
        re.compile(
            rf"(?:(?P<line>^[ \t]*(?:\d{{1,2}}[.)][ \t]*|[#*]+[ \t]*)?)|(?<=[.!?;:\]]\s)|(?<=\s\s))"
            rf"(?:(?P<title>(?i:{known}))(?!\w)[ \t]*(?:(?P<colon>:)|(?=[ \t]*$))"
            r"|(?P<other>[A-ZÄÖÜÅ][A-ZÄÖÜÅ/&() -]{3,50})(?<![ ]):)",
            re.MULTILINE,
        ),
        names,
    )
