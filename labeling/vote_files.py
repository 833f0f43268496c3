"""Votes on disk: a folder whose files are the same, byte for byte, for the same records and functions."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from .faults import InputError
from .folder import write_file, write_folder
from .readers import QuarantinedRow
from .schema import LabelSchema
from .votes import FunctionInfo, RunStatistics, VoteMatrix

FORMAT = "sidelight-votes"
VERSION = 2
"""2 is what the engine writes: a folder of parts; 1 holds everything in one part, and is what `write_votes` writes."""
_SPAN = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))


def write_votes(
    votes: VoteMatrix,
    path: str | Path,
    *,
    sources: Iterable[Mapping[str, Any]] = (),
    quarantine: Iterable[QuarantinedRow] = (),
    log: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write votes to a folder, all or nothing.

    The folder holds `manifest.json` (classes, functions and fingerprints, counts, sources, a hash of each part),
    `parts/` (Parquet: `id`, `patient_id` and an int8 column for each function, named `vote:NAME`), `quarantine.jsonl`
    (where and why rows were set aside, no text) and `run.log.jsonl`, the only file that varies between runs.

    Parameters
    ----------
    votes : VoteMatrix
        What to write.
    path : path-like
        The folder to make.
    sources : iterable of mapping, optional
        What identifies each input file.
    quarantine : iterable of QuarantinedRow, optional
        Rows of the export that were set aside.
    log : mapping, optional
        What varies between runs: times, versions, seconds a function.
    overwrite : bool, default False
        Replace an older folder of that name.
    """
    with write_folder(path, overwrite=overwrite) as folder:
        part = folder / "parts" / "part-00000.parquet"
        part.parent.mkdir()
        pq.write_table(to_table(votes), part, compression="zstd")
        rows = list(quarantine)
        errors = (
            votes.statistics.errors
            if votes.statistics is not None
            else np.zeros(votes.n_functions, dtype=int)
        )
        manifest = {
            "format": FORMAT,
            "version": 1,
            "schema": votes.schema.to_json(),
            "functions": [
                {**asdict(function), "errors": int(n)}
                for function, n in zip(votes.functions, errors, strict=True)
            ],
            "n_records": votes.n_records,
            "n_quarantined": len(rows),
            "sources": [dict(source) for source in sources],
            "parts": [
                {"file": "parts/part-00000.parquet", "n_records": votes.n_records, "sha256": _sha256(part)}
            ],
        }
        write_file(folder / "manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        write_file(folder / "quarantine.jsonl", b"".join(orjson.dumps(asdict(row)) + b"\n" for row in rows))
        seconds = votes.statistics.seconds.tolist() if votes.statistics is not None else None
        line = {**(log or {}), "seconds": dict(zip(votes.names, seconds, strict=True)) if seconds else None}
        write_file(folder / "run.log.jsonl", orjson.dumps(line) + b"\n")
    return Path(path)


def read_votes(path: str | Path) -> VoteMatrix:
    """Read the votes of a folder that `write_votes` wrote.

    Raises
    ------
    InputError
        When the folder is no such folder, comes from a newer version, or a part was changed.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    if manifest["version"] > 1:
        return _read_parts(folder)
    schema = LabelSchema.from_json(manifest["schema"])
    functions = tuple(
        FunctionInfo(
            entry["name"], entry["fingerprint"], tuple(entry["polarity"]), _pair(entry.get("accuracy"))
        )
        for entry in manifest["functions"]
    )
    tables = []
    for part in manifest["parts"]:
        file = folder / part["file"]
        if not file.is_file() or _sha256(file) != part["sha256"]:
            raise InputError(
                file, "is missing or was changed after it was written; run `sidelight label` again"
            )
        tables.append(pq.read_table(file))
    votes = from_table(pa.concat_tables(tables), schema, functions)
    errors = np.array([entry["errors"] for entry in manifest["functions"]], dtype=np.int64)
    seconds = _seconds(folder, votes.names)
    if seconds is not None:
        object.__setattr__(votes, "statistics", RunStatistics(errors, seconds))
    return votes


def iter_votes(path: str | Path) -> Iterator[VoteMatrix]:
    """Yield the votes of a folder part by part, so that memory stays flat."""
    from .engine.folder_votes import part_votes

    folder = Path(path)
    if read_manifest(folder)["version"] == 1:
        yield read_votes(folder)
        return
    yield from part_votes(folder)


def _read_parts(folder: Path) -> VoteMatrix:
    """Read the votes of all parts of a folder that the engine wrote."""
    from .engine.folder_votes import all_votes

    return all_votes(folder)


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Return the manifest of a folder of votes, checked for format and version."""
    file = Path(folder) / "manifest.json"
    try:
        manifest = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        if file.with_name("plan.json").is_file() or file.with_name("inputs.json").is_file():
            raise InputError(
                folder, "its labeling is not finished: wait for it, or go on with `sidelight retry`"
            ) from None
        raise InputError(folder, "is no folder of votes (it has no readable manifest.json)") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(folder, "is no folder of votes")
    if manifest["version"] > VERSION:
        raise InputError(folder, f"was written by a newer sidelight (votes version {manifest['version']})")
    return manifest


def to_table(votes: VoteMatrix) -> pa.Table:
    """Return votes as a table: one row a record, one column a function, and side channels where used."""
    columns: dict[str, pa.Array] = {}
    for name in ("ids", "patient_ids"):
        values = getattr(votes, name)
        if values is not None:
            columns[name.removesuffix("s")] = pa.array(values.tolist(), pa.string())
    dense = votes.dense()
    for j, name in enumerate(votes.names):
        columns[f"vote:{name}"] = pa.array(dense[:, j], pa.int8())
    for j, name in enumerate(votes.names):
        if votes.confidence is not None:
            columns[f"confidence:{name}"] = pa.array(votes.confidence[:, j], pa.float32())
        if votes.class_sets is not None:
            columns[f"classes:{name}"] = pa.array(votes.class_sets[:, j].tolist(), pa.list_(pa.uint64()))
    if votes.evidence:
        spans: list[list[list[dict[str, int]] | None]] = [[None] * votes.n_records for _ in votes.names]
        for (row, j), found in votes.evidence.items():
            spans[j][row] = [{"start": start, "end": end} for start, end in found]
        for name, cells in zip(votes.names, spans, strict=True):
            columns[f"evidence:{name}"] = pa.array(cells, _SPAN)
    return pa.table(columns)


def from_table(table: pa.Table, schema: LabelSchema, functions: tuple[FunctionInfo, ...]) -> VoteMatrix:
    """Read what `to_table` made."""
    names = [function.name for function in functions]
    values = np.empty((table.num_rows, len(names)), dtype=np.int8)
    for j, name in enumerate(names):
        values[:, j] = table.column(f"vote:{name}").to_numpy()

    def channel(prefix: str, default: Any) -> list[Any] | None:
        present = [name for name in names if f"{prefix}:{name}" in table.column_names]
        if not present:
            return None
        missing = [default] * table.num_rows
        return [
            table.column(f"{prefix}:{name}").to_pylist() if name in present else missing for name in names
        ]

    n_words = -(-schema.cardinality // 64)
    places = (len(names), table.num_rows, n_words)
    confidence, sets = channel("confidence", 1.0), channel("classes", [0] * n_words)
    spans = channel("evidence", None)
    evidence = {
        (row, j): tuple((span["start"], span["end"]) for span in found)
        for j, cells in enumerate(spans or ())
        for row, found in enumerate(cells)
        if found
    }
    return VoteMatrix(
        values,
        schema,
        functions,
        ids=np.array(table.column("id").to_pylist(), dtype=np.str_) if "id" in table.column_names else None,
        patient_ids=_texts(table, "patient_id"),
        confidence=None if confidence is None else np.array(confidence, dtype=np.float32).T,
        class_sets=None
        if sets is None
        else np.array(sets, dtype=np.uint64).reshape(places).transpose(1, 0, 2),
        evidence=evidence,
    ).compact()


def _texts(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return None
    return np.array([value or "" for value in table.column(name).to_pylist()], dtype=np.str_)


def _seconds(folder: Path, names: tuple[str, ...]) -> Any:
    """Return the seconds each function took in the run that wrote the folder, None when not known."""
    try:
        lines = (folder / "run.log.jsonl").read_bytes().splitlines()
        seconds = orjson.loads(lines[-1]).get("seconds") if lines else None
    except (OSError, orjson.JSONDecodeError):
        return None
    return np.array([seconds.get(name, np.nan) for name in names]) if seconds else None


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _pair(value: Any) -> tuple[float, float] | None:
    """Return a declared accuracy as it was, None where none was declared."""
    return None if value is None else (float(value[0]), float(value[1]))
