"""Slicing functions for the bundled ECGs: care groups, devices, and subsets that only the reports tell apart."""

import re

from sidelight.labeling import Record
from sidelight.slicing import slicing_function

_SWEDISH = re.compile(
    r"sinusrytm|förmak|skänkel|\bavvikande\b|el-axel|\bekg normalt|normalt ekg", re.IGNORECASE
)
_ENGLISH = re.compile(
    r"\b(?:rhythm|wave|normal ecg|fibrillation|arrhythmia|tachycardia|bradycardia)\b", re.IGNORECASE
)
_EXTRA_BEATS = re.compile(
    r"extras[yÿ]stol|premature (?:atrial|ventricular)|supraventrikulär\w* ext", re.IGNORECASE
)


@slicing_function
def female(record: Record) -> bool:
    """Patients recorded as female (PTB-XL writes 1)."""
    return bool(record.sex == 1)


@slicing_function
def male(record: Record) -> bool:
    """Patients recorded as male (PTB-XL writes 0)."""
    return bool(record.sex == 0)


@slicing_function
def age_under_40(record: Record) -> bool:
    """Patients under 40 years."""
    return record.age is not None and bool(record.age < 40)


@slicing_function
def age_40_to_64(record: Record) -> bool:
    """Patients of 40 to 64 years."""
    return record.age is not None and bool(40 <= record.age < 65)


@slicing_function
def age_65_and_over(record: Record) -> bool:
    """Patients of 65 years and more."""
    return record.age is not None and bool(record.age >= 65)


@slicing_function
def device_cs_12(record: Record) -> bool:
    """Recorded with a CS-12 electrocardiograph."""
    return (record.device or "").startswith("CS-12")


@slicing_function
def device_at_6(record: Record) -> bool:
    """Recorded with an AT-6 electrocardiograph."""
    return (record.device or "").startswith("AT-6")


@slicing_function
def report_in_english(record: Record) -> bool:
    """The report is in English, most often the reading of another group of cardiologists."""
    return bool(_ENGLISH.search(record.text or "")) and not _SWEDISH.search(record.text or "")


@slicing_function
def report_in_swedish(record: Record) -> bool:
    """The report is in Swedish."""
    return bool(_SWEDISH.search(record.text or ""))


@slicing_function
def mentions_extra_beats(record: Record) -> bool:
    """The report mentions premature beats, of the atria or of the ventricles."""
    return bool(_EXTRA_BEATS.search(record.text or ""))


@slicing_function
def brief_report(record: Record) -> bool:
    """The report has at most four words."""
    return len((record.text or "").split()) <= 4


SLICES = [
    female,
    male,
    age_under_40,
    age_40_to_64,
    age_65_and_over,
    device_cs_12,
    device_at_6,
    report_in_english,
    report_in_swedish,
    mentions_extra_beats,
    brief_report,
]
"""What the demo audits, in the order of its table."""

__all__ = ["SLICES"]
