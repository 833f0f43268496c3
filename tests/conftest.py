"""Settings shared by all tests."""

import os

os.environ["OMP_NUM_THREADS"] = (
    "1"  # several test processes share the cores; set before NumPy and torch start theirs
)

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "sidelight", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("sidelight")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
"""Data sets that some tests read, a folder each, beside the checkout; not part of the project."""


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Return the folder of a shared data set, or skip where it is absent."""

    def find(name: str) -> Path:
        folder = SHARED_DATA / name
        if not folder.is_dir():
            pytest.skip(f"the data set {name} is not beside this checkout")
        return folder

    return find
