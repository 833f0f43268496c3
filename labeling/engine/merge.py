"""What makes one folder of many parts: repeated ids resolved, counts added up, and the manifest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from ..faults import InputError, SidelightError
from ..folder import PRIVATE_FILE, write_file
from ..readers.quarantine import HARMLESS, NOTHING
from ..readers.versions import DUPLICATE, REASONS, Corrections, resolve
from ..schema import LabelSchema
from ..vote_files import FORMAT
from .counts import add_counts, write_counts, write_totals
from .job import FunctionKey, digest
from .store import VERSION, PartStore, choose_groups

_BUCKET = 100_000
"""Records whose ids are compared at once, so that memory stays flat however many there are."""

_ENTRY = np.dtype([("hash", "<u8"), ("version", "<i8"), ("part", "<u4"), ("row", "<u4")])


@dataclass
class _Found:
    """A part as it stands on disk."""

    store: PartStore
    receipt: dict[str, Any]
    groups: list[dict[str, Any]]
    dropped: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Whole:
    """What all parts of a folder have in common.

    Parameters
    ----------
    parts : tuple of str
        Their keys, in the order of the export.
    functions : tuple of FunctionKey
        The columns.
    schema : LabelSchema
        The classes.
    sources : tuple of mapping
        The input files.
    events : str
        Hash of the files that hold events.
    id_field : str
        The export's column of ids, "" where ids have versions.
    """

    parts: tuple[str, ...]
    functions: tuple[FunctionKey, ...]
    schema: LabelSchema
    sources: tuple[Mapping[str, Any], ...]
    events: str = ""
    id_field: str = ""


def merge(folder: Path, whole: Whole) -> dict[str, Any]:
    """Write what belongs to all parts together, the manifest last, and return it."""
    keys = whole.functions
    parts = [_open(folder, key, keys) for key in whole.parts]
    for part in parts:
        _drop_poison(part, keys)
    _drop_repeated(parts, folder)
    n_rows = sum(part.receipt["n_rows"] for part in parts)
    if n_rows == sum(part.receipt["reasons"].get(reason, 0) for part in parts for reason in NOTHING):
        raise InputError(whole.sources[0]["file"] if whole.sources else folder, "holds no rows")
    files = [write_counts(part.store, keys, part.groups, whole.schema) for part in parts]
    lost = _dropped_votes(parts, whole)
    moments, patterns = add_counts(files, whole.schema, [key.name for key in keys], lost)
    reasons = _write_quarantine(parts, folder, whole.id_field)
    write_file(
        folder / "dropped.json", orjson.dumps({p.store.key: sorted(p.dropped) for p in parts if p.dropped})
    )
    n_records = sum(part.receipt["n_records"] - len(part.dropped) for part in parts)
    n_quarantined = sum(reasons.values())
    if n_rows != n_records + n_quarantined or moments.n_records != n_records:
        raise SidelightError(f"{n_rows} rows in, but {n_records} labeled and {n_quarantined} set aside")
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "schema": whole.schema.to_json(),
        "functions": [
            {**key.to_json(), "errors": sum(_entry(part, key.key)["errors"] for part in parts)}
            for key in keys
        ],
        "n_rows": n_rows,
        "n_records": n_records,
        "n_quarantined": n_quarantined,
        "n_damaged": sum(n for reason, n in reasons.items() if reason.partition(":")[0] not in HARMLESS),
        "reasons": reasons,
        "id_field": whole.id_field,
        "sources": [dict(source) for source in whole.sources],
        "events": whole.events,
        "parts": [
            {
                "key": part.store.key,
                "n_records": part.receipt["n_records"],
                "n_dropped": len(part.dropped),
                "digest": part_digest(
                    part.receipt["digest"], [_entry(part, key.key)["digest"] for key in keys]
                ),
            }
            for part in parts
        ],
        "counts": write_totals(folder, moments, patterns),
    }
    write_file(folder / "manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return manifest


def part_digest(rows: str, columns: Sequence[str]) -> str:
    """Return the hash that stands for a part's records and votes."""
    return digest("part", rows, list(columns))


def _open(folder: Path, key: str, functions: Sequence[FunctionKey]) -> _Found:
    store = PartStore(folder, key)
    receipt, groups = store.receipts()
    if receipt is None or len(choose_groups(functions, groups)) < len(functions):
        raise SidelightError(f"part {key} is not complete; run `sidelight retry`")
    return _Found(store, receipt, groups)


def _entry(part: _Found, key: str) -> Mapping[str, Any]:
    """Return what a receipt says of a function."""
    return next(f for receipt in part.groups for f in receipt["functions"] if f["key"] == key)


def _drop_poison(part: _Found, functions: Sequence[FunctionKey]) -> None:
    """Drop the rows that kill a process in one of the functions that are looked at."""
    chosen = set(choose_groups(functions, part.groups).values())
    for receipt in part.groups:
        if receipt["group"] in chosen:
            part.dropped |= dict.fromkeys(receipt["poison"], "worker_died")


def _drop_repeated(parts: Sequence[_Found], folder: Path) -> None:
    """Drop all but one of the records with one id, wherever they are, and those that were replaced or taken back."""
    total = sum(part.receipt["n_records"] for part in parts)
    corrections = Corrections()
    for part in parts:
        corrections.add(Corrections.from_json(part.receipt))
    n_buckets = max(1, total // _BUCKET)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".sidelight-ids-") as home:
        for number, part in enumerate(parts):
            table = part.store.rows(["hash", "version"])
            entries = np.zeros(table.num_rows, dtype=_ENTRY)
            entries["hash"], entries["version"] = (
                table.column("hash").to_numpy(),
                table.column("version").to_numpy(),
            )
            entries["part"], entries["row"] = number, np.arange(table.num_rows)
            bucket = entries["hash"] % np.uint64(n_buckets)
            for place in np.unique(bucket):
                with (Path(home) / f"{place}").open("ab") as file:
                    file.write(entries[bucket == place].tobytes())
        for file_path in sorted(Path(home).iterdir()):
            entries = np.fromfile(file_path, dtype=_ENTRY)
            fates = resolve(entries["hash"], entries["version"], corrections)
            for place in np.flatnonzero(fates):
                part = parts[int(entries["part"][place])]
                part.dropped.setdefault(int(entries["row"][place]), REASONS[int(fates[place])])


def _dropped_votes(parts: Sequence[_Found], whole: Whole) -> Iterator[NDArray[np.int8]]:
    """Yield the votes on rows that were dropped, whose counts are taken back."""
    for part in parts:
        if part.dropped:
            votes = part.store.votes(whole.functions, part.groups, whole.schema, with_ids=False)
            yield votes.dense()[sorted(part.dropped)]


def _write_quarantine(parts: Sequence[_Found], folder: Path, id_field: str) -> dict[str, int]:
    """Write all rows set aside, part by part, and return how many for each reason."""
    reasons: dict[str, int] = {}
    draft = folder / ".sidelight-quarantine"
    with draft.open("wb") as out:
        draft.chmod(PRIVATE_FILE)
        for part in parts:
            for reason, count in part.receipt["reasons"].items():
                reasons[reason] = reasons.get(reason, 0) + count
            out.write((part.store.path / "quarantine.jsonl").read_bytes())
            if not part.dropped:
                continue
            rows = part.store.rows(["source", "offset", "line"]).to_pydict()
            for row, reason in sorted(part.dropped.items()):
                field = id_field if reason == REASONS[DUPLICATE] else ""
                listed = f"{reason}:{field}" if field else reason
                reasons[listed] = reasons.get(listed, 0) + 1
                entry = {
                    "source": part.receipt["sources"][rows["source"][row]], "offset": rows["offset"][row],
                    "reason": reason, "field": field, "sha256": "", "line": rows["line"][row],
                }  # fmt: skip
                out.write(orjson.dumps(entry) + b"\n")
    draft.replace(folder / "quarantine.jsonl")
    return dict(sorted(reasons.items()))
