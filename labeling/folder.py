"""Writing files and folders so that a reader finds all of one or nothing: temporary name, fsync, rename."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .faults import InputError, UsageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_MARK = ".sidelight-"


def write_file(path: str | Path, data: bytes | str) -> Path:
    """Write `data` to `path`, readable by its owner alone, in one step that leaves nothing half-written."""
    target = Path(path)
    temporary = target.with_name(f"{_MARK}{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise InputError(target, f"cannot be written ({error.strerror})") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return target


@contextmanager
def write_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Hand out an empty folder that becomes `path` when the block ends well and vanishes when it does not.

    Parameters
    ----------
    path : path-like
        Where the folder is wanted.
    overwrite : bool, default False
        Replace a folder that is there already; the old one stays whole until the new one is complete. A folder
        that holds nothing by a name of the new one is somebody else's, and is not replaced.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with write_folder(Path(home) / "votes") as folder:
    ...         _ = write_file(folder / "manifest.json", "{}")
    ...     sorted(entry.name for entry in Path(home).iterdir())
    ['votes']
    """
    target = Path(path)
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists already; choose another folder or allow overwriting")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; a folder is to be written there")
    if target.name in ("", ".."):
        raise UsageError(f"{target} is no name of a folder of its own; choose another folder")
    temporary = target.with_name(f"{_MARK}{target.name}-{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir(mode=PRIVATE_FOLDER)
    except OSError as error:
        raise InputError(target, f"cannot be written ({error.strerror})") from None
    try:
        yield temporary
        _refuse_strangers(temporary, target)
        for entry in temporary.rglob("*"):
            entry.chmod(PRIVATE_FOLDER if entry.is_dir() else PRIVATE_FILE)
        _put_in_place(temporary, target)
    except OSError as error:
        raise InputError(target, f"cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_strangers(temporary: Path, target: Path) -> None:
    """Raise when the folder to be replaced has nothing in common with what replaces it."""
    there = {entry.name for entry in target.iterdir()} if target.exists() else set()
    if there and there.isdisjoint(entry.name for entry in temporary.iterdir()):
        raise UsageError(
            f"{target} holds other files than are to be written; it is not replaced: choose another folder"
        )


def _put_in_place(temporary: Path, target: Path) -> None:
    """Sync a finished folder and give it its name, setting an older one aside until then."""
    for entry in temporary.rglob("*"):
        if entry.is_file():
            with entry.open("rb") as file:
                os.fsync(file.fileno())
    _sync_folder(temporary)
    old = target.with_name(f"{_MARK}{target.name}-old-{uuid.uuid4().hex[:8]}")
    if target.exists():
        target.rename(old)
    try:
        temporary.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    _sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync_folder(path: Path) -> None:
    """Make renames in `path` survive a power cut, where folders can be opened (on Windows they cannot)."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
