"""JSON lines: one object a line, parsed line by line, so that a bad line costs itself alone."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from .base import Reader, Reading, SourceFile
from .batch import RawBatch
from .lines import MARK, Line, iter_lines
from .pieces import Piece, cut_lines

_HEAD = 1000


class JsonLinesReader(Reader):
    """Reads objects; offsets are the bytes at which their lines start (in the unpacked file)."""

    suffixes = (".jsonl", ".ndjson")

    def settle(self, path: Path, reading: Reading) -> dict[str, Any]:
        """Return the kind of each field in the first lines."""
        kinds: dict[str, str] = {}
        fixed = _fixed(reading)
        for line in islice(iter_lines(path), _HEAD):
            row, _ = parse_object(line)
            if row is not None:
                _mistyped(row, kinds, fixed)
        return {"kinds": kinds}

    def pieces(self, path: Path, reading: Reading) -> list[Piece]:
        """Return the pieces of a file, cut at line ends."""
        return cut_lines(path)

    def batches(self, file: SourceFile, reading: Reading, piece: Piece | None = None) -> Iterator[RawBatch]:
        """Yield the file's rows."""
        rows: list[dict[str, Any]] = []
        places: list[tuple[int, int]] = []
        head: dict[str, str] = reading.settle(file)["kinds"]
        kinds, fixed = dict(head), _fixed(reading)
        for line in iter_lines(file.path, piece):
            row, reason = parse_object(line)
            field = ""
            if row is not None:
                field = _mistyped(row, kinds, fixed)
                reason = "wrong_type" if field else ""
            if row is None or reason:
                raw = line.text or b""
                reading.set_aside(
                    file.source, line.offset, reason, field, raw if raw.strip() else b"", line.number
                )
                continue
            rows.append(row)
            places.append((line.offset, line.number))
            if len(rows) == reading.batch_size:
                yield to_batch(rows, places, head)
                rows, places = [], []
        if rows:
            yield to_batch(rows, places, head)


def parse_object(line: Line) -> tuple[dict[str, Any] | None, str]:
    """Return the object a line holds, or None and the reason why there is none."""
    if line.text is None:
        return None, "too_long"
    text = line.text.strip().removeprefix(MARK)
    if not text:
        return None, "blank_line"
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:  # its message quotes the line
        return None, _reason(text)
    return (row, "") if isinstance(row, dict) else (None, "not_an_object")


def to_batch(rows: list[dict[str, Any]], places: list[tuple[int, int]], head: Mapping[str, str]) -> RawBatch:
    """Turn rows into columns; what Arrow cannot type (objects of changing shape) stays JSON text.

    Fields that the head of the file has are there in every batch, empty where no row has them.
    """
    names = dict.fromkeys([*head, *(name for row in rows for name in row)])
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if head.get(name) == "str":
            columns[name] = pa.array(values, pa.string())
            continue
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError):
            columns[name] = pa.array(
                [None if value is None else orjson.dumps(value).decode() for value in values], pa.string()
            )
    where = np.array(places, dtype=np.int64).reshape(-1, 2)
    return RawBatch(columns, where[:, 0].copy(), where[:, 1].copy())


def _reason(text: bytes) -> str:
    """Say why a line is no JSON: bad bytes or bad syntax."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return "bad_utf8"
    return "bad_json"


def _mistyped(row: dict[str, Any], kinds: dict[str, str], fixed: Mapping[str, frozenset[type]]) -> str:
    """Return the first field whose kind is not the one it had in earlier rows, and note new fields' kinds."""
    for name, value in row.items():
        if name in fixed:
            if value is not None and type(value) not in fixed[name]:
                return name
            if type(value) in (int, float) and value == value // 1:
                row[name] = str(int(value))
            elif type(value) in (int, float):
                row[name] = repr(value)
            kinds.setdefault(name, "str")
            continue
        if value is None:
            continue
        kind = float if isinstance(value, int) and not isinstance(value, bool) else type(value)
        if kinds.setdefault(name, kind.__name__) != kind.__name__:
            return name
    return ""


def _fixed(reading: Reading) -> dict[str, frozenset[type]]:
    """Return what the canonical fields hold, whatever they are called: ids may be numbers, all else is text."""
    names = reading.names
    number, text = frozenset({str, int, float}), frozenset({str})
    return {
        names.id or "id": number,
        names.patient_id or "patient_id": number,
        names.time or "time": text,
        names.text or "text": text,
    }
