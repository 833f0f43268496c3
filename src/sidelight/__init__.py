"""Weak supervision and data labeling for medicine: from what a report says to a model of the image or signal."""

__version__ = "0.1.0"
