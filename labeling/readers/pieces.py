"""Cutting files into pieces that can be read apart, each known by the hash of its content."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ..faults import InputError

PIECE_SIZE = 16 << 20
"""Bytes of a text file, or of a Parquet file's row groups, that make one piece."""

_BLOCK = 1 << 20
_AHEAD = 1 << 16
_LONG = 1 << 18
"""Bytes without a line end outside quotes after which a stray quote is taken to have turned them inside out."""

_MOST_TRIES = 10_000
PACKED = (".gz", ".zst", ".bz2")
"""Suffixes of compressed files: each piece is read from their start, or from where the piece before ended."""

_UNCUT = 1 << 20
"""Packed bytes up to which a compressed file is one piece, known by the hash of its packed content."""

_LINE_END = re.compile(rb"\n")


@dataclass(frozen=True)
class Piece:
    """A stretch of one file.

    Parameters
    ----------
    start, stop : int
        Bytes of a text file as it is unpacked, or row groups of a Parquet file; `stop` is -1 for the rest of the file.
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


def is_packed(path: Path) -> bool:
    """Whether a file is compressed, by its suffix."""
    return path.suffix.lower() in PACKED


def cut_lines(
    path: Path,
    size: int = PIECE_SIZE,
    *,
    quoted: bool = False,
    accept: Callable[[bytes], bool] | None = None,
    ends: re.Pattern[bytes] = _LINE_END,
) -> list[Piece]:
    """Cut a file at line ends into pieces of at least `size` bytes, reading it once.

    Parameters
    ----------
    path : Path
        A text file; a small compressed one is returned whole, a large one is cut at twice the size.
    size : int
        Least bytes of every piece but the last.
    quoted : bool, default False
        Do not cut inside double quotes.
    accept : callable, optional
        Told the first bytes after a possible cut; says whether a row can start there.
    ends : pattern, optional
        What ends a row; line ends when not given.
    """
    packed = is_packed(path)
    if packed and path.stat().st_size <= _UNCUT:
        return whole(path)
    size = 2 * size if packed else size
    pieces: list[Piece] = []
    start, line, position, newlines, quotes = 0, 1, 0, 0, 0
    digest = hashlib.sha256()
    for block, following in _blocks(path):
        taken_before = 0
        while taken_before < len(block):
            earliest = max(taken_before, start + size - position + taken_before)
            at = -1
            if earliest < len(block):
                known = (quotes if quoted else None), taken_before
                at = _cut(block, following, earliest, known, accept, ends)
            taken = block[taken_before : len(block) if at < 0 else at]
            digest.update(taken)
            newlines += taken.count(b"\n")
            quotes += taken.count(b'"')
            position += len(taken)
            taken_before += len(taken)
            if at >= 0:
                pieces.append(Piece(start, position, line, digest.hexdigest()))
                start, line, digest = position, newlines + 1, hashlib.sha256()
    if position > start or not pieces:
        pieces.append(Piece(start, position, line, digest.hexdigest()))
    return pieces


def _blocks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the blocks of a file, unpacked, each with the one after it."""
    position = 0
    try:
        with pa.input_stream(str(path), compression="detect" if is_packed(path) else None) as stream:
            block = _fill(stream)
            while block:
                following = _fill(stream)
                yield block, following
                position += len(block)
                block = following
    except (OSError, EOFError, pa.ArrowException):
        raise InputError(path, f"cannot be read (after byte {position})") from None


def _fill(stream: pa.NativeFile) -> bytes:
    """Return the next block, shorter only at the end of the stream."""
    found = bytes(stream.read(_BLOCK))
    while len(found) < _BLOCK and (more := stream.read(_BLOCK - len(found))):
        found += bytes(more)
    return found


def _cut(
    block: bytes,
    following: bytes,
    earliest: int,
    known: tuple[int | None, int],
    accept: Callable[[bytes], bool] | None,
    ends: re.Pattern[bytes],
) -> int:
    """Return where the first row that ends in a block after `earliest` ends, -1 for nowhere.

    `known` is the number of quotes before some place of the block, or None where quotes do not matter, and that place.
    """
    fallback = -1
    quotes, counted = known
    inside = quotes or 0
    searched = len(block)
    for tries, match in enumerate(ends.finditer(block, earliest)):
        at = match.end()
        if tries == _MOST_TRIES:
            searched = at - 1
            break
        if quotes is not None:
            inside += block.count(b'"', counted, at)
            counted = at
        ahead = block[at : at + _AHEAD]
        if accept is None or accept(ahead + following[: _AHEAD - len(ahead)]):
            if inside % 2 == 0:
                return at
            fallback = at if fallback < 0 else fallback  # a stray quote before may have turned inside out
    return fallback if searched - earliest >= _LONG else -1
