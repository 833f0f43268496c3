"""Cutting files into pieces that can be read apart, each known by the hash of its content."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..faults import InputError

PIECE_SIZE = 16 << 20
"""Bytes of a text file, or of a Parquet file's row groups, that make one piece."""

_BLOCK = 1 << 20
_AHEAD = 1 << 16
_LONG = 1 << 18
"""Bytes without a line end outside quotes after which a stray quote is taken to have turned them inside out."""

_MOST_TRIES = 10_000
PACKED = (".gz", ".zst", ".bz2")
"""Suffixes of compressed files: they are read from their start, so they are never cut."""


@dataclass(frozen=True)
class Piece:
    """A stretch of one file.

    Parameters
    ----------
    start, stop : int
        Bytes of a text file, or row groups of a Parquet file; `stop` is -1 for the rest of the file.
    line : int
        Line number at `start`, counted from 1; in Parquet, the number of rows before.
    sha256 : str
        Hash of the piece's content.
    """

    start: int = 0
    stop: int = -1
    line: int = 1
    sha256: str = ""


def whole(path: Path) -> list[Piece]:
    """Return the one piece that is the whole file."""
    return [Piece(sha256=hash_file(path))]


def hash_file(path: Path) -> str:
    """Return SHA-256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise InputError(path, "cannot be opened") from None


def cut_lines(
    path: Path, size: int = PIECE_SIZE, *, quoted: bool = False, accept: Callable[[bytes], bool] | None = None
) -> list[Piece]:
    """Cut a file at line ends into pieces of at least `size` bytes, reading it once.

    Parameters
    ----------
    path : Path
        An uncompressed text file; a compressed one is returned whole.
    size : int
        Least bytes of every piece but the last.
    quoted : bool, default False
        Do not cut inside double quotes.
    accept : callable, optional
        Told the first bytes after a possible cut; says whether a row can start there.
    """
    if path.suffix.lower() in PACKED:
        return whole(path)
    pieces: list[Piece] = []
    start, line, position, newlines, quotes = 0, 1, 0, 0, 0
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                while block:
                    earliest = max(0, start + size - position)
                    at = -1
                    if earliest < len(block):
                        at = _cut(
                            file.fileno(), block, earliest, position, quotes if quoted else None, accept
                        )
                    taken = block if at < 0 else block[: at + 1]
                    digest.update(taken)
                    newlines += taken.count(b"\n")
                    quotes += taken.count(b'"')
                    position += len(taken)
                    block = block[len(taken) :]
                    if at >= 0:
                        pieces.append(Piece(start, position, line, digest.hexdigest()))
                        start, line, digest = position, newlines + 1, hashlib.sha256()
    except OSError:
        raise InputError(path, f"cannot be read (after byte {position})") from None
    if position > start or not pieces:
        pieces.append(Piece(start, position, line, digest.hexdigest()))
    return pieces


def _cut(
    file: int,
    block: bytes,
    earliest: int,
    position: int,
    quotes: int | None,
    accept: Callable[[bytes], bool] | None,
) -> int:
    """Return the first line end in a block at which a row ends, -1 for none."""
    fallback = -1
    at = block.find(b"\n", earliest)
    counted, inside = 0, quotes or 0
    tries = 0
    while at >= 0 and tries < _MOST_TRIES:
        tries += 1
        if quotes is not None:
            inside += block.count(b'"', counted, at)
            counted = at
        if accept is None or accept(os.pread(file, _AHEAD, position + at + 1)):
            if inside % 2 == 0:
                return at
            fallback = at if fallback < 0 else fallback  # a stray quote before may have turned inside out
        at = block.find(b"\n", at + 1)
    searched = (at if at >= 0 else len(block)) - earliest
    return fallback if searched >= _LONG else -1
