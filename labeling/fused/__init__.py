"""All declared patterns of a run compiled into one pass over each text."""

from .plan import FusedPlan
from .required import ask_about

__all__ = ["FusedPlan", "ask_about"]
