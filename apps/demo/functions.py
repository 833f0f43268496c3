"""Labeling functions for the bundled ECG reports: German, English and Swedish, written from training reports alone.

Each says what a cardiologist's sentence says: normal, abnormal, or nothing. A finding that a report denies ("no
evidence of", "kein", "inget") earns no vote; one that it only suspects has functions of its own.
"""

import re

from sidelight.labeling import (
    LabelSchema,
    Record,
    keyword_lf,
    labeling_function,
    preprocessor,
    regex_lf,
)

schema = LabelSchema(classes=("normal", "abnormal"))

_DENIAL = re.compile(
    r"\b(?:no|not|without|kein\w*|nicht|ohne|inget|ingen|inga|utan)\b(?:\W+[\w-]+){0,5}\W*$", re.IGNORECASE
)
_DOUBT = re.compile(
    r"m(?:Ö|oe)glich|möglich|nicht auszuschlie(?:ss|ß)en|verdacht|cannot (?:be )?(?:entirely )?(?:excluded?|rule)|"
    r"possible|övervägas|suggest\w*|may be",
    re.IGNORECASE,
)


def asserts(text: str, finding: "re.Pattern[str]", *, doubtful: bool = False) -> bool:
    """Whether `text` states a finding without denying it; with `doubtful`, whether it only suspects it."""
    for match in finding.finditer(text):
        before = text[max(0, match.start() - 60) : match.start()].rpartition(".")[2]
        if _DENIAL.search(before):
            continue
        around = before + text[match.start() : match.end() + 40]
        if bool(_DOUBT.search(around)) == doubtful:
            return True
    return False


@preprocessor
def plain_text(record: Record) -> Record:
    """Add `plain`: the text without control characters and runs of blanks, which some devices left behind."""
    text = re.sub(r"[^\w\s.,:;/()&+-]", " ", record.text or "")
    record.plain = " ".join(text.split())
    return record


INFARCT = re.compile(r"infar[ck]t\w*|myokardsk\w+|myocardial damage", re.IGNORECASE)
FIBRILLATION = re.compile(r"vorhoffl\w+|atrial (?:fibrillation|flutter)|förmaksfl\w+", re.IGNORECASE)
ISCHAEMIA = re.compile(r"ischaemi\w*|ischemi\w*|ischämi\w*", re.IGNORECASE)
HYPERTROPHY = re.compile(r"\w*hypertro[pf]\w+|\blvh\b|\w*belastung\b|strain", re.IGNORECASE)
REPOLARISATION = re.compile(
    r"\bst\W{0,3}(?:segments?\b|t\b|senkung|hebung|sänkning)|\bst & t abnormal|\bt waves? (?:flat|inver|are)|"
    r"t-förändring|abnormales t\b|\bt abnormal|\bt neg",
    re.IGNORECASE,
)

says_normal_ecg = regex_lf(
    "says_normal_ecg",
    r"(?<!sonst )(?<!otherwise )(?<!eljest )\b(?:normales ekg|ekg normal|normal ecg|normalt ekg)\b",
    "normal",
    unless=r"\b(?:ab|not |kein )normal",
)
says_otherwise_normal = keyword_lf(
    "says_otherwise_normal", ["sonst normales ekg", "otherwise normal ecg", "eljest normalt ekg"], "normal"
)
says_no_pathology = keyword_lf(
    "says_no_pathology",
    ["no definite pathology", "inget säkert patologiskt", "kein pathologischer Befund"],
    "normal",
)
has_bundle_branch_block = regex_lf(
    "has_bundle_branch_block", r"schenkelblock|bundle branch block|skänkelblock|\b[lr]bbb\b", "abnormal"
)
has_fascicular_block = keyword_lf(
    "has_fascicular_block",
    [
        "linksanteriorer hemiblock",
        "linksposteriorer hemiblock",
        "fascicular block",
        "anteriort hemiblock",
        "främre hemiblock",
    ],
    "abnormal",
)
has_conduction_delay = regex_lf(
    "has_conduction_delay",
    r"a-v block|prolonged pr|leitungsstörung|intraventri\w+ block|q-?t-?verlängerung|prolonged qt|qt förlängd|\bwpw\b",
    "abnormal",
)
has_qrst_change = regex_lf(
    "has_qrst_change", r"qrs\(t\) (?:abnormal|förlopp)|\bqs complexes|\bq waves?\b", "abnormal"
)
has_extreme_axis = regex_lf(
    "has_extreme_axis",
    r"(?:ue|ü)berdrehter|extrem vänster|(?<!borderline )left axis deviation|rechtstyp",
    "abnormal",
    unless=r"\bnormal(?:es|t)? (?:ekg|ecg)\b",
)
is_paced = keyword_lf("is_paced", ["pacemaker", "schrittmacher", "paced"], "abnormal")
names_heart_drug = regex_lf(
    "names_heart_drug", r"cordichin|novodigal|digitalis|isoptin|tensobon|digoxin", "abnormal"
)


@labeling_function(pre=[plain_text], polarity=["abnormal"])
def has_fibrillation(record: Record) -> str | None:
    return "abnormal" if asserts(record.plain, FIBRILLATION) else None


@labeling_function(pre=[plain_text], polarity=["abnormal"])
def has_infarct(record: Record) -> str | None:
    return "abnormal" if asserts(record.plain, INFARCT) else None


@labeling_function(pre=[plain_text], polarity=["abnormal"])
def suspects_infarct(record: Record) -> str | None:
    return "abnormal" if asserts(record.plain, INFARCT, doubtful=True) else None


@labeling_function(pre=[plain_text], polarity=["abnormal"])
def has_ischaemia(record: Record) -> str | None:
    return (
        "abnormal"
        if asserts(record.plain, ISCHAEMIA) or asserts(record.plain, ISCHAEMIA, doubtful=True)
        else None
    )


@labeling_function(pre=[plain_text], polarity=["abnormal"])
def has_hypertrophy(record: Record) -> str | None:
    return "abnormal" if asserts(record.plain, HYPERTROPHY) else None


@labeling_function(pre=[plain_text], polarity=["abnormal"])
def has_repolarisation_change(record: Record) -> str | None:
    return "abnormal" if asserts(record.plain, REPOLARISATION) else None


@labeling_function(pre=[plain_text])
def is_brief_or_long(record: Record) -> str | None:
    """A normal tracing needs few words; a page of them describes findings."""
    n_words = len(record.plain.split())
    if re.match(r"sinus", record.plain, re.IGNORECASE) and 1 <= n_words <= 4:
        return "normal"
    return "abnormal" if n_words > 15 else None


FUNCTIONS = [
    says_normal_ecg,
    says_otherwise_normal,
    says_no_pathology,
    is_brief_or_long,
    has_fibrillation,
    has_infarct,
    suspects_infarct,
    has_ischaemia,
    has_hypertrophy,
    has_repolarisation_change,
    has_qrst_change,
    has_bundle_branch_block,
    has_fascicular_block,
    has_conduction_delay,
    has_extreme_axis,
    is_paced,
    names_heart_drug,
]
"""What the demo runs, in the order of its tables."""

__all__ = ["FUNCTIONS", "schema"]
