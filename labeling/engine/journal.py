"""What happened in a folder of votes, line by line: who, when, what; each line holds the hash of the one before."""

import getpass
import hashlib
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ..faults import InputError
from ..folder import PRIVATE_FILE

LOG = "run.log.jsonl"
_FIRST = "0" * 64


class Journal:
    """The log of a folder, open for writing."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / LOG
        lines = _lines(self.file)
        self.previous = hashlib.sha256(lines[-1]).hexdigest() if lines else _FIRST

    def add(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append an entry."""
        entry = {"event": event, "time": now(), **facts, "previous": self.previous}
        line = orjson.dumps(entry)
        try:
            handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
            with os.fdopen(handle, "ab") as stream:
                size = os.fstat(handle).st_size
                os.lseek(handle, max(0, size - 1), os.SEEK_SET)
                cut_short = size > 0 and os.read(handle, 1) != b"\n"  # by a crash
                stream.write((b"\n" if cut_short else b"") + line + b"\n")
        except OSError as error:
            raise InputError(self.file, f"cannot be written ({error.strerror})") from None
        self.previous = hashlib.sha256(line).hexdigest()


def add_entry(folder: Path, event: str, facts: Mapping[str, Any]) -> None:
    """Append an entry that says who did it to the folder's log."""
    Journal(folder).add(event, {"user": user(), "host": platform.node(), **facts})


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of the folder's log, oldest first; a line cut short by a crash is left out."""
    entries = []
    for line in _lines(folder / LOG):
        try:
            entries.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return entries


def check_log(folder: Path) -> int:
    """Return the number of the first line that does not follow from the one before, 0 when all do."""
    previous = _FIRST
    for number, line in enumerate(_lines(folder / LOG), start=1):
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            return number
        if entry.get("previous", previous) != previous:
            return number
        previous = hashlib.sha256(line).hexdigest()
    return 0


def now() -> str:
    """Return the time in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def user() -> str:
    """Return who runs this, "" when nobody can tell."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except OSError:
        return []
