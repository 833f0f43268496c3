"""Slices nobody named: found on one half of the patients, confirmed on the other."""

from .clusters import ClusterWithinClass
from .confirmation import DISCOVERERS, Discoverer, discover
from .error_mixture import ErrorMixture
from .evidence import Evidence, as_evidence
from .found import Discovery, FoundSlice
from .rule import Condition
from .search import RuleSearch
from .spotlight import ErrorSpotlight

__all__ = [
    "DISCOVERERS",
    "ClusterWithinClass",
    "Condition",
    "Discoverer",
    "Discovery",
    "ErrorMixture",
    "ErrorSpotlight",
    "Evidence",
    "FoundSlice",
    "RuleSearch",
    "as_evidence",
    "discover",
]
