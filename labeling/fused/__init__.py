"""All declared patterns of a run compiled into one pass over each text."""

from .plan import FusedPlan

__all__ = ["FusedPlan"]
