"""What needs torch is imported when it is first asked for, and says what to install where torch is not there."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from sidelight.labeling.faults import UsageError


class MissingTrainingError(UsageError, ImportError):
    """Training needs packages that are not installed; the message says how to get them."""

    def __init__(self, name: str) -> None:
        super().__init__(f'{name} needs torch and lightning: pip install "sidelight[train]"')


def imported_late(package: str, homes: Mapping[str, str], name: str) -> Any:
    """Return what a package hands out under a name, from the module that is its home; a package's `__getattr__`."""
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{package}.{homes[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("torch", "lightning", "safetensors"):
            raise
        raise MissingTrainingError(name) from None
