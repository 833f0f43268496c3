"""Comma-, semicolon- and tab-separated files, quoted line breaks included."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from ..faults import InputError
from .base import RawBatch, Reading

_BLOCK = 1 << 22
_TOO_MANY_BAD = 0.1
"""Share of undecodable rows in the first block above which the file, not the row, is at fault."""


class CsvReader:
    """Reads every cell as bytes, so that one bad byte costs one row; types follow from the first block.

    A column other than the canonical ones is of numbers (or booleans) when all its filled cells in the first
    block are; a later cell that is not sets its row aside. `types={"site": str}` settles it by hand. Numbers
    with a leading zero stay text.
    """

    suffixes: tuple[str, ...] = (".csv", ".tsv")

    def batches(self, path: Path, reading: Reading, source: str) -> Iterator[RawBatch]:
        """Yield the file's rows."""
        header, delimiter = _header(path, reading.encoding)
        broken: dict[int, bytes] = {}

        def set_broken_aside(row: Any) -> str:
            broken[row.number] = str(row.text).encode()
            return "skip"

        try:
            stream = arrow_csv.open_csv(
                pa.input_stream(str(path), compression="detect"),
                read_options=arrow_csv.ReadOptions(
                    block_size=_BLOCK, encoding=reading.encoding, use_threads=False
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_broken_aside
                ),
                convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.binary())),
            )
            types = dict(reading.types)
            row = 0
            while True:
                try:
                    block = stream.read_next_batch()
                except StopIteration:
                    break
                yield from self._block(block, row, broken, types, reading, source, path)
                row = _next_rows(row, block.num_rows, broken)[-1] + 1 if block.num_rows else row
            for number in sorted(broken):
                reading.set_aside(source, number - 2, "wrong_number_of_cells", raw=broken[number])
        except pa.ArrowException:  # its message quotes the row
            raise InputError(path, "cannot be read as a table; is it a CSV file with a header?") from None
        except (UnicodeDecodeError, LookupError):
            raise InputError(path, f"is not encoded as {reading.encoding}") from None

    def _block(
        self,
        block: pa.RecordBatch,
        row: int,
        broken: dict[int, bytes],
        types: dict[str, type],
        reading: Reading,
        source: str,
        path: Path,
    ) -> Iterator[RawBatch]:
        """Decode one block's cells and give them types, setting aside the rows where that fails."""
        offsets = np.array(_next_rows(row, block.num_rows, broken), dtype=np.int64)
        keep = np.ones(block.num_rows, dtype=bool)
        columns: dict[str, pa.Array] = {}

        def drop(position: int, reason: str, field: str) -> None:
            if keep[position]:
                keep[position] = False
                raw = b"\x1f".join(bytes(block.column(j)[position].as_py()) for j in range(block.num_columns))
                reading.set_aside(source, int(offsets[position]), reason, field, raw)

        for name, cells in zip(block.schema.names, block.columns, strict=True):
            columns[name], undecodable = _decode(cells)
            for position in undecodable:
                drop(position, "bad_utf8", name)
            with_nul = np.flatnonzero(
                pc.match_substring(columns[name], "\x00").to_numpy(zero_copy_only=False)
            )
            for position in with_nul.tolist():
                drop(position, "nul_byte", name)
        if row == 0 and (~keep).mean() > _TOO_MANY_BAD:
            share = f"{int((~keep).sum())} of the first {len(keep)} rows"
            raise InputError(
                path, f"is not {reading.encoding} text ({share}); try another encoding, such as latin-1"
            )
        special = {getattr(reading.names, name) or name for name in ("id", "patient_id", "time", "text")}
        for name, cells in columns.items():
            if name in special:
                continue
            columns[name], wrong = _typed(name, cells, types)
            for position in wrong:
                drop(position, f"not_{types[name].__name__}", name)
        chosen = np.flatnonzero(keep)
        for start in range(0, len(chosen), reading.batch_size):
            rows = chosen[start : start + reading.batch_size]
            taken = {name: cells.take(pa.array(rows)) for name, cells in columns.items()}
            yield RawBatch(taken, offsets[rows])


def _header(path: Path, encoding: str) -> tuple[list[str], str]:
    """Return the column names and the delimiter, from the first line."""
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            head = stream.read(1 << 16)
    except (OSError, pa.ArrowException):
        raise InputError(path, "cannot be opened") from None
    if not head.strip():
        raise InputError(path, "is empty")
    try:
        line = head.split(b"\n")[0].decode(encoding).removeprefix("\ufeff").rstrip("\r")
    except (UnicodeDecodeError, LookupError):
        raise InputError(path, f"its header is not {encoding} text; try another encoding") from None
    delimiter = max(",;\t|", key=line.count) if ".tsv" not in path.suffixes else "\t"
    names = next(csv.reader([line], delimiter=delimiter), [])
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(path, f"has two columns called {twice[0]!r}")
    return names, delimiter


def _next_rows(row: int, count: int, broken: dict[int, bytes]) -> list[int]:
    """Return the numbers of the next `count` rows from `row` on, skipping those set aside by the parser."""
    rows: list[int] = []
    while len(rows) < count:
        if row + 2 not in broken:  # the parser counts from 1 and counts the header
            rows.append(row)
        row += 1
    return rows


def _decode(cells: pa.Array) -> tuple[pa.Array, list[int]]:
    """Return cells as text, with the positions of those that are no UTF-8 (left empty)."""
    try:
        return cells.cast(pa.string()), []
    except pa.ArrowInvalid:
        pass
    decoded: list[str] = []
    wrong: list[int] = []
    for position, cell in enumerate(cells.to_pylist()):
        try:
            decoded.append(cell.decode())
        except UnicodeDecodeError:
            decoded.append("")
            wrong.append(position)
    return pa.array(decoded, pa.string()), wrong


def _typed(name: str, cells: pa.Array, types: dict[str, type]) -> tuple[pa.Array, list[int]]:
    """Give cells their column's type, settling it when this is the first block; empty cells become null."""
    filled = pc.if_else(pc.equal(pc.utf8_trim_whitespace(cells), ""), None, cells)
    values = filled.to_pylist()
    if name not in types:
        types[name] = _infer([value for value in values if value is not None])
    parse = _PARSERS.get(types[name])
    if parse is None:
        return filled, []
    parsed: list[object] = []
    wrong: list[int] = []
    for position, value in enumerate(values):
        try:
            parsed.append(None if value is None else parse(value))
        except ValueError:
            parsed.append(None)
            wrong.append(position)
    return pa.array(parsed, _ARROW_TYPES[types[name]]), wrong


def _infer(values: list[str]) -> type:
    """Return the narrowest type all values have: bool, int, float or str."""
    if any(
        value.strip().lstrip("+-")[:1] == "0" and value.strip().lstrip("+-")[1:2].isdigit()
        for value in values
    ):
        return str
    for kind in (bool, int, float):
        try:
            for value in values:
                _PARSERS[kind](value)
        except ValueError:
            continue
        return kind if values else str
    return str


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


_PARSERS: dict[type, Any] = {bool: _as_bool, int: _as_int, float: float}
_ARROW_TYPES: dict[type, pa.DataType] = {bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
