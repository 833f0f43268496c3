"""Parts on disk: rows once, a file of vote columns for each group of functions, and the receipts that commit them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..faults import InputError
from ..folder import PRIVATE_FOLDER, write_file
from ..schema import LabelSchema
from ..vote_files import from_table, to_table
from ..votes import FunctionInfo, VoteMatrix
from .job import FunctionKey, digest

VERSION = 2
"""Version of the layout; 1 is a folder with one part that holds everything."""


@dataclass(frozen=True)
class Rows:
    """The records of a part: who they are and where they stand."""

    ids: list[str]
    patients: list[str | None]
    sources: NDArray[np.int32]
    offsets: NDArray[np.int64]
    lines: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    versions: NDArray[np.int64]

    def to_table(self) -> pa.Table:
        """Return the records as a table."""
        return pa.table(
            {
                "id": pa.array(self.ids, pa.string()),
                "patient_id": pa.array(self.patients, pa.string()),
                "source": self.sources,
                "offset": self.offsets,
                "line": self.lines,
                "hash": self.hashes,
                "version": self.versions,
            }
        )


class PartStore:
    """The files of one part, below ``parts/KEY`` of a folder of votes."""

    def __init__(self, folder: str | Path, key: str) -> None:
        self.key = key
        self.path = Path(folder) / "parts" / key

    def prepare(self) -> None:
        """Make the part's folder."""
        try:
            for folder in (self.path.parent, self.path):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(self.path, f"cannot be written ({error.strerror})") from None

    def receipts(self) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return the receipt of the rows, None without one, and those of the columns, in order of name."""
        rows: dict[str, Any] | None = None
        groups: list[dict[str, Any]] = []
        for file in sorted(self.path.glob("*.json")) if self.path.is_dir() else []:
            try:
                receipt = orjson.loads(file.read_bytes())
            except (OSError, orjson.JSONDecodeError):
                continue
            if file.name == "rows.json":
                rows = receipt
            elif receipt.get("key") == self.key:
                groups.append(receipt)
        return rows, groups

    def write_rows(
        self, rows: Rows, receipt: Mapping[str, Any], quarantine: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write the records and what was set aside, then the receipt."""
        self._write_table("rows.parquet", rows.to_table())
        write_file(self.path / "quarantine.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in quarantine))
        write_file(self.path / "rows.json", orjson.dumps(dict(receipt), option=orjson.OPT_INDENT_2))

    def erase_rows(self, theirs: NDArray[np.bool_]) -> None:
        """Take records out of the rows, and say in the quarantine where they stood."""
        receipt, _ = self.receipts()
        assert receipt is not None  # noqa: S101 - only complete parts are asked
        table = self.rows()
        gone, kept = table.filter(pa.array(theirs)), table.filter(pa.array(~theirs))
        places = gone.select(["source", "offset", "line"]).to_pylist()
        lines = (self.path / "quarantine.jsonl").read_bytes()
        for place in places:
            source = receipt["sources"][place.pop("source")]
            entry = {"source": source, **place, "reason": "erased", "field": "", "sha256": ""}
            lines += orjson.dumps(entry) + b"\n"
        reasons = {**receipt["reasons"], "erased": receipt["reasons"].get("erased", 0) + gone.num_rows}
        receipt["n_records"] -= gone.num_rows
        receipt["n_quarantined"] += gone.num_rows
        receipt |= {"reasons": dict(sorted(reasons.items())), "digest": rows_digest(kept)}
        self._write_table("rows.parquet", kept)
        write_file(self.path / "quarantine.jsonl", lines)
        write_file(self.path / "rows.json", orjson.dumps(receipt, option=orjson.OPT_INDENT_2))

    def write_columns(
        self,
        keys: Sequence[FunctionKey],
        votes: VoteMatrix,
        faults: Sequence[Mapping[str, int]],
        poison: Sequence[int],
        versions: Any,
    ) -> dict[str, Any]:
        """Write the columns of some functions, then their receipt, and return it."""
        group = digest(sorted(key.key for key in keys))[:16]
        columns = to_table(votes)
        columns = columns.drop_columns(
            [name for name in ("id", "patient_id") if name in columns.column_names]
        )
        self._write_table(f"{group}.parquet", columns)
        receipt = {
            "key": self.key,
            "group": group,
            "n_records": votes.n_records,
            "functions": [
                {
                    **key.to_json(),
                    "errors": sum(raised.values()),
                    "faults": dict(sorted(raised.items())),
                    "digest": column_digest(columns, key.name),
                }
                for key, raised in zip(keys, faults, strict=True)
            ],
            "poison": [int(row) for row in poison],
            "versions": dict(versions),
        }
        write_file(self.path / f"{group}.json", orjson.dumps(receipt, option=orjson.OPT_INDENT_2))
        return receipt

    def rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the records, or some of their columns."""
        return self._read_table("rows.parquet", columns)

    def columns(self, keys: Sequence[FunctionKey], groups: Sequence[Mapping[str, Any]]) -> pa.Table:
        """Return the vote columns of some functions, with their side channels."""
        chosen = choose_groups(keys, groups)
        tables: dict[str, pa.Table] = {}
        arrays: dict[str, Any] = {}
        for key in keys:
            group = chosen[key.key]
            if group not in tables:
                tables[group] = self._read_table(f"{group}.parquet")
            for prefix in ("vote", "confidence", "classes", "evidence"):
                name = f"{prefix}:{key.name}"
                if name in tables[group].column_names:
                    arrays[name] = tables[group].column(name)
        return pa.table(arrays)

    def votes(
        self,
        keys: Sequence[FunctionKey],
        groups: Sequence[Mapping[str, Any]],
        schema: LabelSchema,
        *,
        with_ids: bool = True,
        without: Sequence[int] = (),
    ) -> VoteMatrix:
        """Return the votes of some functions on the part's records, but for the rows in `without`."""
        table = self.columns(keys, groups)
        if with_ids:
            rows = self.rows(["id", "patient_id"])
            table = table.add_column(0, "id", rows.column("id"))
            table = table.add_column(1, "patient_id", rows.column("patient_id"))
        if len(without):
            table = table.filter(pa.array(~np.isin(np.arange(table.num_rows), without)))
        infos = tuple(FunctionInfo(key.name, key.fingerprint, key.polarity) for key in keys)
        return from_table(table, schema, infos)

    def _write_table(self, name: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        write_file(self.path / name, sink.getvalue().to_pybytes())

    def _read_table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        try:
            with pq.ParquetFile(self.path / name) as file:
                return file.read(columns=None if columns is None else list(columns))
        except (OSError, pa.ArrowException):
            raise InputError(
                self.path / name,
                "is missing or was changed after it was written; run `sidelight label` again",
            ) from None


def choose_groups(keys: Sequence[FunctionKey], groups: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return which group holds each function's column, by function key; functions without one are left out."""
    known: dict[str, str] = {}
    for receipt in groups:
        for function in receipt["functions"]:
            known.setdefault(function["key"], receipt["group"])
    return {key.key: known[key.key] for key in keys if key.key in known}


def faults_of(function: Mapping[str, Any]) -> dict[str, int]:
    """Return how often a function raised what, as a receipt has it; older receipts only know how often."""
    n: int = function["errors"]
    return dict(function.get("faults", {"raised": n} if n else {}))


def column_digest(table: pa.Table, name: str) -> str:
    """Return a hash of a function's votes and of what stands beside them."""
    votes = table.column(f"vote:{name}").to_numpy()
    found = hashlib.sha256(np.ascontiguousarray(votes, dtype=np.int8).tobytes())
    for prefix in ("confidence", "classes", "evidence"):
        if f"{prefix}:{name}" in table.column_names:
            found.update(prefix.encode())
            found.update(orjson.dumps(table.column(f"{prefix}:{name}").to_pylist()))
    return found.hexdigest()[:32]


def rows_digest(table: pa.Table) -> str:
    """Return a hash of the ids and patients of records, in their order."""
    found = hashlib.sha256()
    for name in ("id", "patient_id"):
        found.update(orjson.dumps(table.column(name).to_pylist()))
    return found.hexdigest()[:32]
