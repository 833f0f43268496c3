"""One run of a project at a time: a lock that goes when its process does, however that ends."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidelight.labeling import InputError, UsageError

_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


@contextmanager
def hold(file: Path) -> Iterator[None]:
    """Hold the lock file of a project until the block ends.

    Parameters
    ----------
    file : Path
        Made when it is not there, and left behind empty.

    Raises
    ------
    UsageError
        When another process holds it.
    InputError
        When it cannot be written, or its file system knows no locks.
    """
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(file, f"cannot be written ({error.strerror})") from None
    try:
        try:
            _take(handle)
        except OSError as error:
            if error.errno in _BUSY:
                raise UsageError("another run of this project is at work; wait for it or stop it") from None
            raise InputError(
                file,
                f"cannot be locked on this file system ({error.strerror}); move the project to another one",
            ) from None
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    """Lock an open file or raise; the system lets go of it when the file is closed."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
