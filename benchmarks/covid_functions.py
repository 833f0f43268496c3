"""Labeling functions over the clinical notes of chest radiographs: COVID-19 or another diagnosis.

They were written while reading notes beside their gold, so the labels' own areas are not blind; every network that learns
from them is judged alike. A note that names the virus only to say that it was not sought or not met earns no vote.
"""

import re

from sidelight.labeling import LabelSchema, Record, keyword_lf, labeling_function, regex_lf

schema = LabelSchema(classes=("other", "covid"))

VIRUS = re.compile(r"covid|sars-?cov-?2|corona ?virus|2019-?n-?cov", re.IGNORECASE)
DENIAL = re.compile(
    r"\b(?:no|not|without|negative|denied|neither|excluded?|un\w+)\b[^.]{0,60}$", re.IGNORECASE
)
DENIED_AFTER = re.compile(
    r"^[^.]{0,50}\b(?:negative|not (?:detected|performed|tested)|excluded)\b", re.IGNORECASE
)


@labeling_function(polarity=["covid"])
def names_the_virus(record: Record) -> str | None:
    text = record.text or ""
    for match in VIRUS.finditer(text):
        if not DENIAL.search(text[: match.start()]) and not DENIED_AFTER.search(text[match.end() :]):
            return "covid"
    return None


FUNCTIONS = [
    names_the_virus,
    regex_lf("tested_by_pcr", r"\b(?:rt-?)?pcr\b|nasopharyngeal|oropharyngeal swab|\bRNA\b", "covid"),
    regex_lf("ground_glass", r"ground[- ]?glass", "covid", unless=r"pneumocystis|\bPCP\b|\bHIV\b"),
    regex_lf("bilateral_peripheral", r"bilateral\w*[^.]*peripher\w+|peripher\w+[^.]*bilateral", "covid"),
    regex_lf("travelled", r"wuhan|hubei|\bitaly\b|\biran\b|travel(?:l?ed|ing)|returned from", "covid"),
    regex_lf("dry_cough", r"\bdry cough", "covid", unless=r"weeks of|months"),
    keyword_lf("lymphopenia", ["lymphopenia", "lymphocytopenia"], "covid"),
    regex_lf(
        "short_viral_illness",
        r"myalgia|anosmia|odynophagia|sore throat|day \d+ of (?:illness|symptom)",
        "covid",
    ),
    regex_lf("in_intensive_care", r"\bETT\b|intubat\w+|endotracheal|\bARDS\b|\bSpO2\b|tracheostomy", "covid"),
    regex_lf(
        "immune_deficiency",
        r"\bHIV\b|\bAIDS\b|pneumocystis|\bPCP\b|transplant\w*|leuk[ae]mia|lymphoma",
        "other",
    ),
    regex_lf(
        "names_another_germ",
        r"strepto\w*|pneumococc\w*|klebsiella|legionel\w*|mycoplasma|staphylo\w*|tubercul\w*|varicella|chicken ?pox|"
        r"influenza [AB]\b",
        "other",
    ),
    regex_lf("lobar", r"lobar|lobe (?:pneumonia|consolidation)|air[- ]bronchogram|\bempyema\b", "other"),
    regex_lf(
        "names_another_disease",
        r"eosinophili\w+|lipoid|organi[sz]ing pneumonia|interstitial pneumonia|sarcoid\w*|carcinoma|aspiration|biopsy",
        "other",
    ),
    regex_lf(
        "productive_cough",
        r"productive cough|sputum|h[ae]+moptysis|rigors",
        "other",
        unless=r"non-?productive",
    ),
    regex_lf(
        "took_long",
        r"\b(?:months?|years?)\b[^.]{0,20}(?:history|cough|fever|ago)|chronic cough|few weeks",
        "other",
    ),
    regex_lf("clear_film", r"\bCXR: normal|normal study|resolution of|lungs are clear", "other"),
]
"""In the order of tables: signs of the virus first."""

TRIGGERS = [
    "covid", "coronavirus", "sars-cov-2", "pcr", "ground-glass", "ground glass", "bilateral", "peripheral", "wuhan",
    "dry cough", "lymphopenia", "myalgia", "intubated", "hiv", "pneumocystis", "streptococcus", "mycoplasma",
    "legionella", "lobar", "sputum", "months", "years",
]  # fmt: skip
"""Words the functions look for, which the text model must not merely repeat."""
