"""Opening a trained bundle, whichever head it has."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidelight.crossmodal import Bundle


def open_bundle(path: str | Path) -> "Bundle":
    """Read a bundle that `save_bundle` wrote; heads of slices are known, too."""
    import sidelight.slicing.heads  # noqa: F401 - adds its heads to those that bundles know
    from sidelight.crossmodal import load_bundle

    return load_bundle(path)
