"""Lines of a text file, plain or packed, one at a time, with the byte and the line number each starts at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ..faults import InputError
from .pieces import Piece

MARK = b"\xef\xbb\xbf"
"""The byte-order mark that some programs put before UTF-8 text."""

LONGEST = 1 << 26
"""Bytes above which a line is set aside unread, so that a file without line ends cannot fill the memory."""

_CHUNK = 1 << 20


class Line(NamedTuple):
    """One line without its end; `text` is None for one that is too long."""

    offset: int
    number: int
    text: bytes | None


def open_stream(path: Path, piece: Piece | None = None) -> Any:
    """Open a file for reading bytes, unpacked by its suffix, at the start of the piece."""
    try:
        if piece is not None and piece.start:
            stream: Any = path.open("rb")
            stream.seek(piece.start)
            return stream
        return pa.input_stream(str(path), compression="detect")
    except (OSError, pa.ArrowException):
        raise InputError(path, "cannot be opened") from None


def read_chunks(path: Path, piece: Piece | None = None, size: int = _CHUNK) -> Iterator[bytes]:
    """Yield the bytes of a file or piece, chunk by chunk."""
    offset = piece.start if piece is not None else 0
    stop = piece.stop if piece is not None else -1
    try:
        with open_stream(path, piece) as stream:
            while stop < 0 or offset < stop:
                chunk = stream.read(size if stop < 0 else min(size, stop - offset))
                if not chunk:
                    return
                offset += len(chunk)
                yield bytes(chunk)
    except (OSError, EOFError, pa.ArrowException):
        raise InputError(path, f"cannot be read (after byte {offset})") from None


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
