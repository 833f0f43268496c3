"""Transformation functions: records made from records, by policies, with a check that no vote changes."""

from .applier import PandasTFApplier, TFApplier
from .flips import Flip, find_flips
from .function import TransformationFunction, transformation_function
from .policies import (
    ApplyAllPolicy,
    ApplyEachPolicy,
    ApplyOnePolicy,
    MeanFieldPolicy,
    Policy,
    RandomPolicy,
)

__all__ = [
    "ApplyAllPolicy",
    "ApplyEachPolicy",
    "ApplyOnePolicy",
    "Flip",
    "MeanFieldPolicy",
    "PandasTFApplier",
    "Policy",
    "RandomPolicy",
    "TFApplier",
    "TransformationFunction",
    "find_flips",
    "transformation_function",
]
