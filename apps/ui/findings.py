"""Findings a note mentions and what it says of each: there, denied, doubted, past, only feared, or somebody else's."""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight.labeling import Assertion, ClinicalPipeline, Gazetteer, InputError, LabelingFunction, Span

STATUSES = {
    "affirmed": "the note states it",
    "negated": "the note denies it",
    "uncertain": "the note is not sure",
    "historical": "from earlier",
    "hypothetical": "a plan, a warning or a risk",
    "family": "somebody else’s",
}
"""What a note may say of a finding, and how the page puts it."""

ENGLISH = """
abnormality, abscess, acute coronary syndrome, adenopathy, anemia, aneurysm, angina, aortic stenosis, arrhythmia,
arthritis, ascites, aspiration, asthma, asystole, atelectasis, atherosclerosis, atrial fibrillation, atrial flutter, axis
deviation, bleeding, bradycardia, bundle branch block, calcification, cancer, carcinoma, cardiomegaly, chest pain,
cholecystitis, cirrhosis, colitis, confusion, congestion, consolidation, constipation, contusion, copd, cough, cyst,
deep vein thrombosis, delirium, dementia, depression, diabetes, diarrhea, dislocation, diverticulitis, dizziness,
dyspnea, edema, effusion, embolism, emphysema, encephalopathy, endocarditis, enlarged, epilepsy, erythema, fever,
fibrosis, focal consolidation, fracture, fractures, gallstones, granuloma, headache, heart failure, hematoma, hematuria,
hemorrhage, hernia, hydronephrosis, hypertension, hypertrophy, hypotension, hypoxia, infarct, infarction, infection,
infiltrate, inflammation, injury, ischemia, ischaemia, jaundice, laceration, left ventricular hypertrophy, lesion,
leukocytosis, lymphadenopathy, malignancy, mass, masses, melanoma, meningitis, metastases, metastasis, migraine, murmur,
myocardial infarction, nausea, necrosis, nodule, nodules, obstruction, opacities, opacity, osteoarthritis, osteomyelitis,
osteoporosis, pain, palpitations, pancreatitis, perforation, pericardial effusion, peritonitis, pleural effusion,
pleural effusions, pneumonia, pneumothorax, polyp, pulmonary edema, pulmonary embolism, pulmonary nodule, rash, rales,
regurgitation, renal failure, respiratory distress, rib fracture, scar, sclerosis, seizure, seizures, sepsis, shock,
shortness of breath, sinusitis, spike and wave, st depression, st elevation, stenosis, stone, stroke, swelling, syncope,
tachycardia, tenderness, thickening, thrombosis, thrombus, tuberculosis, tumor, tumour, ulcer, urinary tract infection,
vertigo, vomiting, weakness, weight loss, wheezing
"""
GERMAN = """
abszess, aneurysma, angina pectoris, arrhythmie, atelektase, aszites, belastungszeichen, blutung, bradykardie,
diabetes, dyspnoe, embolie, erguss, extrasystolen, fieber, fraktur, herzinsuffizienz, hypertonie, hypertrophie, infarkt,
infiltrat, ischämie, karzinom, linksschenkelblock, linksventrikuläre hypertrophie, metastasen, myokardinfarkt, ödem,
pleuraerguss, pneumonie, pneumothorax, raumforderung, rechtsschenkelblock, schenkelblock, schlaganfall, schmerzen,
sepsis, stauung, stenose, tachykardie, thrombose, tumor, vorhofflimmern, vorhofflattern, vorderwandinfarkt
"""
SWEDISH = """
abscess, aneurysm, blödning, bradykardi, diabetes, dyspné, emboli, extraslag, feber, fraktur, förmaksflimmer,
förmaksfladder, hjärtinfarkt, hjärtsvikt, hypertoni, hypertrofi, infarkt, infiltrat, ischemi, lungemboli, metastaser,
pleuravätska, pneumoni, pneumothorax, skänkelblock, smärta, stenos, stroke, svullnad, takykardi, trombos, tumör,
vänstergrenblock, högergrenblock
"""

_PLAIN_WORDS = {
    "en": "the of and is are with no there to in was not for has or",
    "de": "der die das und ist mit kein keine nicht bei im von ein eine nach auf ohne zu",
    "sv": "och är med ej inte ingen inga av på som det en ett för till utan",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One mention.

    Parameters
    ----------
    span : (start, end)
        Its characters.
    status : str
        One of `STATUSES`.
    """

    span: Span
    status: str


class FindingMarker:
    """Finds mentions of a list of terms, and what the note says of each by the clinical context rules of its language.

    Parameters
    ----------
    terms : iterable of str
        Findings, in any case; whole words only.
    language : str, default ""
        "en", "de" or "sv"; told from the note's small words without.

    Examples
    --------
    >>> marker = FindingMarker(["effusion", "pneumonia"])
    >>> [(f.span, f.status) for f in marker.find("No effusion. Possible pneumonia.")]
    [((3, 11), 'negated'), ((22, 31), 'uncertain')]
    """

    def __init__(self, terms: Iterable[str], language: str = "") -> None:
        self.gazetteer = Gazetteer(terms, min_length=3)
        self.language = language
        self.find = functools.lru_cache(maxsize=256)(self._find)

    @classmethod
    def of(
        cls, functions: Sequence[LabelingFunction] = (), path: str | Path | None = None, language: str = ""
    ) -> "FindingMarker":
        """Return a marker of the terms of a file, one a line, or else of common ones; and of the functions' own.

        Raises
        ------
        InputError
            When the file cannot be read.
        """
        if path is None:
            own = [term for block in (ENGLISH, GERMAN, SWEDISH) for term in block.split(",")]
        else:
            try:
                own = Path(path).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                raise InputError(path, "cannot be read as UTF-8 text") from None
        declared: list[Any] = [term for f in functions for term in getattr(f, "terms", ()) or ()]
        words = [" ".join(str(term).split()) for term in (*own, *declared)]
        return cls((word for word in words if word and not word.startswith("#")), language)

    def warm(self) -> None:
        """Read the rules of all languages now, so that the first note need not wait for them."""
        for language in (self.language,) if self.language else ("en", "de", "sv"):
            ClinicalPipeline.of(language)("No fever.").assertion((3, 8))

    def _find(self, text: str) -> tuple[Finding, ...]:
        """Return the mentions in a note, in order; those that overlap are one, the longest."""
        note = ClinicalPipeline.of(self.language or language_of(text))(text)
        return tuple(Finding(span, status_of(note.assertion(span))) for span in self.gazetteer.find(text))


def status_of(said: Assertion) -> str:
    """Return the one word for what a note says of a finding."""
    if said.experiencer != "patient":
        return "family"
    for name in ("negated", "hypothetical", "historical", "uncertain"):
        if getattr(said, name):
            return name
    return "affirmed"


def language_of(text: str) -> str:
    """Return the language whose small words a note uses most, English where they tell nothing.

    Examples
    --------
    >>> language_of("Kein Nachweis einer Fraktur, der Erguss ist klein.")
    'de'
    """
    words = re.findall(r"\w+", text.lower())
    counts = {
        language: sum(word in plain for word in words)
        for language, plain in ((name, frozenset(text.split())) for name, text in _PLAIN_WORDS.items())
    }
    return max(counts, key=lambda language: counts[language])
