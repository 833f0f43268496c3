"""Comma-, semicolon- and tab-separated files, quoted line breaks included."""

import csv
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..faults import InputError
from .base import Reader, Reading, SourceFile
from .batch import RawBatch
from .csv_rows import Row, RowPattern, is_bytewise, to_utf8
from .lines import MARK, read_chunks
from .pieces import Piece, cut_lines, whole

_HEAD = 4096
_TOO_MANY_BAD = 0.1
"""Share of undecodable rows among the first above which the file, not the row, is at fault."""


class CsvReader(Reader):
    """Reads every cell as bytes, so that one bad byte costs one row; types follow from the first rows.

    A column other than the canonical ones is of numbers (or booleans) when all its filled cells in the first
    4096 rows are; a later cell that is not sets its row aside. `types={"site": str}` settles it by hand. Numbers
    with a leading zero stay text. Offsets are the bytes at which rows start (in the unpacked file).
    """

    suffixes = (".csv", ".tsv")

    def settle(self, path: Path, reading: Reading) -> dict[str, Any]:
        """Return the header, the delimiter and the type of each column."""
        names, delimiter, start = _header(path, reading.encoding)
        rows = islice(_rows(path, reading.encoding, names, delimiter, None), _HEAD)
        good = [row.cells for row in rows if row.cells is not None]
        columns, bad = _decoded(names, good, reading.encoding)
        undecodable = {row for row, reason, _ in bad if reason == "bad_utf8"}
        if good and len(undecodable) > _TOO_MANY_BAD * len(good):
            share = f"{len(undecodable)} of the first {len(good)} rows"
            raise InputError(
                path, f"is not {reading.encoding} text ({share}); try another encoding, such as latin-1"
            )
        special = {getattr(reading.names, name) or name for name in ("id", "patient_id", "time", "text")}
        types: dict[str, str] = {}
        for name in names:
            if name in reading.types:
                types[name] = reading.types[name].__name__
            elif name not in special:
                filled = [value for value in columns[name].to_pylist() if value.strip()]
                types[name] = _infer(filled)
        return {"names": names, "delimiter": delimiter, "types": types, "start": start}

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the pieces of a file, cut between rows."""
        if not is_bytewise(reading.encoding):
            return whole(path)
        names, delimiter, _ = _header(path, reading.encoding)
        return cut_lines(path, quoted=True, accept=RowPattern(delimiter, len(names)).starts_here)

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the file's rows."""
        settled = reading.settle(file)
        names, types = settled["names"], settled["types"]
        rows = _rows(file.path, reading.encoding, names, settled["delimiter"], piece)
        while block := list(islice(rows, reading.batch_size)):
            good = [row for row in block if row.cells is not None]
            for row in block:
                if row.cells is None:
                    reading.set_aside(file.source, row.offset, row.reason, "", row.raw, row.line)
            if good:
                yield _batch(good, names, types, reading, file.source)


def _batch(
    good: list[Row], names: list[str], types: dict[str, str], reading: Reading, source: str
) -> RawBatch:
    """Decode rows and give their cells types, setting aside those where that fails."""
    keep = np.ones(len(good), dtype=bool)

    def drop(position: int, reason: str, field: str) -> None:
        if keep[position]:
            keep[position] = False
            row = good[position]
            reading.set_aside(source, row.offset, reason, field, row.raw, row.line)

    columns, bad = _decoded(names, [row.cells for row in good if row.cells is not None], reading.encoding)
    for position, reason, field in bad:
        drop(position, reason, field)
    for name, cells in columns.items():
        if name in types:
            columns[name], wrong = _typed(cells, types[name])
            for position in wrong:
                drop(position, f"not_{types[name]}", name)
    offsets = np.array([row.offset for row in good], dtype=np.int64)
    lines = np.array([row.line for row in good], dtype=np.int64)
    if keep.all():
        return RawBatch(columns, offsets, lines)
    chosen = pa.array(keep)
    return RawBatch(
        {name: cells.filter(chosen) for name, cells in columns.items()}, offsets[keep], lines[keep]
    )


def _rows(path: Path, encoding: str, names: list[str], delimiter: str, piece: Piece | None) -> Iterator[Row]:
    """Yield the rows of a file or piece, its header left out."""
    chunks = read_chunks(path, piece)
    start, line = (piece.start, piece.line) if piece is not None else (0, 1)
    begin = start
    if start == 0:
        first = next(chunks, b"")
        begin = len(MARK) if first.startswith(MARK) else 0
        chunks = chain([first[begin:]], chunks)
    decoded = chunks if is_bytewise(encoding) else to_utf8(chunks, encoding)
    rows = RowPattern(delimiter, len(names)).rows(decoded, begin, line)
    try:
        yield from (rows if start else islice(rows, 1, None))
    except UnicodeDecodeError:
        raise InputError(path, f"is not encoded as {encoding}") from None


def _header(path: Path, encoding: str) -> tuple[list[str], str, int]:
    """Return the column names, the delimiter and the length of the header, from the first line."""
    head = next(read_chunks(path, size=1 << 16), b"")
    if not head.strip():
        raise InputError(path, "is empty")
    try:
        if not is_bytewise(encoding):
            head = head[: len(head) // 4 * 4].decode(encoding, errors="ignore").encode()
            encoding = "utf-8"
        ends = [at for at in (head.find(b"\n"), head.find(b"\r")) if at >= 0]
        end = min(ends) if ends else len(head)
        line = head[:end].removeprefix(MARK).decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        raise InputError(path, f"its header is not {encoding} text; try another encoding") from None
    delimiter = max(",;\t|", key=line.count) if ".tsv" not in path.suffixes else "\t"
    names = next(csv.reader([line], delimiter=delimiter), [])
    if not names:
        raise InputError(path, "its first line names no columns; is it a CSV file with a header?")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(path, f"has two columns of one name: {twice[0]!r}")
    return names, delimiter, end


def _decoded(
    names: list[str], rows: list[tuple[bytes, ...]], encoding: str
) -> tuple[dict[str, pa.Array], list[tuple[int, str, str]]]:
    """Return cells as columns of text, with the places of those that are none: (row, reason, column)."""
    columns: dict[str, pa.Array] = {}
    bad: list[tuple[int, str, str]] = []
    codec = encoding if is_bytewise(encoding) else "utf-8"
    for name, cells in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True):
        try:
            if codec not in ("utf-8", "utf8"):
                columns[name] = pa.array([cell.decode(codec) for cell in cells], pa.string())
            else:
                columns[name] = pa.array(cells, pa.binary()).cast(pa.string())
        except (UnicodeDecodeError, pa.ArrowInvalid):
            decoded = []
            for position, cell in enumerate(cells):
                try:
                    decoded.append(cell.decode(codec))
                except UnicodeDecodeError:
                    decoded.append("")
                    bad.append((position, "bad_utf8", name))
            columns[name] = pa.array(decoded, pa.string())
        with_nul = pc.match_substring(columns[name], "\x00").to_numpy(zero_copy_only=False)
        bad.extend((int(position), "nul_byte", name) for position in np.flatnonzero(with_nul))
    return columns, bad


def _typed(cells: pa.Array, kind: str) -> tuple[pa.Array, list[int]]:
    """Give cells their column's type; empty cells become null."""
    filled = pc.if_else(pc.equal(pc.utf8_trim_whitespace(cells), ""), None, cells)
    parse = _PARSERS.get(kind)
    if parse is None:
        return filled, []
    parsed: list[object] = []
    wrong: list[int] = []
    for position, value in enumerate(filled.to_pylist()):
        try:
            parsed.append(None if value is None else parse(value))
        except ValueError:
            parsed.append(None)
            wrong.append(position)
    return pa.array(parsed, _ARROW_TYPES[kind]), wrong


def _infer(values: list[str]) -> str:
    """Return the narrowest type all values have: bool, int, float or str."""
    if any(
        value.strip().lstrip("+-")[:1] == "0" and value.strip().lstrip("+-")[1:2].isdigit()
        for value in values
    ):
        return "str"
    for kind in ("bool", "int", "float"):
        try:
            for value in values:
                _PARSERS[kind](value)
        except ValueError:
            continue
        return kind if values else "str"
    return "str"


def _as_bool(value: str) -> bool:
    lowered = value.strip().lower()
    if lowered not in {"true", "false"}:
        raise ValueError
    return lowered == "true"


def _as_int(value: str) -> int:
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


_PARSERS: dict[str, Any] = {"bool": _as_bool, "int": _as_int, "float": float}
_ARROW_TYPES: dict[str, pa.DataType] = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
