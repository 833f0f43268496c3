"""The entries of a FHIR bundle of any size, one at a time, so that a file of gigabytes is never in memory as a whole."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .lines import LONGEST, Line, read_chunks
from .pieces import Piece, is_packed, whole

WHOLE = 8 << 20
"""Bytes (unpacked) up to which a file is parsed in one go."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_IS_KEY = re.compile(rb"\s*:")
_REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


def iter_entries(path: Path, piece: Piece | None = None) -> Iterator[Line]:
    """Yield what holds one resource or a whole small bundle each: the file, or the entries of a large bundle.

    What follows a place at which the file is no JSON is one more line, which does not parse either.
    """
    chunks = read_chunks(path, piece)
    if piece is not None and (piece.start or piece.stop >= 0):
        yield from _Scanner(b"", chunks, piece).entries()
        return
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) > WHOLE:
            break
    else:
        yield Line(0, 1, head)
        return
    yield from _Scanner(head, chunks, Piece()).entries()


def cut_entries(path: Path, size: int) -> list[Piece]:
    """Cut a large bundle between entries into pieces of at least `size` bytes; a small one is returned whole."""
    if not is_large(path):
        return whole(path)
    cuts = [Piece()]
    for entry in iter_entries(path):
        if entry.offset - cuts[-1].start >= size:
            cuts[-1] = replace(cuts[-1], stop=entry.offset)
            cuts.append(Piece(entry.offset, -1, entry.number))
    if len(cuts) == 1:
        return whole(path)
    return [replace(piece, sha256=_hash(path, piece)) for piece in cuts]


def _hash(path: Path, piece: Piece) -> str:
    found = hashlib.sha256()
    for chunk in read_chunks(path, piece):
        found.update(chunk)
    return found.hexdigest()


def is_large(path: Path) -> bool:
    """Whether a file is read entry by entry."""
    if not is_packed(path):
        return path.stat().st_size > WHOLE
    size = 0
    for chunk in read_chunks(path):
        size += len(chunk)
        if size > WHOLE:
            return True
    return False


class _Scanner:
    """Goes through JSON token by token, holding no more of it than the entry at hand."""

    def __init__(self, head: bytes, chunks: Iterator[bytes], piece: Piece) -> None:
        self.data, self.chunks, self.piece = head, chunks, piece
        self.offset, self.line = piece.start, piece.line  # of where `data` starts, and of where `start` is
        self.position = 0
        self.start = 0  # from where on `data` is still needed
        self.is_cut = False  # whether some of what is needed was let go, because it is too long

    def entries(self) -> Iterator[Line]:
        """Yield the objects of the array "entry" of the outermost object, or the whole file when it has none."""
        inside = seen = self.piece.start > 0
        depth, key = 2 * inside, b""
        where = (self.offset, self.line)
        while (token := self._token()) is not None:
            if token in (b"{", b"["):
                depth += 1
                if depth == 2 and token == b"[" and key == b'"entry"':
                    inside = seen = True
                elif depth == 3 and inside:
                    self._forget(self.position - 1)
                    where = self.offset + self.start, self.line
            elif token in (b"}", b"]"):
                depth -= 1
                if depth == 2 and inside:
                    yield Line(*where, None if self.is_cut else self.data[self.start : self.position])
                    self.is_cut = False
                inside = inside and depth > 1
            elif depth == 1:
                key = token if self._is_key() else key
            if seen and depth < 3:
                self._forget(self.position)
            elif self.position - self.start > LONGEST:
                self._cut()
        rest = self.data[self.start :].strip(b" \t\r\n,")
        if (rest and depth > 2) or (
            self.piece.stop < 0 and (depth or not seen)
        ):  # breaks off, or is no bundle
            where = where if depth > 2 else (self.offset + self.start, self.line)
            yield Line(*where, None if self.is_cut else rest or b"{")

    def _token(self) -> bytes | None:
        """Return the next bracket, brace or string, None at the end or in a string that does not end."""
        while True:
            match = _TOKEN.search(self.data, self.position)
            bare = self.data.find(b'"', self.position, match.start() if match else len(self.data))
            if match is not None and bare < 0:
                self.position = match.end()
                return match[0]
            if bare >= 0 and len(self.data) - self.start > LONGEST:
                self.position = bare + 1
                return self._skip_string()
            if not self._read():
                self.position = len(self.data)
                return None

    def _skip_string(self) -> bytes | None:
        """Go to the end of a string that is too long to be held."""
        while True:
            match = _REST_OF_STRING.match(self.data, self.position)
            self.position = match.end() if match else self.position
            self._cut()
            if self.data[self.position : self.position + 1] == b'"':
                self.position += 1
                return b'""'
            if not self._read():
                self.position = len(self.data)
                return None

    def _is_key(self) -> bool:
        while not self.data[self.position :].strip() and self._read():
            continue
        return _IS_KEY.match(self.data, self.position) is not None

    def _read(self) -> bool:
        """Add what comes next to `data`, whose forgotten part is let go; False at the end of the file."""
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        self.offset += self.start
        self.data = self.data[self.start :] + chunk
        self.position -= self.start
        self.start = 0
        return True

    def _cut(self) -> None:
        self.is_cut = True
        self._forget(self.position)

    def _forget(self, position: int) -> None:
        self.line += self.data.count(b"\n", self.start, position)
        self.start = position
