"""Rows of a delimited file, found one by one, so that a broken row costs itself and a stray quote its line."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MOST_BYTES = 1 << 22
"""Bytes above which what looks like a row is taken for the work of a stray quote."""

_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\n|\r|\Z)")
_BYTEWISE = ("utf-8", "ascii", "iso8859", "cp125", "cp437", "cp850", "koi8", "mac-", "latin")


class Row(NamedTuple):
    """One row: its cells as bytes, or None and the reason why they cannot be told apart."""

    offset: int
    line: int
    cells: tuple[bytes, ...] | None
    raw: bytes
    reason: str = ""


class RowPattern:
    """Finds rows of `n_cells` cells; a quote counts only where a cell starts, as spreadsheets have it."""

    def __init__(self, delimiter: str, n_cells: int) -> None:
        mark = re.escape(delimiter).encode()
        cell = rb'(?:"([^"]*+(?:""[^"]*+)*+)"|((?!")[^' + mark + rb"\r\n]*+))"
        end = rb"(?:\r\n|\n|\r|\Z)"
        self.exact = re.compile(cell + (mark + cell) * (n_cells - 1) + end)
        plain = cell.replace(b"(", b"(?:").replace(b"(?:?", b"(?")
        self.any = re.compile(plain + rb"(?:" + mark + plain + rb")*+" + end)

    def starts_here(self, data: bytes) -> bool:
        """Whether whole rows stand at the start of `data`: three of them, or as many as there are."""
        position = 0
        for _ in range(3):
            if position >= len(data):
                return position > 0
            match = self.exact.match(data, position)
            if match is None:
                return position > 0 and b"\n" not in data[position:]
            position = match.end()
        return True

    def rows(self, chunks: Iterable[bytes], offset: int = 0, line: int = 1) -> Iterator[Row]:
        """Yield the rows of a stream of bytes that starts with a row; empty lines are passed over."""
        source = iter(chunks)
        data, position, ended = b"", 0, False
        while True:
            if position >= len(data) and ended:
                return
            match = self.exact.match(data, position) if position < len(data) else None
            if (
                not ended
                and (match is None or match.end() == len(data))
                and len(data) - position < MOST_BYTES
            ):
                more = next(source, None)
                ended = more is None
                data, position = data[position:] + (more or b""), 0
                continue
            start, reason, cells = position, "", None
            if match is not None and match.end() - position <= MOST_BYTES:
                end = match.end()
                found = match.groups()
                cells = tuple(
                    found[j + 1] if found[j] is None else found[j].replace(b'""', b'"')
                    for j in range(0, len(found), 2)
                )
            else:
                end, reason = self._skip(data, position)
            raw = data[start:end]
            if (raw.strip(b"\r\n") or (cells is None and raw)) and raw.strip(b"\r\n"):
                yield Row(offset, line, cells, raw, reason)
            position = end
            offset += len(raw)
            line += raw.count(b"\n") or raw.count(b"\r")

    def _skip(self, data: bytes, position: int) -> tuple[int, str]:
        """Return where a broken row ends, and what is wrong with it."""
        match = self.any.match(data, position)
        if match is not None and match.end() - position <= MOST_BYTES:
            return match.end(), "wrong_number_of_cells"
        line = _LINE.match(data, position)
        return (line.end() if line is not None else len(data)), "stray_quote"


def is_bytewise(encoding: str) -> bool:
    """Whether delimiters, quotes and line ends are the same single bytes in an encoding as in ASCII."""
    return codecs.lookup(encoding).name.startswith(_BYTEWISE)


def to_utf8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Recode a stream whose encoding is not bytewise, such as UTF-16."""
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
