"""JSON lines: one object a line, parsed line by line, so that a bad line costs itself alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from ..faults import InputError
from .base import RawBatch, Reading

_MARK = b"\xef\xbb\xbf"


class JsonLinesReader:
    """Reads objects; offsets are the bytes at which their lines start (in the unpacked file)."""

    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")

    def batches(self, path: Path, reading: Reading, source: str) -> Iterator[RawBatch]:
        """Yield the file's rows."""
        rows: list[dict[str, Any]] = []
        offsets: list[int] = []
        kinds: dict[str, type] = {}
        for offset, line in _lines(path):
            text = line.strip().removeprefix(_MARK)
            if not text:
                reading.set_aside(source, offset, "blank_line")
                continue
            try:
                row = orjson.loads(text)
            except orjson.JSONDecodeError:  # its message quotes the line
                reading.set_aside(source, offset, _reason(text), raw=line)
                continue
            if not isinstance(row, dict):
                reading.set_aside(source, offset, "not_an_object", raw=line)
                continue
            wrong = _mistyped(row, kinds)
            if wrong:
                reading.set_aside(source, offset, "wrong_type", wrong, raw=line)
                continue
            rows.append(row)
            offsets.append(offset)
            if len(rows) == reading.batch_size:
                yield RawBatch(_columns(rows), np.array(offsets, dtype=np.int64))
                rows, offsets = [], []
        if rows:
            yield RawBatch(_columns(rows), np.array(offsets, dtype=np.int64))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file, gzip or zstd included, with the byte each starts at."""
    offset = 0
    rest = b""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            while chunk := stream.read(1 << 20):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield offset, line
                    offset += len(line) + 1
    except (OSError, pa.ArrowException):
        raise InputError(path, f"cannot be read (after byte {offset})") from None
    if rest:
        yield offset, rest


def _reason(text: bytes) -> str:
    """Say why a line is no JSON: bad bytes or bad syntax."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return "bad_utf8"
    return "bad_json"


def _mistyped(row: dict[str, Any], kinds: dict[str, type]) -> str:
    """Return the first field whose kind is not the one it had in earlier rows, and note new fields' kinds."""
    for name, value in row.items():
        if value is None:
            continue
        kind = float if isinstance(value, int) and not isinstance(value, bool) else type(value)
        if kinds.setdefault(name, kind) is not kind:
            return name
    return ""


def _columns(rows: list[dict[str, Any]]) -> dict[str, pa.Array]:
    """Turn rows into columns; what Arrow cannot type (objects of changing shape) stays JSON text."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError):
            columns[name] = pa.array(
                [None if value is None else orjson.dumps(value).decode() for value in values], pa.string()
            )
    return columns
