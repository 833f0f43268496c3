"""Lines of a text file, plain or packed, one at a time, with the byte and the line number each starts at."""

import re
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ..faults import InputError
from .pieces import Piece, is_packed

MARK = b"\xef\xbb\xbf"
"""The byte-order mark that some programs put before UTF-8 text."""

LONGEST = 1 << 26
"""Bytes above which a line is set aside unread, so that a file without line ends cannot fill the memory."""

_CHUNK = 1 << 20
_BREAK = re.compile(rb"[\r\n]")


class Line(NamedTuple):
    """One line without its end; `text` is None for one that is too long."""

    offset: int
    number: int
    text: bytes | None


class _Stream:
    """An open file, unpacked by its suffix, and how far it was read."""

    def __init__(self, path: Path) -> None:
        self.identity = _identity(path)
        self.position = 0
        try:
            plain = path.open("rb") if not is_packed(path) else None
            self.file: Any = plain or pa.input_stream(str(path), compression="detect")
        except (OSError, pa.ArrowException):
            raise InputError(path, "cannot be opened") from None

    def read(self, size: int) -> bytes:
        found = bytes(self.file.read(size))
        self.position += len(found)
        return found

    def advance(self, start: int, *, packed: bool) -> None:
        """Go to a byte: at once in a plain file, by unpacking what lies before in a packed one."""
        if not packed:
            self.file.seek(start)
            self.position = start
        while self.position < start and self.read(min(_CHUNK, start - self.position)):
            continue


_kept = threading.local()
"""The packed file that this thread read last, open where a piece of it ended: the next piece goes on from there."""


def read_chunks(path: Path, piece: Piece | None = None, size: int = _CHUNK) -> Iterator[bytes]:
    """Yield the bytes of a file or piece, chunk by chunk."""
    start, stop = (piece.start, piece.stop) if piece is not None else (0, -1)
    packed = is_packed(path)
    stream: _Stream | None = getattr(_kept, "stream", None) if packed and piece is not None else None
    if stream is None or stream.identity != _identity(path) or stream.position > start:
        stream = _Stream(path)
    else:
        _kept.stream = None
    try:
        stream.advance(start, packed=packed)
        while stop < 0 or stream.position < stop:
            chunk = stream.read(size if stop < 0 else min(size, stop - stream.position))
            if not chunk:
                break
            yield chunk
        if packed and stop >= 0:
            _keep(stream)
            stream = None
    except (OSError, EOFError, pa.ArrowException):
        raise InputError(path, f"cannot be read (after byte {stream.position if stream else stop})") from None
    finally:
        if stream is not None:
            stream.file.close()


def _keep(stream: _Stream) -> None:
    before: _Stream | None = getattr(_kept, "stream", None)
    if before is not None:
        before.file.close()
    _kept.stream = stream


def _identity(path: Path) -> tuple[Any, ...]:
    try:
        stat = path.stat()
    except OSError:
        raise InputError(path, "cannot be opened") from None
    return str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino


def iter_lines(path: Path, piece: Piece | None = None) -> Iterator[Line]:
    """Yield the lines of a file or of a piece of it."""
    offset, number = (piece.start, piece.line) if piece is not None else (0, 1)
    rest = b""
    skipped = 0  # bytes of a line that is too long
    for chunk in read_chunks(path, piece):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield Line(offset, number, None if skipped else line)
            offset += skipped + len(line) + 1
            number += 1
            skipped = 0
        if len(rest) > LONGEST:
            skipped += len(rest)
            rest = b""
    if rest or skipped:
        yield Line(offset, number, None if skipped else rest)


def iter_segments(path: Path, piece: Piece | None = None) -> Iterator[Line]:
    """Yield what stands between line ends of any kind (CR, LF, both); lines are counted by LF, as editors do."""
    offset, number = (piece.start, piece.line) if piece is not None else (0, 1)
    rest = b""
    skipped = 0
    for chunk in read_chunks(path, piece):
        data, start = rest + chunk, 0
        for match in _BREAK.finditer(data, len(rest)):
            yield Line(offset, number, None if skipped else data[start : match.start()])
            offset += skipped + match.end() - start
            number += match[0] == b"\n"
            start, skipped = match.end(), 0
        rest = data[start:]
        if len(rest) > LONGEST:
            skipped += len(rest)
            rest = b""
    if rest or skipped:
        yield Line(offset, number, None if skipped else rest)


def peek_lines(path: Path, head: int, places: int) -> Iterator[Line]:
    """Yield the first lines of a file, and of a plain one a line at each of some evenly spaced places, unnumbered."""
    yield from islice(iter_lines(path), head)
    if is_packed(path):
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in range(1, places + 1):
            file.seek(place * size // (places + 1))
            file.readline(_CHUNK)  # cut off at its start
            if line := file.readline(_CHUNK):
                yield Line(0, 0, line)
