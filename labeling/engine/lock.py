"""One run at a time in a folder of votes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..faults import InputError, UsageError
from ..folder import PRIVATE_FILE, PRIVATE_FOLDER

try:
    import fcntl
except ImportError:  # Windows: two runs are told apart by nothing but their care
    fcntl = None  # type: ignore[assignment]


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock goes when the process does, however it ends."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    except OSError as error:
        raise InputError(folder, f"cannot be written ({error.strerror})") from None
    try:
        if fcntl is not None:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(
                    f"another run is at work in {folder.name}; wait for it, or choose another --out"
                ) from None
        yield
    finally:
        os.close(handle)
