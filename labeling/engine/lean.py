"""What makes a process that does nothing but label cheaper: no pandas that nobody asked for, and few garbage collections."""

import gc
import sys
from collections.abc import Sequence

import pyarrow as pa

_BETWEEN_COLLECTIONS = 20_000
"""Objects made between two collections; records come by the thousand, and none of them is part of a cycle."""


class _Refusal:
    """A finder that says pandas is not there."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def make_lean() -> None:
    """Make this process lean; call it once the functions are loaded, and only in a process that is there for nothing else.

    Pyarrow otherwise loads pandas to see whether a list is one of its columns, which takes 0.4 CPU seconds and some 50
    MB. Where pandas is loaded already, nothing changes; functions may import it later all the same, and pyarrow then only
    does not look whether a list is a column of it.
    """
    gc.freeze()
    gc.set_threshold(_BETWEEN_COLLECTIONS, 20, 100)
    if "pandas" in sys.modules:
        return
    finder = _Refusal()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
