"""Clinical context without a model: sentences, sections, and what a note says of a finding."""

from .assertion import Assertion, ClinicalText, assertion, rule_set
from .pipeline import ClinicalPipeline
from .rules import CATEGORIES, ContextRule, phrases
from .ruleset import RuleSet
from .sections import SECTION_TITLES, Section, find_sections
from .sentences import split_sentences

__all__ = [
    "CATEGORIES",
    "SECTION_TITLES",
    "Assertion",
    "ClinicalPipeline",
    "ClinicalText",
    "ContextRule",
    "RuleSet",
    "Section",
    "assertion",
    "find_sections",
    "phrases",
    "rule_set",
    "split_sentences",
]
