"""Labeling functions for the five superclasses of ECG findings, over German, English and Swedish reports.

Each finding has functions of its own that say "there" or "not there". They were written while reading reports beside
their gold, so the labels' own areas are not blind; every network that learns from them is judged alike.
"""

import re
from collections.abc import Iterable

from sidelight.apps.demo.functions import (
    FUNCTIONS,
    HYPERTROPHY,
    INFARCT,
    ISCHAEMIA,
    REPOLARISATION,
    asserts,
    plain_text,
)
from sidelight.labeling import LabelingFunction, LabelSchema, Record

schema = LabelSchema(classes=("absent", "present"))

NORMAL = re.compile(
    r"(?<!ab)(?<!not )\bnorma(?:l|les|lt) e[kc]g\b|ekg normal|no definite pathology|inget säkert patologiskt|"
    r"kein pathologischer befund",
    re.IGNORECASE,
)
STUB = re.compile(r"trace only requested", re.IGNORECASE)

STRONG = {
    "MI": {
        "infarct": INFARCT,
        "q_waves": re.compile(
            r"\bqs complexes|\bq waves?\b|qrs\(t\) (?:abnormal|förlopp)|tiny r waves?", re.I
        ),
        "ischaemic_disease": re.compile(r"ischaemic heart\s+disease", re.I),
        "myocardial_damage": re.compile(r"myokardschaden|myokardskada|myocardial damage", re.I),
    },
    "STTC": {
        "repolarisation": REPOLARISATION,
        "ischaemia": ISCHAEMIA,
        "t_change": re.compile(
            r"t wave (?:flattening|inversion|changes?)|st[-.]t (?:wave )?changes?|abnormales t\b|t-för\w+",
            re.I,
        ),
        "long_qt": re.compile(r"prolonged qt|qt[- ]?verl\w+|qt för\w+", re.I),
        "heart_drug": re.compile(r"cordichin|novodigal|digitalis|isoptin|tensobon|digoxin", re.I),
    },
    "CD": {
        "bundle_branch": re.compile(r"schenkelblock|bundle branch block|sk.nkelblock|\b[lr]bbb\b", re.I),
        "fascicular": re.compile(r"hemiblock|fascicular block|bifascikul", re.I),
        "av_block": re.compile(r"a-?v[- ]?block|prolonged pr|\bwpw\b", re.I),
        "slow_ventricles": re.compile(
            r"leitungsst.rung|intraventri\w+\s+block|avvikande impulsutbredning", re.I
        ),
        "left_axis": re.compile(
            r"(?<!borderline )left axis deviation|(?:ue|ü).?berdrehter|extrem v.nster", re.I
        ),
    },
    "HYP": {
        "hypertrophy": HYPERTROPHY,
        "high_voltage": re.compile(r"voltages are high|hohe? voltage|hög\w* amplitud", re.I),
        "atrial_enlargement": re.compile(
            r"atrial enlargement|vorhof\w*belastung|p-sinistro\w+|p-verbreiterung|p för\w+", re.I
        ),
    },
}
"""Patterns that state each finding; NORM is what none of them leaves."""


class _Mention:
    """Votes "present" where a pattern is stated or suspected, not denied."""

    def __init__(self, pattern: "re.Pattern[str]") -> None:
        self.pattern = pattern

    def __call__(self, record: Record) -> str | None:
        stated = asserts(record.plain, self.pattern) or asserts(record.plain, self.pattern, doubtful=True)
        return "present" if stated else None


class _Silence:
    """Votes "absent" on a report that describes other things and has none of the finding's words."""

    def __init__(self, patterns: Iterable["re.Pattern[str]"]) -> None:
        self.patterns = tuple(patterns)

    def __call__(self, record: Record) -> str | None:
        if STUB.search(record.plain) or len(record.plain.split()) < 2:
            return None
        return None if any(pattern.search(record.plain) for pattern in self.patterns) else "absent"


def _says_normal(record: Record) -> str | None:
    return "absent" if NORMAL.search(record.plain) else None


def _is_brief(record: Record) -> str | None:
    return "absent" if re.match(r"sinus", record.plain, re.I) and len(record.plain.split()) <= 4 else None


def _of(finding: str) -> list[LabelingFunction]:
    patterns = STRONG[finding]
    named = {f"has_{name}": _Mention(pattern) for name, pattern in patterns.items()}
    others = {"says_normal": _says_normal, "is_brief": _is_brief, "is_silent": _Silence(patterns.values())}
    return [
        LabelingFunction(f"{finding.lower()}_{name}", function, pre=[plain_text])
        for name, function in {**named, **others}.items()
    ]


FINDINGS = ("NORM", *STRONG)
"""Superclasses, in the order of columns."""

BY_FINDING = {finding: _of(finding) for finding in STRONG}
"""Functions of each finding but NORM, whose votes are those of the demo's functions for normal and abnormal."""

NORM_FUNCTIONS = FUNCTIONS
